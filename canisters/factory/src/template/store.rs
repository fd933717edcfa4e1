//! Modules and interfaces, each under its hash.
//!
//! The modules' memory is a row of blocks. An upload takes the blocks that it needs when it begins; they become the
//! module's when it is whole, or are free again. Nothing is ever searched or moved.

use crate::memory::{self, memory};
use cairn_events::Hash;
use cairn_kit::stable::{Cbor, HashKey, Memory, Slot};
use ic_stable_structures::{Memory as _, StableBTreeMap};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Bytes of a block: also of a part of a module in the management canister's chunk store, which has at most so many.
pub const PART: u64 = 1_048_576;
/// Most modules kept.
pub const MAX_MODULES: u64 = 64;
/// Bytes of a wasm page.
const PAGE: u64 = 65_536;

/// Where a module's bytes lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Module {
    #[serde(rename = "s")]
    size: u64,
    /// Its blocks, in order.
    #[serde(rename = "b")]
    blocks: Vec<u32>,
    /// The hashes of what is in them: no installation hashes the module again.
    #[serde(rename = "p")]
    parts: Vec<Hash>,
}

/// Which blocks are free: those listed, and all from `end` on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Ground {
    /// How often blocks were taken.
    #[serde(rename = "n")]
    times: u64,
    #[serde(rename = "e")]
    end: u32,
    #[serde(rename = "f")]
    free: Vec<u32>,
}

/// The blocks, and what they hold.
pub(crate) struct Store {
    modules: StableBTreeMap<HashKey, Cbor<Module>, Memory>,
    interfaces: StableBTreeMap<HashKey, String, Memory>,
    ground: Slot<Ground>,
    bytes: Memory,
}

/// Stable memory cannot grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

thread_local! {
    static STORE: RefCell<Store> = RefCell::new(Store {
        modules: StableBTreeMap::init(memory(memory::MODULES)),
        interfaces: StableBTreeMap::init(memory(memory::INTERFACES)),
        ground: Slot::open(memory(memory::GROUND)),
        bytes: memory(memory::MODULE_BYTES),
    });
}

/// Works with the store.
pub(crate) fn with<R>(work: impl FnOnce(&mut Store) -> R) -> R {
    STORE.with_borrow_mut(work)
}

/// Opens the memories; traps if they are not what they should be.
pub(super) fn touch() {
    with(|store| (store.modules.len(), store.interfaces.len(), store.ground.get()));
}

/// The size of a kept module.
pub fn size(module: Hash) -> Option<u64> {
    with(|store| store.module(module)).map(|module| module.size)
}

/// The hashes of a kept module's parts, each of [`PART`] bytes but for the last.
pub fn parts(module: Hash) -> Vec<Hash> {
    with(|store| store.module(module)).map(|module| module.parts).unwrap_or_default()
}

/// Bytes of a kept module; none where it has none.
pub fn bytes(module: Hash, offset: u64, length: u64) -> Vec<u8> {
    with(|store| match store.module(module) {
        Some(module) if offset.saturating_add(length) <= module.size => store.read(&module.blocks, offset, length),
        _ => Vec::new(),
    })
}

/// A kept interface.
pub fn interface(hash: Hash) -> Option<String> {
    with(|store| store.interfaces.get(&HashKey(hash)))
}

/// How many interfaces are kept.
pub(super) fn interface_count() -> u64 {
    with(|store| store.interfaces.len())
}

/// Keeps an interface; its hash.
pub(super) fn keep_interface(text: &str) -> Hash {
    let hash = Hash::of(&[text.as_bytes()]);
    with(|store| store.interfaces.insert(HashKey(hash), text.to_owned()));
    hash
}

/// Forgets every interface that is not wanted any more.
pub(super) fn forget_interfaces(wanted: &BTreeSet<Hash>) {
    with(|store| {
        let hashes: Vec<HashKey> = store.interfaces.keys().filter(|key| !wanted.contains(&key.0)).collect();
        hashes.iter().for_each(|hash| drop(store.interfaces.remove(hash)));
    });
}

impl Store {
    fn module(&self, module: Hash) -> Option<Module> {
        self.modules.get(&HashKey(module)).map(|row| row.0)
    }

    /// Whether one more module can be kept.
    pub(super) fn has_room(&self) -> bool {
        self.modules.len() < MAX_MODULES
    }

    /// Takes the blocks that `size` bytes need, and a number that was never given before.
    pub(super) fn take(&mut self, size: u64) -> (u64, Vec<u32>) {
        let mut ground = self.ground.get();
        ground.times += 1;
        let blocks = (0..size.div_ceil(PART)).map(|_| {
            ground.free.pop().unwrap_or_else(|| {
                ground.end += 1;
                ground.end - 1
            })
        });
        let blocks = blocks.collect();
        self.ground.set(&ground);
        (ground.times, blocks)
    }

