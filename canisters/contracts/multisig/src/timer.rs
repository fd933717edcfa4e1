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

/// The timer, and when it fires.
#[derive(Clone, Copy)]
struct Alarm {
    timer: TimerId,
    due: u64,
}

thread_local! {
    static ALARM: Cell<Option<Alarm>> = const { Cell::new(None) };
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
    let now = runtime::now();
    let wanted = delay.map(|delay| (delay, now.saturating_add(delay.as_nanos() as u64)));
    let armed = ALARM.get();
    if let (Some(Alarm { due, .. }), Some((_, wanted))) = (armed, wanted)
        && stands(due, wanted, now)
    {
        return;
    }
    if let Some(Alarm { timer, .. }) = armed {
        timers::clear(timer);
    }
    // An interval: should its message trap, or a callback of it, it comes again.
    ALARM.set(wanted.map(|(delay, due)| Alarm { timer: timers::every(delay, Box::new(|| Box::pin(work()))), due }));
}

/// Whether a timer that fires at `due` does where one at `wanted` is asked for: else whoever calls all the time would put
/// it off all the time.
fn stands(due: u64, wanted: u64, now: u64) -> bool {
    now < due && due <= wanted
}

/// Goes on with every execution, one after the other.
async fn work() {
    for id in state::read(|wallet| wallet.executing()) {
        driver::drive(id).await;
    }
    reset();
    notify::wake();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_calls_all_the_time_does_not_put_the_timer_off() {
        let overdue = OVERDUE.as_nanos() as u64;
        let mut calls = (0..overdue).step_by(5_000_000_000);
        assert!(calls.all(|now| stands(overdue, now + overdue, now)));
        assert!(stands(10, 20, 5) && stands(20, 20, 5));
        assert!(!stands(30, 20, 5), "something is due before");
        assert!(!stands(5, 20, 5), "it has fired");
    }
}
