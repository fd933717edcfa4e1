//! The stored form of events: CBOR, by serde_cbor. The only module that knows that crate; nothing is hashed in this form.

pub mod compact;

use crate::{Event, Payload};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_cbor::ser::IoWrite;
use std::io;

/// Bytes of a usual event, rounded up.
const USUAL: usize = 768;
/// Bytes of a usual row, or of a payload.
const USUAL_ROW: usize = 192;

/// Bytes that are not the one encoding of what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Not CBOR, or not of this type: an unknown kind is refused, not skipped.
    #[error("malformed: {0}")]
    Malformed(String),
    /// Readable, but another encoding than ours: there must be one only.
    #[error("not the canonical encoding")]
    NotCanonical,
}

/// The stored form of an event.
pub fn encode_event(event: &Event) -> Vec<u8> {
    encode_into(Vec::with_capacity(USUAL), event)
}

/// Reads a stored event.
///
/// # Errors
/// [`CodecError`] if the bytes are not exactly what [`encode_event`] writes for some event.
pub fn decode_event(bytes: &[u8]) -> Result<Event, CodecError> {
    decode(bytes)
}

/// The wire form of a payload.
pub fn encode_payload(payload: &Payload) -> Vec<u8> {
    encode(payload)
}

/// Reads a payload.
///
/// # Errors
/// [`CodecError`] if the bytes are not exactly what [`encode_payload`] writes for some payload.
pub fn decode_payload(bytes: &[u8]) -> Result<Payload, CodecError> {
    decode(bytes)
}

/// CBOR of any of our stored types (events, payloads, rows).
pub fn encode<T: Serialize>(data: &T) -> Vec<u8> {
    encode_into(Vec::with_capacity(USUAL_ROW), data)
}

/// As [`encode`], into `bytes`: it grows while it is written, unless there is room.
fn encode_into<T: Serialize>(mut bytes: Vec<u8>, data: &T) -> Vec<u8> {
    // Writing to a vector cannot fail, and no stored type holds what CBOR cannot.
    match data.serialize(&mut serde_cbor::Serializer::new(&mut bytes)) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

/// Reads CBOR, accepting the one canonical encoding only.
///
/// # Errors
/// [`CodecError`] if the bytes are malformed or not canonical.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let data: T = decode_trusted(bytes)?;
    let mut expected = Expected(bytes);
    let written = data.serialize(&mut serde_cbor::Serializer::new(IoWrite::new(&mut expected)));
    if written.is_ok() && expected.0.is_empty() { Ok(data) } else { Err(CodecError::NotCanonical) }
}

/// Takes what is written only as long as it is what is expected next.
struct Expected<'a>(&'a [u8]);

impl io::Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads CBOR that we wrote ourselves, such as our own stable memory, without the cost of the canonical check.
///
/// # Errors
/// [`CodecError::Malformed`].
pub fn decode_trusted<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    read(bytes)
}

/// As [`decode_trusted`]; what is read may point into `bytes`.
fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, CodecError> {
    serde_cbor::from_slice(bytes).map_err(|error| CodecError::Malformed(error.to_string()))
}
