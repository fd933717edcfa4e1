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
