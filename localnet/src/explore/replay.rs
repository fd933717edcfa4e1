//! A run, and the same run again.

use super::Subject;
use crate::fault::Plan;
use crate::trace::TraceEntry;
use serde::{Deserialize, Serialize};

/// What can be seen of a run: the same for the same start, calls and plan, to the byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What went wrong.
    pub plan: Plan,
    /// Every message, in order.
    pub trace: Vec<TraceEntry>,
    /// The state at the end, see [`Net::state_hash`](crate::Net::state_hash).
    pub state: [u8; 32],
}

/// Runs `scenario` under `plan`, on a fork of `start`.
pub fn replay<S: Subject, O>(start: &S, plan: &Plan, scenario: impl FnOnce(&mut S) -> O) -> (Run, O) {
    let mut subject = start.fork();
    let net = subject.net();
    net.clear_trace();
    net.apply(plan);
    let outcome = scenario(&mut subject);
    let net = subject.net();
    (Run { plan: plan.clone(), trace: net.trace().to_vec(), state: net.state_hash() }, outcome)
}
