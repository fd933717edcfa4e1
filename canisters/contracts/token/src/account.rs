//! Accounts as keys of stable structures, and as ICRC-3 writes them in blocks.

use candid::Principal;
use ic_stable_structures::Storable;
use ic_stable_structures::storable::Bound;
use icrc_ledger_types::icrc1::account::{Account, DEFAULT_SUBACCOUNT, Subaccount};
use std::borrow::Cow;

const DEFAULT: u8 = 0;
const NAMED: u8 = 1;
const SUBACCOUNT_LENGTH: usize = 32;
const MAX_LENGTH: u32 = 1 + 29 + 1 + 32;

/// An account as a key: the length of the owner, the owner, then 0 for the default subaccount, or 1 and the
/// subaccount. An absent subaccount and 32 zeros are the same account (ICRC-1).
///
/// No key is the beginning of another one, and keys are ordered as accounts are: what ICRC-103 asks of its pages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountKey(Vec<u8>);

impl From<&Account> for AccountKey {
    fn from(account: &Account) -> Self {
        let owner = account.owner.as_slice();
        let mut key = Vec::with_capacity(MAX_LENGTH as usize);
        key.push(owner.len() as u8);
        key.extend_from_slice(owner);
        match account.effective_subaccount() {
            DEFAULT_SUBACCOUNT => key.push(DEFAULT),
            subaccount => {
                key.push(NAMED);
                key.extend_from_slice(subaccount);
            }
        }
        AccountKey(key)
    }
}

impl Storable for AccountKey {
    const BOUND: Bound = Bound::Bounded { max_size: MAX_LENGTH, is_fixed_size: false };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.0)
    }
    fn into_bytes(self) -> Vec<u8> {
        self.0
    }
    fn from_bytes(bytes: Cow<[u8]>) -> Self {
        AccountKey(bytes.into_owned())
    }
}

/// An allowance's key: the account it draws on, then the spender.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllowanceKey(Vec<u8>);

impl AllowanceKey {
    /// The key of what `spender` may take from `from`.
    pub fn new(from: &Account, spender: &Account) -> Self {
        let mut key = AccountKey::from(from).0;
        key.extend_from_slice(&AccountKey::from(spender).0);
        AllowanceKey(key)
    }

    /// A key just before all allowances on `from`.
    pub fn before_all(from: &Account) -> Self {
        AllowanceKey(AccountKey::from(from).0)
    }

    /// The two accounts, `None` if the bytes are not such a key.
    pub fn accounts(&self) -> Option<(Account, Account)> {
        let (from, rest) = read_account(&self.0)?;
        let (spender, rest) = read_account(rest)?;
        rest.is_empty().then_some((from, spender))
    }
}

/// The account at the beginning of `bytes`, and what follows it.
fn read_account(bytes: &[u8]) -> Option<(Account, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (owner, rest) = rest.split_at_checked(usize::from(*length))?;
    let owner = Principal::try_from_slice(owner).ok()?;
    match rest.split_first()? {
        (&DEFAULT, rest) => Some((Account { owner, subaccount: None }, rest)),
        (&NAMED, rest) => {
            let (subaccount, rest) = rest.split_at_checked(SUBACCOUNT_LENGTH)?;
            let subaccount: Subaccount = subaccount.try_into().ok()?;
            Some((Account { owner, subaccount: Some(subaccount) }, rest))
        }
        _ => None,
    }
}

impl Storable for AllowanceKey {
    const BOUND: Bound = Bound::Bounded { max_size: 2 * MAX_LENGTH, is_fixed_size: false };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.0)
    }
    fn into_bytes(self) -> Vec<u8> {
        self.0
    }
    fn from_bytes(bytes: Cow<[u8]>) -> Self {
        AllowanceKey(bytes.into_owned())
    }
}

/// Accounts serialized as ICRC-3 has them: an array of the owner and, if it was given, the subaccount.
pub mod icrc3_form {
    use candid::Principal;
    use icrc_ledger_types::icrc1::account::Account;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_bytes::{ByteBuf, Bytes};

    /// Writes an account.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(account: &Account, serializer: S) -> Result<S::Ok, S::Error> {
        let owner = Bytes::new(account.owner.as_slice());
        match &account.subaccount {
            None => [owner].serialize(serializer),
            Some(subaccount) => [owner, Bytes::new(subaccount)].serialize(serializer),
        }
    }

    /// Reads an account.
    ///
    /// # Errors
    /// If there are not one or two parts of the right lengths.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Account, D::Error> {
        let parts = Vec::<ByteBuf>::deserialize(deserializer)?;
        let (owner, subaccount) = match parts.as_slice() {
            [owner] => (owner, None),
            [owner, subaccount] => (owner, Some(subaccount)),
            _ => return Err(D::Error::custom("an account has one or two parts")),
        };
        let owner = Principal::try_from_slice(owner).map_err(D::Error::custom)?;
        let subaccount = subaccount.map(|bytes| bytes.as_slice().try_into().map_err(D::Error::custom)).transpose()?;
        Ok(Account { owner, subaccount })
    }

    /// The same for fields that may be absent.
    pub mod optional {
        use super::{Account, Deserializer, Serializer};

        /// Writes an account, if there is one.
        ///
        /// # Errors
        /// Those of the serializer.
        pub fn serialize<S: Serializer>(account: &Option<Account>, serializer: S) -> Result<S::Ok, S::Error> {
            match account {
                Some(account) => super::serialize(account, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads an account from a field that is present.
        ///
        /// # Errors
        /// As [`super::deserialize`].
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Account>, D::Error> {
            super::deserialize(deserializer).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arb_account() -> impl Strategy<Value = Account> {
        let subaccount = prop_oneof![Just(None), Just(Some([0; 32])), any::<[u8; 32]>().prop_map(Some)];
        (prop::collection::vec(0u8..3, 0..=29), subaccount)
            .prop_map(|(owner, subaccount)| Account { owner: Principal::from_slice(&owner), subaccount })
    }

    proptest! {
        #[test]
        fn keys_are_equal_and_ordered_as_accounts_are(a in arb_account(), b in arb_account()) {
            prop_assert_eq!(AccountKey::from(&a).cmp(&AccountKey::from(&b)), a.cmp(&b));
        }

        #[test]
        fn allowance_keys_are_ordered_as_pairs_and_can_be_read(
            a in arb_account(), b in arb_account(), c in arb_account(), d in arb_account()
        ) {
            let (left, right) = (AllowanceKey::new(&a, &b), AllowanceKey::new(&c, &d));
            prop_assert_eq!(left.cmp(&right), (a, b).cmp(&(c, d)));
            prop_assert_eq!(left.accounts(), Some((a, b)));
            prop_assert!(AllowanceKey::before_all(&a) < left);
            prop_assert!(left.to_bytes().len() <= 2 * MAX_LENGTH as usize);
        }
    }

    #[test]
    fn bytes_that_are_no_key_are_refused() {
        for bytes in [&[][..], &[1], &[1, 7], &[1, 7, 2], &[1, 7, 0], &[30; 40], &[1, 7, 1, 5]] {
            assert_eq!(AllowanceKey(bytes.to_vec()).accounts(), None);
        }
    }
}
