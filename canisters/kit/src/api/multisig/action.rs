//! What signers propose. An action is stored as it was proposed, and executed as it is stored: what is approved is what
//! is done.

use super::{AssetPolicy, NewMember, NewSigner, RecoveryRules, SignerRole};
use cairn_events::payload::Account;
use cairn_events::{Amount, Principal};
use candid::{CandidType, Deserialize};
use serde::Serialize;
use serde_bytes::ByteBuf;

/// What a proposal would do.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Action {
    /// Pay.
    Transfer(TokenTransfer),
    /// Pay several times, one after the other; what fails does not stop the rest. 1 to 50.
    BatchTransfer(Vec<TokenTransfer>),
    /// Let somebody draw on the wallet (ICRC-2).
    TokenApproval(TokenApproval),
    /// Change the wallet itself.
    WalletModification(WalletChange),
    /// Call another canister.
    ContractCall(ContractCall),
    /// Act in an emergency, without a timelock.
    EmergencyAction(EmergencyAct),
}

/// A payment from the wallet's default account (ICRC-1).
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct TokenTransfer {
    /// The token's ledger.
    pub ledger: Principal,
    /// Who is paid.
    pub to: Account,
    /// What arrives, in the smallest unit; the wallet pays the ledger's fee on top.
    pub amount: Amount,
    /// At most 32 bytes. Without it the transfer carries one by which it can be found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memo: Option<ByteBuf>,
}

/// An allowance on the wallet's default account (ICRC-2).
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct TokenApproval {
    /// The token's ledger.
    pub ledger: Principal,
    /// Who may draw.
    pub spender: Account,
    /// The new allowance, in the smallest unit; zero revokes.
    pub amount: Amount,
    /// The allowance that it replaces, if that matters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected_allowance: Option<Amount>,
    /// When it ends, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<u64>,
}

/// A call to another canister. It is made at most once.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ContractCall {
    /// The callee: neither the wallet itself, nor a ledger that the wallet watches or limits.
    pub canister: Principal,
    /// Its method, 1 to 64 bytes; the methods that move tokens are refused, but for `icrc7_transfer`, by which an NFT
    /// leaves: that needs every signer.
    pub method: String,
    /// Candid, at most 20,000 bytes.
    pub args: ByteBuf,
    /// Cycles that go along.
    pub cycles: u64,
}

/// A change of the wallet.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum WalletChange {
    /// One more signer.
    AddSigner {
        /// Who.
        signer: NewSigner,
        /// The threshold from then on, if it changes.
        threshold: Option<u32>,
    },
    /// One signer less.
    RemoveSigner {
        /// Who.
        signer: Principal,
        /// The threshold from then on, if it changes.
        threshold: Option<u32>,
    },
    /// Another role for a signer.
    UpdateSignerRole {
        /// Who.
        signer: Principal,
        /// Which.
        role: SignerRole,
    },
    /// Another threshold.
    ChangeThreshold {
        /// Which.
        threshold: u32,
    },
    /// One more observer.
    AddObserver(NewMember),
    /// One observer less.
    RemoveObserver(Principal),
    /// One more guardian.
    AddGuardian(NewMember),
    /// One guardian less.
    RemoveGuardian(Principal),
    /// Whether strangers may read.
    ChangeVisibility {
        /// Whether they may.
        public: bool,
    },
    /// Another name and description.
    Rename {
        /// The name.
        name: String,
        /// The description.
        description: Option<String>,
    },
    /// Other times.
    ChangeTimes {
        /// The timelock, in nanoseconds.
        timelock: u64,
        /// The life of a proposal, in nanoseconds.
        proposal_lifetime: u64,
    },
    /// Whether changes need every signer.
    ChangeConsensus {
        /// Whether they do.
        required: bool,
    },
    /// Limits of a ledger, in place of those it has.
    SetAssetPolicy(AssetPolicy),
    /// No limits of a ledger any more.
    RemoveAssetPolicy(Principal),
    /// How guardians replace signers.
    ChangeRecovery {
        /// How; absent if they cannot.
        rules: Option<RecoveryRules>,
    },
}

/// An emergency act.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum EmergencyAct {
    /// Nothing leaves the wallet any more.
    FreezeWallet,
    /// The end of that.
    UnfreezeWallet,
    /// The guardians' recovery is stopped.
    DisableRecoveryMode,
    /// A payment that is made even when the wallet is frozen.
    EmergencyTransfer(TokenTransfer),
}

/// The argument of `createProposal`.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ProposalArgs {
    /// For people: 1 to 100 characters.
    pub title: String,
    /// For people: at most 2,000 bytes.
    pub description: String,
    /// What it would do.
    pub action: Action,
    /// Nanoseconds until it is void; longer than the timelock, at most the wallet's `proposal_lifetime`, which it is
    /// unless given.
    pub lifetime: Option<u64>,
    /// Proposals that must have been executed first: at most 10.
    pub depends_on: Vec<u64>,
}
