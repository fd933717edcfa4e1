//! The heap of a live instance, and its way to and from committed heaps.
//!
//! What an execution may have written to is asked of the kernel: the pages of which the instance has a
//! copy of its own. They are compared with the committed heap; what differs is taken over (the execution
//! succeeded) or put back (it trapped, or was a query). So the cost follows what was touched, not the
//! size of the heap. Where the kernel does not tell, every page is compared.

use crate::heap::Heap;
use crate::mapping::{Creator, Region};
use crate::page::{PAGE, Page};
use std::sync::Arc;
use wasmtime::{AsContext, AsContextMut, Memory};

/// Own copies of pages that equal the base. Some are kept: the next execution will likely write to them
/// again.
const SPARE: usize = 64;

/// The memory of an instance.
pub(crate) struct LiveHeap {
    memory: Memory,
    /// Where the kernel helps.
    region: Option<Arc<Region>>,
    /// Pages the last execution may have written to.
    touched: Vec<usize>,
    /// Those of them that equal the base.
    spare: Vec<usize>,
}

impl LiveHeap {
    /// The memory of the instance that this thread has just made.
    pub(crate) fn just_created(memory: Memory, store: impl AsContext) -> Self {
        Self { memory, region: Creator::created(memory.data_ptr(store)), touched: Vec::new(), spare: Vec::new() }
    }

    /// Whether it can be mapped to a base.
    pub(crate) fn is_mapped(&self) -> bool {
        self.region.is_some()
    }

    pub(crate) fn bytes(&self, store: impl AsContext) -> usize {
        self.memory.data_size(&store)
    }

    /// Takes over into `heap`, from which the execution began, what it has changed; how many pages.
    pub(crate) fn capture(&mut self, store: impl AsContext, heap: &mut Heap) -> u64 {
        let mut changed = 0;
        heap.grow_to(self.bytes(&store));
        self.find_touched(&store);
        let (live, _) = self.memory.data(&store).as_chunks::<PAGE>();
        for number in self.touched.iter().copied() {
            let Some(page) = live.get(number) else {
                continue;
            };
            if heap.page(number) != page {
                heap.set(number, page);
                changed += 1;
            } else if heap.written(number).is_none() {
                self.spare.push(number);
            }
        }
        self.forget_spare();
        changed
    }

    /// Puts `heap`, from which the execution began, back; false if that cannot be done.
    pub(crate) fn put_back(&mut self, mut store: impl AsContextMut, heap: &Heap) -> bool {
        if !self.resize(store.as_context_mut(), heap.bytes()) {
            return false;
        }
        self.find_touched(&store);
        let live = live_pages(self.memory, &mut store);
        for number in self.touched.iter().copied() {
            let Some(page) = live.get_mut(number) else {
                continue;
            };
            let wanted = heap.page(number);
            if page != wanted {
                page.copy_from_slice(wanted);
            }
            if heap.written(number).is_none() {
                self.spare.push(number);
            }
        }
        self.forget_spare();
        true
    }

    /// Replaces `from`, which the memory holds, by `to`; false if that cannot be done.
    pub(crate) fn load(&mut self, mut store: impl AsContextMut, from: &Heap, to: &Heap) -> bool {
        if !self.resize(store.as_context_mut(), to.bytes()) {
            return false;
        }
        let mut copy = |number: usize, page: &Page| {
            if let Some(target) = live_pages(self.memory, &mut store).get_mut(number) {
                target.copy_from_slice(page);
            }
        };
        if from.has_base_of(to) {
            from.for_each_difference(to, |number| copy(number, to.page(number)));
        } else if let Some(region) = &self.region {
            if region.map(to.base()).is_err() {
                return false;
            }
            to.for_each_written(copy);
        } else {
            (0..to.bytes() / PAGE).for_each(|number| copy(number, to.page(number)));
        }
        true
    }

    /// Changes the size; false if that cannot be done.
    fn resize(&self, mut store: impl AsContextMut, bytes: usize) -> bool {
        let now = self.bytes(&store);
        if now == bytes {
            return true;
        }
        match &self.region {
            // To grow by nothing lets wasmtime ask the memory for its size again.
            Some(region) => region.resize(bytes).is_ok() && self.memory.grow(&mut store, 0).is_ok(),
            // Linear memories do not shrink by themselves.
            None if bytes < now => false,
            None => {
                let pages = (bytes - now) as u64 / self.memory.page_size(&store);
                self.memory.grow(&mut store, pages).is_ok()
            }
        }
    }

    fn find_touched(&mut self, store: impl AsContext) {
        self.touched.clear();
        self.spare.clear();
        let told = self.region.as_ref().map(|region| region.private_pages(&mut self.touched));
        if !matches!(told, Some(Ok(()))) {
            self.touched.clear();
            self.touched.extend(0..self.bytes(store) / PAGE);
        }
    }

    fn forget_spare(&mut self) {
        let Some(region) = self.region.as_ref().filter(|_| self.spare.len() > SPARE) else {
            return;
        };
        for run in self.spare.chunk_by(|one, next| one + 1 == *next) {
            if let Some(first) = run.first() {
                // A page that is kept costs a comparison, nothing else.
                let _ = region.forget(*first, run.len());
            }
        }
    }
}

fn live_pages(memory: Memory, store: &mut impl AsContextMut) -> &mut [Page] {
    memory.data_mut(store).as_chunks_mut::<PAGE>().0
}
