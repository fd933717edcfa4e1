//! Speaking to ledgers (ICRC-1, ICRC-2) and to other canisters: what is sent, and what an answer means.

use crate::wallet::{Answer, Frozen};
use cairn_events::payload::Account;
use cairn_events::{Amount, Hash, Principal};
use cairn_kit::api::ledger::ledger_account;
use cairn_kit::api::multisig::{ContractCall, EffectOutcome, TokenApproval, TokenTransfer};
use cairn_kit::runtime::{self, CallFailure, Request, Wait, call_bounded};
use candid::Nat;
use icrc_ledger_types::icrc1::transfer::{Memo, TransferArg, TransferError};
use icrc_ledger_types::icrc2::approve::{ApproveArgs, ApproveError};
use serde_bytes::ByteBuf;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Bytes of a ledger's longest answer.
const MAX_REPLY: usize = 4_000;
/// How long a call to a contract is waited for, in seconds.
const CALL_SECONDS: u32 = 300;
/// Bytes of a contract's reply that are kept.
const KEPT_REPLY: usize = 1_000;

/// What a transfer costs on `ledger`.
///
/// # Errors
/// Why that is not known.
pub async fn fee(ledger: Principal) -> Result<Amount, String> {
    let answer: Result<Amount, CallFailure> = call_bounded(ledger, "icrc1_fee", (), MAX_REPLY).await;
    answer.map_err(|failure| failure.to_string())
}

/// Whether a payment from this wallet to `to` mints or burns tokens of `ledger` (ICRC-1): that takes no fee. A ledger that
/// does not say so has no such account.
pub async fn mints_or_burns(ledger: Principal, to: Account) -> bool {
    let answer: Result<Option<icrc_ledger_types::icrc1::account::Account>, CallFailure> =
        call_bounded(ledger, "icrc1_minting_account", (), MAX_REPLY).await;
    let own = ledger_account(Account { owner: runtime::id(), subaccount: None });
    answer.ok().flatten().is_some_and(|minting| minting == own || minting == ledger_account(to))
}

/// What `owner` holds on `ledger`, in the default account.
///
/// # Errors
/// The call's.
pub async fn balance(ledger: Principal, owner: Principal) -> Result<Amount, CallFailure> {
    let account = ledger_account(Account { owner, subaccount: None });
    call_bounded(ledger, "icrc1_balance_of", (account,), MAX_REPLY).await
}

/// Pays.
pub async fn transfer(transfer: &TokenTransfer, frozen: &Frozen) -> Answer {
    let arg = TransferArg {
        from_subaccount: None,
        to: ledger_account(transfer.to),
        fee: Some(frozen.fee.0.into()),
        created_at_time: Some(frozen.created_at),
        memo: Some(Memo(frozen.memo.clone())),
        amount: transfer.amount.0.into(),
    };
    let reply: Result<Result<Nat, TransferError>, CallFailure> =
        call_bounded(transfer.ledger, "icrc1_transfer", (arg,), MAX_REPLY).await;
    match reply {
        Ok(Ok(block)) => Answer::Block(amount(&block)),
        Ok(Err(error)) => of_transfer(error),
        Err(failure) => of_failure(failure),
    }
}

/// Lets somebody draw on the wallet.
pub async fn approve(approval: &TokenApproval, frozen: &Frozen) -> Answer {
    let arg = ApproveArgs {
        from_subaccount: None,
        spender: ledger_account(approval.spender),
        amount: approval.amount.0.into(),
        expected_allowance: approval.expected_allowance.map(|amount| amount.0.into()),
        expires_at: approval.expires_at,
        fee: Some(frozen.fee.0.into()),
        memo: Some(Memo(frozen.memo.clone())),
        created_at_time: Some(frozen.created_at),
    };
    let reply: Result<Result<Nat, ApproveError>, CallFailure> =
        call_bounded(approval.ledger, "icrc2_approve", (arg,), MAX_REPLY).await;
    match reply {
        Ok(Ok(block)) => Answer::Block(amount(&block)),
        Ok(Err(error)) => of_approve(error),
        Err(failure) => of_failure(failure),
    }
}

/// Calls a contract.
pub async fn call(call: &ContractCall) -> Answer {
    let request = Request {
        to: call.canister,
        method: lasting(&call.method),
        args: call.args.to_vec(),
        cycles: call.cycles.into(),
        wait: Wait::Bounded(CALL_SECONDS),
    };
    match runtime::send(request).await {
        Ok(reply) => {
            let kept = reply.get(..KEPT_REPLY).unwrap_or(&reply);
            Answer::Replied(EffectOutcome::Replied { reply: ByteBuf::from(kept), digest: Hash::of(&[&reply]) })
        }
        Err(failure) => of_failure(failure),
    }
}

