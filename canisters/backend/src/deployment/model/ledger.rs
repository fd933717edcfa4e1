//! The ledger of the model.

use super::{HOUR, MINUTE, Reply};
use cairn_events::kind::Effect;
use cairn_events::payload::{Account, Reason, Transfer};
use std::collections::BTreeMap;

/// The ledger's deduplication window and drift.
const WINDOW: u64 = 24 * HOUR + 2 * MINUTE;

/// An ICRC ledger with its deduplication window.
pub(super) struct Ledger {
    balances: BTreeMap<Account, u128>,
    allowance: u128,
    /// The fee of a transfer.
    pub(super) fee: u128,
    /// What moved, in order.
    pub(super) blocks: Vec<(Effect, Transfer)>,
}

impl Ledger {
    /// A ledger where `payer` has so much, and has approved so much of it.
    pub(super) fn new(payer: Account, balance: u128, allowance: u128, fee: u128) -> Self {
        Ledger { balances: BTreeMap::from([(payer, balance)]), allowance, fee, blocks: Vec::new() }
    }

    /// A stranger's gift.
    pub(super) fn donate(&mut self, to: Account, amount: u128) {
        *self.balances.entry(to).or_default() += amount;
    }

    /// What `account` holds.
    pub(super) fn balance(&self, account: Account) -> u128 {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    /// In the order of the reference ledger: fee, window, duplicates, funds.
    pub(super) fn execute(&mut self, effect: Effect, transfer: &Transfer, now: u64) -> Reply {
        let reason = |code| Reason::new(code, "");
        if transfer.fee.0 != self.fee {
            return Reply::BadFee(reason("bad_fee"));
        }
        if transfer.created_at.0 + WINDOW < now {
            return Reply::TooOld;
        }
        if let Some(block) = self.blocks.iter().position(|block| *block == (effect, transfer.clone())) {
            return Reply::Duplicate(Some(block as u64));
        }
        let debit = transfer.amount.0 + transfer.fee.0;
        if effect == Effect::Payment && self.allowance < debit || self.balance(transfer.from) < debit {
            return Reply::Short(reason("insufficient"));
        }
        if effect == Effect::Payment {
            self.allowance -= debit;
        }
        *self.balances.entry(transfer.from).or_default() -= debit;
        *self.balances.entry(transfer.to).or_default() += transfer.amount.0;
        self.blocks.push((effect, transfer.clone()));
        Reply::Moved(Some(self.blocks.len() as u64 - 1))
    }
}
