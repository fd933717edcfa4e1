//! Verification of a log from its first event: what an auditor runs, and what every end-to-end test ends with.

use crate::merkle::Frontier;
use crate::topic::TopicHead;
use crate::topic_map::{HeapMap, Place};
use crate::{
    Event, Hash, Link, LogId, Payload, Principal, SCHEMA_VERSION, Stream, Timestamp, Topic, WriterRole, moment,
};
use std::collections::{BTreeMap, HashMap};

/// The first thing wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: {fault}")]
pub struct Violation {
    /// Index that the event should have.
    pub index: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// A rule of the log that an event breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not the next index.
    #[error("index is {0}")]
    Index(u64),
    /// A schema this code does not know.
    #[error("schema version {0} is unknown")]
    Schema(u16),
    /// Another log.
    #[error("log id is {0}")]
    Log(LogId),
    /// The chain is broken.
    #[error("parent hash is not the hash of the previous event")]
    Parent,
    /// Time went backwards.
    #[error("timestamp {} is before that of the previous event", moment::both(.0))]
    Timestamp(Timestamp),
    /// The cause is not an earlier event.
    #[error("causing event {0} is not earlier")]
    Causation(u64),
    /// Event 0 is no genesis, or a later event is.
    #[error("genesis must be event 0, and event 0 genesis")]
    Genesis,
    /// The genesis does not give the log id.
    #[error("genesis does not give the log id")]
    GenesisId,
    /// The source is not registered.
    #[error("source {0} is no registered writer")]
    Source(Principal),
    /// The source's role does not allow the kind.
    #[error("kind {0} is not allowed to its source")]
    Kind(&'static str),
    /// A writer is registered again: its role never changes.
    #[error("writer {0} is registered already")]
    Registered(Principal),
    /// The source's numbering has a gap or a repetition.
    #[error("source sequence is {found}, expected {expected}")]
    SourceSequence {
        /// The number it has.
        found: u64,
        /// The number it should have.
        expected: u64,
    },
    /// The stream is not the payload's.
    #[error("stream {0} is not the payload's")]
    Stream(Stream),
    /// The stream's numbering has a gap or a repetition.
    #[error("stream version is {found}, expected {expected}")]
    StreamVersion {
        /// The version it has.
        found: u64,
        /// The version it should have.
        expected: u64,
    },
    /// A topic link is missing, superfluous or wrong.
    #[error("topic links are not those of the log")]
    Links,
    /// A text or blob beyond its bound.
    #[error("payload exceeds its bounds")]
    Bounds,
}

/// An event with what is computed from it alone, whatever comes before it: most of the work of a verification, which
/// any number of threads may share.
#[derive(Clone, Debug)]
pub struct Rehashed {
    event: Event,
    topics: Vec<Topic>,
    hash: Hash,
}

impl Rehashed {
    /// Hashes every field of `event`.
    pub fn of(event: Event) -> Self {
        Rehashed { topics: Topic::of(&event), hash: event.hash(), event }
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Its topics.
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Its hash.
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

/// Checks events one after the other, in the order of the log.
#[derive(Clone, Debug)]
pub struct LogVerifier {
    log: LogId,
    canister: Principal,
    last: Option<(Hash, Timestamp)>,
    writers: BTreeMap<Principal, WriterRole>,
    sources: BTreeMap<Principal, u64>,
    streams: HashMap<Stream, u64>,
    /// The place of each topic in `heads`.
    topics: HashMap<Topic, usize>,
    heads: Vec<TopicHead>,
    tree: Frontier,
}

impl LogVerifier {
    /// A verifier of the log `log` of the audit canister `canister`. Both come from the auditor, never from the log.
    pub fn new(canister: Principal, log: LogId) -> Self {
        LogVerifier {
            log,
            canister,
            last: None,
            writers: BTreeMap::from([(canister, WriterRole::Log)]),
            sources: BTreeMap::new(),
            streams: HashMap::new(),
            topics: HashMap::new(),
            heads: Vec::new(),
            tree: Frontier::default(),
        }
    }

    /// How many events were accepted.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The hash of the last event accepted.
    pub fn last_hash(&self) -> Option<Hash> {
        self.last.map(|(hash, _)| hash)
    }

    /// The root of the tree over all events accepted.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// The last event of `topic`.
    pub fn topic_head(&self, topic: &Topic) -> Option<TopicHead> {
        self.head(*self.topics.get(topic)?).copied()
    }

    /// The root of the topic map over all events accepted, computed anew; `None` beyond 2^32 topics.
    pub fn topics_root(&self) -> Option<Hash> {
        let heads = self.topics.iter().filter_map(|(topic, place)| Some((Place::of(topic), *self.head(*place)?)));
        HeapMap::default().set(heads)
    }

    /// Checks the next event and returns its hash, computed anew from every field.
    ///
    /// # Errors
    /// The first rule that the event breaks. The verifier then stands where it stood before.
    pub fn push(&mut self, event: &Event) -> Result<Hash, Violation> {
        let hash = event.hash();
        self.take(event, &Topic::of(event), hash).map(|()| hash)
    }

    /// As [`LogVerifier::push`], for an event that has been hashed, perhaps on another thread.
    ///
    /// # Errors
    /// As [`LogVerifier::push`].
    pub fn push_rehashed(&mut self, Rehashed { event, topics, hash }: &Rehashed) -> Result<(), Violation> {
        self.take(event, topics, *hash)
    }

    fn take(&mut self, event: &Event, topics: &[Topic], hash: Hash) -> Result<(), Violation> {
        let index = self.size();
        // Topics are looked up once: that takes longer than anything else here.
        let places: Vec<Option<usize>> = topics.iter().map(|topic| self.topics.get(topic).copied()).collect();
        self.check(event, &places).map_err(|fault| Violation { index, fault })?;
        self.accept(event, topics, &places, hash);
        Ok(())
    }

    fn head(&self, place: usize) -> Option<&TopicHead> {
        self.heads.get(place)
    }

    fn check(&self, event: &Event, places: &[Option<usize>]) -> Result<(), Fault> {
        self.check_position(event)?;
        self.check_origin(event)?;
        self.check_numbering(event)?;
        let expected = places.iter().map(|place| Link::after(place.and_then(|place| self.head(place))));
        if !expected.eq(event.links.iter().copied()) {
            return Err(Fault::Links);
        }
        if event.payload.is_bounded() { Ok(()) } else { Err(Fault::Bounds) }
    }

    fn check_position(&self, event: &Event) -> Result<(), Fault> {
        let index = self.size();
        if event.index != index {
            return Err(Fault::Index(event.index));
        }
        if event.schema != SCHEMA_VERSION {
            return Err(Fault::Schema(event.schema));
        }
        if event.log != self.log {
            return Err(Fault::Log(event.log));
        }
        if event.parent != self.last_hash() {
            return Err(Fault::Parent);
        }
        if self.last.is_some_and(|(_, timestamp)| event.timestamp < timestamp) {
            return Err(Fault::Timestamp(event.timestamp));
        }
        match event.causation {
            Some(cause) if cause >= index => Err(Fault::Causation(cause)),
            _ => Ok(()),
        }
    }

    fn check_origin(&self, event: &Event) -> Result<(), Fault> {
        match &event.payload {
            Payload::Genesis(genesis) => {
                if event.index != 0 || genesis.canister != self.canister {
                    return Err(Fault::Genesis);
                }
                if LogId::derive(self.canister, &genesis.seed) != self.log {
                    return Err(Fault::GenesisId);
                }
            }
            _ if event.index == 0 => return Err(Fault::Genesis),
            Payload::WriterRegistered(registered) if self.writers.contains_key(&registered.writer) => {
                return Err(Fault::Registered(registered.writer));
            }
            _ => {}
        }
        let role = self.writers.get(&event.source).ok_or(Fault::Source(event.source))?;
        let kind = event.payload.kind();
        if kind.roles().contains(role) { Ok(()) } else { Err(Fault::Kind(kind.btype())) }
    }

    fn check_numbering(&self, event: &Event) -> Result<(), Fault> {
        let expected = next(self.sources.get(&event.source));
        if event.source_seq != expected {
            return Err(Fault::SourceSequence { found: event.source_seq, expected });
        }
        if event.stream != event.payload.stream(event.source) {
            return Err(Fault::Stream(event.stream));
        }
        let expected = next(self.streams.get(&event.stream));
        if event.stream_version != expected {
            return Err(Fault::StreamVersion { found: event.stream_version, expected });
        }
        Ok(())
    }

    fn accept(&mut self, event: &Event, topics: &[Topic], places: &[Option<usize>], hash: Hash) {
        match &event.payload {
            Payload::Genesis(genesis) => self.writers.insert(genesis.money_writer, WriterRole::Gateway),
            Payload::WriterRegistered(registered) => self.writers.insert(registered.writer, registered.role),
            _ => None,
        };
        self.last = Some((hash, event.timestamp));
        self.sources.insert(event.source, event.source_seq);
        self.streams.insert(event.stream, event.stream_version);
        for ((topic, place), link) in topics.iter().zip(places).zip(&event.links) {
            let head = TopicHead { count: link.sequence, index: event.index, hash };
            match place.and_then(|place| self.heads.get_mut(place)) {
                Some(known) => *known = head,
                None => {
                    self.topics.insert(*topic, self.heads.len());
                    self.heads.push(head);
                }
            }
        }
        self.tree.push(&hash);
    }
}

fn next(last: Option<&u64>) -> u64 {
    last.map_or(1, |last| last + 1)
}
