//! The compact form of an event: what its log need not have twice.
//!
//! Beside its payload, an event consists mostly of hashes of earlier ones, which the log has once anyway; index and time
//! follow from the event's place, and its stream's name from a few bytes. With what the place tells, the compact form
//! becomes the stored form again, byte for byte, without the payload being read.

use super::{CodecError, USUAL, encode, encode_event, encode_into, encode_payload, read};
use crate::topic::links;
use crate::{DeploymentId, Event, Hash, Link, LogId, Payload, Stream, Timestamp, Topic};
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

/// The compact form of an event.
pub fn pack(event: &Event) -> Packed {
    let (stream, payload) = (stream_bytes(&event.stream), encode_payload(&event.payload));
    let compact = Compact(
        event.schema,
        Bytes::new(&stream),
        steps(&event.links, event.index),
        event.stream_version,
        event.actor,
        (event.source != event.actor).then_some(event.source),
        event.source_seq,
        event.correlation,
        event.causation,
        Bytes::new(&payload),
    );
    Packed { bytes: encode(&compact), whole: encode_event(event).len() }
}

/// The stored form of the event that was packed and has this place; `hash` has the hashes of the events before it.
///
/// # Errors
/// [`CodecError::Malformed`] for bytes that are no compact form, or if a hash is missing.
pub fn unpack(bytes: &[u8], place: &Place, hash: impl Fn(u64) -> Option<Hash>) -> Result<Vec<u8>, CodecError> {
    let Compact(schema, stream, steps, stream_version, actor, source, source_seq, correlation, causation, payload) =
        read(bytes)?;
    let rest = Rest { stream_version, actor, source: source.unwrap_or(actor), source_seq, correlation, causation };
    let hash = |index| hash(index).ok_or_else(|| CodecError::Malformed(format!("event {index} has no hash")));
    let stream = stream_of(stream).ok_or_else(|| CodecError::Malformed("no stream".to_owned()))?;
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
pub fn content(bytes: &[u8]) -> Result<(Principal, Payload), CodecError> {
    let Compact(_, _, _, _, actor, _, _, _, _, payload) = read(bytes)?;
    Ok((actor, read(payload)?))
}

/// Schema, stream, steps, the stream's version, actor, source where it is another one, the source's sequence, correlation,
/// causation, payload.
#[derive(Serialize, Deserialize)]
struct Compact<'a>(
    u16,
    #[serde(borrow)] &'a Bytes,
    Vec<u64>,
    u64,
    Principal,
    Option<Principal>,
    u64,
    Option<Hash>,
    Option<u64>,
    #[serde(borrow)] &'a Bytes,
);

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

// The tags of streams are for ever.
const LOG: u8 = 0;
const PLATFORM: u8 = 1;
const CANISTER: u8 = 2;
const DEPLOYMENT: u8 = 3;
const CONTRACT: u8 = 4;
const POOL: u8 = 5;

fn stream_bytes(stream: &Stream) -> Vec<u8> {
    let (tag, id): (u8, &[u8]) = match stream {
        Stream::Log => (LOG, &[]),
        Stream::Platform => (PLATFORM, &[]),
        Stream::Canister(id) => (CANISTER, id.as_slice()),
        Stream::Deployment(id) => (DEPLOYMENT, id.0.as_bytes()),
        Stream::Contract(id) => (CONTRACT, id.as_slice()),
        Stream::Pool(id) => (POOL, id.as_slice()),
    };
    [&[tag], id].concat()
}

fn stream_of(bytes: &[u8]) -> Option<Stream> {
    let (tag, id) = bytes.split_first()?;
    let principal = || Principal::try_from_slice(id).ok();
    Some(match *tag {
        LOG if id.is_empty() => Stream::Log,
        PLATFORM if id.is_empty() => Stream::Platform,
        CANISTER => Stream::Canister(principal()?),
        DEPLOYMENT => Stream::Deployment(DeploymentId(Hash::from_slice(id)?)),
        CONTRACT => Stream::Contract(principal()?),
        POOL => Stream::Pool(principal()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
