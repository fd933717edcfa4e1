//! The timer that continues what was interrupted: unfinished deployments, each with its own back-off.
//!
//! What is due is transient: after an upgrade everything unfinished is due. A timer that was lost is set again by the
//! next event, by the next look, or when somebody asks.

use crate::deployment::next::Answer;
use crate::{driver, platform};
use cairn_events::DeploymentId;
use cairn_kit::{journal, runtime};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;
/// Shortest wait between attempts.
const SHORTEST: u64 = 10 * SECOND;
/// Longest wait between attempts.
const LONGEST: u64 = 3_600 * SECOND;
/// A timer later than this is taken for lost.
const LOST: u64 = 60 * SECOND;
/// Most deployments that are looked at in one round; there are hardly ever more.
const MAX_SCAN: usize = 250;
/// Most deployments that one round begins to work on.
const MAX_RUNS: usize = 20;

/// When a deployment is worked on again.
#[derive(Clone, Copy, Debug, Default)]
struct Wait {
    attempts: u32,
    due: u64,
}

thread_local! {
    static WAITS: RefCell<BTreeMap<DeploymentId, Wait>> = const { RefCell::new(BTreeMap::new()) };
    /// When the timer fires, if it is set.
    static ARMED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Begins to look after what is unfinished: when installed, and after every upgrade, which forgets all timers. A timer
/// that fires once is lost if the canister happens to be stopped in that moment; this one fires again.
pub fn start() {
    runtime::every(Duration::from_nanos(LOST), || Box::pin(async { arm() }));
}

/// Sees to it that the timer is set while anything is unfinished.
pub fn arm() {
    let now = runtime::now();
    let set = ARMED.get().is_some_and(|at| at.saturating_add(LOST) > now);
    if !set && platform::state(|state| state.unfinished()) > 0 {
        fire_in(SHORTEST);
    }
}

/// As [`arm`], without waiting: after an upgrade.
pub fn arm_now() {
    fire_in(0);
}

/// Notes that a run has ended. The wait doubles as long as nothing changes.
pub fn suspended(id: DeploymentId, progressed: bool) {
    let finished =
        platform::state(|state| state.deployment(id)).is_none_or(|deployment| deployment.progress.is_final());
    WAITS.with_borrow_mut(|waits| {
        if finished {
            waits.remove(&id);
            return;
        }
        let wait = waits.entry(id).or_default();
        wait.attempts = if progressed { 0 } else { wait.attempts.saturating_add(1) };
        wait.due = runtime::now().saturating_add(back_off(wait.attempts));
    });
    arm();
}

/// 10 s, doubled per attempt in vain, at most an hour.
fn back_off(attempts: u32) -> u64 {
    1_u64.checked_shl(attempts).map_or(LONGEST, |factor| SHORTEST.saturating_mul(factor).min(LONGEST))
}

fn fire_in(delay: u64) {
    ARMED.set(Some(runtime::now().saturating_add(delay)));
    runtime::after(Duration::from_nanos(delay), async { fire() });
}

/// One round: begins to work on what is due, each in a message of its own, and sets the timer for the rest.
fn fire() {
    ARMED.set(None);
    let now = runtime::now();
    let unfinished = platform::state(|state| state.unfinished_after(None, MAX_SCAN));
    // What has come to its end otherwise, by a late answer of the log, waits for nothing any more.
    WAITS.with_borrow_mut(|waits| waits.retain(|id, _| unfinished.binary_search(id).is_ok()));
    if unfinished.is_empty() {
        return;
    }
    if journal::alarm().is_some() {
        return fire_in(SHORTEST);
    }
    let due_at = |id: &DeploymentId| WAITS.with_borrow(|waits| waits.get(id).map_or(0, |wait| wait.due));
    let mut schedule: Vec<(u64, DeploymentId)> = unfinished.iter().map(|id| (due_at(id), *id)).collect();
    schedule.sort_unstable();
    let due = schedule.iter().take_while(|(due, _)| *due <= now).take(MAX_RUNS);
    for (_, id) in due.clone() {
        let id = *id;
        runtime::after(Duration::ZERO, async move {
            if let Ok(guard) = platform::work_on(id) {
                driver::run(guard, Answer::Nothing).await;
            }
        });
    }
    let next = schedule.get(due.count()).map_or(0, |(due, _)| due.saturating_sub(now));
    fire_in(next.clamp(SHORTEST, LONGEST));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let waits: Vec<u64> = (0..12).map(|attempts| back_off(attempts) / SECOND).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
        assert_eq!(back_off(u32::MAX), LONGEST);
    }
}