thread_local! {
    static METHODS: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// The name of a method, kept until the next upgrade: that is how requests hold it. Each name is kept once, and none gets
/// here that signers have not approved.
fn lasting(method: &str) -> &'static str {
    METHODS.with_borrow_mut(|methods| match methods.get(method) {
        Some(known) => known,
        None => {
            let kept: &'static str = Box::leak(method.to_owned().into_boxed_str());
            methods.insert(kept);
            kept
        }
    })
}

fn of_transfer(error: TransferError) -> Answer {
    match error {
        TransferError::Duplicate { duplicate_of } => Answer::Block(amount(&duplicate_of)),
        TransferError::TooOld => Answer::TooOld,
        TransferError::BadFee { .. } => Answer::BadFee,
        error @ (TransferError::TemporarilyUnavailable | TransferError::CreatedInFuture { .. }) => {
            Answer::Later(bounded(&error.to_string()))
        }
        error => Answer::Refused(bounded(&error.to_string())),
    }
}

fn of_approve(error: ApproveError) -> Answer {
    match error {
        ApproveError::Duplicate { duplicate_of } => Answer::Block(amount(&duplicate_of)),
        ApproveError::TooOld => Answer::TooOld,
        ApproveError::BadFee { .. } => Answer::BadFee,
        error @ (ApproveError::TemporarilyUnavailable | ApproveError::CreatedInFuture { .. }) => {
            Answer::Later(bounded(&error.to_string()))
        }
        error => Answer::Refused(bounded(&error.to_string())),
    }
}

/// What a call without a reply means: the network says so for codes 1 to 3 only, and 2 may pass.
fn of_failure(failure: CallFailure) -> Answer {
    let reason = failure.to_string();
    match failure {
        CallFailure::NotExecuted { code: 0 | 2, .. } => Answer::NotSent(reason),
        CallFailure::NotExecuted { .. } => Answer::Unreachable(reason),
        CallFailure::Unknown { .. } => Answer::Unknown(reason),
    }
}

/// A block number; those that no ledger reaches are cut.
fn amount(nat: &Nat) -> Amount {
    Amount(u128::try_from(&nat.0).unwrap_or(u128::MAX))
}

/// The beginning of what a ledger said.
fn bounded(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_ledgers_mean_what_the_standards_say() {
        let seven = || Nat::from(7_u8);
        assert_eq!(of_transfer(TransferError::Duplicate { duplicate_of: seven() }), Answer::Block(Amount(7)));
        assert_eq!(of_transfer(TransferError::TooOld), Answer::TooOld);
        assert_eq!(of_transfer(TransferError::BadFee { expected_fee: seven() }), Answer::BadFee);
        assert!(matches!(of_transfer(TransferError::TemporarilyUnavailable), Answer::Later(_)));
        assert!(matches!(of_transfer(TransferError::CreatedInFuture { ledger_time: 1 }), Answer::Later(_)));
        assert!(matches!(of_transfer(TransferError::InsufficientFunds { balance: seven() }), Answer::Refused(_)));
        let long = TransferError::GenericError { error_code: seven(), message: "é".repeat(10_000) };
        let Answer::Refused(reason) = of_transfer(long) else { panic!("a refusal") };
        assert!(reason.len() <= 200);
        assert_eq!(of_approve(ApproveError::Duplicate { duplicate_of: seven() }), Answer::Block(Amount(7)));
        assert!(matches!(
            of_approve(ApproveError::AllowanceChanged { current_allowance: seven() }),
            Answer::Refused(_)
        ));
    }

    #[test]
    fn failures_of_calls_mean_what_the_network_says() {
        for code in [0, 2] {
            assert!(matches!(
                of_failure(CallFailure::NotExecuted { code, message: String::new() }),
                Answer::NotSent(_)
            ));
        }
        for code in [1, 3] {
            assert!(matches!(of_failure(CallFailure::rejected(code, "")), Answer::Unreachable(_)));
        }
        for code in [4, 5, 6, 9] {
            assert!(matches!(of_failure(CallFailure::rejected(code, "")), Answer::Unknown(_)));
        }
        assert!(matches!(of_failure(CallFailure::undecodable("")), Answer::Unknown(_)));
    }

    #[test]
    fn a_method_is_kept_once() {
        let names = ["go".to_owned(), "go".to_owned()];
        let [one, other] = names.each_ref().map(|name| lasting(name));
        assert!(std::ptr::eq(one, other));
    }
}
