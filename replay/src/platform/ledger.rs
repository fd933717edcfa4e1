//! The install argument of a local fee token.

use cairn_events::{Amount, Principal};
use cairn_kit::api::ledger::{InitArgs, LedgerArg};
use icrc_ledger_types::icrc1::account::Account;

/// A fee token that `minter` mints.
pub fn fee_token(minter: Principal, fee: Amount) -> LedgerArg {
    LedgerArg::Init(InitArgs {
        decimals: Some(8),
        max_memo_length: Some(80),
        ..InitArgs::new(Account::from(minter), "FEE", "Fee token", fee.0)
    })
}
