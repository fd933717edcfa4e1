//! The ledger as simple as it can be said: maps in memory, every list searched. Tests hold the real one against it.

use super::fixtures::START;
use super::recent::{PERMITTED_DRIFT, WINDOW};
use super::{Approval, Ledger, Other, Refusal, Transfer};
use crate::block::BlockIndex;
use cairn_events::{Amount, Hash, Timestamp};
use candid::Principal;
use icrc_ledger_types::icrc1::account::Account;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;

pub struct Model {
    minter: Account,
    collector: Option<Account>,
    fee: u128,
    balances: BTreeMap<Account, u128>,
    allowances: BTreeMap<(Account, Account), (u128, Option<Timestamp>)>,
    seen: Vec<(String, Timestamp, BlockIndex)>,
    length: u64,
}

impl Model {
    pub fn new(minter: Account, collector: Option<Account>, fee: Amount) -> Self {
        let (balances, allowances) = Default::default();
        Model { minter, collector, fee: fee.0, balances, allowances, seen: vec![], length: 0 }
    }

    fn balance(&self, account: &Account) -> u128 {
        self.balances.get(account).copied().unwrap_or_default()
    }

    fn supply(&self) -> u128 {
        self.balances.values().sum()
    }

    fn allowance(&self, from: Account, spender: Account, now: Timestamp) -> u128 {
        match self.allowances.get(&(from, spender)) {
            Some((amount, end)) if end.is_none_or(|end| end > now) => *amount,
            _ => 0,
        }
    }

    fn check_seen(&self, identity: &str, created_at: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
        let Some(time) = created_at else { return Ok(()) };
        if time.0 < now.0 - WINDOW - PERMITTED_DRIFT {
            return Err(Refusal::TooOld);
        }
        if time.0 > now.0 + PERMITTED_DRIFT {
            return Err(Refusal::CreatedInFuture { ledger_time: now });
        }
        match self.seen.iter().find(|(seen, _, _)| seen == identity) {
            Some((_, _, of)) => Err(Refusal::Duplicate { of: *of }),
            None => Ok(()),
        }
    }

    fn record(&mut self, identity: String, created_at: Option<Timestamp>) -> BlockIndex {
        let block = BlockIndex(self.length);
        self.length += 1;
        if let Some(time) = created_at {
            self.seen.push((identity, time, block));
        }
        block
    }

    pub fn transfer(&mut self, t: Transfer, now: Timestamp) -> Result<BlockIndex, Refusal> {
        let length = t.memo.as_ref().map_or(0, |memo| memo.len());
        if t.spender.unwrap_or(t.from).owner == Principal::anonymous() {
            return Err(Other::Anonymous.into());
        }
        if length > 32 {
            return Err(Other::MemoTooLong { length, maximum: 32 }.into());
        }
        let (mints, burns) = (t.from == self.minter, t.to == self.minter);
        if mints && burns {
            return Err(Other::MintToMinter.into());
        }
        if mints && t.spender.is_some_and(|spender| spender != self.minter) {
            return Err(Other::DelegatedMint.into());
        }
        let identity = if mints {
            format!("mint {:?} {:?} {:?} {:?} {:?}", t.to, t.spender, t.amount, t.memo, t.created_at)
        } else if burns {
            format!("burn {:?} {:?} {:?} {:?} {:?}", t.from, t.spender, t.amount, t.memo, t.created_at)
        } else {
            format!("{t:?}")
        };
        self.check_seen(&identity, t.created_at, now)?;
        let fee = if mints || burns { 0 } else { self.fee };
        if t.fee.is_some_and(|named| named.0 != fee) {
            return Err(Refusal::BadFee { expected: Amount(fee) });
        }
        let needs_allowance = t.spender.filter(|spender| *spender != t.from);
        let spent = t.amount.0.checked_add(fee);
        if let Some(spender) = needs_allowance {
            let allowance = self.allowance(t.from, spender, now);
            if spent.is_none_or(|spent| spent > allowance)
                || !self.allowances.contains_key(&(t.from, spender))
                || self.allowance(t.from, spender, now) == 0
            {
                return Err(Refusal::InsufficientAllowance { allowance: Amount(allowance) });
            }
        }
        let held = self.balance(&t.from);
        if mints {
            if self.supply().checked_add(t.amount.0).is_none() {
                return Err(Other::SupplyOverflow.into());
            }
        } else {
            let minimum = self.fee.min(held).max(1);
            if burns && t.amount.0 < minimum {
                return Err(Refusal::BadBurn { minimum: Amount(minimum) });
            }
            let rest = spent.and_then(|spent| held.checked_sub(spent));
            let rest = rest.ok_or(Refusal::InsufficientFunds { balance: Amount(held) })?;
            self.balances.insert(t.from, rest);
        }
        if !burns {
            *self.balances.entry(t.to).or_default() += t.amount.0;
        }
        if let Some(collector) = self.collector.filter(|_| fee > 0) {
            *self.balances.entry(collector).or_default() += fee;
        }
        if let Some(spender) = needs_allowance {
            if let Some((amount, _)) = self.allowances.get_mut(&(t.from, spender)) {
                *amount -= t.amount.0 + fee;
            }
            self.allowances.retain(|_, (amount, _)| *amount > 0);
        }
        Ok(self.record(identity, t.created_at))
    }

