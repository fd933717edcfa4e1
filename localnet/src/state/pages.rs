//! The pages of all memories, each content once.

use super::{PAGES, StateError, malformed};
use crate::heap::Heap;
use crate::page::{PAGE, Page, ZERO};
use crate::stable::StableMemory;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Bytes of the largest heap.
const MAX_HEAP: u64 = 6 << 30;

/// Pages by number, in the order in which they were first met. Pages of zeros are not among them.
#[derive(Default)]
pub(super) struct PagePool {
    pages: Vec<Page>,
    known: BTreeMap<[u8; 32], u32>,
}

/// A memory: its size, and where its pages are. What is not named is zero.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedMemory {
    /// Size in bytes.
    bytes: u64,
    /// Number in the memory, number in the pool.
    pages: Vec<(u64, u32)>,
}

impl PagePool {
    /// Takes in the pages of a heap.
    pub(super) fn save_heap(&mut self, heap: &Heap) -> SavedMemory {
        let numbers = 0..heap.bytes() / PAGE;
        let pages = numbers.map(|number| (number, heap.page(number))).filter(|(_, page)| **page != ZERO);
        let pages = pages.map(|(number, page)| (number as u64, self.number(page))).collect();
        SavedMemory { bytes: heap.bytes() as u64, pages }
    }

    /// Takes in the pages of a stable memory.
    pub(super) fn save_stable(&mut self, stable: &StableMemory) -> SavedMemory {
        let mut pages = Vec::new();
        stable.for_each_page(|number, page| {
            if *page != ZERO {
                pages.push((number as u64, self.number(page)));
            }
        });
        SavedMemory { bytes: stable.bytes(), pages }
    }

    fn number(&mut self, page: &Page) -> u32 {
        let pages = &mut self.pages;
        *self.known.entry(Sha256::digest(page).into()).or_insert_with(|| {
            pages.push(*page);
            (pages.len() - 1) as u32
        })
    }

    /// The heap again.
    pub(super) fn heap(&self, saved: &SavedMemory) -> Result<Heap, StateError> {
        if saved.bytes > MAX_HEAP {
            return Err(malformed(PAGES, "a heap is too large"));
        }
        let mut heap = Heap::zeros(saved.bytes as usize);
        self.for_each_page(saved, |number, page| heap.set(number, page))?;
        Ok(heap.based())
    }

    /// The stable memory again.
    pub(super) fn stable(&self, saved: &SavedMemory) -> Result<StableMemory, StateError> {
        let whole = StableMemory::zeros(saved.bytes);
        let mut stable = whole.ok_or_else(|| malformed(PAGES, "a stable memory has no whole pages"))?;
        self.for_each_page(saved, |number, page| stable.set_page(number, page))?;
        Ok(stable)
    }

    fn for_each_page(&self, saved: &SavedMemory, mut put: impl FnMut(usize, &Page)) -> Result<(), StateError> {
        let end = saved.bytes / PAGE as u64;
        for (number, pooled) in &saved.pages {
            let page = self.pages.get(*pooled as usize).filter(|_| *number < end);
            put(*number as usize, page.ok_or_else(|| malformed(PAGES, "a page is missing or outside its memory"))?);
        }
        Ok(())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.pages.into_flattened()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        match bytes.as_chunks::<PAGE>() {
            (pages, []) => Ok(Self { pages: pages.to_vec(), known: BTreeMap::new() }),
            _ => Err(malformed(PAGES, "the last page is not whole")),
        }
    }
}
