//! Amounts of a token and points in time.

use candid::CandidType;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The name under which the value serializer recognises an [`Amount`].
pub(crate) const NAT: &str = "Nat";

/// An amount in a token's smallest unit (e8s for a token of eight decimals). All arithmetic is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub u128);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// `self + other`, or `None` on overflow.
    #[must_use]
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).map(Amount)
    }

    /// `self - other`, or `None` if that were negative.
    #[must_use]
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.0.checked_sub(other.0).map(Amount)
    }

    /// `self * factor`, or `None` on overflow.
    #[must_use]
    pub fn checked_mul(self, factor: u128) -> Option<Amount> {
        self.0.checked_mul(factor).map(Amount)
    }

    /// `self - other`, or zero if that were negative.
    #[must_use]
    pub fn saturating_sub(self, other: Amount) -> Amount {
        Amount(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// CBOR has no 128-bit integers in the codec we use: an amount is stored as its big-endian bytes, shortest form.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.0.to_be_bytes();
        let zeros = bytes.iter().take_while(|b| **b == 0).count();
        serializer.serialize_newtype_struct(NAT, serde_bytes::Bytes::new(bytes.get(zeros..).unwrap_or_default()))
    }
}

// Candid answers the request for a 128-bit integer with one; CBOR, which describes itself, answers with the bytes.
impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u128(AmountVisitor)
    }
}

struct AmountVisitor;

impl<'de> serde::de::Visitor<'de> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount of at most 128 bits")
    }

    fn visit_u128<E: serde::de::Error>(self, n: u128) -> Result<Amount, E> {
        Ok(Amount(n))
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Amount, E> {
        if bytes.len() > 16 || bytes.first() == Some(&0) {
            return Err(E::custom("an amount is at most 16 bytes without leading zeros"));
        }
        Ok(Amount(bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))))
    }
}

impl CandidType for Amount {
    fn _ty() -> candid::types::Type {
        <u128 as CandidType>::_ty()
    }
    fn idl_serialize<S: candid::types::Serializer>(&self, serializer: S) -> Result<(), S::Error> {
        self.0.idl_serialize(serializer)
    }
}

/// A point in time: nanoseconds since the Unix epoch, as the Internet Computer counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Amount;

    #[test]
    fn an_amount_is_a_nat_in_candid_and_bytes_in_cbor() {
        for n in [0, 1, 255, 256, u128::from(u64::MAX), u128::from(u64::MAX) + 1, u128::MAX] {
            let amount = Amount(n);
            let candid = candid::encode_one(amount).unwrap();
            assert_eq!(candid, candid::encode_one(n).unwrap());
            assert_eq!(candid::decode_one::<Amount>(&candid).unwrap(), amount);
            assert_eq!(
                candid::decode_one::<Option<Amount>>(&candid::encode_one(Some(amount)).unwrap()).unwrap(),
                Some(amount)
            );
            let cbor = crate::codec::encode(&amount);
            assert_eq!(crate::codec::decode::<Amount>(&cbor).unwrap(), amount);
        }
        assert!(crate::codec::decode::<Amount>(&[0x42, 0, 1]).is_err(), "leading zero");
        assert!(crate::codec::decode::<Amount>(&[0x01]).is_err(), "a CBOR number");
        assert!(
            candid::decode_one::<Amount>(&candid::encode_one(candid::Nat::from(u128::MAX) + 1u8).unwrap()).is_err()
        );
    }
}
