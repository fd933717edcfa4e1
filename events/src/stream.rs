//! Streams: the sequences within the log whose versions writers can insist on.
//!
//! A stream is a function of the event ([`crate::Payload::stream`]), never a writer's choice.

mod text;

use crate::{DeploymentId, Hash};
use candid::{CandidType, Principal};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use text::Text;

/// A stream of the log. Its text form is `family/key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// The log itself: its genesis and its writers.
    Log,
    /// The platform's configuration and admins.
    Platform,
    /// The life of one canister of the platform: upgrades, refusals, rebuilt projections.
    Canister(Principal),
    /// One deployment, from request to delivery or refund.
    Deployment(DeploymentId),
    /// One contract canister.
    Contract(Principal),
    /// The pool of empty canisters of one factory.
    Pool(Principal),
}

impl Stream {
    /// The longest text form, in bytes.
    pub const MAX_TEXT: usize = 11 + 64;

    /// The text form, on the stack.
    pub(crate) fn text(&self) -> Text<{ Stream::MAX_TEXT }> {
        match self {
            Stream::Log => Text::of("log"),
            Stream::Platform => Text::of("platform"),
            Stream::Canister(id) => Text::of("canister/").with_principal(id),
            Stream::Deployment(id) => Text::of("deployment/").with_hash(&id.0),
            Stream::Contract(id) => Text::of("contract/").with_principal(id),
            Stream::Pool(id) => Text::of("pool/").with_principal(id),
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// A text that names no stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a stream; expected log, platform, canister/ID, deployment/HEX, contract/ID or pool/ID")]
pub struct UnknownStream;

impl FromStr for Stream {
    type Err = UnknownStream;

    fn from_str(text: &str) -> Result<Self, UnknownStream> {
        // One text per stream.
        if text.len() > Self::MAX_TEXT || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(UnknownStream);
        }
        Ok(match text.split_once('/') {
            None if text == "log" => Stream::Log,
            None if text == "platform" => Stream::Platform,
            None => return Err(UnknownStream),
            Some(("deployment", hex)) => Stream::Deployment(DeploymentId(Hash::from_hex(hex).ok_or(UnknownStream)?)),
            Some((family, id)) => {
                let id = text::principal(id).ok_or(UnknownStream)?;
                match family {
                    "canister" => Stream::Canister(id),
                    "contract" => Stream::Contract(id),
                    "pool" => Stream::Pool(id),
                    _ => return Err(UnknownStream),
                }
            }
        })
    }
}

impl Serialize for Stream {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(StreamVisitor)
    }
}

struct StreamVisitor;

impl Visitor<'_> for StreamVisitor {
    type Value = Stream;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text form of a stream")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Stream, E> {
        text.parse().map_err(E::custom)
    }
}

impl CandidType for Stream {
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
    fn text_round_trip() {
        let id = Principal::from_slice(&[1, 2, 3]);
        let streams = [
            Stream::Log,
            Stream::Platform,
            Stream::Canister(id),
            Stream::Deployment(DeploymentId(Hash([7; 32]))),
            Stream::Contract(id),
            Stream::Pool(Principal::management_canister()),
        ];
        for stream in streams {
            let text = stream.to_string();
            assert!(text.len() <= Stream::MAX_TEXT);
            assert_eq!(text.parse(), Ok(stream));
            assert!(text.to_uppercase().parse::<Stream>().is_err());
        }
        // Other spellings of the same bytes: no dashes, dashes elsewhere, a sign that hexadecimal numbers may have.
        let spelled = Stream::Pool(id).to_string();
        assert!(spelled.replace('-', "").parse::<Stream>().is_err());
        assert!(format!("{spelled}-").parse::<Stream>().is_err());
        assert!(format!("deployment/+{}", "0".repeat(63)).parse::<Stream>().is_err());
        assert!("pool/".parse::<Stream>().is_err());
        assert!("log/x".parse::<Stream>().is_err());
    }
}