    pub fn approve(&mut self, a: Approval, now: Timestamp) -> Result<BlockIndex, Refusal> {
        if a.spender.owner == a.from.owner {
            return Err(Other::SelfApproval.into());
        }
        if a.from == self.minter {
            return Err(Other::DelegatedMint.into());
        }
        let identity = format!("{a:?}");
        self.check_seen(&identity, a.created_at, now)?;
        if a.fee.is_some_and(|named| named.0 != self.fee) {
            return Err(Refusal::BadFee { expected: Amount(self.fee) });
        }
        if a.expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::Expired { ledger_time: now });
        }
        let current = self.allowance(a.from, a.spender, now);
        if a.expected_allowance.is_some_and(|expected| expected.0 != current) {
            return Err(Refusal::AllowanceChanged { current: Amount(current) });
        }
        let held = self.balance(&a.from);
        let rest = held.checked_sub(self.fee).ok_or(Refusal::InsufficientFunds { balance: Amount(held) })?;
        self.balances.insert(a.from, rest);
        self.allowances.insert((a.from, a.spender), (a.amount.0, a.expires_at));
        self.allowances.retain(|_, (amount, _)| *amount > 0);
        Ok(self.record(identity, a.created_at))
    }

    /// Everything that can be asked of the real ledger, asked.
    pub fn compare(&self, ledger: &Ledger, now: Timestamp) -> Result<(), TestCaseError> {
        prop_assert_eq!(ledger.total_supply(), Amount(self.supply()), "supply is the sum of all balances");
        prop_assert_eq!(ledger.log_length(), self.length);
        for (account, balance) in &self.balances {
            prop_assert_eq!(ledger.balance(account), Amount(*balance));
            prop_assert_eq!(ledger.accounts.holds(&account.owner), self.holds(account.owner));
        }
        for (from, spender) in self.allowances.keys() {
            let real = ledger.allowance(from, spender, now).map_or(Amount::ZERO, |allowance| allowance.amount);
            prop_assert_eq!(real, Amount(self.allowance(*from, *spender, now)));
        }
        self.compare_tip(ledger)
    }

    fn holds(&self, owner: Principal) -> bool {
        self.balances.iter().any(|(account, balance)| account.owner == owner && *balance > 0)
    }

    fn compare_tip(&self, ledger: &Ledger) -> Result<(), TestCaseError> {
        let Some(tip) = ledger.tip() else { return Ok(()) };
        prop_assert_eq!(tip.index, BlockIndex(self.length - 1));
        let (block, _) = ledger.block(tip.index).unwrap().unwrap();
        prop_assert_eq!(block.hash().unwrap(), tip.hash);
        prop_assert!(block.timestamp >= START);
        if let Some(previous) = tip.index.0.checked_sub(1) {
            let (parent, _) = ledger.block(BlockIndex(previous)).unwrap().unwrap();
            let parent: Option<Hash> = Some(parent.hash().unwrap());
            prop_assert_eq!(block.parent, parent);
        }
        Ok(())
    }
}
