//! Why a wallet refuses.

use super::{InvalidWallet, MemberRole, ProposalStatus};
use crate::api::InternalError;
use cairn_events::{Amount, Principal, Timestamp};
use candid::{CandidType, Deserialize};

/// Why a wallet refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum WalletError {
    /// The request must be mended.
    #[error(transparent)]
    Request(#[from] WalletRequestError),
    /// Another attempt may succeed.
    #[error(transparent)]
    Temporary(#[from] WalletTemporaryError),
    /// Something is wrong on our side.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

/// What is wrong with a request to a wallet.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum WalletRequestError {
    /// Anonymous callers decide nothing.
    #[error("anonymous callers are refused")]
    Anonymous,
    /// The caller may not do this, or may not read this wallet.
    #[error("{caller} may not call this")]
    Unauthorized {
        /// Who called.
        caller: Principal,
    },
    /// No such proposal.
    #[error("there is no proposal {proposal}")]
    UnknownProposal {
        /// What was asked for.
        proposal: u64,
    },
    /// The proposal is decided, executed or void already.
    #[error("proposal {proposal} is {status}")]
    NotOpen {
        /// Which proposal.
        proposal: u64,
        /// What became of it.
        status: ProposalStatus,
    },
    /// The caller has said the same already.
    #[error("{signer} has voted so on proposal {proposal} already")]
    AlreadyVoted {
        /// Which proposal.
        proposal: u64,
        /// Who.
        signer: Principal,
    },
    /// Only who proposed may cancel.
    #[error("proposal {proposal} is {proposer}'s")]
    NotProposer {
        /// Which proposal.
        proposal: u64,
        /// Whose it is.
        proposer: Principal,
    },
    /// Too few of the present signers approve.
    #[error("proposal {proposal} has {approvals} approvals of present signers, {required} are needed")]
    NotApproved {
        /// Which proposal.
        proposal: u64,
        /// Approvals that count.
        approvals: u32,
        /// What its risk asks for.
        required: u32,
    },
    /// A proposal that this one depends on has not been executed.
    #[error("proposal {proposal} depends on {dependency}, which is {status}")]
    DependencyUnmet {
        /// Which proposal.
        proposal: u64,
        /// On which one it depends.
        dependency: u64,
        /// What that one is.
        status: ProposalStatus,
    },
    /// The caller has as many open proposals as one may have.
    #[error("{found} open proposals; at most {max}")]
    TooManyOpen {
        /// How many.
        found: u64,
        /// How many there may be.
        max: u64,
    },
    /// An amount is zero.
    #[error("item {item}: the amount is zero")]
    ZeroAmount {
        /// Which payment, from 0.
        item: u64,
    },
    /// The amounts of one ledger add up to more than can be counted.
    #[error("the amounts add up to 2^128 or more")]
    AmountOverflow,
    /// The other party cannot be one: anonymous, the management canister, or the wallet itself.
    #[error("item {item}: {principal} cannot be {role}")]
    ImpossibleParty {
        /// Which payment, from 0.
        item: u64,
        /// Who.
        principal: Principal,
        /// As what.
        role: String,
    },
    /// The wallet must not make this call.
    #[error("{method} of {canister} must not be called: {reason}")]
    ForbiddenCall {
        /// The callee.
        canister: Principal,
        /// The method.
        method: String,
        /// Why.
        reason: String,
    },
    /// A time is not where it must be.
    #[error("{field}: {found} ns; after {min}, at most {max}")]
    TimeOutOfRange {
        /// Which one.
        field: String,
        /// What came.
        found: u64,
        /// What it must be after.
        min: u64,
        /// The most.
        max: u64,
    },
    /// The wallet would be one that cannot be; or a text or list is too long.
    #[error(transparent)]
    Invalid(InvalidWallet),
    /// The principal has a role already.
    #[error("{principal} is {role} already")]
    AlreadyMember {
        /// Who.
        principal: Principal,
        /// Which role.
        role: MemberRole,
    },
    /// The principal does not have the role.
    #[error("{principal} is no {role}")]
    NotMember {
        /// Who.
        principal: Principal,
        /// Which role.
        role: String,
    },
    /// Nothing would change.
    #[error("nothing would change: {what}")]
    NoChange {
        /// What is so already.
        what: String,
    },
    /// The guardians cannot recover this wallet.
    #[error("recovery is switched off")]
    RecoveryDisabled,
    /// No such plan of recovery.
    #[error("there is no recovery plan {plan}")]
    UnknownPlan {
        /// What was asked for.
        plan: u64,
    },
    /// As many assets are watched as may be.
    #[error("{found} assets are watched; at most {max}")]
    TooManyAssets {
        /// How many.
        found: u64,
        /// How many there may be.
        max: u64,
    },
}

/// Why a wallet cannot do it now.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum WalletTemporaryError {
    /// The timelock has not passed.
    #[error("locked until {until}")]
    Timelocked {
        /// When it will have, in nanoseconds.
        until: Timestamp,
    },
    /// The daily limit would be exceeded.
    #[error("{requested} of {ledger} asked for, {available} of {limit} a day are left until {retry_at}")]
    DailyLimit {
        /// The ledger.
        ledger: Principal,
        /// The limit.
        limit: Amount,
        /// What is left of it.
        available: Amount,
        /// What was asked for.
        requested: Amount,
        /// When more will be left; if the limit was used up to that degree at all.
        retry_at: Timestamp,
    },
    /// The wallet is frozen: it must be unfrozen first.
    #[error("frozen since {since}")]
    Frozen {
        /// Since when.
        since: Timestamp,
    },
    /// The guardians are recovering the wallet.
    #[error("being recovered, from {executable_at} on")]
    Recovering {
        /// When the recovery can be executed.
        executable_at: Timestamp,
    },
    /// Who had frozen the wallet, and was overruled, must wait before doing so again.
    #[error("wait until {until}")]
    CoolingDown {
        /// Until when.
        until: Timestamp,
    },
    /// The recovery's delay has not passed, or its plan lacks approvals.
    #[error("the recovery is not due: {approvals} of {required} guardians, due at {due:?}")]
    RecoveryNotDue {
        /// Guardians that approve.
        approvals: u32,
        /// Guardians needed.
        required: u32,
        /// When the delay will have passed, once they are enough.
        due: Option<Timestamp>,
    },
    /// The wallet holds too few cycles for the call.
    #[error("{balance} cycles, {required} needed")]
    CyclesLow {
        /// What there is.
        balance: u64,
        /// What is needed, with the wallet's own reserve.
        required: u64,
    },
    /// The caller has done too much within the hour: everything is recorded, and nobody may fill the memory.
    #[error("wait until {retry_at}")]
    RateLimited {
        /// Until when.
        retry_at: Timestamp,
    },
    /// As much is being executed as may be at once, or this is.
    #[error("busy")]
    Busy,
}

impl From<InvalidWallet> for WalletError {
    fn from(invalid: InvalidWallet) -> Self {
        WalletError::Request(WalletRequestError::Invalid(invalid))
    }
}
