//! Decisions: pure functions of ledger, command and time.
//!
//! The order matters. What can be told from the arguments alone comes first; then the deduplication window and
//! duplicates; only then fee, allowance and balances, which the first execution may have changed. So a caller who does
//! not know what became of a call repeats it and learns the block, whatever has happened since.

use super::recent::{is_in_future, is_too_old};
use super::transition::{AllowanceChange, Sheet, Transition};
use super::{Allowance, Approval, Ledger, Other, Refusal, Transfer};
use crate::account::AllowanceKey;
use crate::block::{BlockIndex, Operation, Transaction, fingerprint};
use crate::config::Config;
use cairn_events::{Amount, Hash, Timestamp};
use candid::Principal;
use icrc_ledger_types::icrc1::account::Account;
use serde_bytes::ByteBuf;

impl Ledger {
    /// Moves, mints or burns tokens (ICRC-1 `icrc1_transfer`, ICRC-2 `icrc2_transfer_from`).
    ///
    /// # Errors
    /// A [`Refusal`]; nothing has changed then.
    pub fn transfer(&mut self, transfer: Transfer, now: Timestamp) -> Result<BlockIndex, Refusal> {
        let change = self.decide_transfer(transfer, now)?;
        self.apply(change, now)
    }

    /// Sets an allowance (ICRC-2 `icrc2_approve`).
    ///
    /// # Errors
    /// A [`Refusal`]; nothing has changed then.
    pub fn approve(&mut self, approval: Approval, now: Timestamp) -> Result<BlockIndex, Refusal> {
        let change = self.decide_approval(approval, now)?;
        self.apply(change, now)
    }

    /// Mints an initial balance: a transfer from the minting account, whoever owns that, be it nobody.
    ///
    /// # Errors
    /// A [`Refusal`]; the configuration was checked, so none is expected.
    pub fn mint_initially(&mut self, mint: Transfer, now: Timestamp) -> Result<BlockIndex, Refusal> {
        let change = self.decide_authenticated(mint, now)?;
        self.apply(change, now)
    }

    fn decide_transfer(&self, transfer: Transfer, now: Timestamp) -> Result<Transition, Refusal> {
        check_caller(transfer.caller())?;
        self.decide_authenticated(transfer, now)
    }

    fn decide_authenticated(&self, transfer: Transfer, now: Timestamp) -> Result<Transition, Refusal> {
        let config = self.config()?;
        check_memo(transfer.memo.as_ref(), config)?;
        if transfer.spender.is_some() {
            check_icrc2(config)?;
        }
        let Transfer { from, to, spender, amount, fee: fee_named, .. } = transfer;
        let operation = operation(&transfer, config)?;
        let transaction = Transaction {
            operation,
            from: (operation != Operation::Mint).then_some(from),
            to: (operation != Operation::Burn).then_some(to),
            spender,
            amount,
            // Mints and burns have no fee, and their blocks do not mention one (ICRC-3).
            fee: fee_named.filter(|_| operation == Operation::Transfer),
            expected_allowance: None,
            expires_at: None,
            memo: transfer.memo,
            created_at: transfer.created_at,
        };
        let fingerprint = self.check_not_seen(&transaction, now)?;
        let fee = if operation == Operation::Transfer { config.fee } else { Amount::ZERO };
        check_fee(fee_named, fee)?;
        let spent = amount.checked_add(fee);
        let allowance = self.use_allowance(&from, spender.as_ref(), spent, now)?;

        let mut sheet = Sheet::new(&self.accounts);
        let mut supply = self.total_supply();
        let mut fee_collector = None;
        match operation {
            Operation::Mint => {
                supply = supply.checked_add(amount).ok_or(Other::SupplyOverflow)?;
                sheet.credit(&to, amount)?;
            }
            Operation::Burn => {
                check_burn(amount, config.fee, sheet.balance(&from))?;
                sheet.debit(&from, Some(amount))?;
                supply = supply.saturating_sub(amount);
            }
            _ => {
                sheet.debit(&from, spent)?;
                sheet.credit(&to, amount)?;
                fee_collector = config.fee_collector.filter(|_| fee > Amount::ZERO);
                match &fee_collector {
                    Some(collector) => sheet.credit(collector, fee)?,
                    None => supply = supply.saturating_sub(fee),
                }
            }
        }
        let fee = (operation == Operation::Transfer && fee_named.is_none()).then_some(fee);
        let balances = sheet.into_balances();
        Ok(Transition { transaction, fingerprint, fee, fee_collector, balances, allowance, supply })
    }

