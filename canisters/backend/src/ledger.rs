//! The ledger of the token to pay in: a canister outside the platform. Calls wait a bounded time, replies are decoded
//! within quotas, and what cannot be read is unknown.

use crate::config::change::LedgerFacts;
use crate::deployment::settle::Reply;
use cairn_events::kind::Effect;
use cairn_events::payload::{Account, Reason, Subaccount, Transfer};
use cairn_events::{Amount, Principal};
use cairn_kit::api::ledger::ledger_account;
use cairn_kit::runtime::{self, CallFailure};
use candid::Nat;
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use icrc_ledger_types::icrc1::transfer::{Memo, TransferArg, TransferError};
use icrc_ledger_types::icrc2::allowance::{Allowance, AllowanceArgs};
use icrc_ledger_types::icrc2::transfer_from::{TransferFromArgs, TransferFromError};

#[cfg(test)]
mod tests;

/// Most bytes of a reply that are read.
const MAX_REPLY: usize = 4_096;

/// The ledger's transfer fee.
///
/// # Errors
/// [`CallFailure`]; a fee beyond 128 bits cannot be read.
pub async fn fee(ledger: Principal) -> Result<Amount, CallFailure> {
    let fee: Nat = runtime::call_bounded(ledger, "icrc1_fee", (), MAX_REPLY).await?;
    exact(&fee).ok_or_else(|| CallFailure::undecodable("the fee exceeds 128 bits"))
}

/// What `account` holds; capped at 128 bits.
///
/// # Errors
/// [`CallFailure`].
pub async fn balance(ledger: Principal, account: Account) -> Result<Amount, CallFailure> {
    let balance: Nat = runtime::call_bounded(ledger, "icrc1_balance_of", (ledger_account(account),), MAX_REPLY).await?;
    Ok(capped(&balance))
}

/// What `spender` may take from `from` at `now`: nothing, if the allowance has expired.
///
/// # Errors
/// [`CallFailure`].
pub async fn allowance(ledger: Principal, from: Account, spender: Account, now: u64) -> Result<Amount, CallFailure> {
    let args = AllowanceArgs { account: ledger_account(from), spender: ledger_account(spender) };
    let Allowance { allowance, expires_at } =
        runtime::call_bounded(ledger, "icrc2_allowance", (args,), MAX_REPLY).await?;
    let expired = expires_at.is_some_and(|expires_at| expires_at <= now);
    Ok(if expired { Amount::ZERO } else { capped(&allowance) })
}

/// The ledger's minting account, if it has one.
///
/// # Errors
/// [`CallFailure`].
pub async fn minting_account(ledger: Principal) -> Result<Option<Account>, CallFailure> {
    let account: Option<LedgerAccount> = runtime::call_bounded(ledger, "icrc1_minting_account", (), MAX_REPLY).await?;
    Ok(account.map(|LedgerAccount { owner, subaccount }| Account { owner, subaccount: subaccount.map(Subaccount) }))
}

/// What a configuration needs to know of the ledger.
///
/// # Errors
/// [`CallFailure`].
pub async fn facts(ledger: Principal) -> Result<LedgerFacts, CallFailure> {
    Ok(LedgerFacts { fee: fee(ledger).await?, minting: minting_account(ledger).await? })
}

/// One attempt of a frozen transfer: every argument is given, so that the ledger can tell a repetition.
pub async fn transfer(effect: Effect, transfer: &Transfer) -> Reply {
    match effect {
        Effect::Payment => {
            match runtime::call_bounded(transfer.ledger, "icrc2_transfer_from", (from_args(transfer),), MAX_REPLY).await
            {
                Ok(reply) => captured(reply),
                Err(failure) => lost(&failure),
            }
        }
        _ => match runtime::call_bounded(transfer.ledger, "icrc1_transfer", (args(transfer),), MAX_REPLY).await {
            Ok(reply) => paid(reply),
            Err(failure) => lost(&failure),
        },
    }
}

fn from_args(transfer: &Transfer) -> TransferFromArgs {
    TransferFromArgs {
        spender_subaccount: None,
        from: ledger_account(transfer.from),
        to: ledger_account(transfer.to),
        amount: transfer.amount.0.into(),
        fee: Some(transfer.fee.0.into()),
        memo: Some(Memo::from(transfer.memo.to_vec())),
        created_at_time: Some(transfer.created_at.0),
    }
}

fn args(transfer: &Transfer) -> TransferArg {
    TransferArg {
        from_subaccount: transfer.from.subaccount.map(|subaccount| subaccount.0),
        to: ledger_account(transfer.to),
        fee: Some(transfer.fee.0.into()),
        created_at_time: Some(transfer.created_at.0),
        memo: Some(Memo::from(transfer.memo.to_vec())),
        amount: transfer.amount.0.into(),
    }
}

fn captured(reply: Result<Nat, TransferFromError>) -> Reply {
    use TransferFromError as Error;
    match reply {
        Ok(block) => Reply::Moved(index(&block)),
        Err(Error::Duplicate { duplicate_of }) => Reply::Duplicate(index(&duplicate_of)),
        Err(Error::TooOld) => Reply::TooOld,
        Err(error) => {
            let detail = error.to_string();
            match error {
                Error::BadFee { .. } => Reply::BadFee(Reason::new("bad_fee", &detail)),
                Error::InsufficientFunds { .. } => Reply::Short(Reason::new("insufficient_funds", &detail)),
                Error::InsufficientAllowance { .. } => Reply::Short(Reason::new("insufficient_allowance", &detail)),
                Error::CreatedInFuture { .. } => Reply::Later(Reason::new("created_in_future", &detail)),
                Error::TemporarilyUnavailable => Reply::Later(Reason::new("temporarily_unavailable", &detail)),
                _ => Reply::Refused(Reason::new("refused", &detail)),
            }
        }
    }
}

fn paid(reply: Result<Nat, TransferError>) -> Reply {
    use TransferError as Error;
    match reply {
        Ok(block) => Reply::Moved(index(&block)),
        Err(Error::Duplicate { duplicate_of }) => Reply::Duplicate(index(&duplicate_of)),
        Err(Error::TooOld) => Reply::TooOld,
        Err(error) => {
            let detail = error.to_string();
            match error {
                Error::BadFee { .. } => Reply::BadFee(Reason::new("bad_fee", &detail)),
                Error::InsufficientFunds { .. } => Reply::Short(Reason::new("insufficient_funds", &detail)),
                Error::CreatedInFuture { .. } => Reply::Later(Reason::new("created_in_future", &detail)),
                Error::TemporarilyUnavailable => Reply::Later(Reason::new("temporarily_unavailable", &detail)),
                _ => Reply::Refused(Reason::new("refused", &detail)),
            }
        }
    }
}

fn lost(failure: &CallFailure) -> Reply {
    if failure.not_executed() { Reply::NotExecuted(failure.reason()) } else { Reply::Unknown(failure.reason()) }
}

fn exact(nat: &Nat) -> Option<Amount> {
    u128::try_from(&nat.0).ok().map(Amount)
}

fn capped(nat: &Nat) -> Amount {
    exact(nat).unwrap_or(Amount(u128::MAX))
}

fn index(nat: &Nat) -> Option<u64> {
    u64::try_from(&nat.0).ok()
}
