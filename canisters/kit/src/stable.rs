//! What stable memory holds: short keys, CBOR rows, and slots that forget what they held.

mod slot;

pub use slot::Slot;

use cairn_events::{DeploymentId, Hash, Principal, codec};
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::VirtualMemory;
use ic_stable_structures::storable::{Bound, Storable};
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Cow;

/// One of the canister's stable memories, as the memory manager hands it out.
pub type Memory = VirtualMemory<DefaultMemoryImpl>;

/// Bytes of the longest principal.
const PRINCIPAL_BYTES: usize = 29;

/// A principal as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrincipalKey(pub Principal);

/// A principal and a number as a key: a principal's numbers are neighbours, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrincipalNumberKey(pub Principal, pub u64);

/// A digest as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashKey(pub Hash);

/// A deployment as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeploymentKey(pub DeploymentId);

/// A row of any stored type, in the encoding that events have too.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Cbor<T>(pub T);

/// Stops the message: what stable memory holds is not what this code wrote, and going on would make it worse.
#[cold]
fn corrupt(what: &str) -> ! {
    ic_cdk::trap(format!("stable memory is corrupt: {what}"))
}

fn put_principal(key: &mut Vec<u8>, principal: Principal) {
    let bytes = principal.as_slice();
    key.push(bytes.len() as u8);
    key.extend_from_slice(bytes);
}

fn take_principal(key: &[u8]) -> Option<(Principal, &[u8])> {
    let (length, rest) = key.split_first()?;
    let (bytes, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((Principal::try_from_slice(bytes).ok()?, rest))
}

impl Storable for PrincipalKey {
    const BOUND: Bound = Bound::Bounded { max_size: 1 + PRINCIPAL_BYTES as u32, is_fixed_size: false };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.into_bytes())
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + PRINCIPAL_BYTES);
        put_principal(&mut key, self.0);
        key
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        match take_principal(&bytes) {
            Some((principal, [])) => PrincipalKey(principal),
            _ => corrupt("principal key"),
        }
    }
}

impl Storable for PrincipalNumberKey {
    const BOUND: Bound = Bound::Bounded { max_size: 9 + PRINCIPAL_BYTES as u32, is_fixed_size: false };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.into_bytes())
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut key = Vec::with_capacity(9 + PRINCIPAL_BYTES);
        put_principal(&mut key, self.0);
        key.extend_from_slice(&self.1.to_be_bytes());
        key
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        let read = |bytes| {
            let (principal, rest) = take_principal(bytes)?;
            Some(PrincipalNumberKey(principal, u64::from_be_bytes(rest.try_into().ok()?)))
        };
        read(&bytes).unwrap_or_else(|| corrupt("principal and number key"))
    }
}

impl Storable for HashKey {
    const BOUND: Bound = Bound::Bounded { max_size: 32, is_fixed_size: true };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.0.as_bytes())
    }

    fn into_bytes(self) -> Vec<u8> {
        self.0.0.to_vec()
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        HashKey(Hash::from_slice(&bytes).unwrap_or_else(|| corrupt("hash key")))
    }
}

impl Storable for DeploymentKey {
    const BOUND: Bound = HashKey::BOUND;

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.0.0.as_bytes())
    }

    fn into_bytes(self) -> Vec<u8> {
        self.0.0.0.to_vec()
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        DeploymentKey(DeploymentId(HashKey::from_bytes(bytes).0))
    }
}

impl<T: Serialize + DeserializeOwned> Storable for Cbor<T> {
    const BOUND: Bound = Bound::Unbounded;

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(codec::encode(&self.0))
    }

    fn into_bytes(self) -> Vec<u8> {
        codec::encode(&self.0)
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        Cbor(codec::decode_trusted(&bytes).unwrap_or_else(|error| corrupt(&error.to_string())))
    }
}

#[cfg(test)]
mod tests;
