//! A decided change, and the only place where the ledger is changed.

use super::accounts::{Accounts, Entry};
use super::allowances::Allowance;
use super::refusal::{Other, Refusal};
use super::totals::Totals;
use super::{HolderChange, Ledger};
use crate::account::AllowanceKey;
use crate::block::{Block, BlockIndex, Tip, Transaction};
use cairn_events::payload::Role;
use cairn_events::{Amount, Hash, Timestamp};
use icrc_ledger_types::icrc1::account::Account;

/// Everything that one accepted transaction changes.
pub struct Transition {
    /// What was asked for.
    pub transaction: Transaction,
    /// Its fingerprint, if it is to be remembered.
    pub fingerprint: Option<Hash>,
    /// The fee charged, if the transaction does not name it.
    pub fee: Option<Amount>,
    /// Who got the fee, if anybody.
    pub fee_collector: Option<Account>,
    /// The balances.
    pub balances: Vec<(Entry, Amount)>,
    /// The allowance set or used.
    pub allowance: Option<AllowanceChange>,
    /// Tokens in existence afterwards.
    pub supply: Amount,
}

/// An allowance before and after.
pub struct AllowanceChange {
    /// Whose.
    pub key: AllowanceKey,
    /// As stored, expired or not.
    pub before: Option<Allowance>,
    /// As it will be.
    pub after: Allowance,
}

/// The balances of one transaction while it is decided. An account may play several roles (a transfer to oneself, a
/// fee collector who pays): it stands here once, so every role sees what the others did.
pub struct Sheet<'a> {
    accounts: &'a Accounts,
    lines: Vec<(Entry, Amount)>,
}

impl<'a> Sheet<'a> {
    /// An empty sheet over `accounts`.
    pub fn new(accounts: &'a Accounts) -> Self {
        Sheet { accounts, lines: Vec::with_capacity(3) }
    }

    /// What `account` holds at this point of the decision.
    pub fn balance(&mut self, account: &Account) -> Amount {
        match self.lines.iter().find(|(entry, _)| entry.account() == account) {
            Some((_, balance)) => *balance,
            None => {
                let entry = self.accounts.find(account);
                let balance = entry.balance();
                self.lines.push((entry, balance));
                balance
            }
        }
    }

    /// Takes `amount` from `account`.
    ///
    /// # Errors
    /// [`Refusal::InsufficientFunds`] with the balance.
    pub fn debit(&mut self, account: &Account, amount: Option<Amount>) -> Result<(), Refusal> {
        let balance = self.balance(account);
        let rest = amount.and_then(|amount| balance.checked_sub(amount));
        self.set(account, rest.ok_or(Refusal::InsufficientFunds { balance })?);
        Ok(())
    }

    /// Gives `amount` to `account`.
    ///
    /// # Errors
    /// [`Other::SupplyOverflow`]; a balance never exceeds the supply, which is checked when tokens are minted.
    pub fn credit(&mut self, account: &Account, amount: Amount) -> Result<(), Refusal> {
        let sum = self.balance(account).checked_add(amount);
        self.set(account, sum.ok_or(Other::SupplyOverflow)?);
        Ok(())
    }

    fn set(&mut self, account: &Account, balance: Amount) {
        if let Some((_, value)) = self.lines.iter_mut().find(|(entry, _)| entry.account() == account) {
            *value = balance;
        }
    }

    /// The balances touched, with their new values.
    pub fn into_balances(self) -> Vec<(Entry, Amount)> {
        self.lines
    }
}

impl Ledger {
    /// Carries out what was decided: appends the block, then changes balances, allowance and totals, remembers the
    /// transaction and leaves holder changes in the outbox. The caller certifies the new tip in the same message.
    pub(super) fn apply(&mut self, change: Transition, now: Timestamp) -> Result<BlockIndex, Refusal> {
        let created_at = change.transaction.created_at;
        let tip = self.append(change.transaction, change.fee, change.fee_collector, now)?;
        self.totals.set(Totals { supply: change.supply, tip: Some(tip) });
        for (entry, balance) in &change.balances {
            if entry.balance() != *balance {
                let holder = self.accounts.set(entry, *balance);
                self.report(holder);
            }
        }
        if let Some(AllowanceChange { key, before, after }) = change.allowance {
            self.allowances.replace(key, before, after, now);
        }
        if let (Some(fingerprint), Some(created_at)) = (&change.fingerprint, created_at) {
            self.recent.remember(created_at, fingerprint, tip.index, now);
        }
        Ok(tip.index)
    }

    /// Appending is the only step that can fail (stable memory full), and it comes first, so nothing is half done.
    fn append(
        &mut self,
        transaction: Transaction,
        fee: Option<Amount>,
        fee_collector: Option<Account>,
        now: Timestamp,
    ) -> Result<Tip, Refusal> {
        let block = Block {
            parent: self.tip().map(|tip| tip.hash),
            block_type: transaction.block_type(),
            timestamp: now,
            fee,
            fee_collector,
            transaction,
        };
        self.blocks.append(&block).map_err(|error| Other::Internal(error.to_string()).into())
    }

    fn report(&mut self, holder: Option<HolderChange>) {
        match holder {
            Some(HolderChange::Entered(owner)) => self.outbox.role_changed(Role::Holder, owner, true),
            Some(HolderChange::Left(owner)) => self.outbox.role_changed(Role::Holder, owner, false),
            None => {}
        }
    }
}
