//! The arguments of a token ledger's install and upgrade.
//!
//! Field for field those of the reference ICRC ledger, so that whoever deploys that one can deploy ours, and either can
//! be installed with these; options that make no sense for a ledger that keeps its whole log itself are accepted and
//! ignored by ours: "ignored" below is said of ours. What only ours knows is optional.

use cairn_events::payload;
use candid::{CandidType, Deserialize, Nat, Principal};
use icrc_ledger_types::icrc::generic_metadata_value::MetadataValue;
use icrc_ledger_types::icrc1::account::Account;

/// The argument of install and upgrade.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum LedgerArg {
    /// For an install.
    Init(InitArgs),
    /// For an upgrade.
    Upgrade(Option<UpgradeArgs>),
}

/// How a token begins.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct InitArgs {
    /// Mints by paying, burns by being paid.
    pub minting_account: Account,
    /// Gets the fees of transfers; without one they are burned.
    pub fee_collector_account: Option<Account>,
    /// What a transfer or an approval costs, in the smallest unit.
    pub transfer_fee: Nat,
    /// Digits after the decimal point; 8 unless given.
    pub decimals: Option<u8>,
    /// The longest memo in bytes; 32 unless given, never less.
    pub max_memo_length: Option<u16>,
    /// The currency code, 1 to 64 bytes.
    pub token_symbol: String,
    /// The name, 1 to 256 bytes.
    pub token_name: String,
    /// Further metadata; keys that the ledger computes itself are refused.
    pub metadata: Vec<(String, MetadataValue)>,
    /// Tokens minted at the beginning, one block each.
    pub initial_balances: Vec<(Account, Nat)>,
    /// Which standards are switched on; all unless given.
    pub feature_flags: Option<FeatureFlags>,
    /// Accepted and ignored: accounts are not limited.
    pub maximum_number_of_accounts: Option<u64>,
    /// Accepted and ignored: accounts are never trimmed.
    pub accounts_overflow_trim_quantity: Option<u64>,
    /// Accepted and ignored: the whole log stays in this canister.
    pub archive_options: ArchiveOptions,
    /// Ours: who is told about holders. Without it nobody is.
    pub factory: Option<Principal>,
    /// Ours: the epoch in which notifications are numbered from 1; 0 unless given.
    pub callback_epoch: Option<u64>,
}

impl InitArgs {
    /// A token that nobody holds yet and nobody is told about; everything that can be absent is.
    pub fn new(minting_account: Account, symbol: &str, name: &str, fee: impl Into<Nat>) -> Self {
        InitArgs {
            minting_account,
            fee_collector_account: None,
            transfer_fee: fee.into(),
            decimals: None,
            max_memo_length: None,
            token_symbol: symbol.to_owned(),
            token_name: name.to_owned(),
            metadata: Vec::new(),
            initial_balances: Vec::new(),
            feature_flags: None,
            maximum_number_of_accounts: None,
            accounts_overflow_trim_quantity: None,
            archive_options: ArchiveOptions::controlled_by(minting_account.owner),
            factory: None,
            callback_epoch: None,
        }
    }
}

/// Which standards are switched on.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct FeatureFlags {
    /// ICRC-2.
    pub icrc2: bool,
}

/// How the reference ledger would archive. Ignored here.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ArchiveOptions {
    /// Ignored.
    pub num_blocks_to_archive: u64,
    /// Ignored.
    pub max_transactions_per_response: Option<u64>,
    /// Ignored.
    pub trigger_threshold: u64,
    /// Ignored.
    pub max_message_size_bytes: Option<u64>,
    /// Ignored.
    pub cycles_for_archive_creation: Option<u64>,
    /// Ignored.
    pub node_max_memory_size_bytes: Option<u64>,
    /// Ignored.
    pub controller_id: Principal,
    /// Ignored.
    pub more_controller_ids: Option<Vec<Principal>>,
}

impl ArchiveOptions {
    /// Archives of a thousand blocks each, which `controller_id` controls.
    pub fn controlled_by(controller_id: Principal) -> Self {
        ArchiveOptions {
            num_blocks_to_archive: 1_000,
            max_transactions_per_response: None,
            trigger_threshold: 2_000,
            max_message_size_bytes: None,
            cycles_for_archive_creation: None,
            node_max_memory_size_bytes: None,
            controller_id,
            more_controller_ids: None,
        }
    }
}

/// What an upgrade may change; absent fields stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, CandidType, Deserialize)]
pub struct UpgradeArgs {
    /// Replaces all further metadata.
    pub metadata: Option<Vec<(String, MetadataValue)>>,
    /// The currency code.
    pub token_symbol: Option<String>,
    /// The name.
    pub token_name: Option<String>,
    /// The fee.
    pub transfer_fee: Option<Nat>,
    /// Who gets the fees of transfers.
    pub change_fee_collector: Option<ChangeFeeCollector>,
    /// The longest memo.
    pub max_memo_length: Option<u16>,
    /// Which standards are switched on.
    pub feature_flags: Option<FeatureFlags>,
    /// Accepted and ignored.
    pub accounts_overflow_trim_quantity: Option<u64>,
    /// Accepted and ignored.
    pub change_archive_options: Option<ChangeArchiveOptions>,
    /// Ours: a new epoch; the state of all holders is reported anew, numbered from 1.
    pub callback_epoch: Option<u64>,
}

/// A change of the fee collector.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum ChangeFeeCollector {
    /// Fees are burned from now on.
    Unset,
    /// This account gets them from now on.
    SetTo(Account),
}

/// How the reference ledger would change its archives. Ignored here.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ChangeArchiveOptions {
    /// Ignored.
    pub num_blocks_to_archive: Option<u64>,
    /// Ignored.
    pub max_transactions_per_response: Option<u64>,
    /// Ignored.
    pub trigger_threshold: Option<u64>,
    /// Ignored.
    pub max_message_size_bytes: Option<u64>,
    /// Ignored.
    pub cycles_for_archive_creation: Option<u64>,
    /// Ignored.
    pub node_max_memory_size_bytes: Option<u64>,
    /// Ignored.
    pub controller_id: Option<Principal>,
    /// Ignored.
    pub more_controller_ids: Option<Vec<Principal>>,
}

/// An account of the log's, as ledgers have it.
pub fn ledger_account(payload::Account { owner, subaccount }: payload::Account) -> Account {
    Account { owner, subaccount: subaccount.map(|subaccount| subaccount.0) }
}
