//! ICRC-2, and the list of allowances of ICRC-103.

use super::reply::reply;
use super::{execute, now};
use crate::config::MAX_TAKE;
use crate::ledger::{Approval, Transfer};
use crate::state;
use cairn_kit::quarantine::serving;
use candid::Nat;
use ic_cdk::{query, update};
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc2::allowance::{Allowance, AllowanceArgs};
use icrc_ledger_types::icrc2::approve::{ApproveArgs, ApproveError};
use icrc_ledger_types::icrc2::transfer_from::{TransferFromArgs, TransferFromError};
use icrc_ledger_types::icrc103::get_allowances::{Allowance as ListedAllowance, GetAllowancesArgs, GetAllowancesError};
use std::marker::PhantomData;

#[update(manual_reply = true, guard = "serving")]
fn icrc2_approve(arg: ApproveArgs) -> PhantomData<Result<Nat, ApproveError>> {
    let caller = ic_cdk::api::msg_caller();
    reply(execute(|ledger, now| ledger.approve(Approval::from_approve(caller, arg)?, now)))
}

#[update(manual_reply = true, guard = "serving")]
fn icrc2_transfer_from(arg: TransferFromArgs) -> PhantomData<Result<Nat, TransferFromError>> {
    let caller = ic_cdk::api::msg_caller();
    reply(execute(|ledger, now| ledger.transfer(Transfer::from_transfer_from(caller, arg)?, now)))
}

#[query(guard = "serving")]
fn icrc2_allowance(arg: AllowanceArgs) -> Allowance {
    match state::read(|ledger| ledger.allowance(&arg.account, &arg.spender, now())) {
        Some(allowance) => {
            Allowance { allowance: Nat::from(allowance.amount.0), expires_at: allowance.expires_at.map(|end| end.0) }
        }
        None => Allowance { allowance: Nat::from(0u8), expires_at: None },
    }
}

#[query(guard = "serving")]
fn icrc103_get_allowances(arg: GetAllowancesArgs) -> Result<Vec<ListedAllowance>, GetAllowancesError> {
    let from = arg.from_account.unwrap_or_else(|| Account::from(ic_cdk::api::msg_caller()));
    let take = arg.take.and_then(|take| usize::try_from(&take.0).ok()).unwrap_or(MAX_TAKE).min(MAX_TAKE);
    let page = state::read(|ledger| ledger.allowances(&from, arg.prev_spender.as_ref(), now(), take));
    let listed =
        |(from_account, to_spender, allowance): (Account, Account, crate::ledger::Allowance)| ListedAllowance {
            from_account,
            to_spender,
            allowance: Nat::from(allowance.amount.0),
            expires_at: allowance.expires_at.map(|end| end.0),
        };
    Ok(page.into_iter().map(listed).collect())
}
