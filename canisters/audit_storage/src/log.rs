//! The log: accepts batches of submissions, and answers what has happened.
//!
//! Bodies of old events may lie in archives ([`archiving`]); what proves them, and what the log decides by, is here.
//! Nothing here knows the platform: time, caller and cycles are arguments, and the memories are whatever implements
//! [`Memory`]. Everything lies in stable memory; what is held in the heap (the last record, the root) is read back or
//! computed in O(log n) when the log is opened. There is no way to change or remove an event.

mod access;
mod answers;
mod append;
pub mod archiving;
mod bodies;
mod check;
mod columns;
mod kept;
mod key;
mod postings;
mod read;
pub mod reserve;
mod staging;
mod threads;
mod topics;
mod tree;
mod writers;

#[cfg(test)]
mod tests;

use crate::memory::Memories;
use crate::region::Region;
use archiving::Archiving;
use bodies::Bodies;
use cairn_events::payload::{Bytes32, CanisterUpgraded, Genesis};
use cairn_events::{Expected, Hash, LogId, Payload, Principal, Submission, WriterRole, codec};
use cairn_kit::api::InternalError;
use cairn_kit::api::audit::{AuditError, AuditTemporaryError, Reserve, Tip, Writer};
use columns::Columns;
use ic_stable_structures::{Cell, Memory};
use kept::Kept;
use key::Key;
use postings::Postings;
use reserve::{Means, Urgency};
use serde::{Deserialize, Serialize};
use threads::{Head, Threads};
use topics::{Records, Topics};
use tree::Tree;

pub use answers::Fetched;
pub use topics::Parked;
pub use writers::MAX_WRITERS;

/// The version of everything in [`crate::memory`]. Another one needs code that migrates. In version 1 not every grant of
/// a role had been folded ([`access`]), in 2 events were whole, in 3 their fields had names, in 4 streams and
/// principals were spelled out; there is no such log to go on.
pub const LAYOUT: u32 = 5;

/// The most events that the topic map may be behind before nothing but outcomes is accepted; half of it for new work.
pub const MAX_LAG: u64 = 4_000;

/// The most upgrades that are noted while their events cannot be appended.
const MAX_NOTES: usize = 64;

/// Who the log is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// [`LAYOUT`] when the log was created.
    pub layout: u32,
    /// The audit canister.
    pub canister: Principal,
    /// Who installed it.
    pub installer: Principal,
    /// The one canister that may ever write money kinds.
    pub money_writer: Principal,
    /// What the network's randomness gave, once it has arrived.
    pub begun: Option<Begun>,
    /// Instructions of upgrade hooks whose events are still to be appended.
    pub upgrades: Vec<u64>,
}

/// What began with event 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The log's id.
    pub log: LogId,
    /// The public half of the randomness, as event 0 has it.
    #[serde(with = "serde_bytes")]
    pub seed: [u8; 32],
    /// Under which the keys of threads are hashed. Never told to anyone.
    #[serde(with = "serde_bytes")]
    pub secret: [u8; 16],
}

impl Begun {
    fn of(randomness: &[u8; 32], canister: Principal) -> Begun {
        let seed = Hash::of_fields("cairn.log.seed", &[randomness]).0;
        let secret = Hash::of_fields("cairn.log.secret", &[randomness]).0;
        let secret = secret.first_chunk().copied().unwrap_or_default();
        Begun { log: LogId::derive(canister, &seed), seed, secret }
    }
}

/// How long everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events.
    pub events: u64,
    /// Threads.
    pub threads: u64,
    /// Bytes of postings.
    pub postings: u64,
    /// Intents without outcome.
    pub open_intents: u64,
}

/// Bytes of the counters.
const COUNTERS_BYTES: u64 = 32;

impl Counters {
    fn read<M: Memory>(region: &Region<M>) -> Counters {
        if !region.holds(COUNTERS_BYTES) {
            return Counters::default();
        }
        Counters {
            events: region.u64(0),
            threads: region.u64(8),
            postings: region.u64(16),
            open_intents: region.u64(24),
        }
    }

