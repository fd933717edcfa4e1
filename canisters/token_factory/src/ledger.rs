//! The install argument of the reference ICRC ledger suite, and what ours adds to it: optional, so that either ledger
//! can be installed with it.

use cairn_events::Principal;
use cairn_events::payload::Account;
use candid::{CandidType, Deserialize, Nat};

/// The argument of a ledger's `init`.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum LedgerArg {
    /// A new ledger.
    Init(InitArgs),
}

/// How a ledger begins.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct InitArgs {
    /// Mints by sending, burns by receiving.
    pub minting_account: Account,
    /// Where fees go; burned if absent.
    pub fee_collector_account: Option<Account>,
    /// The ledger's transfer fee.
    pub transfer_fee: Nat,
    /// Digits after the decimal point.
    pub decimals: Option<u8>,
    /// Most bytes of a memo.
    pub max_memo_length: Option<u16>,
    /// The symbol.
    pub token_symbol: String,
    /// The name.
    pub token_name: String,
    /// Further metadata.
    pub metadata: Vec<(String, MetadataValue)>,
    /// Who holds what at the start.
    pub initial_balances: Vec<(Account, Nat)>,
    /// Optional standards.
    pub feature_flags: Option<FeatureFlags>,
    /// How old blocks are archived, by the reference ledger.
    pub archive_options: ArchiveOptions,
    /// Ours: whom to notify.
    pub factory: Option<Principal>,
    /// Ours: the epoch in which notifications are numbered.
    pub callback_epoch: Option<u64>,
}

/// A value of a ledger's metadata.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum MetadataValue {
    /// Text.
    Text(String),
}

/// Optional standards of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct FeatureFlags {
    /// Whether ICRC-2 is on.
    pub icrc2: bool,
}

/// How the reference ledger archives old blocks.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ArchiveOptions {
    /// Blocks that move at once.
    pub num_blocks_to_archive: u64,
    /// Blocks beyond which some move.
    pub trigger_threshold: u64,
    /// Bytes of a message to an archive.
    pub max_message_size_bytes: Option<u64>,
    /// Bytes of an archive.
    pub node_max_memory_size_bytes: Option<u64>,
    /// Who controls archives.
    pub controller_id: Principal,
    /// Who controls archives, too.
    pub more_controller_ids: Option<Vec<Principal>>,
}