    /// Gives blocks back.
    pub(super) fn release(&mut self, blocks: &[u32]) {
        let mut ground = self.ground.get();
        ground.free.extend(blocks);
        self.ground.set(&ground);
    }

    /// Writes into blocks that were taken, from the byte `offset` on.
    pub(super) fn write(&self, blocks: &[u32], offset: u64, bytes: &[u8]) -> Result<(), Exhausted> {
        let mut rest = bytes;
        for (start, length) in pieces(blocks, offset, bytes.len() as u64) {
            let (piece, after) = rest.split_at_checked(length as usize).unwrap_or((rest, &[]));
            let missing = (start + length).div_ceil(PAGE).saturating_sub(self.bytes.size());
            if missing > 0 && self.bytes.grow(missing) < 0 {
                return Err(Exhausted);
            }
            self.bytes.write(start, piece);
            rest = after;
        }
        Ok(())
    }

    /// What blocks hold that were written to.
    pub(super) fn read(&self, blocks: &[u32], offset: u64, length: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length as usize);
        for (start, length) in pieces(blocks, offset, length) {
            let mut piece = vec![0; length as usize];
            self.bytes.read(start, &mut piece);
            bytes.append(&mut piece);
        }
        bytes
    }

    /// Keeps what blocks hold as a module, under its hash. Of a module that is kept already they are free again.
    pub(super) fn keep(&mut self, size: u64, blocks: Vec<u32>) -> Hash {
        let (mut whole, mut parts) = (Sha256::new(), Vec::with_capacity(blocks.len()));
        for start in (0..size).step_by(PART as usize) {
            let part = self.read(&blocks, start, PART.min(size - start));
            whole.update(&part);
            parts.push(Hash::of(&[&part]));
        }
        let hash = Hash(whole.finalize().into());
        if self.modules.contains_key(&HashKey(hash)) {
            self.release(&blocks);
        } else {
            self.modules.insert(HashKey(hash), Cbor(Module { size, blocks, parts }));
        }
        hash
    }

    /// How many blocks were ever needed at a time.
    #[cfg(test)]
    pub(crate) fn blocks(&self) -> u64 {
        u64::from(self.ground.get().end)
    }

    /// Forgets every module that is not wanted any more.
    pub(super) fn forget_modules(&mut self, wanted: &BTreeSet<Hash>) {
        let hashes: Vec<HashKey> = self.modules.keys().filter(|key| !wanted.contains(&key.0)).collect();
        for hash in hashes {
            if let Some(Cbor(module)) = self.modules.remove(&hash) {
                self.release(&module.blocks);
            }
        }
    }
}

/// Where the bytes from `offset` on lie: starts and lengths, no piece across two blocks.
fn pieces(blocks: &[u32], offset: u64, length: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
    let end = offset.saturating_add(length);
    (0_u64..).zip(blocks).filter_map(move |(number, block)| {
        let (from, until) = (offset.max(number * PART), end.min((number + 1) * PART));
        (from < until).then(|| (u64::from(*block) * PART + from % PART, until - from))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_taken_and_given_back() {
        with(|store| {
            let ((first, one), (second, other)) = (store.take(2 * PART + 1), store.take(1));
            assert_eq!((first, one.as_slice(), second, other.as_slice()), (1, [0, 1, 2].as_slice(), 2, [3].as_slice()));
            store.release(&one);
            let bytes: Vec<u8> = (0..PART + 10).map(|n| (n / 7) as u8).collect();
            let (_, again) = store.take(bytes.len() as u64);
            assert!(again.iter().all(|block| one.contains(block)), "what was given back is used first");
            for (offset, chunk) in (0..).step_by(500_000).zip(bytes.chunks(500_000)) {
                store.write(&again, offset, chunk).unwrap();
            }
            assert_eq!(store.read(&again, 0, bytes.len() as u64), bytes);
            assert_eq!(store.read(&again, PART - 3, 6), bytes[PART as usize - 3..PART as usize + 3]);
            assert_eq!(store.keep(bytes.len() as u64, again), Hash::of(&[&bytes]));
            assert_eq!(store.ground.get(), Ground { times: 3, end: 4, free: vec![one[0]] });
        });
        let module = Hash::of(&[&(0..PART + 10).map(|n| (n / 7) as u8).collect::<Vec<u8>>()]);
        assert_eq!((size(module), parts(module).len()), (Some(PART + 10), 2));
        assert_eq!(bytes(module, PART, 11), Vec::<u8>::new(), "beyond its end");
        with(|store| store.forget_modules(&BTreeSet::new()));
        assert_eq!(size(module), None);
        assert_eq!(with(|store| store.take(3 * PART)).1.len(), 3);
        assert_eq!(with(|store| store.ground.get().end), 4, "nothing new was needed");
    }
}
