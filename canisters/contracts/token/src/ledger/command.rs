//! What callers may ask of the ledger: the standards' arguments, brought into range.

use super::refusal::{Other, Refusal};
use cairn_events::{Amount, Timestamp};
use candid::{Nat, Principal};
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::{Memo, TransferArg};
use icrc_ledger_types::icrc2::approve::ApproveArgs;
use icrc_ledger_types::icrc2::transfer_from::TransferFromArgs;
use serde_bytes::ByteBuf;

/// Move tokens: `icrc1_transfer`, or `icrc2_transfer_from` if there is a spender.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// The account debited.
    pub from: Account,
    /// The account credited.
    pub to: Account,
    /// The caller's account, if it is not the one debited.
    pub spender: Option<Account>,
    /// Tokens to move, without the fee.
    pub amount: Amount,
    /// The fee, if the caller named it.
    pub fee: Option<Amount>,
    /// Bytes without meaning to the ledger.
    pub memo: Option<ByteBuf>,
    /// When the caller made the transaction.
    pub created_at: Option<Timestamp>,
}

/// Set what a spender may take: `icrc2_approve`.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The caller's account, which pays the fee and may be drawn on.
    pub from: Account,
    /// Who may draw.
    pub spender: Account,
    /// The new allowance, fees of its use included.
    pub amount: Amount,
    /// The allowance the caller believes to replace.
    pub expected_allowance: Option<Amount>,
    /// When the allowance ends.
    pub expires_at: Option<Timestamp>,
    /// The fee, if the caller named it.
    pub fee: Option<Amount>,
    /// Bytes without meaning to the ledger.
    pub memo: Option<ByteBuf>,
    /// When the caller made the transaction.
    pub created_at: Option<Timestamp>,
}

impl Transfer {
    /// The command of `caller` in `icrc1_transfer`.
    ///
    /// # Errors
    /// A number above 2^128 - 1.
    pub fn from_transfer(caller: Principal, arg: TransferArg) -> Result<Self, Refusal> {
        Ok(Transfer {
            from: Account { owner: caller, subaccount: arg.from_subaccount },
            to: arg.to,
            spender: None,
            amount: amount("amount", &arg.amount)?,
            fee: optional_amount("fee", arg.fee.as_ref())?,
            memo: arg.memo.map(memo_bytes),
            created_at: arg.created_at_time.map(Timestamp),
        })
    }

    /// The command of `caller` in `icrc2_transfer_from`.
    ///
    /// # Errors
    /// A number above 2^128 - 1.
    pub fn from_transfer_from(caller: Principal, arg: TransferFromArgs) -> Result<Self, Refusal> {
        Ok(Transfer {
            from: arg.from,
            to: arg.to,
            spender: Some(Account { owner: caller, subaccount: arg.spender_subaccount }),
            amount: amount("amount", &arg.amount)?,
            fee: optional_amount("fee", arg.fee.as_ref())?,
            memo: arg.memo.map(memo_bytes),
            created_at: arg.created_at_time.map(Timestamp),
        })
    }

    /// Who acts.
    pub fn caller(&self) -> Principal {
        self.spender.unwrap_or(self.from).owner
    }
}

impl Approval {
    /// The command of `caller` in `icrc2_approve`.
    ///
    /// # Errors
    /// A number above 2^128 - 1.
    pub fn from_approve(caller: Principal, arg: ApproveArgs) -> Result<Self, Refusal> {
        Ok(Approval {
            from: Account { owner: caller, subaccount: arg.from_subaccount },
            spender: arg.spender,
            amount: amount("amount", &arg.amount)?,
            expected_allowance: optional_amount("expected_allowance", arg.expected_allowance.as_ref())?,
            expires_at: arg.expires_at.map(Timestamp),
            fee: optional_amount("fee", arg.fee.as_ref())?,
            memo: arg.memo.map(memo_bytes),
            created_at: arg.created_at_time.map(Timestamp),
        })
    }
}

fn memo_bytes(memo: Memo) -> ByteBuf {
    memo.0
}

fn amount(field: &'static str, nat: &Nat) -> Result<Amount, Refusal> {
    u128::try_from(&nat.0).map(Amount).map_err(|_| Other::NumberTooLarge { field }.into())
}

fn optional_amount(field: &'static str, nat: Option<&Nat>) -> Result<Option<Amount>, Refusal> {
    nat.map(|nat| amount(field, nat)).transpose()
}
