//! What spenders may take from accounts.

use crate::account::AllowanceKey;
use crate::block::BlockIndex;
use crate::memory::{self, Memories, Memory};
use cairn_events::{Amount, Timestamp};
use ic_stable_structures::storable::Bound;
use ic_stable_structures::{BTreeMap, Storable};
use icrc_ledger_types::icrc1::account::Account;
use std::borrow::Cow;

/// Expired allowances removed for each expiring one that is added: the queue cannot grow by being ignored, and no
/// caller pays for a backlog.
const PRUNED_PER_APPROVAL: usize = 2;

/// An allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// What may still be taken, ledger fees included.
    pub amount: Amount,
    /// When it ends, if ever: it is no longer valid at that very time.
    pub expires_at: Option<Timestamp>,
    /// The block of the approval that set it.
    pub approved_in: BlockIndex,
}

impl Allowance {
    fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    fn expiry(&self) -> Option<Expiry> {
        self.expires_at.map(|at| Expiry { at, approved_in: self.approved_in })
    }
}

const LENGTH: usize = 16 + 1 + 8 + 8;

impl Storable for Allowance {
    const BOUND: Bound = Bound::Bounded { max_size: LENGTH as u32, is_fixed_size: true };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.into_bytes())
    }
    fn into_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(&self.amount.0.to_be_bytes());
        bytes.push(u8::from(self.expires_at.is_some()));
        bytes.extend_from_slice(&self.expires_at.unwrap_or_default().0.to_be_bytes());
        bytes.extend_from_slice(&self.approved_in.0.to_be_bytes());
        bytes
    }
    fn from_bytes(bytes: Cow<[u8]>) -> Self {
        let number = |from: usize, to: usize| {
            bytes.get(from..to).unwrap_or_default().iter().fold(0u128, |n, byte| n << 8 | u128::from(*byte))
        };
        Allowance {
            amount: Amount(number(0, 16)),
            expires_at: (number(16, 17) == 1).then(|| Timestamp(number(17, 25) as u64)),
            approved_in: BlockIndex(number(25, 33) as u64),
        }
    }
}

/// An end of an allowance, in the order of time. The block of the approval makes it unique, and names the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    at: Timestamp,
    approved_in: BlockIndex,
}

impl Storable for Expiry {
    const BOUND: Bound = Bound::Bounded { max_size: 16, is_fixed_size: true };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.into_bytes())
    }
    fn into_bytes(self) -> Vec<u8> {
        [self.at.0.to_be_bytes(), self.approved_in.0.to_be_bytes()].concat()
    }
    fn from_bytes(bytes: Cow<[u8]>) -> Self {
        let number =
            |part: Option<&[u8]>| part.unwrap_or_default().iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
        Expiry { at: Timestamp(number(bytes.get(..8))), approved_in: BlockIndex(number(bytes.get(8..))) }
    }
}

/// All allowances.
pub struct Allowances {
    by_accounts: BTreeMap<AllowanceKey, Allowance, Memory>,
    by_expiry: BTreeMap<Expiry, AllowanceKey, Memory>,
}

impl Allowances {
    /// Opens the tables, or begins empty ones.
    pub fn open(memories: &Memories) -> Self {
        Allowances {
            by_accounts: BTreeMap::init(memories.get(memory::ALLOWANCES)),
            by_expiry: BTreeMap::init(memories.get(memory::EXPIRIES)),
        }
    }

    /// Allowances stored, expired ones that are not yet removed included.
    pub fn count(&self) -> u64 {
        self.by_accounts.len()
    }

    /// The allowance as stored, expired or not.
    pub fn stored(&self, key: &AllowanceKey) -> Option<Allowance> {
        self.by_accounts.get(key)
    }

    /// The allowance in force at `now`.
    pub fn in_force(&self, key: &AllowanceKey, now: Timestamp) -> Option<Allowance> {
        self.stored(key).filter(|allowance| !allowance.has_expired(now))
    }

    /// Replaces `before`, which is what is stored, by `after`; an allowance of nothing is removed.
    pub fn replace(&mut self, key: AllowanceKey, before: Option<Allowance>, after: Allowance, now: Timestamp) {
        let after = Some(after).filter(|allowance| allowance.amount > Amount::ZERO);
        let (ended, begun) = (before.and_then(|a| a.expiry()), after.and_then(|a| a.expiry()));
        if ended != begun {
            if let Some(expiry) = ended {
                self.by_expiry.remove(&expiry);
            }
            if let Some(expiry) = begun {
                self.prune(now);
                self.by_expiry.insert(expiry, key.clone());
            }
        }
        match after {
            Some(allowance) => {
                self.by_accounts.insert(key, allowance);
            }
            None if before.is_some() => {
                self.by_accounts.remove(&key);
            }
            None => {}
        }
    }

    fn prune(&mut self, now: Timestamp) {
        for _ in 0..PRUNED_PER_APPROVAL {
            match self.by_expiry.first_key_value() {
                Some((expiry, key)) if expiry.at <= now => {
                    self.by_expiry.remove(&expiry);
                    self.by_accounts.remove(&key);
                }
                _ => break,
            }
        }
    }

    /// Up to `limit` allowances in force on accounts of `from`'s owner, in the order of (account, spender), from the
    /// first after (`from`, `previous`). No more than `scanned` rows are read.
    pub fn page(
        &self,
        from: &Account,
        previous: Option<&Account>,
        now: Timestamp,
        limit: usize,
        scanned: usize,
    ) -> Vec<(Account, Account, Allowance)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = match previous {
            Some(spender) => AllowanceKey::new(from, spender),
            None => AllowanceKey::before_all(from),
        };
        self.by_accounts
            .range((Excluded(start), Unbounded))
            .take(scanned)
            .map(|row| (row.key().accounts(), row.value()))
            .map_while(|(accounts, allowance)| accounts.map(|(account, spender)| (account, spender, allowance)))
            .take_while(|(account, _, _)| account.owner == from.owner)
            .filter(|(_, _, allowance)| !allowance.has_expired(now))
            .take(limit)
            .collect()
    }
}
