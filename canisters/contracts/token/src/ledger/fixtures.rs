//! What tests begin with.

use super::Ledger;
use crate::config::Config;
use crate::memory::Memories;
use cairn_events::Timestamp;
use cairn_kit::api::ledger::InitArgs;
use candid::Principal;
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
    InitArgs::new(minter(), "TT", "Test Token", FEE)
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
