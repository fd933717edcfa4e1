//! Threads: for every topic, stream and writer, how many events it has, the last one, and a few marks.
//!
//! A hash table with linear hashing. Heads are records of one size in the order in which threads came to be; the table
//! has one bucket per thread and grows by one bucket at a time, so that no single append pays for the others.

use super::key::{Key, MAX_KEY};
use crate::region::Region;
use ic_stable_structures::Memory;

/// Bytes of a thread's record.
pub const RECORD: u64 = 55;
/// Bytes of a bucket.
pub const BUCKET: u64 = 4;

/// The most threads: their numbers leave one bit free ([`super::topics`]).
const MAX_THREADS: u64 = (1 << 31) - 1;

// Where a record has what; what changes with every event stands first. Five bytes count more events than any memory
// holds, six reach farther than the memory that the network gives.
const COUNT: usize = 0;
const LAST: usize = 5;
const TAIL: usize = 10;
const MARK: usize = 16;
const HEAD: usize = 17;
const KEY: usize = HEAD + 1;
const NEXT: usize = KEY + MAX_KEY;

/// The part of a thread that changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// How many events it has.
    pub count: u64,
    /// Index of the last one.
    pub last: u64,
    /// Address of its last block of postings.
    pub tail: u64,
    /// A writer's role, or a stream's open intents.
    pub mark: u8,
}

/// The number of a thread's record, from 1.
pub type ThreadId = u32;

/// A record as it is stored.
struct Record {
    head: Head,
    key: Key,
    next: ThreadId,
}

/// All threads.
pub struct Threads<M> {
    records: Region<M>,
    buckets: Region<M>,
    secret: [u8; 16],
    count: u32,
}

impl<M: Memory> Threads<M> {
    /// The `count` threads in these memories, hashed under `secret`.
    pub fn open(records: M, buckets: M, secret: [u8; 16], count: u32) -> Self {
        Threads { records: Region::new(records), buckets: Region::new(buckets), secret, count }
    }

    /// Hashes keys under `secret` from now on. There are no threads yet.
    pub fn set_secret(&mut self, secret: [u8; 16]) {
        if self.count == 0 {
            self.secret = secret;
        }
    }

    /// How many threads there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Bytes taken.
    pub fn bytes(&self) -> u64 {
        (RECORD + BUCKET) * u64::from(self.count)
    }

    /// Whether the memories are as long as they must be.
    pub fn is_whole(&self) -> bool {
        self.records.holds(RECORD * u64::from(self.count)) && self.buckets.holds(BUCKET * u64::from(self.count))
    }

    /// Makes room for `added` more threads; false if there is none.
    pub fn ensure(&self, added: u64) -> bool {
        let count = u64::from(self.count) + added;
        count <= MAX_THREADS && self.records.ensure(RECORD * count) && self.buckets.ensure(BUCKET * count)
    }

    /// The thread of this key, if there is one.
    pub fn find(&self, key: &Key) -> Option<(ThreadId, Head)> {
        if self.count == 0 {
            return None;
        }
        let mut id = self.bucket(self.slot(key));
        while id != 0 {
            let record = self.record(id);
            if record.key == *key {
                return Some((id, record.head));
            }
            id = record.next;
        }
        None
    }

    /// Key and head of a thread.
    pub fn get(&self, id: ThreadId) -> Option<(Key, Head)> {
        let record = (1..=self.count).contains(&id).then(|| self.record(id))?;
        Some((record.key, record.head))
    }

    /// The key of a thread.
    pub fn key(&self, id: ThreadId) -> Option<Key> {
        self.get(id).map(|(key, _)| key)
    }

    /// Adds a thread that is not there yet, under the next number. The room was ensured.
    pub fn insert(&mut self, key: &Key, head: Head) {
        self.add_bucket();
        let bucket = self.slot(key);
        let next = self.bucket(bucket);
        self.write(self.count, &Record { head, key: *key, next });
        self.set_bucket(bucket, self.count);
    }

    /// Changes a thread's head.
    pub fn update(&self, id: ThreadId, head: Head) {
        self.records.write(address(id), &head_bytes(head));
    }

    /// Adds the last bucket, and moves to it what belongs there from the one bucket that shared its keys so far.
    fn add_bucket(&mut self) {
        let added = self.count;
        self.count += 1;
        if added == 0 {
            return;
        }
        let shared = added & !(1 << added.ilog2());
        let (mut stays, mut moves) = (0, 0);
        let mut id = self.bucket(shared);
        while id != 0 {
            let record = self.record(id);
            let chain = if self.slot(&record.key) == added { &mut moves } else { &mut stays };
            self.set_next(id, *chain);
            *chain = id;
            id = record.next;
        }
        self.set_bucket(shared, stays);
        self.set_bucket(added, moves);
    }

