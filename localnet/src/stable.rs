//! Stable memory: pages on the host.
//!
//! Interface specification, "Stable memory". A Wasm page of 64 KiB is held as sixteen host pages,
//! so that an execution that touches a few bytes copies 4 KiB, not 64. An execution writes to a clone
//! of the committed memory, which shares all pages with it: to commit is to keep the clone, to roll
//! back is to drop it.

use crate::page::{PAGE, Page, ZERO};
use crate::page_table::PageTable;
use sha2::{Digest, Sha256};

/// Bytes of a WebAssembly page.
pub(crate) const WASM_PAGE: u64 = 65_536;

/// The stable memory of a canister. Cloning shares the pages.
#[derive(Clone, Default)]
pub(crate) struct StableMemory {
    pages: PageTable,
    /// Size in WebAssembly pages.
    size: u64,
}

impl StableMemory {
    /// A memory of zeros; none if its pages are not whole.
    pub(crate) fn zeros(bytes: u64) -> Option<Self> {
        bytes.is_multiple_of(WASM_PAGE).then(|| Self { size: bytes / WASM_PAGE, ..Self::default() })
    }

    /// The host pages that were ever written to.
    pub(crate) fn for_each_page(&self, visit: impl FnMut(usize, &Page)) {
        self.pages.for_each(visit);
    }

    /// Replaces a host page.
    pub(crate) fn set_page(&mut self, number: usize, content: &Page) {
        self.pages.set(number, content);
    }

    /// Size in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.size * WASM_PAGE
    }

    /// Takes size and content into a digest.
    pub(crate) fn digest(&self, digest: &mut Sha256) {
        digest.update(self.size.to_be_bytes());
        self.pages.for_each(|number, page| {
            // A page of zeros is as one that was never written.
            if *page != ZERO {
                digest.update(number.to_be_bytes());
                digest.update(page);
            }
        });
    }

    /// Size in WebAssembly pages.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds zeroed WebAssembly pages; the old size, or none if `limit` bytes would be exceeded.
    pub(crate) fn grow(&mut self, new_pages: u64, limit: u64) -> Option<u64> {
        let old = self.size;
        let new = old.checked_add(new_pages)?;
        if new.checked_mul(WASM_PAGE)? > limit {
            return None;
        }
        self.size = new;
        Some(old)
    }

    /// Copies out; false if the range is outside the memory.
    pub(crate) fn read(&self, offset: u64, mut target: &mut [u8]) -> bool {
        if !self.contains(offset, target.len()) {
            return false;
        }
        let (mut number, mut start) = position(offset);
        while !target.is_empty() {
            let count = target.len().min(PAGE - start);
            let (now, rest) = target.split_at_mut(count);
            let page = self.pages.get(number).map_or(&ZERO, |page| page);
            now.copy_from_slice(page.get(start..start + count).unwrap_or_default());
            target = rest;
            number += 1;
            start = 0;
        }
        true
    }

    /// Copies in; none, and nothing written, if the range is outside the memory. How many host pages
    /// were written to for the first time since the memory was cloned.
    pub(crate) fn write(&mut self, offset: u64, mut source: &[u8]) -> Option<u64> {
        if !self.contains(offset, source.len()) {
            return None;
        }
        let mut dirtied = 0;
        let (mut number, mut start) = position(offset);
        while !source.is_empty() {
            let count = source.len().min(PAGE - start);
            let (now, rest) = source.split_at(count);
            dirtied += u64::from(self.pages.write(number, start, now));
            source = rest;
            number += 1;
            start = 0;
        }
        Some(dirtied)
    }

    /// All bytes, for inspection.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.bytes()).unwrap_or(0)];
        self.read(0, &mut bytes);
        bytes
    }

    fn contains(&self, offset: u64, len: usize) -> bool {
        offset.checked_add(len as u64).is_some_and(|end| end <= self.bytes())
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
        let (mut committed, mut expected) = (StableMemory::default(), Vec::new());
        for execution in 0..300_u32 {
            let (mut memory, mut model) = (committed.clone(), expected.clone());
            for _ in 0..rng.next_u32() % 8 {
                if rng.next_u32().is_multiple_of(16) {
                    assert_eq!(memory.grow(1, 4 << 20), Some(model.len() as u64 / WASM_PAGE));
                    model.resize(model.len() + WASM_PAGE as usize, 0);
                }
                let offset = rng.next_u32() as usize % (model.len() + 100);
                let data = vec![execution as u8; rng.next_u32() as usize % 9_000];
                let fits = offset + data.len() <= model.len();
                assert_eq!(memory.write(offset as u64, &data).is_some(), fits);
                if fits {
                    model[offset..offset + data.len()].copy_from_slice(&data);
                }
                let mut read = vec![0; data.len()];
                assert_eq!(memory.read(offset as u64, &mut read), fits);
                assert!(!fits || read == data);
            }
            if rng.next_u32().is_multiple_of(2) {
                (committed, expected) = (memory, model);
            }
            assert!(committed.to_vec() == expected, "after execution {execution}");
        }
        assert!(expected.len() > WASM_PAGE as usize);
    }

    #[test]
    fn growth_stops_at_the_limit() {
        let mut memory = StableMemory::default();
        assert_eq!(memory.grow(2, 2 * WASM_PAGE), Some(0));
        assert_eq!(memory.grow(1, 2 * WASM_PAGE), None);
        assert_eq!(memory.grow(u64::MAX, u64::MAX), None);
        assert!(memory.write(u64::MAX, &[1]).is_none() && memory.size() == 2);
    }
}
