//! Versions of what factories install.

use candid::CandidType;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A semantic version (semver.org) without pre-release and build: `major.minor.patch`. What breaks has another major
/// number. Ordered as versions are, not as texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Grows with what breaks.
    pub major: u32,
    /// Grows with what is added.
    pub minor: u32,
    /// Grows with what is mended.
    pub patch: u32,
}

impl Version {
    /// The longest text form, in bytes.
    pub const MAX_TEXT: usize = 32;

    /// This version.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Version { major, minor, patch }
    }

    /// Twelve bytes, ordered as versions are.
    pub fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let numbers = [self.major, self.minor, self.patch].map(u32::to_be_bytes);
        bytes.copy_from_slice(numbers.as_flattened());
        bytes
    }

    /// Reads [`Version::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Version> {
        let (major, rest) = bytes.split_first_chunk::<4>()?;
        let (minor, rest) = rest.split_first_chunk::<4>()?;
        let patch: [u8; 4] = rest.try_into().ok()?;
        Some(Version::new(u32::from_be_bytes(*major), u32::from_be_bytes(*minor), u32::from_be_bytes(patch)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version; expected three numbers without leading zeros, as in 1.20.3")]
pub struct NotAVersion;

impl FromStr for Version {
    type Err = NotAVersion;

    /// One text per version.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        if text.len() > Self::MAX_TEXT {
            return Err(NotAVersion);
        }
        let mut numbers = text.split('.').map(number);
        let mut next = || numbers.next().flatten().ok_or(NotAVersion);
        let version = Version::new(next()?, next()?, next()?);
        if numbers.next().is_some() { Err(NotAVersion) } else { Ok(version) }
    }
}

fn number(digits: &str) -> Option<u32> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| plain)
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(VersionVisitor)
    }
}

struct VersionVisitor;

impl Visitor<'_> for VersionVisitor {
    type Value = Version;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text form of a version")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Version, E> {
        text.parse().map_err(E::custom)
    }
}

impl CandidType for Version {
    fn _ty() -> candid::types::Type {
        String::_ty()
    }
    fn idl_serialize<S: candid::types::Serializer>(&self, serializer: S) -> Result<(), S::Error> {
        self.to_string().idl_serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_one_text() {
        for version in [Version::new(0, 0, 0), Version::new(1, 20, 3), Version::new(u32::MAX, u32::MAX, u32::MAX)] {
            let text = version.to_string();
            assert!(text.len() <= Version::MAX_TEXT);
            assert_eq!(text.parse(), Ok(version));
            assert_eq!(Version::from_bytes(&version.to_bytes()), Some(version));
            let candid = candid::encode_one(version).unwrap();
            assert_eq!(candid, candid::encode_one(&text).unwrap());
            assert_eq!(candid::decode_one::<Version>(&candid).unwrap(), version);
        }
        let others = [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1..3",
            "01.2.3",
            "1.2.00",
            "+1.2.3",
            "1.2.-3",
            " 1.2.3",
            "1.2.3-beta",
            "v1.2.3",
        ];
        for text in others.into_iter().chain(["1.2.4294967296", "1.2.3 ", "1,2,3", "1.2.\u{0663}"]) {
            assert_eq!(text.parse::<Version>(), Err(NotAVersion), "{text}");
        }
        assert_eq!(Version::from_bytes(&[0; 11]), None);
        assert_eq!(Version::from_bytes(&[0; 13]), None);
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let order = ["0.9.9", "1.0.0", "1.0.9", "1.0.10", "1.9.0", "1.10.0", "2.0.0", "10.0.0"];
        let versions: Vec<Version> = order.iter().map(|text| text.parse().unwrap()).collect();
        assert!(versions.is_sorted());
        assert!(versions.iter().map(|version| version.to_bytes()).is_sorted());
    }
}
