//! The committed heap of a canister: a base that many share, and what differs from it.
//!
//! Cloning shares everything. A heap that has moved far from its base gets a base of its own: pages in
//! a base cost nothing when an execution is compared with the committed state, the others do.

use crate::mapping::Base;
use crate::page::{PAGE, Page, ZERO};
use crate::page_table::PageTable;
use std::sync::Arc;

/// Pages that may differ from the base. Each is kept twice while an instance is live, and compared
/// after each of its executions.
const OVERLAY: usize = 256;
/// A base that others use must be copied as a whole: not before one page in so many differs.
const COPIED_SHARE: usize = 16;

/// A heap as of the last committed execution.
#[derive(Clone, Default)]
pub(crate) struct Heap {
    base: Option<Arc<Base>>,
    overlay: PageTable,
    bytes: usize,
}

impl Heap {
    /// Zeros.
    pub(crate) fn zeros(bytes: usize) -> Self {
        Self { base: None, overlay: PageTable::default(), bytes }
    }

    /// Size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What all instances with this base begin with.
    pub(crate) fn base(&self) -> Option<&Base> {
        self.base.as_deref()
    }

    /// A page; zeros beyond what was ever written.
    pub(crate) fn page(&self, number: usize) -> &Page {
        self.written(number).or_else(|| self.base.as_ref()?.page(number)).unwrap_or(&ZERO)
    }

    /// A page that differs from the base.
    pub(crate) fn written(&self, number: usize) -> Option<&Page> {
        self.overlay.get(number).map(|page| &**page)
    }

    /// Replaces a page.
    pub(crate) fn set(&mut self, number: usize, page: &Page) {
        self.overlay.set(number, page);
    }

    /// Copies out; false if the range is outside of the heap.
    pub(crate) fn read(&self, offset: u64, mut target: &mut [u8]) -> bool {
        let Some(mut at) = self.position(offset, target.len()) else {
            return false;
        };
        while !target.is_empty() {
            let (number, start) = (at / PAGE, at % PAGE);
            let count = target.len().min(PAGE - start);
            let (now, rest) = target.split_at_mut(count);
            now.copy_from_slice(self.page(number).get(start..start + count).unwrap_or_default());
            (target, at) = (rest, at + count);
        }
        true
    }

    /// Copies in; false, and nothing written, if the range is outside of the heap.
    pub(crate) fn write(&mut self, offset: u64, mut source: &[u8]) -> bool {
        let Some(mut at) = self.position(offset, source.len()) else {
            return false;
        };
        while !source.is_empty() {
            let (number, start) = (at / PAGE, at % PAGE);
            let count = source.len().min(PAGE - start);
            let (now, rest) = source.split_at(count);
            let mut page = *self.page(number);
            if let Some(target) = page.get_mut(start..start + count) {
                target.copy_from_slice(now);
            }
            self.set(number, &page);
            (source, at) = (rest, at + count);
        }
        true
    }

    fn position(&self, offset: u64, len: usize) -> Option<usize> {
        let offset = usize::try_from(offset).ok()?;
        (offset.checked_add(len)? <= self.bytes).then_some(offset)
    }

    /// Makes it larger, with zeros. Heaps do not shrink.
    pub(crate) fn grow_to(&mut self, bytes: usize) {
        self.bytes = self.bytes.max(bytes);
    }

    /// Whether both are the same heap, not merely equal ones.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.has_base_of(other) && self.bytes == other.bytes && self.overlay.is(&other.overlay)
    }

    /// Whether both began from the same base.
    pub(crate) fn has_base_of(&self, other: &Self) -> bool {
        match (&self.base, &other.base) {
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            (None, None) => true,
            _ => false,
        }
    }

    /// The pages in which two heaps with the same base may differ.
    pub(crate) fn for_each_difference(&self, other: &Self, visit: impl FnMut(usize)) {
        self.overlay.for_each_difference(&other.overlay, visit);
    }

    /// The pages that differ from the base.
    pub(crate) fn for_each_written(&self, visit: impl FnMut(usize, &Page)) {
        self.overlay.for_each(visit);
    }

    /// Takes a new base if too many pages differ from the old one; whether it did. Without room for
    /// one, everything stays as it is.
    pub(crate) fn settle(&mut self) -> bool {
        if self.overlay.len() <= OVERLAY {
            return false;
        }
        let done = match self.base.as_mut().and_then(Arc::get_mut) {
            Some(base) if base.is_ours() => write_overlay(base, &self.overlay, self.bytes),
            _ if self.overlay.len() <= self.bytes / PAGE / COPIED_SHARE => return false,
            _ => self.copy().map(|base| self.base = Some(Arc::new(base))),
        };
        if done.is_ok() {
            self.overlay = PageTable::default();
        }
        done.is_ok()
    }

    /// The same heap with a base that holds all of it, if there can be one.
    pub(crate) fn based(self) -> Self {
        match self.copy() {
            Ok(base) => Self { base: Some(Arc::new(base)), overlay: PageTable::default(), bytes: self.bytes },
            Err(_) => self,
        }
    }

    fn copy(&self) -> std::io::Result<Base> {
        let mut base = Base::new(self.bytes)?;
        for number in 0..self.bytes / PAGE {
            let page = self.page(number);
            if *page != ZERO {
                base.write(number, page)?;
            }
        }
        Ok(base)
    }
}

/// Pages that were written stay right also if a later one fails: the overlay still goes before.
fn write_overlay(base: &mut Base, overlay: &PageTable, bytes: usize) -> std::io::Result<()> {
    base.extend(bytes)?;
    let mut done = Ok(());
    overlay.for_each(|number, page| {
        if done.is_ok() {
            done = base.write(number, page);
        }
    });
    done
}
