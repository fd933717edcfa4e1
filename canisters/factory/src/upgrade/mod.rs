//! From a request to a contract that runs another version, or the one that it ran before. Never to one that is lost.
//!
//! A contract is upgraded if its owner or itself asks for it, if it takes part in rollouts, or if an admin forces it.
//! Requests wait in one line; a bounded number is under way at a time, one per contract. Of each the driver, [`step`],
//! asks the contract, stops and saves it, and installs. The new code begins in quarantine: it answers its factory alone,
//! and does nothing by itself, so that until it is confirmed its former self can be restored and nothing is forgotten or
//! done twice. That it is confirmed stands in the log before the contract hears of it; afterwards nothing is restored.
//!
//! What was decided is in the log; the driver only looks at what was folded from there and at what the network shows, so
//! that it may be stopped at any point. Calls of the factory to one canister are taken in the order in which it makes them.
//!
//! * [`request`]: who may ask for what. [`target`]: which versions there are, and which may follow which.
//! * [`step`]: the driver. [`calls`]: what it asks the contract.
//! * [`rollout`]: a version for all that take part: a few first, then waves, until too many fail.
//! * [`release`]: the way out of the factory's control. [`audience`]: who is told of what.

mod audience;
mod calls;
pub mod endpoints;
mod release;
mod request;
pub mod rollout;
pub mod step;
mod target;
mod views;

pub use audience::{page_for, policy_for};
pub use release::release_control;
pub(crate) use request::{calm, of as delivered};
pub use request::{cancel, force, request, set_auto_update};
pub use views::{page, policy, rollout_info, rollouts};

use crate::kind::ContractKind;
use crate::recovery::wait_after;
use crate::refusal::{append_failed, interrupted};
use crate::state::{self, State, Upgrade};
use cairn_events::{Principal, Receipt, Submission};
use cairn_kit::api::audit::{AuditError, AuditRequestError};
use cairn_kit::api::factory::FactoryError;
use cairn_kit::api::upgrade::RolloutStatus;
use cairn_kit::guard::Guards;
use cairn_kit::journal::{self, AppendFailure};
use cairn_kit::runtime;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;
use step::Next;

/// Contracts that are stopped or in quarantine at the same time, at most.
pub const MAX_RUNNING: usize = 10;
/// Upgrades that are not settled, at most.
pub const MAX_OPEN: u64 = 1_000;
/// Contracts that something is done about at the same time, at most.
const MAX_AT_ONCE: usize = 64;
/// Failures in a row after which an upgrade that can be given up is given up.
const PATIENCE: u32 = 3;
/// Attempts to append to a stream that others append to.
const ATTEMPTS: u32 = 8;

/// How long a timer that is set may be late before it counts as lost.
const LATE: Duration = Duration::from_secs(60);

/// Failures in a row, until when to wait, and until when a timer is believed to be on its way (nanoseconds).
#[derive(Clone, Copy, Default)]
struct Wait {
    failures: u32,
    until: u64,
    armed: u64,
}

thread_local! {
    static GUARDS: Guards<Principal> = Guards::new(MAX_AT_ONCE);
    static WAITS: RefCell<BTreeMap<u64, Wait>> = RefCell::default();
}

/// Looks after everything that nobody works on.
pub fn beat<K: ContractKind>() {
    release::beat();
    rollout::beat::<K>();
    work::<K>();
}

/// Takes up the upgrades whose turn it is.
fn work<K: ContractKind>() {
    for number in state::read(due) {
        resume_soon::<K>(number, Duration::ZERO);
    }
}

/// What is to be worked on now, the oldest first: whatever has begun, and as many that wait as may begin.
pub(crate) fn due(state: &State) -> Vec<u64> {
    let open = state.open_upgrades();
    let mut running = open.iter().filter(|(number, upgrade)| takes_a_place(*number, upgrade)).count();
    let mut due = Vec::new();
    for (number, upgrade) in open {
        if is_worked_on(upgrade.contract) || !is_due(number) {
            continue;
        }
        match step::next(state, number) {
            Next::Rest => continue,
            Next::Begin if running >= MAX_RUNNING => continue,
            Next::Begin => running += 1,
            _ => {}
        }
        due.push(number);
    }
    due
}

