//! The events themselves: one record of fixed size per event, and two columns of bytes that the records point into.
//!
//! Events lie here in compact form; with their place, the hashes of those before them and the keys of their threads they
//! become whole again.

use super::bodies::Bodies;
use super::threads::Threads;
use crate::region::{Region, number};
use cairn_events::codec::CodecError;
use cairn_events::codec::compact::{self, Known, Packed, Place};
use cairn_events::{Hash, LogId, Payload, Principal, Stream, Timestamp};
use ic_stable_structures::Memory;

/// Bytes of an event's record.
pub const RECORD: u64 = 56;

// Where a record has what. Six bytes reach farther than the memory that the network gives.
const OPENINGS: usize = 6;
const SIZE: usize = 12;
const TIMESTAMP: usize = 16;
const HASH: usize = 24;

/// What is found without decoding an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where the event's bytes end; they begin where those of the previous event end.
    pub events_end: u64,
    /// Where the openings' bytes end.
    pub openings_end: u64,
    /// How many bytes the whole event has.
    pub size: u32,
    /// The event's timestamp.
    pub timestamp: u64,
    /// The event's hash.
    pub hash: Hash,
}

/// The record before the first: nothing.
pub const NOTHING: Record = Record { events_end: 0, openings_end: 0, size: 0, timestamp: 0, hash: Hash([0; 32]) };

/// Directory and columns.
pub struct Columns<M> {
    directory: Region<M>,
    events: Bodies<M>,
    openings: Region<M>,
    log: Option<LogId>,
    length: u64,
    /// The last record, or [`NOTHING`].
    last: Record,
}

impl<M: Memory> Columns<M> {
    /// The `length` events of `log` in these memories.
    pub fn open(directory: M, events: Bodies<M>, openings: M, log: Option<LogId>, length: u64) -> Self {
        let directory = Region::new(directory);
        let whole = length > 0 && directory.holds(RECORD * length);
        let last = if whole { read(&directory, length - 1) } else { NOTHING };
        Columns { directory, events, openings: Region::new(openings), log, length, last }
    }

    /// Says which log this is. There are no events yet.
    pub fn set_log(&mut self, log: LogId) {
        if self.length == 0 {
            self.log = Some(log);
        }
    }

    /// Whether the memories are as long as they must be.
    pub fn is_whole(&self) -> bool {
        self.directory.holds(RECORD * self.length)
            && self.events.holds(self.last.events_end)
            && self.openings.holds(self.last.openings_end)
    }

    /// Bytes taken.
    pub fn bytes(&self) -> u64 {
        RECORD * self.length + self.last.events_end - self.events.freed() + self.last.openings_end
    }

    /// How many events there are.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// The last event's record; [`NOTHING`] if there is none.
    pub fn last(&self) -> Record {
        self.last
    }

    /// Makes room for so many more events, bytes of events, and bytes of openings; false if there is none.
    pub fn ensure(&self, events: u64, bytes: u64, openings: u64) -> bool {
        self.directory.ensure(RECORD * (self.length + events))
            && self.events.ensure(self.last.events_end + bytes)
            && self.openings.ensure(self.last.openings_end + openings)
    }

    /// Appends an event. The room was ensured.
    pub fn push(&mut self, event: &Packed, openings: &[u8], timestamp: u64, hash: Hash) {
        self.events.write(self.last.events_end, &event.bytes);
        if !openings.is_empty() {
            self.openings.write(self.last.openings_end, openings);
        }
        let events_end = self.last.events_end + event.bytes.len() as u64;
        let openings_end = self.last.openings_end + openings.len() as u64;
        let size = u32::try_from(event.whole).unwrap_or(u32::MAX);
        self.last = Record { events_end, openings_end, size, timestamp, hash };
        write(&self.directory, self.length, &self.last);
        self.length += 1;
    }

    /// The record of event `index`.
    pub fn record(&self, index: u64) -> Option<Record> {
        (index < self.length).then(|| read(&self.directory, index))
    }

    /// The hash of event `index`.
    pub fn hash(&self, index: u64) -> Option<Hash> {
        (index < self.length).then(|| Hash(self.directory.array(RECORD * index + HASH as u64)))
    }

    /// The timestamp of event `index`.
    pub fn timestamp(&self, index: u64) -> Option<u64> {
        (index < self.length).then(|| self.directory.u64(RECORD * index + TIMESTAMP as u64))
    }

    /// The first event whose body is here; those before it are archived.
    pub fn first(&self) -> u64 {
        self.events.first()
    }

