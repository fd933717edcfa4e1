//! The management canister `aaaaa-aa` ("The IC management canister").

mod access;
mod chunks;
mod code;
mod creation;
mod history;
mod http;
mod lifecycle;
mod logs;
mod query;
mod snapshots;
mod status;
mod subnet;

pub(crate) use access::check_sender_version;
pub(crate) use history::by_user;
pub use http::HttpHandler;
pub(crate) use status::status_type;

use crate::call_context::Origin;
use crate::execution::Response;
use crate::net::{Net, Request};
use crate::payload;
use crate::reject::{Reject, RejectCode};
use crate::trace::{MessageKind, Outcome, TraceEntry};
use candid::{CandidType, Principal};
use serde::de::DeserializeOwned;

/// A reply, or none yet if the call waits for something.
type Reply = Result<Option<Vec<u8>>, Reject>;

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
        decode(self.arg)
    }

    fn is_from_canister(&self) -> bool {
        matches!(self.origin, Origin::Canister { .. })
    }
}

fn decode<T: CandidType + DeserializeOwned>(arg: &[u8]) -> Result<T, Reject> {
    payload::decode(arg).map_err(Reject::invalid_payload)
}

/// The reply of a method that returns nothing.
pub(crate) fn empty_reply() -> Vec<u8> {
    candid::encode_args(()).unwrap_or_default()
}

fn encode(value: &impl CandidType) -> Result<Vec<u8>, Reject> {
    candid::encode_one(value)
        .map_err(|error| Reject::new(RejectCode::SysFatal, format!("the reply cannot be encoded: {error}")))
}

fn reply(value: &impl CandidType) -> Reply {
    encode(value).map(Some)
}

fn done() -> Reply {
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
    fn manage(&mut self, method: &str, call: &mut Call<'_>) -> Reply {
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
            "take_canister_snapshot" => self.take_canister_snapshot(call),
            "load_canister_snapshot" => self.load_canister_snapshot(call),
            "list_canister_snapshots" => self.list_canister_snapshots(call),
            "delete_canister_snapshot" => self.delete_canister_snapshot(call),
            "read_canister_snapshot_metadata" => self.read_canister_snapshot_metadata(call),
            "read_canister_snapshot_data" => self.read_canister_snapshot_data(call),
            "upload_canister_snapshot_metadata" => self.upload_canister_snapshot_metadata(call),
            "upload_canister_snapshot_data" => self.upload_canister_snapshot_data(call),
            _ => self.inform(method, call),
        }
    }

    /// The methods that change nothing in the network.
    fn inform(&mut self, method: &str, call: &mut Call<'_>) -> Reply {
        match method {
            "canister_status" => self.canisters.status(call.caller, call.arg, &self.subnet.config.costs).map(Some),
            "canister_info" => self.canister_info(call),
            "canister_metadata" => self.canister_metadata(call),
            "fetch_canister_logs" => self.canisters.logs(call.caller, call.arg).map(Some),
            "http_request" => self.http_request(call),
            "flexible_http_request" => {
                Err(Reject::system(406, format_args!("{method} is not enabled on this subnet: it has one node.")))
            }
            // 32 bytes, as a blob.
            "raw_rand" => reply(&serde_bytes::ByteBuf::from(self.random_bytes())),
            "node_metrics_history" => self.node_metrics_history(call),
            "subnet_info" => self.subnet_info(call),
            "ecdsa_public_key" | "sign_with_ecdsa" => call.unknown_ecdsa_key(method),
            "schnorr_public_key" | "sign_with_schnorr" => call.unknown_schnorr_key(method),
            "vetkd_public_key" | "vetkd_derive_key" => call.unknown_vetkd_key(method),
            "bitcoin_get_balance"
            | "bitcoin_get_utxos"
            | "bitcoin_send_transaction"
            | "bitcoin_get_current_fee_percentiles" => {
                Err(Reject::system(406, format_args!("{method}: the Bitcoin API is not enabled on this subnet.")))
            }
            _ => Err(Reject::no_such_management_method(method)),
        }
    }
}
