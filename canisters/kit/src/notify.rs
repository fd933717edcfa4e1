//! How a contract tells its factory what has become of it: numbered, in order, until it is acknowledged.
//!
//! Nothing of this is on the path of a reply. A message that changes something leaves a mark in the [`Outbox`]; a timer
//! numbers what has gathered, sends it, and keeps it until the factory has acknowledged it. Of a role, the visibility and
//! the status only the present state is told: what changes back before it is numbered is never sent.

mod outbox;
mod sender;
mod subject;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(test)]
mod tests;

pub use outbox::{Memories, Outbox, OutboxState, Outcome, Resync};
pub use sender::{Desk, is_in_flight, open, resume, wake};
pub use subject::Subjects;

use crate::api::contract::NotificationStatus;

/// How far the notifications are.
pub fn status(outbox: &Outbox) -> NotificationStatus {
    let state = outbox.state();
    NotificationStatus {
        factory: state.factory,
        epoch: state.epoch,
        pending: outbox.pending(),
        unacknowledged: outbox.unacknowledged(),
        acknowledgedThrough: outbox.acknowledged_through(),
        resynchronising: state.resync.is_some(),
        inFlight: is_in_flight(),
        lost: state.lost,
        failures: state.failures,
        nextAttemptAt: state.wait_until.map(|at| at.0),
        lastError: state.last_error.clone(),
    }
}
