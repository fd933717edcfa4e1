//! CBOR as it arrives: every field is kept, so that hashes cover what the client signed.

use super::Malformed;
use serde::Serialize;
use serde_cbor::Value;
use std::collections::BTreeMap;

/// Fields of a map by name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fields(BTreeMap<String, Value>);

impl Fields {
    /// The map that these bytes encode.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let value = serde_cbor::from_slice(bytes).map_err(|error| Malformed(format!("not valid CBOR: {error}")))?;
        Self::of(value, "the request")
    }

    /// The fields of a map; `what` names it in errors.
    pub(super) fn of(value: Value, what: &str) -> Result<Self, Malformed> {
        let Value::Map(map) = value else {
            return Err(Malformed(format!("{what} is not a map")));
        };
        // An absent field and one that is null mean the same to the encoders in use.
        let present = map.into_iter().filter(|(_, value)| *value != Value::Null);
        let fields = present.map(|(name, value)| match name {
            Value::Text(name) => Ok((name, value)),
            _ => Err(Malformed(format!("{what} has a field whose name is not text"))),
        });
        fields.collect::<Result<_, _>>().map(Self)
    }

    /// The representation-independent hash of all fields.
    pub(super) fn hash(&self) -> Result<[u8; 32], Malformed> {
        let fields = self.0.iter().map(|(name, value)| Ok((name.as_str(), hashable(value)?)));
        Ok(localnet::Value::Map(fields.collect::<Result<_, Malformed>>()?).hash())
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Result<String, Malformed> {
        match self.get(name) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(missing(name, "text")),
        }
    }

    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>, Malformed> {
        self.optional_bytes(name)?.ok_or_else(|| missing(name, "a blob"))
    }

    pub(super) fn optional_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Malformed> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bytes(bytes)) => Ok(Some(bytes.clone())),
            Some(_) => Err(missing(name, "a blob")),
        }
    }

    pub(super) fn nat(&self, name: &str) -> Result<u64, Malformed> {
        match self.get(name) {
            Some(Value::Integer(number)) => u64::try_from(*number).map_err(|_| missing(name, "a number of 64 bits")),
            _ => Err(missing(name, "a number")),
        }
    }

    pub(super) fn array(&self, name: &str) -> Result<&[Value], Malformed> {
        match self.get(name) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(missing(name, "an array")),
        }
    }
}

fn missing(name: &str, kind: &str) -> Malformed {
    Malformed(format!("the field {name} is missing, or not {kind}"))
}

fn hashable(value: &Value) -> Result<localnet::Value<'_>, Malformed> {
    match value {
        Value::Bytes(bytes) => Ok(localnet::Value::Bytes(bytes)),
        Value::Text(text) => Ok(localnet::Value::Text(text)),
        Value::Integer(number) => u128::try_from(*number)
            .map(localnet::Value::Nat)
            .map_err(|_| Malformed::new("negative numbers do not occur in requests")),
        Value::Array(items) => items.iter().map(hashable).collect::<Result<_, _>>().map(localnet::Value::Array),
        Value::Map(map) => {
            let fields = map.iter().map(|(name, value)| match name {
                Value::Text(name) => Ok((name.as_str(), hashable(value)?)),
                _ => Err(Malformed::new("a map has a field whose name is not text")),
            });
            fields.collect::<Result<_, _>>().map(localnet::Value::Map)
        }
        _ => Err(Malformed::new("only blobs, texts, natural numbers, arrays and maps occur in requests")),
    }
}

/// CBOR behind the tag of self-described data.
pub(crate) fn to_cbor(value: &impl Serialize) -> Vec<u8> {
    let mut encoded = vec![0xd9, 0xd9, 0xf7];
    // Maps of text, numbers and byte strings always have an encoding.
    encoded.extend(serde_cbor::to_vec(value).unwrap_or_default());
    encoded
}
