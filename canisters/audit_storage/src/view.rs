//! An event with every field in a Candid type, for those who do not read the stored encoding.

use cairn_events::{Event, Hash, Link, LogId, Principal, Stream, Timestamp, Value};
use candid::{CandidType, Deserialize};

/// An event and its hash. The payload is the `tx` of the event's ICRC-3 block.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct EventView {
    /// Position in the log.
    pub index: u64,
    /// The event's hash.
    pub hash: Hash,
    /// Hash of the previous event.
    pub parent: Option<Hash>,
    /// Version of the envelope.
    pub schema: u16,
    /// The log.
    pub log: LogId,
    /// When it was accepted, in nanoseconds.
    pub timestamp: Timestamp,
    /// Its stream.
    pub stream: Stream,
    /// Its version in the stream.
    pub stream_version: u64,
    /// On whose behalf.
    pub actor: Principal,
    /// The canister that wrote it.
    pub source: Principal,
    /// The source's own numbering.
    pub source_seq: u64,
    /// The business process.
    pub correlation: Option<Hash>,
    /// The causing event.
    pub causation: Option<u64>,
    /// One link per topic.
    pub links: Vec<Link>,
    /// Its kind, as the `btype` of its block.
    pub kind: String,
    /// What happened.
    pub payload: Value,
}

impl EventView {
    /// The view of `event`, whose hash is `hash`.
    pub fn of(event: Event, hash: Hash) -> Self {
        EventView {
            index: event.index,
            hash,
            parent: event.parent,
            schema: event.schema,
            log: event.log,
            timestamp: event.timestamp,
            stream: event.stream,
            stream_version: event.stream_version,
            actor: event.actor,
            source: event.source,
            source_seq: event.source_seq,
            correlation: event.correlation,
            causation: event.causation,
            links: event.links,
            kind: event.payload.kind().btype().to_owned(),
            payload: event.payload.to_value(),
        }
    }
}
