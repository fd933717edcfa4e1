//! What runs by itself: executions whose payments wait for another attempt, or that were interrupted.

use crate::{driver, state};
use cairn_events::Timestamp;
use cairn_kit::runtime::timers::{self, TimerId};
use cairn_kit::{notify, quarantine, runtime};
use std::cell::Cell;
use std::time::Duration;

/// The shortest wait: what is due at once is being driven by the call that made it so.
const MIN_DELAY: Duration = Duration::from_secs(10);
/// The longest wait.
const MAX_DELAY: Duration = Duration::from_secs(1_800);
/// When to look after a sending whose answer has not come: later than any call waits for one.
const OVERDUE: Duration = Duration::from_secs(360);

thread_local! {
    static TIMER: Cell<Option<TimerId>> = const { Cell::new(None) };
}

/// Arms the timer after an upgrade, or after the quarantine. Everything sent before is in doubt and due.
pub fn resume() {
    if quarantine::is_active() {
        return;
    }
    arm(state::read(|wallet| !wallet.executing().is_empty()).then_some(MIN_DELAY));
}

/// Arms the timer for what is due next; after every message that may have changed that.
pub fn reset() {
    arm(state::read(|wallet| {
        let now = runtime::now();
        let due = wallet.next_due().map(|Timestamp(at)| Duration::from_nanos(at.saturating_sub(now)));
        let overdue = wallet.is_awaiting().then_some(OVERDUE);
        due.into_iter().chain(overdue).min().map(|delay| delay.clamp(MIN_DELAY, MAX_DELAY))
    }));
}

fn arm(delay: Option<Duration>) {
    if let Some(timer) = TIMER.take() {
        timers::clear(timer);
    }
    // An interval: should its message trap, or a callback of it, it comes again.
    TIMER.set(delay.map(|delay| timers::every(delay, Box::new(|| Box::pin(work())))));
}

/// Goes on with every execution, one after the other.
async fn work() {
    for id in state::read(|wallet| wallet.executing()) {
        driver::drive(id).await;
    }
    reset();
    notify::wake();
}
