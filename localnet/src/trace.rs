//! The trace: every message the network executed, in order.

use crate::reject::Reject;
use candid::Principal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of message was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MessageKind {
    /// A call from a user.
    Ingress,
    /// A call from a canister.
    Request,
    /// The reply to a call, back at the canister that made it.
    ReplyCallback,
    /// The rejection of a call, back at the canister that made it.
    RejectCallback,
    /// The cleanup after a callback that trapped.
    Cleanup,
    /// The global timer.
    Timer,
    /// The heartbeat.
    Heartbeat,
    /// The low-memory hook.
    LowMemory,
    /// A step of an installation or upgrade; the method names the entry point.
    Install,
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The call it belongs to was replied to.
    Replied,
    /// The call it belongs to was rejected by the canister, or never reached it.
    Rejected(Reject),
    /// It trapped and was rolled back.
    Trapped(Reject),
    /// It ended without an answer: one is awaited, was given before, or is not asked for.
    Ended,
}

/// One executed message. `caller` and `callee` are those of the call: in a callback, the canister
/// that runs is the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEntry {
    /// The round it was executed in.
    pub round: u64,
    /// Its kind.
    pub kind: MessageKind,
    /// Who called.
    pub caller: Principal,
    /// Who was called.
    pub callee: Principal,
    /// The method called.
    pub method: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Instructions executed.
    pub instructions: u64,
    /// Cycles that came with it: attached to a request, refunded to a callback.
    pub cycles: u128,
    /// Whether a fault was injected into it.
    pub faulted: bool,
}

impl fmt::Display for TraceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { round, kind, caller, callee, method, .. } = self;
        write!(f, "{round:>6} {kind:?} {caller} -> {callee}.{method}: ")?;
        match &self.outcome {
            Outcome::Replied => write!(f, "replied")?,
            Outcome::Ended => write!(f, "ended")?,
            Outcome::Rejected(reject) => write!(f, "rejected, {reject}")?,
            Outcome::Trapped(reject) => write!(f, "trapped, {reject}")?,
        }
        write!(f, " [{} instructions", self.instructions)?;
        if self.cycles > 0 {
            write!(f, ", {} cycles", self.cycles)?;
        }
        write!(f, "]{}", if self.faulted { " (fault injected)" } else { "" })
    }
}