    fn write<M: Memory>(&self, region: &Region<M>) {
        let numbers = [self.events, self.threads, self.postings, self.open_intents].map(u64::to_le_bytes);
        region.write(0, numbers.as_flattened());
    }
}

/// Why stable memory does not hold a log that this code can serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is no log.
    #[error("stable memory holds no log")]
    NoLog,
    /// It was laid out by other code.
    #[error("layout {0}, expected {LAYOUT}")]
    Layout(u32),
    /// A memory is too short for what the counters say.
    #[error("a memory is too short: {0}")]
    Truncated(&'static str),
    /// The last event does not have the hash that the directory has for it, or cannot be read.
    #[error("the last event is not what it was")]
    LastEvent,
}

/// The log of one audit canister.
pub struct Log<M: Memory> {
    identity: Cell<Vec<u8>, M>,
    counters: Region<M>,
    who: Identity,
    open_intents: u64,
    columns: Columns<M>,
    tree: Tree<M>,
    threads: Threads<M>,
    postings: Postings<M>,
    topics: Topics<M>,
    root: Hash,
    erasures: u64,
    archiving: Archiving,
    archiving_region: Region<M>,
    kept: Kept<M>,
    module: Region<M>,
}

impl<M: Memory> Log<M> {
    /// A new log of `canister`, in fresh memories. It accepts nothing until [`Log::begin`].
    pub fn create(memories: Memories<M>, canister: Principal, installer: Principal, money_writer: Principal) -> Self {
        let who = Identity { layout: LAYOUT, canister, installer, money_writer, begun: None, upgrades: Vec::new() };
        let mut log = Self::assemble(memories, who);
        log.save_identity();
        log
    }

    /// The log in these memories, after checking that it is whole. The cost does not depend on its length.
    ///
    /// # Errors
    /// [`OpenError`] if there is none, or it is not whole, or another version laid it out.
    pub fn open(memories: Memories<M>) -> Result<Self, OpenError> {
        let cell = Cell::init(memories.identity, Vec::new());
        let who: Identity = codec::decode_trusted(cell.get()).map_err(|_| OpenError::NoLog)?;
        if who.layout != LAYOUT {
            return Err(OpenError::Layout(who.layout));
        }
        let mut log = Self::assemble(Memories { identity: cell.into_memory(), ..memories }, who);
        log.check_whole()?;
        let Log { topics, threads, postings, columns, .. } = &mut log;
        if topics.restore(Records { threads, postings, columns }) {
            Ok(log)
        } else {
            Err(OpenError::Truncated("topics"))
        }
    }

    /// The log as the memories have it, whole or not.
    fn assemble(memories: Memories<M>, who: Identity) -> Self {
        let counters = Region::new(memories.counters);
        let Counters { events, threads, postings, open_intents } = Counters::read(&counters);
        let secret = who.begun.map(|begun| begun.secret).unwrap_or_default();
        // There are never more threads than a table has numbers for: `Threads::ensure`.
        let threads = u32::try_from(threads).unwrap_or(u32::MAX);
        let tree = Tree::open(memories.nodes, events);
        let archiving_region = Region::new(memories.archiving);
        let bodies = Bodies::open(memories.events, memories.pages);
        let id = who.begun.map(|begun| begun.log);
        let columns = Columns::open(memories.directory, bodies, memories.openings, id, events);
        let root = if tree.is_whole() && columns.is_whole() { tree.root(events, &columns) } else { None };
        Log {
            identity: Cell::init(memories.identity, Vec::new()),
            counters,
            who,
            open_intents,
            columns,
            root: root.unwrap_or_else(cairn_events::merkle::empty_root),
            tree,
            threads: Threads::open(memories.threads, memories.buckets, secret, threads),
            postings: Postings::open(memories.postings, postings),
            topics: Topics::open(memories.forks),
            erasures: 0,
            archiving: Archiving::open(&archiving_region).unwrap_or_default(),
            archiving_region,
            kept: Kept::open(memories.kept),
            module: Region::new(memories.module),
        }
    }

