//! One generic serializer: any payload becomes a [`Value`].
//!
//! Structs and struct variants become maps (absent options leave no entry), unit variants their name, other variants
//! a map of one entry, booleans 0 or 1. What ICRC-3 cannot hold portably (negative numbers, floats) is refused.

use super::Value;
use crate::amount::NAT;
use serde::ser::{self, Impossible, Serialize};
use std::fmt;

/// A type that has no place in a [`Value`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot be represented as an ICRC-3 value: {0}")]
pub struct UnsupportedValue(String);

impl ser::Error for UnsupportedValue {
    fn custom<T: fmt::Display>(message: T) -> Self {
        UnsupportedValue(message.to_string())
    }
}

fn unsupported<T>(what: &str) -> Result<T, UnsupportedValue> {
    Err(UnsupportedValue(what.to_owned()))
}

/// The value that `data` serializes to.
///
/// # Errors
/// [`UnsupportedValue`] if `data` holds a negative number, a float, a map with keys that are not text, or the like.
pub fn to_value<T: Serialize + ?Sized>(data: &T) -> Result<Value, UnsupportedValue> {
    match data.serialize(ToValue)? {
        Some(value) => Ok(value),
        None => unsupported("an absent option at the top"),
    }
}

/// `None` stands for an absent option: it leaves no trace in the map that would hold it.
type Outcome = Result<Option<Value>, UnsupportedValue>;

struct ToValue;

impl ser::Serializer for ToValue {
    type Ok = Option<Value>;
    type Error = UnsupportedValue;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Impossible<Option<Value>, UnsupportedValue>;
    type SerializeMap = Impossible<Option<Value>, UnsupportedValue>;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn is_human_readable(&self) -> bool {
        false
    }
    fn serialize_bool(self, v: bool) -> Outcome {
        Ok(Some(Value::Nat(u128::from(v))))
    }
    fn serialize_u8(self, v: u8) -> Outcome {
        Ok(Some(Value::Nat(u128::from(v))))
    }
    fn serialize_u16(self, v: u16) -> Outcome {
        Ok(Some(Value::Nat(u128::from(v))))
    }
    fn serialize_u32(self, v: u32) -> Outcome {
        Ok(Some(Value::Nat(u128::from(v))))
    }
    fn serialize_u64(self, v: u64) -> Outcome {
        Ok(Some(Value::Nat(u128::from(v))))
    }
    fn serialize_u128(self, v: u128) -> Outcome {
        Ok(Some(Value::Nat(v)))
    }
    fn serialize_str(self, v: &str) -> Outcome {
        Ok(Some(Value::text(v)))
    }
    fn serialize_bytes(self, v: &[u8]) -> Outcome {
        Ok(Some(Value::blob(v)))
    }
    fn serialize_none(self) -> Outcome {
        Ok(None)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Outcome {
        Ok(Some(Value::text(variant)))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Outcome {
        let inner = value.serialize(self)?;
        match (name, inner) {
            (NAT, Some(Value::Blob(bytes))) => {
                Ok(Some(Value::Nat(bytes.iter().fold(0, |n, byte| n << 8 | u128::from(*byte)))))
            }
            (_, inner) => Ok(inner),
        }
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Outcome {
        let inner = to_value(value)?;
        Ok(Some(Value::Map(vec![(variant.to_owned(), inner)])))
    }
    fn serialize_seq(self, length: Option<usize>) -> Result<Items, UnsupportedValue> {
        Ok(Items(Vec::with_capacity(length.unwrap_or_default())))
    }
    fn serialize_tuple(self, length: usize) -> Result<Items, UnsupportedValue> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items, UnsupportedValue> {
        self.serialize_seq(Some(length))
    }
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Entries, UnsupportedValue> {
        Ok(Entries { variant: None, entries: Vec::with_capacity(length) })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Entries, UnsupportedValue> {
        Ok(Entries { variant: Some(variant), entries: Vec::with_capacity(length) })
    }

    fn serialize_i8(self, _: i8) -> Outcome {
        unsupported("a signed number")
    }
    fn serialize_i16(self, _: i16) -> Outcome {
        unsupported("a signed number")
    }
    fn serialize_i32(self, _: i32) -> Outcome {
        unsupported("a signed number")
    }
    fn serialize_i64(self, _: i64) -> Outcome {
        unsupported("a signed number")
    }
    fn serialize_f32(self, _: f32) -> Outcome {
        unsupported("a float")
    }
    fn serialize_f64(self, _: f64) -> Outcome {
        unsupported("a float")
    }
    fn serialize_char(self, _: char) -> Outcome {
        unsupported("a character")
    }
    fn serialize_unit(self) -> Outcome {
        unsupported("a unit")
    }
    fn serialize_unit_struct(self, _: &'static str) -> Outcome {
        unsupported("a unit")
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, UnsupportedValue> {
        unsupported("a tuple variant")
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, UnsupportedValue> {
        unsupported("a map with computed keys")
    }
}

struct Items(Vec<Value>);

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), UnsupportedValue> {
        self.0.push(to_value(value)?);
        Ok(())
    }
}

impl ser::SerializeSeq for Items {
    type Ok = Option<Value>;
    type Error = UnsupportedValue;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), UnsupportedValue> {
        self.push(value)
    }
    fn end(self) -> Outcome {
        Ok(Some(Value::Array(self.0)))
    }
}

impl ser::SerializeTuple for Items {
    type Ok = Option<Value>;
    type Error = UnsupportedValue;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), UnsupportedValue> {
        self.push(value)
    }
    fn end(self) -> Outcome {
        Ok(Some(Value::Array(self.0)))
    }
}

impl ser::SerializeTupleStruct for Items {
    type Ok = Option<Value>;
    type Error = UnsupportedValue;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), UnsupportedValue> {
        self.push(value)
    }
    fn end(self) -> Outcome {
        Ok(Some(Value::Array(self.0)))
    }
}

struct Entries {
    variant: Option<&'static str>,
    entries: Vec<(String, Value)>,
}

impl Entries {
    fn push<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), UnsupportedValue> {
        if let Some(value) = value.serialize(ToValue)? {
            self.entries.push((key.to_owned(), value));
        }
        Ok(())
    }
    fn finish(self) -> Outcome {
        let map = Value::Map(self.entries);
        Ok(Some(match self.variant {
            Some(variant) => Value::Map(vec![(variant.to_owned(), map)]),
            None => map,
        }))
    }
}

impl ser::SerializeStruct for Entries {
    type Ok = Option<Value>;
    type Error = UnsupportedValue;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), UnsupportedValue> {
        self.push(key, value)
    }
    fn end(self) -> Outcome {
        self.finish()
    }
}

impl ser::SerializeStructVariant for Entries {
    type Ok = Option<Value>;
    type Error = UnsupportedValue;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), UnsupportedValue> {
        self.push(key, value)
    }
    fn end(self) -> Outcome {
        self.finish()
    }
}
