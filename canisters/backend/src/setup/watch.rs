//! Who controls the audit canister, what it runs, how often either was changed: whoever can do that could replace the
//! log. Asked of the network regularly; what is not as it was becomes an event. Not to be answered is no alarm, and shows
//! in the figures.

use crate::platform;
use crate::state::State;
use cairn_events::payload::AuditCanisterChanged;
use cairn_events::{Payload, Submission};
use cairn_kit::guard::Guards;
use cairn_kit::http::Metrics;
use cairn_kit::journal;
use cairn_kit::runtime::{self, CanisterInfo};
use std::cell::Cell;
use std::time::Duration;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(900);

thread_local! {
    static LOOKING: Guards<()> = Guards::new(1);
    /// When the network last answered, in nanoseconds; 0 if never since the upgrade.
    static LOOKED: Cell<u64> = const { Cell::new(0) };
    /// Looks in a row that were not answered.
    static IN_VAIN: Cell<u64> = const { Cell::new(0) };
}

/// Begins to look; in `init` and `post_upgrade`.
pub fn start() {
    runtime::every(LOOK_EVERY, || Box::pin(look()));
}

/// Looks once. Before the log is known there is nothing that could be recorded.
pub async fn look() {
    let Some(audit) = platform::setup().audit.filter(|_| platform::log().is_ok()) else { return };
    let Some(_looking) = LOOKING.with(|looking| looking.acquire(()).ok()) else { return };
    match runtime::canister_info(audit).await {
        Ok(info) => {
            LOOKED.set(runtime::now());
            IN_VAIN.set(0);
            record(found(info)).await;
        }
        Err(_) => IN_VAIN.set(IN_VAIN.get().saturating_add(1)),
    }
}

fn found(info: CanisterInfo) -> AuditCanisterChanged {
    let CanisterInfo { mut controllers, module_hash, changes } = info;
    controllers.truncate(AuditCanisterChanged::MAX_CONTROLLERS);
    AuditCanisterChanged { controllers, module_hash, changes }
}

/// Has the log know, unless it does. What it does not take now is found again by the next look.
async fn record(found: AuditCanisterChanged) {
    let is_ours = |payload: &Payload| matches!(payload, Payload::AuditCanisterChanged(_));
    if platform::state(State::watched).as_ref() == Some(&found) || journal::holds(is_ours) {
        return;
    }
    let _ = journal::append(vec![Submission::new(runtime::id(), Payload::AuditCanisterChanged(found))]).await;
}

/// What operators see of it.
pub fn metrics(metrics: &mut Metrics) {
    let looked = LOOKED.get() / 1_000_000_000;
    metrics
        .gauge("backend_audit_watched_seconds", "When the network last told of the audit canister, or 0.", looked)
        .gauge("backend_audit_watch_in_vain", "Looks in a row that the network did not answer.", IN_VAIN.get());
}