/// Whether the upgrade is one of those that are under way. One that fails again and again, for whatever its contract's
/// other controllers did, does not keep others from beginning.
fn takes_a_place(number: u64, upgrade: &Upgrade) -> bool {
    let is_under_way = upgrade.phase.is_running() || is_worked_on(upgrade.contract) || is_armed(number);
    is_under_way && failures(number) < PATIENCE
}

/// Whether upgrades of this rollout may not begin now.
fn is_held_up(state: &State, rollout: Option<u64>) -> bool {
    let rollout = rollout.and_then(|number| state.rollout(number));
    rollout.is_some_and(|rollout| matches!(rollout.status, RolloutStatus::Paused | RolloutStatus::Stopped))
}

fn is_due(number: u64) -> bool {
    let now = runtime::now();
    WAITS.with_borrow(|waits| waits.get(&number).is_none_or(|wait| wait.until.max(wait.armed) <= now))
}

/// Whether a timer is on its way to it.
fn is_armed(number: u64) -> bool {
    let now = runtime::now();
    WAITS.with_borrow(|waits| waits.get(&number).is_some_and(|wait| wait.armed > now))
}

/// Failures in a row of the present step.
fn failures(number: u64) -> u32 {
    WAITS.with_borrow(|waits| waits.get(&number).map_or(0, |wait| wait.failures))
}

/// The upgrade has got on: failures before do not count any more.
fn progressed(number: u64) {
    WAITS.with_borrow_mut(|waits| waits.remove(&number));
}

/// Whether something is being done about the contract.
fn is_worked_on(contract: Principal) -> bool {
    GUARDS.with(|guards| guards.is_held(&contract))
}

/// Lets the timer take up the upgrade.
fn resume_soon<K: ContractKind>(number: u64, delay: Duration) {
    let armed = runtime::now().saturating_add((delay + LATE).as_nanos() as u64);
    WAITS.with_borrow_mut(|waits| waits.entry(number).or_default().armed = armed);
    runtime::after(delay, resume::<K>(number));
}

/// Takes up an upgrade; for the timer.
pub async fn resume<K: ContractKind>(number: u64) {
    WAITS.with_borrow_mut(|waits| waits.entry(number).or_default().armed = 0);
    let Some(upgrade) = state::read(|state| state.upgrade(number)).filter(|upgrade| !upgrade.settled) else {
        return progressed(number);
    };
    let Ok(guard) = GUARDS.with(|guards| guards.acquire(upgrade.contract)) else { return };
    let driven = step::drive::<K>(number, failures(number) >= PATIENCE).await;
    drop(guard);
    if driven.is_ok() {
        progressed(number);
        // There is room for another one, or something waited for this one to end.
        return beat::<K>();
    }
    let delay = WAITS.with_borrow_mut(|waits| {
        let wait = waits.entry(number).or_default();
        wait.failures = wait.failures.saturating_add(1);
        let delay = wait_after(wait.failures);
        wait.until = runtime::now().saturating_add(delay.as_nanos() as u64);
        delay
    });
    resume_soon::<K>(number, delay);
}

/// Appends what `decide` decides, exactly where it decided; anew if the stream has moved meanwhile. Nothing, if there is
/// nothing to be recorded.
pub(crate) async fn record(
    decide: impl Fn(&State) -> Result<Option<Submission>, FactoryError>,
) -> Result<Option<Receipt>, FactoryError> {
    for _ in 0..ATTEMPTS {
        let Some(submission) = state::read(&decide)? else { return Ok(None) };
        match journal::append(vec![submission]).await {
            Ok(receipts) => return Ok(receipts.first().copied()),
            Err(failure) if has_moved(&failure) => {}
            Err(failure) => return Err(append_failed(failure)),
        }
    }
    Err(interrupted("the contract's stream moves all the time"))
}

/// Whether the log refused because a stream is elsewhere.
fn has_moved(failure: &AppendFailure) -> bool {
    matches!(failure, AppendFailure::Refused(AuditError::Request(AuditRequestError::StreamVersion { .. })))
}
