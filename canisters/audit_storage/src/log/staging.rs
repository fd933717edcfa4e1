//! A batch on its way into the log: everything is checked and computed beside the log, and written at the end.

use super::access::{ADMIN, Entitlement, entitled};
use super::key::Key;
use super::postings::Postings;
use super::reserve::{self, Means, Room, Urgency};
use super::threads::{Head, ThreadId};
use super::writers::mark_of;
use super::{Log, broken, check};
use cairn_events::codec::compact::{self, Numbers, Packed};
use cairn_events::payload::OpeningErased;
use cairn_events::topic::TopicHead;
use cairn_events::{
    Commitment, Event, Hash, Kind, Link, LogId, Payload, Principal, Receipt, SCHEMA_VERSION, Stream, Submission,
    Timestamp, Topic, WriterRole, codec,
};
use cairn_kit::api::audit::{AuditError, AuditRequestError, BadErasure, Writer};
use ic_stable_structures::Memory;
use std::collections::BTreeMap;

/// A thread as it is and as it will be, and which events it gains.
struct Thread {
    key: Key,
    /// Its number; that of a new one follows from those before it.
    id: ThreadId,
    is_new: bool,
    before: Head,
    head: Head,
    gained: Vec<u64>,
}

/// A submission that may be accepted, at its place.
struct Admitted {
    submission: Submission,
    stream: Stream,
    stream_version: u64,
}

/// An event that will be written.
struct Built {
    event: Packed,
    openings: Vec<u8>,
    hash: Hash,
}

/// A batch beside the log.
pub struct Staging<'a, M: Memory> {
    log: &'a Log<M>,
    id: LogId,
    writer: Writer,
    timestamp: u64,
    threads: Vec<Thread>,
    new_threads: u32,
    places: BTreeMap<Key, usize>,
    admitted: Vec<Admitted>,
    built: Vec<Built>,
    open_intents: u64,
    urgency: Urgency,
    erased: Vec<(u64, Commitment)>,
}

/// A batch that is computed, and for which there is room.
pub struct Ready {
    threads: Vec<Thread>,
    built: Vec<Built>,
    timestamp: u64,
    open_intents: u64,
    /// Openings to overwrite: the event, and its commitment.
    erased: Vec<(u64, Commitment)>,
    /// What the writer gets.
    pub receipts: Vec<Receipt>,
}

impl<'a, M: Memory> Staging<'a, M> {
    /// An empty batch of `writer`.
    pub fn new(log: &'a Log<M>, id: LogId, writer: Writer, means: &Means) -> Self {
        Staging {
            log,
            id,
            writer,
            timestamp: means.now.max(log.columns.last().timestamp),
            threads: Vec::new(),
            new_threads: 0,
            places: BTreeMap::new(),
            admitted: Vec::new(),
            built: Vec::new(),
            open_intents: log.open_intents,
            urgency: Urgency::Continues,
            erased: Vec::new(),
        }
    }

