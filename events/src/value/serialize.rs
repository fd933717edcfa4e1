//! One generic serializer: any payload becomes a [`Value`], or the hash of that value without the value being built.
//!
//! Structs and struct variants become maps (absent options leave no entry), unit variants their name, other variants
//! a map of one entry, booleans 0 or 1. What ICRC-3 cannot hold portably (negative numbers, floats) is refused.

use super::{Hashed, Value, hash_entries, hash_nat, key};
use crate::Hash;
use crate::amount::NAT;
use serde::ser::{self, Impossible, Serialize};
use std::fmt;
use std::marker::PhantomData;

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

/// What can be made of the parts of a value: the value itself, or its hash.
pub trait Form: Sized {
    /// A natural number.
    fn nat(n: u128) -> Self;
    /// Text.
    fn text(text: &str) -> Self;
    /// Bytes.
    fn blob(bytes: &[u8]) -> Self;
    /// A sequence.
    fn array(items: Vec<Self>) -> Self;
    /// Text whose hash is known.
    fn known_text(text: &str, _: Hash) -> Self {
        Self::text(text)
    }
    /// A value with its name, in a map.
    type Entry;
    /// Names a value.
    fn entry(name: &'static str, value: Self) -> Self::Entry;
    /// Named values.
    fn map(entries: Vec<Self::Entry>) -> Self;
}

impl Form for Value {
    fn nat(n: u128) -> Self {
        Value::Nat(n)
    }
    fn text(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
    fn blob(bytes: &[u8]) -> Self {
        Value::Blob(bytes.to_vec().into())
    }
    fn array(items: Vec<Self>) -> Self {
        Value::Array(items)
    }
    type Entry = (String, Value);
    fn entry(name: &'static str, value: Self) -> (String, Value) {
        (name.to_owned(), value)
    }
    fn map(entries: Vec<(String, Value)>) -> Self {
        Value::Map(entries)
    }
}

impl Form for Hashed {
    fn nat(n: u128) -> Self {
        Hashed(hash_nat(n))
    }
    fn text(text: &str) -> Self {
        Hashed(Hash::of(&[text.as_bytes()]))
    }
    fn blob(bytes: &[u8]) -> Self {
        Hashed(Hash::of(&[bytes]))
    }
    fn array(items: Vec<Self>) -> Self {
        let hashes: Vec<[u8; 32]> = items.into_iter().map(|Hashed(hash)| hash.0).collect();
        Hashed(Hash::of(&[hashes.as_flattened()]))
    }
    fn known_text(_: &str, hash: Hash) -> Self {
        Hashed(hash)
    }
    type Entry = [[u8; 32]; 2];
    fn entry(name: &'static str, Hashed(value): Self) -> [[u8; 32]; 2] {
        [key::hash(name).0, value.0]
    }
    fn map(entries: Vec<[[u8; 32]; 2]>) -> Self {
        Hashed(hash_entries(entries))
    }
}

/// The value that `data` serializes to, in one form or the other.
///
/// # Errors
/// [`UnsupportedValue`] if `data` holds a negative number, a float, a map with keys that are not text, or the like.
pub fn to_form<F: Form, T: Serialize + ?Sized>(data: &T) -> Result<F, UnsupportedValue> {
    match data.serialize(To::default())? {
        Some(value) => Ok(value),
        None => unsupported("an absent option at the top"),
    }
}

/// The value that `data` serializes to.
///
/// # Errors
/// As [`to_form`].
pub fn to_value<T: Serialize + ?Sized>(data: &T) -> Result<Value, UnsupportedValue> {
    to_form(data)
}

/// `None` stands for an absent option: it leaves no trace in the map that would hold it.
type Outcome<F> = Result<Option<F>, UnsupportedValue>;

struct To<F> {
    /// Whether bytes are those of an [`crate::Amount`].
    is_amount: bool,
    form: PhantomData<F>,
}

impl<F> Default for To<F> {
    fn default() -> Self {
        To { is_amount: false, form: PhantomData }
    }
}

impl<F: Form> ser::Serializer for To<F> {
    type Ok = Option<F>;
    type Error = UnsupportedValue;
    type SerializeSeq = Items<F>;
    type SerializeTuple = Items<F>;
    type SerializeTupleStruct = Items<F>;
    type SerializeTupleVariant = Impossible<Option<F>, UnsupportedValue>;
    type SerializeMap = Impossible<Option<F>, UnsupportedValue>;
    type SerializeStruct = Entries<F>;
    type SerializeStructVariant = Entries<F>;

