//! Numbers that a canister never gives twice, whatever code it runs: they stand for what was begun and is awaited.
//!
//! Code that is upgraded without having been stopped gets the answers to the calls of the code before. An answer names
//! what to run by a place in the module's table of functions, and what to run it on by one number. Tickets make the
//! number harmless; the place is compared here, before new code is let in.

use crate::stable::Memory;
use ic_stable_structures::Memory as _;
use std::cell::RefCell;

/// What one awaits.
pub type Ticket = u32;

/// Tickets that are set aside at a time, so that stable memory is seldom written.
const STRIDE: Ticket = 1 << 16;
/// First bytes of the record.
const MAGIC: [u8; 4] = *b"tick";

/// Where the functions that take answers stand in the module's table.
pub type Places = [u32; 2];

/// New code that would be given answers it cannot take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeUpError {
    /// The canister runs, and calls of the code before may be on their way.
    #[error(
        "answers to calls under way would find other code at {found:?} than at {expected:?}: stop the canister, upgrade it, start it"
    )]
    Running {
        /// Where the code before takes answers.
        expected: Places,
        /// Where this code does.
        found: Places,
    },
    /// Stable memory could not grow.
    #[error("stable memory is exhausted")]
    Exhausted,
}

#[derive(Default)]
struct Tickets {
    memory: Option<Memory>,
    places: Places,
    next: Ticket,
    reserved: Ticket,
}

thread_local! {
    static TICKETS: RefCell<Tickets> = RefCell::default();
}

/// The next ticket.
pub fn next() -> Ticket {
    TICKETS.with_borrow_mut(Tickets::next)
}

/// Goes on where the code before left off. First thing when code is installed or upgraded; `now` in nanoseconds.
///
/// # Errors
/// [`TakeUpError`]: trap with it, so that the old code stays.
pub fn take_up(memory: Memory, places: Places, running: bool, now: u64) -> Result<(), TakeUpError> {
    TICKETS.with_borrow_mut(|tickets| {
        *tickets = Tickets::open(memory, places, running, now)?;
        Ok(())
    })
}

impl Tickets {
    fn open(memory: Memory, places: Places, running: bool, now: u64) -> Result<Self, TakeUpError> {
        if memory.size() == 0 && memory.grow(1) < 0 {
            return Err(TakeUpError::Exhausted);
        }
        let mut tickets = Tickets { memory: Some(memory), places, next: first(now), reserved: 0 };
        if let Some((reserved, expected)) = tickets.read() {
            if running && expected != places {
                return Err(TakeUpError::Running { expected, found: places });
            }
            tickets.next = reserved;
        }
        tickets.reserve();
        Ok(tickets)
    }

    fn next(&mut self) -> Ticket {
        let ticket = self.next;
        self.next = ticket.wrapping_add(1);
        if self.next == self.reserved {
            self.reserve();
        }
        ticket
    }

    fn reserve(&mut self) {
        self.reserved = self.next.wrapping_add(STRIDE);
        let [answered, abandoned] = self.places;
        let Some(memory) = &self.memory else { return };
        memory.write(0, &MAGIC);
        for (offset, value) in [(4, self.reserved), (8, answered), (12, abandoned)] {
            memory.write(offset, &value.to_le_bytes());
        }
    }

    fn read(&self) -> Option<(Ticket, Places)> {
        let memory = self.memory.as_ref()?;
        let at = |offset| {
            let mut word = [0; 4];
            memory.read(offset, &mut word);
            word
        };
        let number = |offset| u32::from_le_bytes(at(offset));
        (at(0) == MAGIC).then(|| (number(4), [number(8), number(12)]))
    }
}

/// The first ticket where memory holds none: a canister that is installed anew gets the answers to its old calls, too.
/// Another stride each second, so that those of the last eighteen hours are not given again.
fn first(now: u64) -> Ticket {
    let seconds = now / 1_000_000_000;
    ((seconds % u64::from(Ticket::MAX / STRIDE + 1)) as Ticket).wrapping_mul(STRIDE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ic_stable_structures::DefaultMemoryImpl;
    use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};

    fn memory() -> Memory {
        MemoryManager::init(DefaultMemoryImpl::default()).get(MemoryId::new(0))
    }

    #[test]
    fn no_code_gives_a_ticket_that_other_code_gave() {
        let memory = memory();
        let mut given = std::collections::BTreeSet::new();
        for code in 0..5 {
            let mut tickets = Tickets::open(memory.clone(), [1, 2], true, 0).unwrap();
            for _ in 0..code * (STRIDE / 2) + 3 {
                assert!(given.insert(tickets.next()));
            }
        }
    }

    #[test]
    fn a_canister_installed_anew_gives_no_ticket_again() {
        let mut given = std::collections::BTreeSet::new();
        for seconds in [0, 1, 2, 3_600, 64_800] {
            let mut tickets = Tickets::open(memory(), [1, 2], true, seconds * 1_000_000_000).unwrap();
            for _ in 0..1_000 {
                assert!(given.insert(tickets.next()));
            }
        }
    }

    #[test]
    fn tickets_begin_again_after_the_last() {
        let memory = memory();
        memory.grow(1);
        let mut last = Tickets { memory: Some(memory.clone()), places: [1, 2], next: u32::MAX - 1, reserved: 0 };
        last.reserve();
        assert_eq!([last.next(), last.next(), last.next()], [u32::MAX - 1, u32::MAX, 0]);
        assert_eq!(Tickets::open(memory, [1, 2], true, 0).unwrap().next(), STRIDE - 2);
    }

    #[test]
    fn other_code_is_let_in_only_where_no_call_is_on_its_way() {
        let memory = memory();
        assert!(Tickets::open(memory.clone(), [1, 2], true, 0).is_ok());
        assert!(Tickets::open(memory.clone(), [1, 2], true, 0).is_ok());
        let refused = Tickets::open(memory.clone(), [1, 3], true, 0).err();
        assert_eq!(refused, Some(TakeUpError::Running { expected: [1, 2], found: [1, 3] }));
        assert!(Tickets::open(memory.clone(), [1, 3], false, 0).is_ok());
        assert!(Tickets::open(memory, [1, 3], true, 0).is_ok());
    }
}
