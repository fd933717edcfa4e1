//! Stable memory: pages on the host, with a journal of what a message overwrote.
//!
//! Interface specification, "Stable memory". A Wasm page of 64 KiB is held as sixteen host pages,
//! so that an execution that touches a few bytes keeps 4 KiB for its rollback, not 64.

use crate::page::{PAGE, Page, zero_page};
use std::sync::Arc;

/// Bytes of a WebAssembly page.
pub(crate) const WASM_PAGE: u64 = 65_536;
const HOST_PAGES_PER_WASM_PAGE: u64 = WASM_PAGE / PAGE as u64;

/// The stable memory of a canister. Cloning shares the pages.
#[derive(Clone, Default)]
pub(crate) struct StableMemory {
    pages: Vec<Arc<Page>>,
    /// Pages as they were before the running execution first wrote to them.
    journal: Vec<(usize, Arc<Page>)>,
    /// Which pages are in the journal; one bit each.
    touched: Vec<u64>,
    /// Size before the running execution first grew it.
    committed_len: Option<usize>,
}

impl StableMemory {
    /// Size in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.pages.len() as u64 * PAGE as u64
    }

    /// Size in WebAssembly pages.
    pub(crate) fn size(&self) -> u64 {
        self.pages.len() as u64 / HOST_PAGES_PER_WASM_PAGE
    }

    /// Adds zeroed WebAssembly pages; the old size, or none if `limit` bytes would be exceeded.
    pub(crate) fn grow(&mut self, new_pages: u64, limit: u64) -> Option<u64> {
        let old = self.size();
        let new = old.checked_add(new_pages)?;
        if new.checked_mul(WASM_PAGE)? > limit {
            return None;
        }
        if new_pages > 0 {
            self.committed_len.get_or_insert(self.pages.len());
            let len = usize::try_from(new * HOST_PAGES_PER_WASM_PAGE).ok()?;
            self.pages.resize_with(len, zero_page);
        }
        Some(old)
    }

    /// Copies out; false if the range is outside the memory.
    pub(crate) fn read(&self, offset: u64, mut target: &mut [u8]) -> bool {
        if !self.contains(offset, target.len()) {
            return false;
        }
        let (mut index, mut start) = position(offset);
        while !target.is_empty() {
            let count = target.len().min(PAGE - start);
            let (now, rest) = target.split_at_mut(count);
            let Some(source) = self.pages.get(index).and_then(|p| p.get(start..start + count)) else {
                return false;
            };
            now.copy_from_slice(source);
            target = rest;
            index += 1;
            start = 0;
        }
        true
    }

    /// Copies in; false, and nothing written, if the range is outside the memory.
    pub(crate) fn write(&mut self, offset: u64, mut source: &[u8]) -> bool {
        if !self.contains(offset, source.len()) {
            return false;
        }
        let (mut index, mut start) = position(offset);
        while !source.is_empty() {
            let count = source.len().min(PAGE - start);
            let (now, rest) = source.split_at(count);
            self.keep(index);
            let Some(page) = self.pages.get_mut(index) else {
                return false;
            };
            let Some(target) = Arc::make_mut(page).get_mut(start..start + count) else {
                return false;
            };
            target.copy_from_slice(now);
            source = rest;
            index += 1;
            start = 0;
        }
        true
    }

    /// Keeps what the execution wrote.
    pub(crate) fn commit(&mut self) {
        for (index, _) in self.journal.drain(..) {
            if let Some(word) = self.touched.get_mut(index / 64) {
                *word = 0;
            }
        }
        self.committed_len = None;
    }

    /// Back to what was there before the execution.
    pub(crate) fn rollback(&mut self) {
        for (index, page) in std::mem::take(&mut self.journal) {
            if let Some(word) = self.touched.get_mut(index / 64) {
                *word = 0;
            }
            if let Some(slot) = self.pages.get_mut(index) {
                *slot = page;
            }
        }
        if let Some(len) = self.committed_len.take() {
            self.pages.truncate(len);
        }
    }

    /// All bytes, for inspection.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.pages.iter().flat_map(|page| page.iter().copied()).collect()
    }

    fn contains(&self, offset: u64, len: usize) -> bool {
        offset.checked_add(len as u64).is_some_and(|end| end <= self.bytes())
    }

    /// Puts a page into the journal, once per execution.
    fn keep(&mut self, index: usize) {
        let (word, bit) = (index / 64, 1_u64 << (index % 64));
        if self.touched.len() <= word {
            self.touched.resize(word + 1, 0);
        }
        let Some(word) = self.touched.get_mut(word) else {
            return;
        };
        if *word & bit == 0 {
            *word |= bit;
            if let Some(page) = self.pages.get(index) {
                self.journal.push((index, Arc::clone(page)));
            }
        }
    }
}

fn position(offset: u64) -> (usize, usize) {
    let page = PAGE as u64;
    ((offset / page) as usize, (offset % page) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};

    /// Random executions, half of them rolled back, against a plain vector.
    #[test]
    fn behaves_like_a_vector_with_transactions() {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let (mut memory, mut committed) = (StableMemory::default(), Vec::new());
        for execution in 0..300_u32 {
            let mut model = committed.clone();
            for _ in 0..rng.next_u32() % 8 {
                if rng.next_u32().is_multiple_of(16) {
                    assert_eq!(memory.grow(1, 4 << 20), Some(model.len() as u64 / WASM_PAGE));
                    model.resize(model.len() + WASM_PAGE as usize, 0);
                }
                let offset = rng.next_u32() as usize % (model.len() + 100);
                let data = vec![execution as u8; rng.next_u32() as usize % 9_000];
                let fits = offset + data.len() <= model.len();
                assert_eq!(memory.write(offset as u64, &data), fits);
                if fits {
                    model[offset..offset + data.len()].copy_from_slice(&data);
                }
                let mut read = vec![0; data.len()];
                assert_eq!(memory.read(offset as u64, &mut read), fits);
                assert!(!fits || read == data);
            }
            let shared = memory.clone();
            if rng.next_u32().is_multiple_of(2) {
                memory.commit();
                committed = model;
            } else {
                memory.rollback();
            }
            assert!(memory.to_vec() == committed, "after execution {execution}");
            drop(shared);
        }
        assert!(committed.len() > WASM_PAGE as usize);
    }

    #[test]
    fn growth_stops_at_the_limit() {
        let mut memory = StableMemory::default();
        assert_eq!(memory.grow(2, 2 * WASM_PAGE), Some(0));
        assert_eq!(memory.grow(1, 2 * WASM_PAGE), None);
        assert_eq!(memory.grow(u64::MAX, u64::MAX), None);
        assert!(!memory.write(u64::MAX, &[1]) && memory.size() == 2);
    }
}
