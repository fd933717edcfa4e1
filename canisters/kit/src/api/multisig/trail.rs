//! What a wallet remembers: its stream of events, each chained to the one before.

use super::{Action, EffectOutcome, NewSigner, WalletChange};
use cairn_events::value::{Hashed, UnsupportedValue, to_form};
use cairn_events::{Hash, Principal, Timestamp};
use candid::{CandidType, Deserialize};
use serde::Serialize;

/// An entry of the trail.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct TrailEntry {
    /// Its number, from 0, without gaps.
    pub number: u64,
    /// When it happened, in nanoseconds; never before the entry before.
    pub at: Timestamp,
    /// Who caused it; the wallet itself for what follows by itself.
    pub actor: Principal,
    /// What happened.
    pub event: TrailEvent,
    /// The hash of the entry before, absent in entry 0.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<Hash>,
}

impl TrailEntry {
    /// The entry's hash: that of ICRC-3, of the entry as a map of its fields.
    ///
    /// # Errors
    /// None for what a wallet records.
    pub fn hash(&self) -> Result<Hash, UnsupportedValue> {
        to_form(self).map(|Hashed(hash)| hash)
    }
}

/// What can happen to a wallet.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum TrailEvent {
    /// It was installed.
    Created {
        /// Who had asked for it.
        creator: Principal,
        /// Its signers.
        signers: Vec<Principal>,
        /// Its threshold.
        threshold: u32,
    },
    /// Somebody proposed; that is an approval, too.
    Proposed {
        /// The proposal.
        proposal: u64,
        /// What it would do.
        action: Action,
    },
    /// A signer approved.
    Approved {
        /// The proposal.
        proposal: u64,
    },
    /// A signer said no.
    Opposed {
        /// The proposal.
        proposal: u64,
    },
    /// So many said no that the proposal can never be approved.
    Rejected {
        /// The proposal.
        proposal: u64,
    },
    /// Who proposed took it back.
    Cancelled {
        /// The proposal.
        proposal: u64,
    },
    /// The execution began.
    ExecutionBegun {
        /// The proposal.
        proposal: u64,
        /// The signers whose approvals counted.
        approvers: Vec<Principal>,
        /// Approvals needed.
        required: u32,
    },
    /// It is known what became of one payment or call.
    EffectSettled {
        /// The proposal.
        proposal: u64,
        /// Which of its payments, from 0.
        item: u32,
        /// What became of it.
        outcome: EffectOutcome,
    },
    /// The execution is over.
    Executed {
        /// The proposal.
        proposal: u64,
        /// Whether everything was done.
        success: bool,
    },
    /// The wallet was changed.
    Changed {
        /// By which proposal.
        proposal: u64,
        /// How.
        change: WalletChange,
    },
    /// The wallet was frozen.
    Frozen {
        /// Why, as was said.
        reason: String,
    },
    /// It is not frozen any more.
    Unfrozen {
        /// By which proposal.
        proposal: u64,
    },
    /// A guardian planned a recovery; that is an agreement, too.
    RecoveryProposed {
        /// The plan.
        plan: u64,
        /// Who would be signers.
        signers: Vec<NewSigner>,
        /// The threshold from then on.
        threshold: u32,
    },
    /// A guardian agreed.
    RecoveryApproved {
        /// The plan.
        plan: u64,
    },
    /// A guardian does not agree any more.
    RecoveryWithdrawn {
        /// The plan.
        plan: u64,
    },
    /// Enough guardians agree: the delay begins.
    RecoveryArmed {
        /// The plan.
        plan: u64,
        /// When the delay ends.
        executable_at: Timestamp,
    },
    /// The recovery is off.
    RecoveryStopped {
        /// The plan.
        plan: u64,
    },
    /// The signers were replaced.
    Recovered {
        /// The plan.
        plan: u64,
    },
    /// An asset is watched.
    AssetWatched {
        /// Its ledger.
        ledger: Principal,
    },
    /// It is not any more.
    AssetUnwatched {
        /// Its ledger.
        ledger: Principal,
    },
}

/// A page of the trail, oldest entry first.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct TrailPage {
    /// The entries.
    pub entries: Vec<TrailEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<u64>,
    /// Entries in all.
    pub total: u64,
}

/// The end of the trail, and the network's certificate of it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct TrailTip {
    /// Entries in all.
    pub length: u64,
    /// The hash of the last one: the 32 bytes that the canister certifies.
    pub hash: Option<Hash>,
    /// The certificate of those bytes; only in a query that is not made from another canister.
    pub certificate: Option<serde_bytes::ByteBuf>,
}
