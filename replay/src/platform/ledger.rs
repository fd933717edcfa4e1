//! The arguments of a local fee token's install and upgrade.

use anyhow::Result;
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

/// New code, nothing else; encoded.
///
/// # Errors
/// It cannot be encoded.
pub fn ledger_upgrade() -> Result<Vec<u8>> {
    Ok(candid::encode_one(LedgerArg::Upgrade(None))?)
}