    fn is_human_readable(&self) -> bool {
        false
    }
    fn serialize_bool(self, v: bool) -> Outcome<F> {
        Ok(Some(F::nat(u128::from(v))))
    }
    fn serialize_u8(self, v: u8) -> Outcome<F> {
        Ok(Some(F::nat(u128::from(v))))
    }
    fn serialize_u16(self, v: u16) -> Outcome<F> {
        Ok(Some(F::nat(u128::from(v))))
    }
    fn serialize_u32(self, v: u32) -> Outcome<F> {
        Ok(Some(F::nat(u128::from(v))))
    }
    fn serialize_u64(self, v: u64) -> Outcome<F> {
        Ok(Some(F::nat(u128::from(v))))
    }
    fn serialize_u128(self, v: u128) -> Outcome<F> {
        Ok(Some(F::nat(v)))
    }
    fn serialize_str(self, v: &str) -> Outcome<F> {
        Ok(Some(F::text(v)))
    }
    fn serialize_bytes(self, v: &[u8]) -> Outcome<F> {
        if self.is_amount {
            return Ok(Some(F::nat(v.iter().fold(0, |n, byte| n << 8 | u128::from(*byte)))));
        }
        Ok(Some(F::blob(v)))
    }
    fn serialize_none(self) -> Outcome<F> {
        Ok(None)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome<F> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Outcome<F> {
        Ok(Some(F::text(variant)))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Outcome<F> {
        value.serialize(To { is_amount: name == NAT, form: PhantomData })
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Outcome<F> {
        Ok(Some(F::map(vec![F::entry(variant, to_form(value)?)])))
    }
    fn serialize_seq(self, length: Option<usize>) -> Result<Items<F>, UnsupportedValue> {
        Ok(Items(Vec::with_capacity(length.unwrap_or_default())))
    }
    fn serialize_tuple(self, length: usize) -> Result<Items<F>, UnsupportedValue> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items<F>, UnsupportedValue> {
        self.serialize_seq(Some(length))
    }
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Entries<F>, UnsupportedValue> {
        Ok(Entries { variant: None, entries: Vec::with_capacity(length) })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Entries<F>, UnsupportedValue> {
        Ok(Entries { variant: Some(variant), entries: Vec::with_capacity(length) })
    }

    fn serialize_i8(self, _: i8) -> Outcome<F> {
        unsupported("a signed number")
    }
    fn serialize_i16(self, _: i16) -> Outcome<F> {
        unsupported("a signed number")
    }
    fn serialize_i32(self, _: i32) -> Outcome<F> {
        unsupported("a signed number")
    }
    fn serialize_i64(self, _: i64) -> Outcome<F> {
        unsupported("a signed number")
    }
    fn serialize_f32(self, _: f32) -> Outcome<F> {
        unsupported("a float")
    }
    fn serialize_f64(self, _: f64) -> Outcome<F> {
        unsupported("a float")
    }
    fn serialize_char(self, _: char) -> Outcome<F> {
        unsupported("a character")
    }
    fn serialize_unit(self) -> Outcome<F> {
        unsupported("a unit")
    }
    fn serialize_unit_struct(self, _: &'static str) -> Outcome<F> {
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

struct Items<F>(Vec<F>);

impl<F: Form> Items<F> {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), UnsupportedValue> {
        self.0.push(to_form(value)?);
        Ok(())
    }
    fn finish(self) -> Outcome<F> {
        Ok(Some(F::array(self.0)))
    }
}

struct Entries<F: Form> {
    variant: Option<&'static str>,
    entries: Vec<F::Entry>,
}

impl<F: Form> Entries<F> {
    fn push<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), UnsupportedValue> {
        if let Some(value) = value.serialize(To::default())? {
            self.entries.push(F::entry(key, value));
        }
        Ok(())
    }
    fn finish(self) -> Outcome<F> {
        let map = F::map(self.entries);
        Ok(Some(match self.variant {
            Some(variant) => F::map(vec![F::entry(variant, map)]),
            None => map,
        }))
    }
}

/// One of serde's traits for compound values, which differ in names only.
macro_rules! compound {
    ($parts:ident, $trait:ident, $push:ident($($key:ident: $Key:ty)?)) => {
        impl<F: Form> ser::$trait for $parts<F> {
            type Ok = Option<F>;
            type Error = UnsupportedValue;
            fn $push<T: Serialize + ?Sized>(&mut self, $($key: $Key,)? value: &T) -> Result<(), UnsupportedValue> {
                self.push($($key,)? value)
            }
            fn end(self) -> Outcome<F> {
                self.finish()
            }
        }
    };
}

compound!(Items, SerializeSeq, serialize_element());
compound!(Items, SerializeTuple, serialize_element());
compound!(Items, SerializeTupleStruct, serialize_field());
compound!(Entries, SerializeStruct, serialize_field(key: &'static str));
compound!(Entries, SerializeStructVariant, serialize_field(key: &'static str));
