//! What tests begin with.

use super::Ledger;
use crate::config::{ArchiveOptions, Config, InitArgs};
use crate::memory::Memories;
use cairn_events::Timestamp;
use candid::{Nat, Principal};
use ic_stable_structures::DefaultMemoryImpl;
use icrc_ledger_types::icrc1::account::Account;

/// The fee of the test token.
pub const FEE: u128 = 10_000;
/// When tests begin.
pub const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

/// The default account of the n-th person.
pub fn account(n: u8) -> Account {
    Account::from(Principal::self_authenticating([n]))
}

/// The minting account.
pub fn minter() -> Account {
    account(255)
}

/// Arguments of a token without initial balances and without a factory.
pub fn init_args() -> InitArgs {
    InitArgs {
        minting_account: minter(),
        fee_collector_account: None,
        transfer_fee: Nat::from(FEE),
        decimals: None,
        max_memo_length: None,
        token_symbol: "TT".to_owned(),
        token_name: "Test Token".to_owned(),
        metadata: vec![],
        initial_balances: vec![],
        feature_flags: None,
        maximum_number_of_accounts: None,
        accounts_overflow_trim_quantity: None,
        archive_options: ArchiveOptions {
            num_blocks_to_archive: 1_000,
            max_transactions_per_response: None,
            trigger_threshold: 2_000,
            max_message_size_bytes: None,
            cycles_for_archive_creation: None,
            node_max_memory_size_bytes: None,
            controller_id: account(254).owner,
            more_controller_ids: None,
        },
        factory: None,
        callback_epoch: None,
    }
}

/// The configuration of that token.
pub fn config() -> Config {
    Config::from_init(init_args()).unwrap().0
}

/// A ledger in a memory of its own.
pub fn ledger() -> Ledger {
    ledger_with(init_args())
}

/// A ledger with these arguments in a memory of its own.
pub fn ledger_with(args: InitArgs) -> Ledger {
    crate::lifecycle::new_ledger(&Memories::new(DefaultMemoryImpl::default()), args, START).unwrap()
}
