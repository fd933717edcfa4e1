//! Where the log lies in stable memory.
//!
//! The memory manager hands out whole buckets. With 256 pages (16 MiB) each, its 32,768 buckets reach 512 GiB: more
//! than the 500 GiB that the network gives a canister, so that the manager is never what ends the log. The price is
//! one partly filled bucket per memory. The size cannot be changed after the first install.

use ic_stable_structures::memory_manager::{MemoryId, MemoryManager, VirtualMemory};
use ic_stable_structures::{DefaultMemoryImpl, Memory};

/// Who the log is: [`crate::log::Identity`].
const IDENTITY: MemoryId = MemoryId::new(0);
/// How long everything is: [`crate::log::Counters`].
const COUNTERS: MemoryId = MemoryId::new(1);
/// One fixed-size record per event.
const DIRECTORY: MemoryId = MemoryId::new(2);
/// The events, encoded, one after the other.
const EVENTS: MemoryId = MemoryId::new(3);
/// Openings of commitments: private, and apart so that they can be erased.
const OPENINGS: MemoryId = MemoryId::new(4);
/// Nodes of the Merkle tree.
const NODES: MemoryId = MemoryId::new(5);
/// Heads of the threads (topics, streams, sources).
const THREADS: MemoryId = MemoryId::new(6);
/// Buckets of the table that finds a thread by its key.
const BUCKETS: MemoryId = MemoryId::new(7);
/// Which events each thread has.
const POSTINGS: MemoryId = MemoryId::new(8);

/// Forks of the topic map.
const FORKS: MemoryId = MemoryId::new(9);

/// What the runtime keeps: see [`cairn_kit::runtime::take_up`].
const TICKETS: MemoryId = MemoryId::new(11);

/// Where pages of events lie that are used again: see [`crate::log`].
const PAGES: MemoryId = MemoryId::new(12);
/// How archiving stands.
const ARCHIVING: MemoryId = MemoryId::new(13);
/// Archived events that the log itself needs.
const KEPT: MemoryId = MemoryId::new(14);
/// The module that archives are made from.
const MODULE: MemoryId = MemoryId::new(15);

/// Pages of 64 KiB per bucket.
const BUCKET_PAGES: u16 = 256;

/// The memories of a log.
pub struct Memories<M> {
    /// See [`crate::log::Identity`].
    pub identity: M,
    /// See [`crate::log::Counters`].
    pub counters: M,
    /// One record per event.
    pub directory: M,
    /// Encoded events.
    pub events: M,
    /// Openings.
    pub openings: M,
    /// Merkle nodes.
    pub nodes: M,
    /// Thread heads.
    pub threads: M,
    /// The thread table's buckets.
    pub buckets: M,
    /// Postings.
    pub postings: M,
    /// The topic map's forks.
    pub forks: M,
    /// Where pages of events lie.
    pub pages: M,
    /// How archiving stands.
    pub archiving: M,
    /// Archived events that the log needs.
    pub kept: M,
    /// The module of archives.
    pub module: M,
}

/// The memories of this canister: the log's, and the one that the runtime keeps.
#[allow(clippy::clone_on_copy, reason = "Copy in a canister only; elsewhere a shared vector")]
pub fn memories() -> (Memories<Bucketed>, VirtualMemory<DefaultMemoryImpl>) {
    let raw = DefaultMemoryImpl::default();
    let manager = MemoryManager::init_with_bucket_size(raw.clone(), BUCKET_PAGES);
    let get = |id| Bucketed { memory: manager.get(id), raw: raw.clone() };
    let log = Memories {
        identity: get(IDENTITY),
        counters: get(COUNTERS),
        directory: get(DIRECTORY),
        events: get(EVENTS),
        openings: get(OPENINGS),
        nodes: get(NODES),
        threads: get(THREADS),
        buckets: get(BUCKETS),
        postings: get(POSTINGS),
        forks: get(FORKS),
        pages: get(PAGES),
        archiving: get(ARCHIVING),
        kept: get(KEPT),
        module: get(MODULE),
    };
    (log, manager.get(TICKETS))
}

/// A memory of the manager whose growth can be refused.
///
/// The manager traps when the network gives no more memory; an append must answer with an error instead. So the
/// memory below is grown first, and the manager then finds what it needs.
#[derive(Clone)]
pub struct Bucketed {
    memory: VirtualMemory<DefaultMemoryImpl>,
    raw: DefaultMemoryImpl,
}

impl Bucketed {
    /// Where the manager's first page says how many buckets are taken (its layout, version 1).
    const TAKEN: u64 = 4;

    fn pages_needed(&self, pages: u64) -> u64 {
        let mut taken = [0; 2];
        self.raw.read(Self::TAKEN, &mut taken);
        let bucket = u64::from(BUCKET_PAGES);
        let size = self.memory.size();
        let more = (size + pages).div_ceil(bucket) - size.div_ceil(bucket);
        1 + bucket * (u64::from(u16::from_le_bytes(taken)) + more)
    }
}

impl Memory for Bucketed {
    fn size(&self) -> u64 {
        self.memory.size()
    }

    fn grow(&self, pages: u64) -> i64 {
        let missing = self.pages_needed(pages).saturating_sub(self.raw.size());
        if missing > 0 && self.raw.grow(missing) < 0 { -1 } else { self.memory.grow(pages) }
    }

    fn read(&self, offset: u64, dst: &mut [u8]) {
        self.memory.read(offset, dst);
    }

    fn write(&self, offset: u64, src: &[u8]) {
        self.memory.write(offset, src);
    }
}
