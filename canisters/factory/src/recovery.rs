//! What runs by itself: the pool is kept full, and every deployment is taken on until it is settled.
//!
//! Each step arms a timer for what remains. A heartbeat looks after everything anew, should a timer be lost.

use crate::kind::ContractKind;
use crate::{deployment, pool, resources, state, upgrade};
use cairn_events::DeploymentId;
use cairn_kit::{journal, runtime};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// Time between two looks at everything.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// The first wait after a failure; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// Failures in a row, and until when to wait (nanoseconds).
#[derive(Clone, Copy, Default)]
struct Wait {
    failures: u32,
    until: u64,
}

thread_local! {
    static WAITS: RefCell<BTreeMap<DeploymentId, Wait>> = RefCell::default();
}

/// How long to wait after so many failures in a row.
pub fn wait_after(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(12)).min(LONGEST_WAIT)
}

/// Begins: in `init`, and again after every upgrade, which forgets all timers.
pub fn start<K: ContractKind>() {
    runtime::every(HEARTBEAT, || Box::pin(async { beat::<K>() }));
    runtime::after(Duration::ZERO, async { beat::<K>() });
}

/// Looks after everything that nobody works on, as long as the log is the one that is known.
pub fn beat<K: ContractKind>() {
    if journal::alarm().is_some() {
        return;
    }
    pool::fill_soon(Duration::ZERO);
    upgrade::beat::<K>();
    resources::beat();
    for deployment in state::read(|state| state.open_deployments()) {
        if !deployment::is_worked_on(deployment) && is_due(deployment) {
            deployment::resume_soon::<K>(deployment, Duration::ZERO);
        }
    }
}

fn is_due(deployment: DeploymentId) -> bool {
    WAITS.with_borrow(|waits| waits.get(&deployment).is_none_or(|wait| wait.until <= runtime::now()))
}

/// Arms the timer for what remains to be done for a deployment.
pub fn after_step<K: ContractKind>(deployment: DeploymentId, succeeded: bool) {
    if !state::read(|state| state.is_open(deployment)) {
        WAITS.with_borrow_mut(|waits| waits.remove(&deployment));
        pool::fill_soon(Duration::ZERO);
        return;
    }
    let delay = WAITS.with_borrow_mut(|waits| {
        let wait = waits.entry(deployment).or_default();
        wait.failures = if succeeded { 0 } else { wait.failures.saturating_add(1) };
        let delay = if succeeded { Duration::ZERO } else { wait_after(wait.failures) };
        wait.until = runtime::now().saturating_add(delay.as_nanos() as u64);
        delay
    });
    deployment::resume_soon::<K>(deployment, delay);
}