    fn check_whole(&self) -> Result<(), OpenError> {
        let whole = [
            ("events", self.columns.is_whole()),
            ("nodes", self.tree.is_whole()),
            ("threads", self.threads.is_whole()),
            ("postings", self.postings.is_whole()),
            ("topics", self.topics.is_whole(self.columns.len())),
            ("archiving", self.is_archiving_whole()),
        ];
        if let Some((what, _)) = whole.iter().find(|(_, whole)| !whole) {
            return Err(OpenError::Truncated(what));
        }
        let Some(last) = self.columns.len().checked_sub(1) else { return Ok(()) };
        let event = self.event(last).map_err(|_| OpenError::LastEvent)?;
        let source = self.thread(&Key::source(event.source));
        let known = event.hash() == self.columns.last().hash
            && self.id() == Ok(event.log)
            && (source.last, source.count) == (last, event.source_seq);
        if known { Ok(()) } else { Err(OpenError::LastEvent) }
    }

    /// The archives have exactly what is not here.
    fn is_archiving_whole(&self) -> bool {
        let known = Archiving::open(&self.archiving_region);
        known.is_some_and(|archiving| archiving.end() == self.columns.first())
    }

    fn save_identity(&mut self) {
        self.identity.set(codec::encode(&self.who));
    }

    fn save_counters(&self) {
        let counters = self.counters();
        counters.write(&self.counters);
    }

    /// How long everything is.
    pub fn counters(&self) -> Counters {
        Counters {
            events: self.columns.len(),
            threads: u64::from(self.threads.count()),
            postings: self.postings.end(),
            open_intents: self.open_intents,
        }
    }

    /// Bytes of events in compact form, those in archives included.
    pub fn event_bytes(&self) -> u64 {
        self.columns.last().events_end
    }

    /// Openings overwritten since the log was opened.
    pub fn erasures(&self) -> u64 {
        self.erasures
    }

    /// Bytes of stable memory that the log takes, without what is set aside.
    pub fn stored_bytes(&self) -> u64 {
        self.columns.bytes() + self.tree.bytes() + self.threads.bytes() + self.postings.end() + self.topics.bytes()
    }

    /// Who the log is.
    pub fn who(&self) -> &Identity {
        &self.who
    }

    /// The log's id.
    ///
    /// # Errors
    /// [`AuditTemporaryError::NotReady`] before the log has begun.
    pub fn id(&self) -> Result<LogId, AuditError> {
        let begun = self.who.begun.filter(|_| self.columns.len() > 0);
        begun.map(|begun| begun.log).ok_or(AuditError::Temporary(AuditTemporaryError::NotReady))
    }

    /// The end of the log.
    ///
    /// # Errors
    /// [`AuditTemporaryError::NotReady`] before the log has begun.
    pub fn tip(&self) -> Result<Tip, AuditError> {
        let last = self.columns.last();
        Ok(Tip {
            log: self.id()?,
            size: self.columns.len(),
            last_hash: last.hash,
            root: self.root,
            timestamp: last.timestamp,
            topics_size: self.topics.covered(),
            topics_root: self.topics.root(),
        })
    }

    /// Takes the next events into the topic map, at most `most`; how many it does not cover then.
    ///
    /// # Errors
    /// [`Parked`]; the map covers what it covered.
    pub fn advance_topics(&mut self, most: u64) -> Result<u64, Parked> {
        let Log { topics, threads, postings, columns, .. } = self;
        topics.advance(most, Records { threads, postings, columns })
    }

