//! The encoded events, each at the address that it would have if none were ever moved away.
//!
//! As long as none is, that is where they lie. Once archives have those at the beginning, the pages that held them are
//! used again, in order: a table then says where the later pages lie. What a page held before stays in it until it is
//! overwritten; bodies are public, openings never come here.

use crate::region::{PAGE, Region};
use ic_stable_structures::Memory;
use std::cell::Cell;

/// Bytes before the table: the five numbers of [`State`].
const HEADER: u64 = 40;
/// Bytes of an entry: the number of a page.
const ENTRY: u64 = 4;

/// What was moved away, and what became of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    /// The first event whose body is here.
    first: u64,
    /// The address below which there is nothing any more.
    freed: u64,
    /// The pages before this one lie where their number says.
    straight: u64,
    /// How many pages there are, by address.
    pages: u64,
    /// How many of them were freed and are in use again.
    reused: u64,
}

/// Nothing was ever moved away.
const UNTOUCHED: State = State { first: 0, freed: 0, straight: u64::MAX, pages: 0, reused: 0 };

/// The column of encoded events.
pub struct Bodies<M> {
    region: Region<M>,
    table: Region<M>,
    state: Cell<State>,
}

impl<M: Memory> Bodies<M> {
    /// The column in these memories.
    pub fn open(events: M, table: M) -> Self {
        let table = Region::new(table);
        let number = |at: u64| table.u64(8 * at);
        // Room may have been made without anything being moved; afterwards there is a page at least.
        let state = if table.holds(HEADER) && number(2) > 0 {
            State { first: number(0), freed: number(1), straight: number(2), pages: number(3), reused: number(4) }
        } else {
            UNTOUCHED
        };
        Bodies { region: Region::new(events), table, state: Cell::new(state) }
    }

    /// The first event whose body is here.
    pub fn first(&self) -> u64 {
        self.state.get().first
    }

    /// The address below which there is nothing any more.
    pub fn freed(&self) -> u64 {
        self.state.get().freed
    }

    /// Whether there is room for the addresses up to `end`.
    pub fn holds(&self, end: u64) -> bool {
        let State { straight, pages, .. } = self.state.get();
        if straight == u64::MAX { self.region.holds(end) } else { end <= pages.saturating_mul(PAGE) }
    }

    /// Makes room for the addresses up to `end`, in pages that are free again or in new ones; false if the network
    /// gives no more memory.
    #[must_use]
    pub fn ensure(&self, end: u64) -> bool {
        let mut state = self.state.get();
        if state.straight == u64::MAX {
            return self.region.ensure(end);
        }
        while state.pages < end.div_ceil(PAGE) {
            let is_free = state.reused < state.freed / PAGE;
            let place = if is_free { self.place(state.reused) } else { state.pages - state.reused };
            let entry = HEADER + ENTRY * (state.pages - state.straight);
            let Ok(number) = u32::try_from(place) else { return false };
            if !self.table.ensure(entry + ENTRY) || !self.region.ensure(PAGE * (place + 1)) {
                return false;
            }
            self.table.write(entry, &number.to_le_bytes());
            state.pages += 1;
            state.reused += u64::from(is_free);
            self.set(state);
        }
        true
    }

    /// Makes room to note what is moved away; false if there is none.
    #[must_use]
    pub fn can_free(&self) -> bool {
        self.table.ensure(HEADER)
    }

    /// Gives up the events before `first`, and with them the addresses below `end`. The room was ensured.
    pub fn free(&self, first: u64, end: u64) {
        let mut state = self.state.get();
        if state.straight == u64::MAX {
            (state.straight, state.pages) = (self.region.pages(), self.region.pages());
        }
        self.set(State { first, freed: state.freed.max(end), ..state });
    }

    /// The bytes at the addresses `[begin, end)`.
    pub fn bytes(&self, begin: u64, end: u64) -> Vec<u8> {
        if end <= self.state.get().straight.saturating_mul(PAGE) {
            return self.region.bytes(begin, end);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(end.saturating_sub(begin)).unwrap_or_default());
        let mut at = begin;
        while at < end {
            let until = end.min((at / PAGE + 1) * PAGE);
            let place = self.address(at);
            bytes.extend_from_slice(&self.region.bytes(place, place + (until - at)));
            at = until;
        }
        bytes
    }

    /// Writes `bytes` at the address `at`. The room was ensured.
    pub fn write(&self, at: u64, bytes: &[u8]) {
        if at.saturating_add(bytes.len() as u64) <= self.state.get().straight.saturating_mul(PAGE) {
            return self.region.write(at, bytes);
        }
        let (mut at, mut rest) = (at, bytes);
        while !rest.is_empty() {
            let left = usize::try_from(PAGE - at % PAGE).unwrap_or(usize::MAX);
            let (part, later) = rest.split_at(left.min(rest.len()));
            self.region.write(self.address(at), part);
            (at, rest) = (at + part.len() as u64, later);
        }
    }

    /// Where an address lies.
    fn address(&self, at: u64) -> u64 {
        PAGE * self.place(at / PAGE) + at % PAGE
    }

    /// Where a page lies.
    fn place(&self, page: u64) -> u64 {
        match page.checked_sub(self.state.get().straight) {
            None => page,
            Some(entry) => u64::from(self.table.u32(HEADER + ENTRY * entry)),
        }
    }

    fn set(&self, state: State) {
        let State { first, freed, straight, pages, reused } = state;
        let numbers = [first, freed, straight, pages, reused].map(u64::to_le_bytes);
        self.table.write(0, numbers.as_flattened());
        self.state.set(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ic_stable_structures::VectorMemory;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// Whatever is appended and freed: what is not freed is there, and no more pages are taken than it needs.
        #[test]
        fn pages_are_used_again(steps in prop::collection::vec((1usize..150_000, 0u64..100, any::<bool>()), 1..40)) {
            let (events, table) = (VectorMemory::default(), VectorMemory::default());
            let mut bodies = Bodies::open(events.clone(), table.clone());
            let (mut content, mut most) = (Vec::new(), 0);
            for (number, (length, share, reopens)) in steps.into_iter().enumerate() {
                let body: Vec<u8> = (0..length).map(|i| (i % 251) as u8 ^ number as u8).collect();
                let at = content.len() as u64;
                content.extend_from_slice(&body);
                prop_assert!(bodies.ensure(content.len() as u64));
                bodies.write(at, &body);
                most = most.max(content.len() as u64 / PAGE + 2 - bodies.freed() / PAGE);
                let end = bodies.freed() + (content.len() as u64 - bodies.freed()) * share / 100;
                if share > 30 {
                    prop_assert!(bodies.can_free());
                    bodies.free(number as u64, end);
                }
                if reopens {
                    bodies = Bodies::open(events.clone(), table.clone());
                }
                let (freed, length) = (bodies.freed(), content.len() as u64);
                prop_assert!(bodies.holds(length) && events.size() <= most, "{} pages for {most}", events.size());
                prop_assert!(bodies.bytes(freed, length) == content[freed as usize..]);
            }
        }
    }
}
