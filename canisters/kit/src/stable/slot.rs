//! One value of any length in a memory of its own. What it held before is overwritten with zeros.

use super::{Memory, corrupt};
use cairn_events::codec;
use ic_stable_structures::Memory as _;
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;

/// Bytes of a wasm page.
const PAGE: u64 = 65_536;
/// First bytes of a slot: they tell it from any other structure.
const MAGIC: [u8; 4] = *b"slot";
/// Magic and length.
const HEADER: u64 = 12;

/// One value in stable memory. Unlike a cell it leaves nothing behind of what it held: a batch on its way to the log
/// contains openings that must be erasable.
pub struct Slot<T> {
    memory: Memory,
    held: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned + Default> Slot<T> {
    /// The slot in `memory`; a fresh one holds the default.
    pub fn open(memory: Memory) -> Self {
        Slot { memory, held: PhantomData }
    }

    /// The value. Traps if the memory holds something else than a slot of this type.
    pub fn get(&self) -> T {
        let Some(length) = self.length() else {
            return T::default();
        };
        let mut bytes = vec![0; length as usize];
        self.memory.read(HEADER, &mut bytes);
        codec::decode_trusted(&bytes).unwrap_or_else(|error| corrupt(&error.to_string()))
    }

    /// Replaces the value. Traps if stable memory cannot grow: the message then had no effect at all.
    pub fn set(&self, value: &T) {
        let bytes = codec::encode(value);
        let (old, new) = (self.length().unwrap_or(0), bytes.len() as u64);
        self.reserve(HEADER + new);
        self.memory.write(0, &MAGIC);
        self.memory.write(4, &new.to_le_bytes());
        self.memory.write(HEADER, &bytes);
        if let Some(stale) = old.checked_sub(new).filter(|stale| *stale > 0) {
            self.memory.write(HEADER + new, &vec![0; stale as usize]);
        }
    }

    fn length(&self) -> Option<u64> {
        if self.memory.size() == 0 {
            return None;
        }
        let (mut magic, mut length) = ([0; 4], [0; 8]);
        self.memory.read(0, &mut magic);
        self.memory.read(4, &mut length);
        let length = u64::from_le_bytes(length);
        if magic != MAGIC || length > self.memory.size() * PAGE - HEADER {
            corrupt("not a slot");
        }
        Some(length)
    }

    fn reserve(&self, bytes: u64) {
        let missing = bytes.div_ceil(PAGE).saturating_sub(self.memory.size());
        if missing > 0 && self.memory.grow(missing) < 0 {
            ic_cdk::trap("stable memory is exhausted");
        }
    }
}