    /// Checks the next submission against the log and those before it.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn admit(&mut self, submission: Submission) -> Result<(), AuditError> {
        let position = self.admitted.len();
        let index = self.log.columns.len() + position as u64;
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        let kind = submission.payload.kind();
        let class = kind.class();
        let stream = submission.payload.stream(self.writer.writer);
        let place = self.place(Key::stream(&stream));
        let head = self.head(place);
        check::check_version(position, stream, submission.expected, head.count)
            .and_then(|()| check::check_intent(position, class, submission.expected, &head))
            .and_then(|()| check::check_arbiter(position, class, submission.expected, &head))
            .and_then(|()| check::check_causation(position, submission.causation, index))
            .and_then(|()| check::check_openings(position, &submission.payload, &submission.openings))
            .map_err(AuditError::Request)?;
        if kind == Kind::DeliveryCommitted {
            // Dispatches are the gateway's: one in this very batch, a factory's, there cannot be.
            let dispatched_to = self.log.dispatched_to(&stream)?;
            check::check_deliverer(position, kind, self.writer.writer, dispatched_to).map_err(AuditError::Request)?;
        }
        if let Payload::OpeningErased(erased) = &submission.payload {
            self.erase(position, index, submission.actor, erased)?;
        }
        let (mark, opened) = check::mark(class, head.mark);
        self.change(place, |thread| {
            thread.head.mark = mark;
            thread.gain(index);
        });
        self.open_intents = self.open_intents.saturating_add_signed(opened);
        self.urgency = self.urgency.max(Urgency::of(kind, head.mark));
        self.admitted.push(Admitted { submission, stream, stream_version: head.count + 1 });
        Ok(())
    }

    /// Notes an opening to be overwritten; within a batch, too, once only.
    fn erase(&mut self, position: u32, index: u64, actor: Principal, erased: &OpeningErased) -> Result<(), AuditError> {
        self.log.check_erasure(position, actor, erased)?;
        let place = self.place(Key::opening(erased.index, erased.commitment));
        let head = self.head(place);
        if head.count > 0 {
            let problem = BadErasure::Erased { event: head.last };
            return Err(AuditError::Request(AuditRequestError::Erasure { position, problem }));
        }
        self.change(place, |thread| thread.gain(index));
        self.erased.push((erased.index, erased.commitment));
        Ok(())
    }

    /// Computes the events, and makes room for them and for what may follow from them.
    ///
    /// # Errors
    /// [`AuditRequestError::TooLarge`], or that the reserve is exhausted.
    pub fn build(mut self, means: &Means) -> Result<Ready, AuditError> {
        if !reserve::allows(means, self.urgency, self.open_intents) {
            return Err(self.log.exhausted());
        }
        self.log.check_lag(self.urgency)?;
        let mut parent = self.log.columns.len().checked_sub(1).map(|_| self.log.columns.last().hash);
        let mut receipts = Vec::with_capacity(self.admitted.len());
        for (position, admitted) in std::mem::take(&mut self.admitted).into_iter().enumerate() {
            let receipt = self.build_event(position as u64, admitted, parent)?;
            parent = Some(receipt.hash);
            receipts.push(receipt);
        }
        if !self.make_room() {
            return Err(self.log.exhausted());
        }
        let Staging { threads, built, timestamp, open_intents, erased, .. } = self;
        Ok(Ready { threads, built, timestamp, open_intents, erased, receipts })
    }

    fn build_event(&mut self, position: u64, admitted: Admitted, parent: Option<Hash>) -> Result<Receipt, AuditError> {
        let index = self.log.columns.len() + position;
        let Admitted { submission, stream, stream_version } = admitted;
        let topics: Vec<usize> = Topic::derive(submission.actor, &submission.payload)
            .iter()
            .map(|topic| self.place(Key::topic(topic)))
            .collect();
        let links = topics.iter().map(|place| self.link(*place)).collect::<Result<_, _>>()?;
        let numbers = self.numbers(&stream, submission.actor);
        let event = Event {
            index,
            schema: SCHEMA_VERSION,
            log: self.id,
            timestamp: Timestamp(self.timestamp),
            stream,
            stream_version,
            actor: submission.actor,
            source: self.writer.writer,
            source_seq: self.writer.next_seq + position,
            correlation: submission.correlation,
            causation: submission.causation,
            links,
            payload: submission.payload,
            parent,
        };
        let packed = compact::pack(&event, numbers);
        let max = event.payload.kind().max_size();
        check::check_size(u32::try_from(position).unwrap_or(u32::MAX), packed.whole, max)
            .map_err(AuditError::Request)?;
        let hash = event.hash();
        let source = self.place(Key::source(self.writer.writer));
        for place in topics.into_iter().chain([source]) {
            self.change(place, |thread| thread.gain(index));
        }
        self.register(&event.payload);
        self.entitle(&event.payload, index);
        let openings = if submission.openings.is_empty() { Vec::new() } else { codec::encode(&submission.openings) };
        self.built.push(Built { event: packed, openings, hash });
        Ok(Receipt { index, hash, stream_version, timestamp: event.timestamp })
    }

    /// The writers that an event registers.
    fn register(&mut self, payload: &Payload) {
        let mut mark = |writer: Principal, role| {
            let place = self.place(Key::source(writer));
            self.change(place, |thread| thread.head.mark = mark_of(role));
        };
        match payload {
            Payload::Genesis(genesis) => {
                mark(genesis.canister, WriterRole::Log);
                mark(genesis.money_writer, WriterRole::Gateway);
            }
            Payload::WriterRegistered(registered) => mark(registered.writer, registered.role),
            _ => {}
        }
    }

    /// Who may read, by this event.
    fn entitle(&mut self, payload: &Payload, index: u64) {
        let Some((person, entitlement)) = entitled(payload) else { return };
        let place = self.place(Key::reader(person));
        self.change(place, |thread| match entitlement {
            Entitlement::Admin => thread.head.mark |= ADMIN,
            Entitlement::NoAdmin => thread.head.mark &= !ADMIN,
            Entitlement::Auditor => thread.gain(index),
        });
    }

    /// The link of a thread's next event.
    fn link(&self, place: usize) -> Result<Link, AuditError> {
        let head = self.head(place);
        if head.count == 0 {
            return Ok(Link::after(None));
        }
        let begin = self.log.columns.len();
        let hash = match head.last.checked_sub(begin).and_then(|i| usize::try_from(i).ok()) {
            Some(i) => self.built.get(i).map(|built| built.hash),
            None => self.log.columns.hash(head.last),
        };
        let hash = hash.ok_or_else(|| broken("a topic's last event is missing"))?;
        Ok(Link::after(Some(&TopicHead { count: head.count, index: head.last, hash })))
    }

    /// Where the thread of this key stands in the batch.
    fn place(&mut self, key: Key) -> usize {
        let (log, threads, new_threads) = (self.log, &mut self.threads, &mut self.new_threads);
        *self.places.entry(key).or_insert_with(|| {
            let found = log.threads.find(&key);
            let is_new = found.is_none();
            *new_threads += u32::from(is_new);
            let (id, head) = found.unwrap_or((log.threads.count().saturating_add(*new_threads), Head::default()));
            threads.push(Thread { key, id, is_new, before: head, head, gained: Vec::new() });
            threads.len() - 1
        })
    }

    /// The numbers of the threads that name stream, actor and source of an event.
    fn numbers(&mut self, stream: &Stream, actor: Principal) -> Numbers {
        let keys = [Key::stream(stream), Key::topic(&Topic::Party(actor)), Key::source(self.writer.writer)];
        let [stream, actor, source] = keys.map(|key| {
            let place = self.place(key);
            self.threads.get(place).map(|thread| thread.id).unwrap_or_default()
        });
        Numbers { stream, actor, source }
    }

    fn head(&self, place: usize) -> Head {
        self.threads.get(place).map(|thread| thread.head).unwrap_or_default()
    }

    fn change(&mut self, place: usize, change: impl FnOnce(&mut Thread)) {
        if let Some(thread) = self.threads.get_mut(place) {
            change(thread);
        }
    }

    /// Grows the memories for the batch, and for what may follow from open intents; the latter must not keep an
    /// outcome out.
    fn make_room(&self) -> bool {
        let batch = Room {
            events: self.built.len() as u64,
            event_bytes: self.built.iter().map(|built| built.event.bytes.len() as u64).sum(),
            opening_bytes: self.built.iter().map(|built| built.openings.len() as u64).sum(),
            threads: u64::from(self.new_threads),
            posting_bytes: self.threads.iter().map(Thread::growth::<M>).sum(),
        };
        match self.urgency {
            Urgency::Continues => self.log.ensure(batch),
            _ => self.log.ensure(batch.and(Room::to_finish(self.open_intents))),
        }
    }
}