    /// What the topic map is about.
    fn records(&self) -> Records<'_, M> {
        Records { threads: &self.threads, postings: &self.postings, columns: &self.columns }
    }

    /// How many events the topic map does not cover yet.
    pub fn lag(&self) -> u64 {
        self.columns.len() - self.topics.covered()
    }

    /// What the log can still promise.
    pub fn reserve(&self, means: &Means) -> Reserve {
        reserve::left(means, self.open_intents)
    }

    /// Begins the log with 32 bytes of the network's `randomness`: event 0. Does nothing if it has begun.
    ///
    /// Of the randomness, one digest becomes public as the seed of the log's id, another stays secret.
    ///
    /// # Errors
    /// As [`Log::append`]; another attempt goes on with the first randomness.
    pub fn begin(&mut self, randomness: &[u8; 32], means: &Means) -> Result<(), AuditError> {
        if self.columns.len() > 0 {
            return Ok(());
        }
        let Identity { canister, installer, money_writer, .. } = self.who;
        let begun = self.who.begun.unwrap_or_else(|| Begun::of(randomness, canister));
        self.who.begun = Some(begun);
        self.threads.set_secret(begun.secret);
        self.columns.set_log(begun.log);
        self.save_identity();
        let seed = Bytes32::new(begun.seed);
        let payload = Payload::Genesis(Genesis { canister, installer, money_writer, seed });
        self.write(installer, payload, Expected::Exact(0), means)
    }

    /// Notes that an upgrade hook ran for so many instructions. Its event is appended by [`Log::record_upgrade`].
    pub fn note_upgrade(&mut self, instructions: u64) {
        if self.who.upgrades.len() < MAX_NOTES {
            self.who.upgrades.push(instructions);
            self.save_identity();
        }
    }

    /// Whether event 0 or the event of an upgrade is still to be appended.
    pub fn owes(&self) -> bool {
        self.columns.len() == 0 || !self.who.upgrades.is_empty()
    }

    /// Appends the event of the first upgrade noted, if there is one. `module_hash` is what the network says now: of
    /// several upgrades only the last one's.
    ///
    /// # Errors
    /// As [`Log::append`]; the note then stays.
    pub fn record_upgrade(&mut self, module_hash: Option<Hash>, means: &Means) -> Result<(), AuditError> {
        let Some((instructions, later)) = self.who.upgrades.split_first() else { return Ok(()) };
        let module_hash = module_hash.filter(|_| later.is_empty());
        let payload = Payload::CanisterUpgraded(CanisterUpgraded { module_hash, instructions: *instructions });
        self.write(self.who.canister, payload, Expected::Any, means)?;
        self.who.upgrades.remove(0);
        self.save_identity();
        Ok(())
    }

    /// Appends an event of the log's own.
    fn write(
        &mut self,
        actor: Principal,
        payload: Payload,
        expected: Expected,
        means: &Means,
    ) -> Result<(), AuditError> {
        let writer = self.who.canister;
        let next_seq = self.thread(&Key::source(writer)).count + 1;
        let writer = Writer { writer, role: WriterRole::Log, next_seq };
        let submission = Submission { expected, ..Submission::new(actor, payload) };
        self.accept(&writer, vec![submission], means).map(|_| ())
    }

    /// The head of a thread; an empty one if there is no such thread.
    fn thread(&self, key: &Key) -> Head {
        self.threads.find(key).map(|(_, head)| head).unwrap_or_default()
    }

    /// Whether the topic map is too far behind for submissions of this urgency: what is accepted must soon be provable.
    fn check_lag(&self, urgency: Urgency) -> Result<(), AuditError> {
        let most = match urgency {
            Urgency::Continues => return Ok(()),
            Urgency::Informs => MAX_LAG,
            Urgency::Begins => MAX_LAG / 2,
        };
        if self.lag() <= most {
            return Ok(());
        }
        let (covered, size) = (self.topics.covered(), self.columns.len());
        Err(AuditError::Temporary(AuditTemporaryError::Lagging { covered, size }))
    }

    fn exhausted(&self) -> AuditError {
        AuditError::Temporary(AuditTemporaryError::ReserveExhausted { open_intents: self.open_intents })
    }
}

/// Something that our own memory should hold does not.
fn broken(what: &str) -> AuditError {
    AuditError::Internal(InternalError { message: what.to_owned() })
}
