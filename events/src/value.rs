//! The generic value of ICRC-3 and its representation-independent hash.
//!
//! Source: ICRC-3, "Value" and `HASHINGVALUES.md`. We use `Nat`, `Text`, `Blob`, `Array` and `Map` only: no `Int`, so
//! that every public implementation agrees on our hashes, and no map with a repeated key.

mod key;
mod serialize;

use crate::Hash;
use candid::CandidType;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha2_const_stable::Sha256;

pub use key::is_constant as is_constant_key;
pub use serialize::{Form, UnsupportedValue, to_form, to_value};

/// A value of ICRC-3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum Value {
    /// A natural number.
    Nat(u128),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Blob(ByteBuf),
    /// A sequence.
    Array(Vec<Value>),
    /// Named values; names are unique, their order does not matter.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A blob of these bytes.
    pub fn blob(bytes: impl Into<Vec<u8>>) -> Self {
        Value::Blob(ByteBuf::from(bytes.into()))
    }

    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Value::Text(text.into())
    }

    /// The representation-independent hash of ICRC-3.
    pub fn hash(&self) -> Hash {
        match self {
            Value::Nat(n) => hash_nat(*n),
            Value::Text(text) => Hash::of(&[text.as_bytes()]),
            Value::Blob(bytes) => Hash::of(&[bytes]),
            Value::Array(items) => {
                let hashes: Vec<u8> = items.iter().flat_map(|item| item.hash().0).collect();
                Hash::of(&[&hashes])
            }
            Value::Map(entries) => {
                hash_entries(entries.iter().map(|(key, value)| [key::hash(key).0, value.hash().0]).collect())
            }
        }
    }

    /// The value under `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// The hash of a value, as a [`Form`]: what is wanted when the value itself is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashed(pub Hash);

/// The hash of a map, from the hashes of its keys and values.
fn hash_entries(mut entries: Vec<[[u8; 32]; 2]>) -> Hash {
    // Nearly always the first bytes decide: one comparison of numbers.
    let begin = |entry: &[[u8; 32]; 2]| entry.as_flattened().first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    entries.sort_unstable_by(|one, other| begin(one).cmp(&begin(other)).then_with(|| one.cmp(other)));
    Hash::of(&[entries.as_flattened().as_flattened()])
}

/// The hashes of the numbers from 0: versions, epochs, attempts.
static SMALL_NATS: [[u8; 32]; 8] =
    [hash_byte(0), hash_byte(1), hash_byte(2), hash_byte(3), hash_byte(4), hash_byte(5), hash_byte(6), hash_byte(7)];

const fn hash_byte(byte: u8) -> [u8; 32] {
    Sha256::new().update(&[byte]).finalize()
}

fn hash_nat(n: u128) -> Hash {
    if let Some(hash) = usize::try_from(n).ok().and_then(|n| SMALL_NATS.get(n)) {
        return Hash(*hash);
    }
    let mut buffer = [0u8; 19];
    let length = uleb128(n, &mut buffer);
    Hash::of(&[buffer.get(..length).unwrap_or_default()])
}

/// Writes `n` as unsigned LEB128 and returns its length.
fn uleb128(mut n: u128, buffer: &mut [u8; 19]) -> usize {
    let mut length = 0;
    for byte in buffer.iter_mut() {
        *byte = (n & 0x7f) as u8;
        n >>= 7;
        length += 1;
        if n == 0 {
            break;
        }
        *byte |= 0x80;
    }
    length
}

/// The unsigned LEB128 encoding of an index, as certified trees hold it.
pub fn leb128(n: u64) -> Vec<u8> {
    let mut buffer = [0u8; 19];
    let length = uleb128(u128::from(n), &mut buffer);
    buffer.get(..length).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests;
