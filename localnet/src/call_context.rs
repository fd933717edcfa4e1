//! Calls in progress ("Call contexts") and the callbacks that wait for responses.

use crate::execution::OutgoingCall;
use crate::net::MessageId;
use candid::Principal;
use serde::{Deserialize, Serialize};

/// Who waits for the response of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// A user, through the public interface.
    Ingress(MessageId),
    /// A canister; the number finds its callback.
    Canister { id: Principal, callback: u64 },
    /// Nobody: timer and heartbeat.
    Task,
}

/// A request to stop a canister, waiting for its open calls to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StopRequest {
    pub(crate) origin: Origin,
    pub(crate) cycles: u128,
    /// When it was made, nanoseconds since 1970.
    pub(crate) time: u64,
}

/// A call that a canister works on, from the request to the last of its callbacks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallContext {
    pub(crate) origin: Origin,
    pub(crate) caller: Principal,
    pub(crate) method: String,
    pub(crate) answered: bool,
    /// Cycles that came with the call and are not accepted yet.
    pub(crate) cycles: u128,
    /// Calls made on behalf of this one whose responses are still to come.
    pub(crate) outstanding: usize,
    pub(crate) instructions: u64,
    pub(crate) deadline: u64,
    /// The code that began the call was uninstalled: callbacks are dropped.
    pub(crate) deleted: bool,
}

/// What to run when the response of a call arrives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Callback {
    pub(crate) context: u64,
    pub(crate) call: OutgoingCall,
    pub(crate) deadline: u64,
}
