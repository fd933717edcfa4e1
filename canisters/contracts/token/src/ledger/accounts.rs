//! Who holds how much.
//!
//! Every account that was ever credited has a number; balances stand in a table by number. So a transfer between known
//! accounts is two look-ups and two fixed-width writes, where a map from account to balance would rewrite two B-tree
//! nodes. Numbers are for ever: an account costs less than the block that credited it.

use crate::account::AccountKey;
use crate::memory::{self, Memories, Memory};
use cairn_events::Amount;
use cairn_events::payload::{ContractStatus, Role};
use cairn_kit::notify::Subjects;
use candid::Principal;
use ic_stable_structures::storable::Bound;
use ic_stable_structures::{BTreeMap, Storable, Vec as StableVec};
use icrc_ledger_types::icrc1::account::Account;
use std::borrow::Cow;

/// The number of an account in the table of balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AccountNumber(u64);

/// A balance as stored: 16 bytes, little-endian.
struct Balance(Amount);

impl Storable for Balance {
    const BOUND: Bound = Bound::Bounded { max_size: 16, is_fixed_size: true };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.0.0.to_le_bytes().to_vec())
    }
    fn into_bytes(self) -> Vec<u8> {
        self.0.0.to_le_bytes().to_vec()
    }
    fn from_bytes(bytes: Cow<[u8]>) -> Self {
        Balance(Amount(bytes.iter().rev().fold(0, |value, byte| value << 8 | u128::from(*byte))))
    }
}

/// An account that was looked up, so that it can be written without a second search.
#[derive(Clone, Debug)]
pub struct Entry {
    account: Account,
    number: Option<AccountNumber>,
    balance: Amount,
}

impl Entry {
    /// The account.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Its balance when it was looked up.
    pub fn balance(&self) -> Amount {
        self.balance
    }
}

/// An owner began or ceased to hold tokens, over all their accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderChange {
    /// The first account with a balance.
    Entered(Principal),
    /// The last one emptied.
    Left(Principal),
}

/// Accounts, balances and holders.
pub struct Accounts {
    numbers: BTreeMap<AccountKey, u64, Memory>,
    balances: StableVec<Balance, Memory>,
    holders: BTreeMap<Principal, u32, Memory>,
}

impl Accounts {
    /// Opens the tables, or begins empty ones.
    pub fn open(memories: &Memories) -> Self {
        Accounts {
            numbers: BTreeMap::init(memories.get(memory::ACCOUNTS)),
            balances: StableVec::init(memories.get(memory::BALANCES)),
            holders: BTreeMap::init(memories.get(memory::HOLDERS)),
        }
    }

    /// Whether the two tables of accounts agree in length.
    pub fn is_consistent(&self) -> bool {
        self.numbers.len() == self.balances.len()
    }

    /// Accounts that were ever credited.
    pub fn count(&self) -> u64 {
        self.balances.len()
    }

    /// Looks an account up; one never credited has balance zero.
    pub fn find(&self, account: &Account) -> Entry {
        let number = self.numbers.get(&AccountKey::from(account)).map(AccountNumber);
        let balance = number.and_then(|number| self.balances.get(number.0)).map_or(Amount::ZERO, |b| b.0);
        Entry { account: *account, number, balance }
    }

    /// Sets a balance, and says if the owner became a holder or ceased to be one.
    pub fn set(&mut self, entry: &Entry, balance: Amount) -> Option<HolderChange> {
        match entry.number {
            Some(number) => self.balances.set(number.0, &Balance(balance)),
            None if balance == Amount::ZERO => {}
            None => {
                self.numbers.insert(AccountKey::from(&entry.account), self.balances.len());
                self.balances.push(&Balance(balance));
            }
        }
        match (entry.balance == Amount::ZERO, balance == Amount::ZERO) {
            (true, false) => self.account_filled(entry.account.owner),
            (false, true) => self.account_emptied(entry.account.owner),
            _ => None,
        }
    }

    fn account_filled(&mut self, owner: Principal) -> Option<HolderChange> {
        let before = self.holders.get(&owner).unwrap_or_default();
        self.holders.insert(owner, before.saturating_add(1));
        (before == 0).then_some(HolderChange::Entered(owner))
    }

    fn account_emptied(&mut self, owner: Principal) -> Option<HolderChange> {
        let after = self.holders.get(&owner).unwrap_or_default().saturating_sub(1);
        // An owner who left keeps a row: a resynchronisation reports them as gone.
        self.holders.insert(owner, after);
        (after == 0).then_some(HolderChange::Left(owner))
    }

    /// Whether any account of `owner` has a balance.
    pub fn holds(&self, owner: &Principal) -> bool {
        self.holders.get(owner).is_some_and(|accounts| accounts > 0)
    }
}

impl Subjects for Accounts {
    fn has_role(&self, role: Role, who: Principal) -> bool {
        role == Role::Holder && self.holds(&who)
    }

    /// Never asked: a ledger does not know who lists it, and never says so.
    fn is_public(&self) -> bool {
        true
    }

    fn status(&self) -> ContractStatus {
        ContractStatus::Active
    }

    fn roles_after(&self, after: Option<(Role, Principal)>, limit: usize) -> Vec<(Role, Principal, bool)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, |(_, owner)| Excluded(owner));
        let owners = self.holders.range((from, Unbounded)).take(limit);
        owners.map(|row| (Role::Holder, *row.key(), row.value() > 0)).collect()
    }
}