    fn decide_approval(&self, approval: Approval, now: Timestamp) -> Result<Transition, Refusal> {
        let config = self.config()?;
        let Approval { from, spender, amount, expected_allowance, expires_at, fee: fee_named, .. } = approval;
        check_caller(from.owner)?;
        check_memo(approval.memo.as_ref(), config)?;
        check_icrc2(config)?;
        if spender.owner == from.owner {
            return Err(Other::SelfApproval.into());
        }
        if from == config.minting_account {
            return Err(Other::DelegatedMint.into());
        }
        let transaction = Transaction {
            operation: Operation::Approve,
            from: Some(from),
            to: None,
            spender: Some(spender),
            amount,
            fee: fee_named,
            expected_allowance,
            expires_at,
            memo: approval.memo,
            created_at: approval.created_at,
        };
        let fingerprint = self.check_not_seen(&transaction, now)?;
        check_fee(fee_named, config.fee)?;
        if expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::Expired { ledger_time: now });
        }
        let key = AllowanceKey::new(&from, &spender);
        let before = self.allowances.stored(&key);
        check_expected_allowance(expected_allowance, before, now)?;

        let mut sheet = Sheet::new(&self.accounts);
        sheet.debit(&from, Some(config.fee))?;
        let after = Allowance { amount, expires_at, approved_in: BlockIndex(self.log_length()) };
        Ok(Transition {
            transaction,
            fingerprint,
            fee: fee_named.is_none().then_some(config.fee),
            // As on the reference ledger, a collector gets the fees of transfers; those of approvals are burned.
            fee_collector: None,
            balances: sheet.into_balances(),
            allowance: Some(AllowanceChange { key, before, after }),
            supply: self.total_supply().saturating_sub(config.fee),
        })
    }

    /// Refuses a repeated transaction, and gives the fingerprint under which to remember a new one. One without a
    /// creation time is never a duplicate.
    fn check_not_seen(&self, transaction: &Transaction, now: Timestamp) -> Result<Option<Hash>, Refusal> {
        let Some(created_at) = transaction.created_at else { return Ok(None) };
        if is_too_old(created_at, now) {
            return Err(Refusal::TooOld);
        }
        if is_in_future(created_at, now) {
            return Err(Refusal::CreatedInFuture { ledger_time: now });
        }
        let fingerprint = fingerprint(transaction);
        match self.recent.find(created_at, &fingerprint) {
            Some(of) => Err(Refusal::Duplicate { of }),
            None => Ok(Some(fingerprint)),
        }
    }

    /// What is left of the allowance once `spent` is taken; `None` if none is needed: the owner acts on their own
    /// account.
    fn use_allowance(
        &self,
        from: &Account,
        spender: Option<&Account>,
        spent: Option<Amount>,
        now: Timestamp,
    ) -> Result<Option<AllowanceChange>, Refusal> {
        let Some(spender) = spender.filter(|spender| *spender != from) else { return Ok(None) };
        let key = AllowanceKey::new(from, spender);
        let Some(allowance) = self.allowances.in_force(&key, now) else {
            return Err(Refusal::InsufficientAllowance { allowance: Amount::ZERO });
        };
        let rest = spent.and_then(|spent| allowance.amount.checked_sub(spent));
        let amount = rest.ok_or(Refusal::InsufficientAllowance { allowance: allowance.amount })?;
        Ok(Some(AllowanceChange { key, before: Some(allowance), after: Allowance { amount, ..allowance } }))
    }
}

/// What a transfer is: the minting account mints by paying and burns by being paid (ICRC-1).
fn operation(transfer: &Transfer, config: &Config) -> Result<Operation, Refusal> {
    let minter = &config.minting_account;
    match (&transfer.from == minter, &transfer.to == minter) {
        (true, true) => Err(Other::MintToMinter.into()),
        (true, false) if transfer.spender.is_some_and(|spender| spender != *minter) => Err(Other::DelegatedMint.into()),
        (true, false) => Ok(Operation::Mint),
        (false, true) => Ok(Operation::Burn),
        (false, false) => Ok(Operation::Transfer),
    }
}

fn check_caller(caller: Principal) -> Result<(), Refusal> {
    if caller == Principal::anonymous() { Err(Other::Anonymous.into()) } else { Ok(()) }
}

fn check_icrc2(config: &Config) -> Result<(), Refusal> {
    if config.icrc2 { Ok(()) } else { Err(Other::Icrc2Disabled.into()) }
}

fn check_memo(memo: Option<&ByteBuf>, config: &Config) -> Result<(), Refusal> {
    let (length, maximum) = (memo.map_or(0, |memo| memo.len()), config.max_memo_length);
    if length > usize::from(maximum) { Err(Other::MemoTooLong { length, maximum }.into()) } else { Ok(()) }
}

fn check_fee(named: Option<Amount>, expected: Amount) -> Result<(), Refusal> {
    match named {
        Some(fee) if fee != expected => Err(Refusal::BadFee { expected }),
        _ => Ok(()),
    }
}

/// The smallest burn is the fee, so that burning is no cheaper way to spam than paying; whoever holds less may burn
/// all they have, but never nothing.
fn check_burn(amount: Amount, fee: Amount, balance: Amount) -> Result<(), Refusal> {
    let minimum = fee.min(balance).max(Amount(1));
    if amount < minimum { Err(Refusal::BadBurn { minimum }) } else { Ok(()) }
}

fn check_expected_allowance(
    expected: Option<Amount>,
    stored: Option<Allowance>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let in_force = stored.filter(|allowance| allowance.expires_at.is_none_or(|end| end > now));
    let current = in_force.map_or(Amount::ZERO, |allowance| allowance.amount);
    match expected {
        Some(expected) if expected != current => Err(Refusal::AllowanceChanged { current }),
        _ => Ok(()),
    }
}
