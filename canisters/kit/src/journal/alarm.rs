//! The fork alarm: the log is not the one that this canister knows. It was reinstalled, rolled back, or replaced.
//!
//! The journal remembers the last event that it has heard of, whoever wrote it, and shows it with every call: a log
//! without that event refuses. Then nothing is sent any more and nothing taken, and whoever has an effect on the outside
//! has none ([`super::alarm`]). Upgrades do not change that. An admin may end it, once the log shows the event again: it
//! ends with the event that says so, and with nothing less.

use crate::api::audit::{AuditError, AuditRequestError, AuditTemporaryError, Seen};
use cairn_events::payload::{ForkAlarmAcknowledged, Reason};
use cairn_events::{Payload, Principal, Submission};
use serde::{Deserialize, Serialize};

/// Why nothing goes on; outlives upgrades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What contradicts what is known.
    #[serde(rename = "p")]
    pub problem: String,
    /// The admin who wants to go on, and the last event known, which the log has shown to have.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none", default)]
    acknowledged: Option<Acknowledged>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Acknowledged {
    #[serde(rename = "b")]
    by: Principal,
    #[serde(rename = "e")]
    event: (u64, cairn_events::Hash),
}

impl Alarm {
    /// The alarm, raised.
    pub fn raised(problem: String) -> Self {
        Alarm { problem, acknowledged: None }
    }

    /// Whether an admin wants to go on.
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged.is_some()
    }

    /// Notes that `by` wants to go on, as the log has `seen`.
    pub fn acknowledge(&mut self, by: Principal, seen: Seen) {
        self.acknowledged = Some(Acknowledged { by, event: (seen.index, seen.hash) });
    }

    /// The event with which it ends, once an admin wants to go on.
    pub fn end(&self) -> Option<Submission> {
        let Acknowledged { by, event: (index, hash) } = self.acknowledged?;
        let acknowledged = ForkAlarmAcknowledged { reason: Reason::new("fork_alarm", &self.problem), index, hash };
        Some(Submission::new(by, Payload::ForkAlarmAcknowledged(acknowledged)))
    }
}

/// Whether an event ends the alarm.
pub fn ends(payload: &Payload) -> bool {
    matches!(payload, Payload::ForkAlarmAcknowledged(_))
}

/// Whether the log refuses because it is not the one that this canister knows: one that was `seen` has begun for ever,
/// and never forgets a writer that it has `accepted` from.
pub fn is_fork(error: &AuditError, seen: bool, accepted: bool) -> bool {
    use AuditRequestError as E;
    match error {
        AuditError::Request(E::OtherLog { .. } | E::SequenceGap { .. } | E::SequenceReused { .. }) => true,
        AuditError::Request(E::NotAWriter { .. }) => accepted,
        AuditError::Temporary(AuditTemporaryError::NotReady) => seen,
        _ => false,
    }
}