    fn slot(&self, key: &Key) -> u32 {
        slot(key.hash(self.secret), self.count)
    }

    fn bucket(&self, bucket: u32) -> ThreadId {
        self.buckets.u32(BUCKET * u64::from(bucket))
    }

    fn set_bucket(&self, bucket: u32, first: ThreadId) {
        self.buckets.write(BUCKET * u64::from(bucket), &first.to_le_bytes());
    }

    fn set_next(&self, id: ThreadId, next: ThreadId) {
        self.records.write(address(id) + NEXT as u64, &next.to_le_bytes());
    }

    fn record(&self, id: ThreadId) -> Record {
        let bytes: [u8; RECORD as usize] = self.records.array(address(id));
        // All of them are followed by more: eight bytes are read at once, the last ones cut off.
        let number = |at: usize, end: usize| u64::from_le_bytes(part(&bytes, at)) & ((1 << (8 * (end - at))) - 1);
        let [mark, length] = part(&bytes, MARK);
        Record {
            head: Head { count: number(COUNT, LAST), last: number(LAST, TAIL), tail: number(TAIL, MARK), mark },
            key: Key::from_parts(part(&bytes, KEY), length),
            next: u32::from_le_bytes(part(&bytes, NEXT)),
        }
    }

    fn write(&self, id: ThreadId, record: &Record) {
        let (key, length) = record.key.to_parts();
        let mut bytes = Vec::with_capacity(RECORD as usize);
        bytes.extend_from_slice(&head_bytes(record.head));
        bytes.push(length);
        bytes.extend_from_slice(&key);
        bytes.extend_from_slice(&record.next.to_le_bytes());
        self.records.write(address(id), &bytes);
    }
}

fn address(id: ThreadId) -> u64 {
    RECORD * (u64::from(id) - 1)
}

fn head_bytes(head: Head) -> [u8; HEAD] {
    let mut bytes = [head.mark; HEAD];
    for (number, at) in [(head.count, COUNT..LAST), (head.last, LAST..TAIL), (head.tail, TAIL..MARK)] {
        let part = bytes.get_mut(at).into_iter().flatten();
        part.zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
    }
    bytes
}

/// The `N` bytes at `at` of a record; every offset above lies within it.
fn part<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    record.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

/// The bucket of `hash` among `buckets`: by as many low bits as there are buckets for, else by one less.
fn slot(hash: u64, buckets: u32) -> u32 {
    let bits = u64::from(buckets).next_power_of_two();
    let bucket = (hash & (bits - 1)) as u32;
    if bucket < buckets { bucket } else { (hash & (bits / 2 - 1)) as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_events::Principal;
    use ic_stable_structures::VectorMemory;

    fn key(n: u32) -> Key {
        Key::source(Principal::from_slice(&n.to_be_bytes()))
    }

    #[test]
    fn every_thread_is_found_at_every_size() {
        let (records, buckets) = (VectorMemory::default(), VectorMemory::default());
        let mut threads = Threads::open(records.clone(), buckets.clone(), [7; 16], 0);
        assert_eq!(threads.find(&key(0)), None);
        for n in 0..700 {
            assert!(threads.ensure(1));
            threads.insert(&key(n), Head { count: u64::from(n), last: 1, tail: 2, mark: 3 });
            if n % 37 == 0 || n < 20 {
                for k in 0..=n {
                    let head = threads.find(&key(k)).map(|(_, head)| head.count);
                    assert_eq!(head, Some(u64::from(k)), "{k} of {n}");
                }
                assert_eq!(threads.find(&key(n + 1)), None);
            }
        }
        let (id, _) = threads.find(&key(333)).expect("there");
        let head = Head { count: (1 << 40) - 1, last: (1 << 40) - 2, tail: (1 << 48) - 1, mark: 255 };
        threads.update(id, head);
        let again = Threads::open(records, buckets, [7; 16], threads.count());
        assert!(again.is_whole());
        assert_eq!(again.find(&key(333)), Some((id, head)));
        assert_eq!(again.find(&key(334)).map(|(_, head)| head.count), Some(334));
    }

    #[test]
    fn chains_stay_short() {
        let mut threads = Threads::open(VectorMemory::default(), VectorMemory::default(), [1; 16], 0);
        for n in 0..20_000 {
            assert!(threads.ensure(1));
            threads.insert(&key(n), Head::default());
        }
        let length = |bucket| {
            let (mut id, mut length) = (threads.bucket(bucket), 0);
            while id != 0 {
                (id, length) = (threads.record(id).next, length + 1);
            }
            length
        };
        let longest = (0..threads.count()).map(length).max();
        assert!(longest <= Some(12), "longest chain {longest:?}");
    }
}