impl Thread {
    fn gain(&mut self, index: u64) {
        self.gained.push(index);
        self.head.count += 1;
        self.head.last = index;
    }

    fn growth<M: Memory>(&self) -> u64 {
        Postings::<M>::growth(self.before.count, self.gained.len() as u64)
    }
}

impl<M: Memory> Log<M> {
    /// Makes `room` in every memory; false if the network gives no more.
    fn ensure(&self, room: Room) -> bool {
        self.columns.ensure(room.events, room.event_bytes, room.opening_bytes)
            && self.tree.ensure(room.events)
            && self.threads.ensure(room.threads)
            && self.postings.ensure(room.posting_bytes)
            && self.counters.ensure(super::COUNTERS_BYTES)
    }

    /// Writes a batch. Nothing can fail any more.
    pub fn write_batch(&mut self, ready: Ready) {
        for built in &ready.built {
            self.columns.push(&built.event, &built.openings, ready.timestamp, built.hash);
            self.tree.push(&self.columns);
        }
        for thread in ready.threads {
            self.write_thread(thread);
        }
        for (index, commitment) in ready.erased {
            self.overwrite(index, commitment);
            self.erasures += 1;
        }
        self.open_intents = ready.open_intents;
        self.root = self.tree.root(self.columns.len(), &self.columns).unwrap_or(self.root);
        self.save_counters();
    }

    fn write_thread(&mut self, thread: Thread) {
        let postings = &mut self.postings;
        let grown = thread.gained.iter().fold(thread.before, |head, index| postings.push(head, *index));
        let head = Head { mark: thread.head.mark, ..grown };
        if thread.is_new {
            self.threads.insert(&thread.key, head);
        } else {
            self.threads.update(thread.id, head);
        }
    }
}
