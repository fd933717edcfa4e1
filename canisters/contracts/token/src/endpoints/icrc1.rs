//! ICRC-1.

use super::execute;
use super::reply::reply;
use crate::config::Config;
use crate::ledger::Transfer;
use crate::state;
use cairn_kit::quarantine::serving;
use candid::Nat;
use ic_cdk::{query, update};
use icrc_ledger_types::icrc::generic_metadata_value::MetadataValue;
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use std::marker::PhantomData;

/// Reads from the configuration. Traps if there is none, which cannot be.
pub(super) fn configured<R>(reader: impl FnOnce(&Config) -> R) -> R {
    state::read(|ledger| match ledger.config() {
        Ok(config) => reader(config),
        Err(refusal) => ic_cdk::trap(refusal.to_string()),
    })
}

#[query(guard = "serving")]
fn icrc1_name() -> String {
    configured(|config| config.name.clone())
}

#[query(guard = "serving")]
fn icrc1_symbol() -> String {
    configured(|config| config.symbol.clone())
}

#[query(guard = "serving")]
fn icrc1_decimals() -> u8 {
    configured(|config| config.decimals)
}

#[query(guard = "serving")]
fn icrc1_fee() -> Nat {
    configured(|config| Nat::from(config.fee.0))
}

#[query(guard = "serving")]
fn icrc1_metadata() -> Vec<(String, MetadataValue)> {
    configured(Config::all_metadata)
}

#[query(guard = "serving")]
fn icrc1_minting_account() -> Option<Account> {
    Some(configured(|config| config.minting_account))
}

#[query(guard = "serving")]
fn icrc1_total_supply() -> Nat {
    Nat::from(state::read(|ledger| ledger.total_supply().0))
}

#[query(guard = "serving")]
fn icrc1_balance_of(account: Account) -> Nat {
    Nat::from(state::read(|ledger| ledger.balance(&account).0))
}

#[update(manual_reply = true, guard = "serving")]
fn icrc1_transfer(arg: TransferArg) -> PhantomData<Result<Nat, TransferError>> {
    let caller = ic_cdk::api::msg_caller();
    reply(execute(|ledger, now| ledger.transfer(Transfer::from_transfer(caller, arg)?, now)))
}
