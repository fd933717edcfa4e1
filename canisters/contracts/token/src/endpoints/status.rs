//! How far the notifications to the factory are.

use crate::ledger::Ledger;
use crate::notify::{NotificationStatus, is_in_flight};
use crate::state;
use ic_cdk::query;

#[query(name = "getNotificationStatus")]
fn get_notification_status() -> NotificationStatus {
    state::read(|ledger| describe(ledger, is_in_flight()))
}

fn describe(ledger: &Ledger, in_flight: bool) -> NotificationStatus {
    let (outbox, state) = (ledger.outbox(), ledger.outbox().state());
    let (factory, epoch) = ledger.config().map_or((None, 0), |config| (config.factory, config.callback_epoch));
    NotificationStatus {
        factory,
        epoch,
        pending: outbox.pending(),
        unacknowledged: outbox.unacknowledged(),
        acknowledgedThrough: outbox.acknowledged_through(),
        resynchronising: state.resync.is_some(),
        inFlight: in_flight,
        failures: state.failures,
        nextAttemptAt: state.wait_until.map(|at| at.0),
        lastError: state.last_error.clone(),
    }
}
