//! Keeps the topic map up with the log: by timer, so that nobody waits for it, within the next round.
//!
//! Whoever appends arms the timer; a slower one looks after it, should it be lost. A slice that ends in a trap is tried
//! again with half as many events. What cannot be taken at all parks the map where everyone sees it: the log then takes
//! on less and less ([`crate::log::MAX_LAG`]).

use crate::log::{Log, Parked};
use crate::state;
use cairn_kit::runtime;
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// Events in one message.
const SLICE: u64 = 512;
/// How often somebody looks whether the map is behind; a timer older than this is taken for lost.
const LOOK: Duration = Duration::from_secs(30);

thread_local! {
    /// When the timer was set, if it has not fired.
    static ARMED: Cell<Option<u64>> = const { Cell::new(None) };
    /// Slices in a row that ended in a trap.
    static LOST: Cell<u32> = const { Cell::new(0) };
    static PARKED: RefCell<Option<Parked>> = const { RefCell::new(None) };
}

/// Begins to look after the map: when installed, and after every upgrade, which forgets all timers.
pub fn begin() {
    runtime::every(LOOK, || Box::pin(async { arm() }));
    arm();
}

/// Has the next round take what the map does not cover yet.
pub fn arm() {
    if state::read(Log::lag) == 0 {
        return;
    }
    let now = runtime::now();
    match ARMED.get() {
        Some(at) if at.saturating_add(LOOK.as_nanos() as u64) > now => return runtime::revive(),
        Some(_) => LOST.set(LOST.get().saturating_add(1)),
        None => {}
    }
    ARMED.set(Some(now));
    runtime::after(Duration::ZERO, async { advance() });
}

/// Takes a slice.
fn advance() {
    ARMED.set(None);
    match state::advance_topics((SLICE >> LOST.get().min(9)).max(1)) {
        Ok(_) => {
            LOST.set(0);
            PARKED.set(None);
            arm();
        }
        Err(parked) => PARKED.set(Some(parked)),
    }
}

/// What is wrong with the map, for `/health`.
///
/// # Errors
/// Why it does not go on.
pub fn health() -> Result<(), String> {
    if let Some(parked) = PARKED.with_borrow(Clone::clone) {
        return Err(format!("the topic map is parked: {parked}"));
    }
    match LOST.get() {
        0 => Ok(()),
        lost => Err(format!("the topic map is behind: {lost} attempts ended in a trap")),
    }
}
