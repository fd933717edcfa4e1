//! Canisters whose methods are functions of the host: system canisters that clients know by heart,
//! doubles in tests. There are none unless the embedder provides them.

use super::{Net, Request, View};
use crate::reject::Reject;
use crate::trace::{Outcome, TraceEntry};
use candid::Principal;
use std::sync::Arc;

/// The methods of a canister that is not WebAssembly.
pub trait NativeCanister: Send + Sync {
    /// Answers an update call.
    ///
    /// # Errors
    /// The rejection.
    fn update(&self, net: &mut Net, caller: Principal, method: &str, arg: &[u8]) -> Result<Vec<u8>, Reject>;

    /// Answers a query.
    ///
    /// # Errors
    /// The rejection.
    fn query(&self, view: &View, caller: Principal, method: &str, arg: &[u8]) -> Result<Vec<u8>, Reject>;
}

impl Net {
    /// Puts a native canister at this id, before whatever else is there.
    pub fn provide(&mut self, id: Principal, canister: Arc<dyn NativeCanister>) {
        Arc::make_mut(&mut self.natives).insert(id, canister);
    }

    /// Whether a native canister is at this id.
    pub fn is_native(&self, id: Principal) -> bool {
        self.natives.contains_key(&id)
    }

    pub(super) fn deliver_to_native(&mut self, canister: &Arc<dyn NativeCanister>, request: Request) {
        let response = canister.update(self, request.caller, &request.method, &request.arg);
        self.record_management(TraceEntry {
            round: self.subnet.round,
            kind: super::deliver::request_kind(&request.origin),
            caller: request.caller,
            callee: request.callee,
            method: request.method,
            outcome: match &response {
                Ok(_) => Outcome::Replied,
                Err(reject) => Outcome::Rejected(reject.clone()),
            },
            instructions: 0,
            cycles: request.cycles,
            faulted: false,
        });
        self.respond(request.origin, response, request.cycles);
    }
}
