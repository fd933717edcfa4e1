//! A message as faults see it.

use crate::trace::MessageKind;
use candid::Principal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What faults are aimed at. `caller` and `callee` are those of the call, also for its callbacks; of a task the
/// management canister is the caller, and the method is the entry point.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Message {
    /// Its kind.
    pub kind: MessageKind,
    /// Who called.
    pub caller: Principal,
    /// Who was called.
    pub callee: Principal,
    /// The method called.
    pub method: String,
    /// Whether the caller waits for a bounded time only.
    pub bounded_wait: bool,
}

impl Message {
    /// Whether it brings a call to its callee.
    pub fn is_request(&self) -> bool {
        matches!(self.kind, MessageKind::Ingress | MessageKind::Request)
    }

    /// Whether it brings a response back.
    pub fn is_response(&self) -> bool {
        matches!(self.kind, MessageKind::ReplyCallback | MessageKind::RejectCallback)
    }

    /// The canister that executes it.
    pub fn executed_by(&self) -> Principal {
        if self.is_response() { self.caller } else { self.callee }
    }
}

/// A message that was about to be delivered, with what it carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The message.
    pub message: Message,
    /// The clock then, nanoseconds since 1970.
    pub time: u64,
    /// The argument of a request; the reply, or nothing, in a response.
    #[serde(with = "crate::state::shared")]
    pub payload: Arc<[u8]>,
}
