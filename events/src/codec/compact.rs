//! The compact form of an event: what its log need not have twice.
//!
//! Beside its payload, an event consists mostly of hashes of earlier ones, which the log has once anyway; index and time
//! follow from the event's place; and the log has numbers for streams and principals. With what the log and the place
//! tell, the compact form becomes the stored form again, byte for byte, without the payload being read.

use super::{CodecError, USUAL, encode, encode_event, encode_into, encode_payload, read};
use crate::topic::links;
use crate::{Event, Hash, Link, LogId, Payload, Stream, Timestamp, Topic};
use candid::Principal;
use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;

/// An event in compact form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The compact form.
    pub bytes: Vec<u8>,
    /// How many bytes the stored form has.
    pub whole: usize,
}

/// What the place of an event in its log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log.
    pub log: LogId,
    /// Where in the log.
    pub index: u64,
    /// When it was accepted there.
    pub timestamp: Timestamp,
}

/// The numbers that the log has for the names in an event's envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// That of the stream.
    pub stream: u32,
    /// That of the actor.
    pub actor: u32,
    /// That of the source.
    pub source: u32,
}

/// What the log has once for all events.
pub trait Known {
    /// The hash of an earlier event.
    fn hash(&self, index: u64) -> Option<Hash>;
    /// The stream of this number.
    fn stream(&self, number: u32) -> Option<Stream>;
    /// The principal of this number.
    fn principal(&self, number: u32) -> Option<Principal>;
}

/// The compact form of an event whose names have these numbers.
pub fn pack(event: &Event, numbers: Numbers) -> Packed {
    let payload = encode_payload(&event.payload);
    let compact = Compact(
        event.schema,
        numbers.stream,
        steps(&event.links, event.index),
        event.stream_version,
        numbers.actor,
        numbers.source,
        event.source_seq,
        event.correlation,
        event.causation,
        Bytes::new(&payload),
    );
    Packed { bytes: encode(&compact), whole: encode_event(event).len() }
}

/// The stored form of the event that was packed and has this place, in a log where this is known.
///
/// # Errors
/// [`CodecError::Malformed`] for bytes that are no compact form, or if a hash or a name is missing.
pub fn unpack(bytes: &[u8], place: &Place, known: &impl Known) -> Result<Vec<u8>, CodecError> {
    let Compact(schema, stream, steps, stream_version, actor, source, source_seq, correlation, causation, payload) =
        read(bytes)?;
    let hash = |index| known.hash(index).ok_or_else(|| CodecError::Malformed(format!("event {index} has no hash")));
    let stream = known.stream(stream).ok_or_else(|| nameless(stream))?;
    let [actor, source] = [principal(actor, known)?, principal(source, known)?];
    let rest = Rest { stream_version, actor, source, source_seq, correlation, causation };
    let links = links_of(&steps, place.index, hash)?;
    let parent = place.index.checked_sub(1).map(hash).transpose()?;

    let mut whole = Entries::new();
    let Place { log, index, timestamp } = *place;
    whole.add(&Begin { index, schema, log, timestamp, stream });
    whole.add(&rest);
    whole.add(&Links { links: &links });
    whole.add_payload(payload);
    whole.add(&Parent { parent });
    Ok(whole.finish())
}

/// On whose behalf the packed event happened, and what.
///
/// # Errors
/// [`CodecError::Malformed`].
pub fn content(bytes: &[u8], known: &impl Known) -> Result<(Principal, Payload), CodecError> {
    let Compact(_, _, _, _, actor, _, _, _, _, payload) = read(bytes)?;
    Ok((principal(actor, known)?, read(payload)?))
}

fn principal(number: u32, known: &impl Known) -> Result<Principal, CodecError> {
    known.principal(number).ok_or_else(|| nameless(number))
}

fn nameless(number: u32) -> CodecError {
    CodecError::Malformed(format!("nothing has the number {number}"))
}

/// Schema, stream, steps, the stream's version, actor, source, the source's sequence, correlation, causation, payload.
#[derive(Serialize, Deserialize)]
struct Compact<'a>(u16, u32, Vec<u64>, u64, u32, u32, u64, Option<Hash>, Option<u64>, #[serde(borrow)] &'a Bytes);

/// Links without their hashes: of each its sequence, and, but for a topic's first event, how many events the previous one
/// is back.
fn steps(links: &[Link], index: u64) -> Vec<u64> {
    let step = |link: &Link| {
        let back = link.previous.map(|(previous, _)| index.wrapping_sub(previous));
        [Some(link.sequence), back].into_iter().flatten()
    };
    links.iter().flat_map(step).collect()
}

fn links_of(
    steps: &[u64],
    index: u64,
    hash: impl Fn(u64) -> Result<Hash, CodecError>,
) -> Result<Vec<Link>, CodecError> {
    let (mut steps, mut links) = (steps.iter(), Vec::with_capacity(Topic::MAX));
    while let Some(&sequence) = steps.next() {
        let previous = match sequence {
            1 => None,
            _ => {
                let back = steps.next().ok_or_else(|| CodecError::Malformed("half a link".to_owned()))?;
                let previous = index.wrapping_sub(*back);
                Some((previous, hash(previous)?))
            }
        };
        links.push(Link { sequence, previous });
    }
    Ok(links)
}

// The entries of the stored form: names and order are those of `Event`.

#[derive(Serialize)]
struct Begin {
    #[serde(rename = "i")]
    index: u64,
    #[serde(rename = "v")]
    schema: u16,
    #[serde(rename = "l")]
    log: LogId,
    #[serde(rename = "t")]
    timestamp: Timestamp,
    #[serde(rename = "s")]
    stream: Stream,
}

#[derive(Serialize)]
struct Rest {
    #[serde(rename = "w")]
    stream_version: u64,
    #[serde(rename = "a")]
    actor: Principal,
    #[serde(rename = "o")]
    source: Principal,
    #[serde(rename = "q")]
    source_seq: u64,
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    correlation: Option<Hash>,
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    causation: Option<u64>,
}

#[derive(Serialize)]
struct Links<'a> {
    #[serde(rename = "k", with = "links")]
    links: &'a [Link],
}

#[derive(Serialize)]
struct Parent {
    #[serde(rename = "h", skip_serializing_if = "Option::is_none")]
    parent: Option<Hash>,
}

/// A CBOR map that is put together from others. One of fewer than 24 entries begins with a byte that has their number
/// (RFC 8949, 3.1); an event has at most 14.
struct Entries {
    count: u8,
    bytes: Vec<u8>,
}

impl Entries {
    const MAP: u8 = 0xa0;
    /// The text `p`.
    const PAYLOAD: [u8; 2] = [0x61, b'p'];

    fn new() -> Self {
        let mut bytes = Vec::with_capacity(USUAL);
        bytes.push(Self::MAP);
        Entries { count: 0, bytes }
    }

    fn add<T: Serialize>(&mut self, entries: &T) {
        let begin = self.bytes.len();
        self.bytes = encode_into(std::mem::take(&mut self.bytes), entries);
        if let Some(head) = self.bytes.get(begin) {
            self.count += head.saturating_sub(Self::MAP);
            self.bytes.remove(begin);
        }
    }

    fn add_payload(&mut self, payload: &[u8]) {
        self.count += 1;
        self.bytes.extend_from_slice(&Self::PAYLOAD);
        self.bytes.extend_from_slice(payload);
    }

    fn finish(mut self) -> Vec<u8> {
        if let Some(head) = self.bytes.first_mut() {
            *head = Self::MAP + self.count;
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests;