    /// Makes room to note that bodies are archived; false if there is none.
    pub fn can_free(&self) -> bool {
        self.events.can_free()
    }

    /// Gives up the bodies of the events before `first`. The room was ensured.
    pub fn free(&self, first: u64) {
        let before = first.checked_sub(1).and_then(|last| self.record(last)).unwrap_or(NOTHING);
        self.events.free(first, before.events_end);
    }

    /// The stored form of event `index`; `None` if there is none, or it is archived, or it cannot be made whole.
    pub fn event(&self, index: u64, threads: &Threads<M>) -> Option<Vec<u8>> {
        let (packed, record) = self.packed(index)?;
        let place = Place { log: self.log?, index, timestamp: Timestamp(record.timestamp) };
        compact::unpack(&packed, &place, &Before { columns: self, threads, index }).ok()
    }

    /// On whose behalf event `index` happened, and what; `None` if there is no such event here.
    pub fn content(&self, index: u64, threads: &Threads<M>) -> Option<Result<(Principal, Payload), CodecError>> {
        let (packed, _) = self.packed(index)?;
        Some(compact::content(&packed, &Before { columns: self, threads, index }))
    }

    fn packed(&self, index: u64) -> Option<(Vec<u8>, Record)> {
        if index < self.first() {
            return None;
        }
        let (before, record) = self.bounds(index)?;
        Some((self.events.bytes(before.events_end, record.events_end), record))
    }

    /// How many bytes event `index` has; 0 if there is none.
    pub fn event_size(&self, index: u64) -> usize {
        let size = self.record(index).map(|record| record.size);
        size.and_then(|size| usize::try_from(size).ok()).unwrap_or_default()
    }

    /// The bytes of the openings of event `index`, as they were pushed; empty if there were none.
    pub fn openings(&self, index: u64) -> Option<Vec<u8>> {
        let (before, record) = self.bounds(index)?;
        Some(self.openings.bytes(before.openings_end, record.openings_end))
    }

    /// Replaces the bytes of the openings of event `index` by as many others.
    pub fn overwrite_openings(&self, index: u64, bytes: &[u8]) {
        let Some((before, record)) = self.bounds(index) else { return };
        if record.openings_end - before.openings_end == bytes.len() as u64 {
            self.openings.write(before.openings_end, bytes);
        }
    }

    fn bounds(&self, index: u64) -> Option<(Record, Record)> {
        let before = if index == 0 { NOTHING } else { self.record(index - 1)? };
        Some((before, self.record(index)?))
    }
}

/// What event `index` leaves out: its names are keys of threads, under their numbers.
struct Before<'a, M> {
    columns: &'a Columns<M>,
    threads: &'a Threads<M>,
    index: u64,
}

impl<M: Memory> Known for Before<'_, M> {
    fn hash(&self, index: u64) -> Option<Hash> {
        self.columns.hash(index).filter(|_| index < self.index)
    }

    fn stream(&self, number: u32) -> Option<Stream> {
        self.threads.key(number)?.as_stream()
    }

    fn principal(&self, number: u32) -> Option<Principal> {
        self.threads.key(number)?.as_principal()
    }
}

fn read<M: Memory>(directory: &Region<M>, index: u64) -> Record {
    let bytes: [u8; RECORD as usize] = directory.array(RECORD * index);
    let part = |from: usize, until: usize| bytes.get(from..until).map(number).unwrap_or_default();
    let hash = bytes.get(HASH..).and_then(Hash::from_slice).unwrap_or(Hash([0; 32]));
    Record {
        events_end: part(0, OPENINGS),
        openings_end: part(OPENINGS, SIZE),
        size: u32::try_from(part(SIZE, TIMESTAMP)).unwrap_or(u32::MAX),
        timestamp: part(TIMESTAMP, HASH),
        hash,
    }
}

fn write<M: Memory>(directory: &Region<M>, index: u64, record: &Record) {
    let mut bytes = [0; RECORD as usize];
    let [events, openings] = [record.events_end, record.openings_end].map(u64::to_le_bytes);
    let ends = events.into_iter().take(OPENINGS).chain(openings.into_iter().take(SIZE - OPENINGS));
    let rest = record.size.to_le_bytes().into_iter().chain(record.timestamp.to_le_bytes()).chain(record.hash.0);
    bytes.iter_mut().zip(ends.chain(rest)).for_each(|(to, from)| *to = from);
    directory.write(RECORD * index, &bytes);
}
