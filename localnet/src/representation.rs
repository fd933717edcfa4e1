//! Representation-independent hashing of structured data, by which requests and responses are
//! identified and signed ("Representation-independent hashing of structured data").

use sha2::{Digest, Sha256};

/// Structured data, borrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Binary data.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
    /// A natural number.
    Nat(u128),
    /// A sequence.
    Array(Vec<Value<'a>>),
    /// Named fields, in any order.
    Map(Vec<(&'a str, Value<'a>)>),
}

impl Value<'_> {
    /// The hash: of a map, the one that makes the request id.
    pub fn hash(&self) -> [u8; 32] {
        match self {
            Self::Bytes(bytes) => Sha256::digest(bytes).into(),
            Self::Text(text) => Sha256::digest(text.as_bytes()).into(),
            Self::Nat(number) => Sha256::digest(leb128(*number)).into(),
            Self::Array(items) => {
                let hashes: Vec<[u8; 32]> = items.iter().map(Value::hash).collect();
                Sha256::digest(hashes.concat()).into()
            }
            Self::Map(fields) => {
                let field = |(name, value): &(&str, Value<'_>)| [Sha256::digest(name).into(), value.hash()];
                let mut hashes: Vec<[[u8; 32]; 2]> = fields.iter().map(field).collect();
                hashes.sort_unstable();
                Sha256::digest(hashes.as_flattened().as_flattened()).into()
            }
        }
    }
}

/// A number in unsigned LEB128.
pub(crate) fn leb128(mut value: u128) -> Vec<u8> {
    let mut encoded = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            encoded.push(low);
            return encoded;
        }
        encoded.push(low | 0x80);
    }
}
