//! The management canister `aaaaa-aa` ("The IC management canister").

mod code;
mod history;
mod lifecycle;
mod status;

pub(crate) use status::status_type;

use crate::call_context::Origin;
use crate::execution::Response;
use crate::net::{Net, Request};
use crate::reject::{Reject, RejectCode};
use crate::trace::{MessageKind, Outcome, TraceEntry};
use candid::{CandidType, Principal};
use serde::de::DeserializeOwned;

/// A call to the management canister.
pub(crate) struct Call<'a> {
    pub(crate) caller: Principal,
    pub(crate) origin: &'a Origin,
    pub(crate) arg: &'a [u8],
    /// Cycles attached; what is left is refunded.
    pub(crate) cycles: u128,
}

impl Call<'_> {
    fn decode<T: CandidType + DeserializeOwned>(&self) -> Result<T, Reject> {
        candid::decode_one(self.arg)
            .map_err(|error| Reject::canister_error(402, format_args!("Error decoding candid: {error}")))
    }

    fn is_from_canister(&self) -> bool {
        matches!(self.origin, Origin::Canister { .. })
    }
}

/// The reply of a method that returns nothing.
pub(crate) fn empty_reply() -> Vec<u8> {
    candid::encode_args(()).unwrap_or_default()
}

fn reply(value: &impl CandidType) -> Result<Option<Vec<u8>>, Reject> {
    candid::encode_one(value)
        .map(Some)
        .map_err(|error| Reject::new(RejectCode::SysFatal, format!("the reply cannot be encoded: {error}")))
}

fn done() -> Result<Option<Vec<u8>>, Reject> {
    Ok(Some(empty_reply()))
}

impl Net {
    pub(crate) fn deliver_to_management(&mut self, request: Request) {
        let mut call =
            Call { caller: request.caller, origin: &request.origin, arg: &request.arg, cycles: request.cycles };
        let response: Option<Response> = self.manage(&request.method, &mut call).transpose();
        let refund = call.cycles;
        let kind = match request.origin {
            Origin::Ingress(_) => MessageKind::Ingress,
            _ => MessageKind::Request,
        };
        let outcome = match &response {
            Some(Ok(_)) => Outcome::Replied,
            Some(Err(reject)) => Outcome::Rejected(reject.clone()),
            None => Outcome::Ended,
        };
        self.record_management(TraceEntry {
            round: self.round(),
            kind,
            caller: request.caller,
            callee: request.callee,
            method: request.method,
            outcome,
            instructions: 0,
            cycles: request.cycles,
            faulted: false,
        });
        if let Some(response) = response {
            self.respond(request.origin, response, refund);
        }
    }

    /// Executes a method at once, for a caller who does not wait for the response.
    pub(crate) fn manage_at_once(&mut self, caller: Principal, method: &str, arg: &[u8]) {
        let mut call = Call { caller, origin: &Origin::Task, arg, cycles: 0 };
        let _ = self.manage(method, &mut call);
    }

    /// Executes a method; no reply yet if it waits for something.
    fn manage(&mut self, method: &str, call: &mut Call<'_>) -> Result<Option<Vec<u8>>, Reject> {
        match method {
            "create_canister" => self.create_canister_method(call),
            "provisional_create_canister_with_cycles" => self.provisional_create(call),
            "provisional_top_up_canister" => self.provisional_top_up(call),
            "update_settings" => self.update_settings_method(call),
            "start_canister" => self.start_canister_method(call),
            "stop_canister" => self.stop_canister_method(call),
            "delete_canister" => self.delete_canister(call),
            "deposit_cycles" => self.deposit_cycles(call),
            "install_code" => self.install_code_method(call),
            "install_chunked_code" => self.install_chunked_code(call),
            "uninstall_code" => self.uninstall_code_method(call),
            "upload_chunk" => self.upload_chunk(call),
            "clear_chunk_store" => self.clear_chunk_store(call),
            "stored_chunks" => self.stored_chunks(call),
            "canister_status" => self.canister_status_method(call),
            "canister_info" => self.canister_info(call),
            "raw_rand" => {
                // 32 bytes, as a blob.
                reply(&serde_bytes::ByteBuf::from(self.random_bytes()))
            }
            _ => Err(Reject::no_such_management_method(method)),
        }
    }
}
