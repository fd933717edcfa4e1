//! Reject codes and the texts the network gives with them.
//!
//! Interface specification, "Reject codes" and "Error codes".

use crate::net::MessageId;
use candid::Principal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a call was not answered with a reply ("Reject codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u32)]
pub enum RejectCode {
    /// `SYS_FATAL`: fatal system error, retry unlikely to help.
    SysFatal = 1,
    /// `SYS_TRANSIENT`: transient system error, retry may help.
    SysTransient = 2,
    /// `DESTINATION_INVALID`: no such canister, or no such management method.
    DestinationInvalid = 3,
    /// `CANISTER_REJECT`: the canister itself rejected the call.
    CanisterReject = 4,
    /// `CANISTER_ERROR`: trap, no response, stopped, no such method.
    CanisterError = 5,
    /// `SYS_UNKNOWN`: the outcome of a bounded-wait call is unknown.
    SysUnknown = 6,
}

impl RejectCode {
    /// The number canisters see through `ic0.msg_reject_code`.
    pub fn number(self) -> u32 {
        self as u32
    }
}

/// A call's rejection: code and message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code:?} ({}): {message}", code.number())]
pub struct Reject {
    /// The class of the failure.
    pub code: RejectCode,
    /// The text; those that come from the system begin with an error code `ICnnnn`.
    pub message: String,
}

impl Reject {
    /// A rejection with a given code and text.
    pub fn new(code: RejectCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The `ICnnnn` that begins the message, if the system wrote it ("Error codes").
    pub fn error_code(&self) -> Option<&str> {
        let code = self.message.split(':').next()?;
        let digits = code.strip_prefix("IC")?;
        (digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(code)
    }

    /// A rejection by the system: the first digit of the error code is the reject code.
    pub(crate) fn system(number: u32, text: impl fmt::Display) -> Self {
        let code = match number / 100 {
            1 => RejectCode::SysFatal,
            2 => RejectCode::SysTransient,
            3 => RejectCode::DestinationInvalid,
            4 => RejectCode::CanisterReject,
            6 => RejectCode::SysUnknown,
            _ => RejectCode::CanisterError,
        };
        Self::new(code, format!("IC{number:04}: {text}"))
    }

    /// The reject of a trap that a fault brought about.
    pub(crate) fn injected_trap(id: Principal) -> Self {
        Self::error_from(id, 503, "Canister called `ic0.trap` with message: 'injected fault'")
    }

    pub(crate) fn canister_not_found(id: Principal) -> Self {
        Self::system(301, format_args!("Canister {id} not found."))
    }

    pub(crate) fn no_such_management_method(method: &str) -> Self {
        Self::system(302, format_args!("Management canister has no method '{method}'"))
    }

    /// The argument of a management method is not what it should be.
    pub(crate) fn invalid_payload(text: impl fmt::Display) -> Self {
        Self::system(408, format_args!("Error decoding candid: {text}"))
    }

    pub(crate) fn out_of_cycles(id: Principal, missing: u128) -> Self {
        Self::system(
            207,
            format_args!(
                "Canister {id} is out of cycles: please top up the canister with at least {missing} additional cycles"
            ),
        )
    }

    pub(crate) fn frozen(id: Principal) -> Self {
        Self::system(
            207,
            format_args!(
                "Canister {id} is unable to process query calls because it's frozen. Please top up the canister with cycles and try again."
            ),
        )
    }

    /// A bounded-wait call has waited long enough.
    pub(crate) fn deadline_expired() -> Self {
        Self::system(601, "Call deadline has expired.")
    }

    pub(crate) fn stop_timed_out() -> Self {
        Self::system(206, "Stop canister request timed out")
    }

    pub(crate) fn stop_cancelled(id: Principal) -> Self {
        Self::canister_error(511, format_args!("Canister {id}'s stop request was cancelled"))
    }

    pub(crate) fn inconsistent_snapshot() -> Self {
        Self::system(408, "Snapshot is inconsistent: memory or globals do not match those of the Wasm module.")
    }

    pub(crate) fn ingress_expired(id: MessageId) -> Self {
        Self::system(202, format_args!("Ingress message {id} timed out waiting to start executing."))
    }

    pub(crate) fn stopped(id: Principal) -> Self {
        Self::canister_error(508, format_args!("Canister {id} is stopped"))
    }

    pub(crate) fn stopping(id: Principal) -> Self {
        Self::canister_error(509, format_args!("Canister {id} is stopping"))
    }

    pub(crate) fn invalid_controller(id: Principal, controllers: &[Principal], caller: Principal) -> Self {
        let controllers: Vec<String> = controllers.iter().map(Principal::to_text).collect();
        let controllers = controllers.join(" ");
        Self::canister_error(
            512,
            format_args!(
                "Only the controllers of the canister {id} can control it.\nCanister's controllers: {controllers}\nSender's ID: {caller}"
            ),
        )
    }

    /// The rejection of a call to a method that the canister does not have.
    pub fn method_not_found(id: Principal, kind: &str, method: &str) -> Self {
        Self::error_from(id, 536, format_args!("Canister has no {kind} method '{method}'."))
    }

    pub(crate) fn no_wasm_module(id: Principal) -> Self {
        Self::error_from(id, 537, "Attempted to execute a message, but the canister contains no Wasm module.")
    }

    pub(crate) fn did_not_reply(id: Principal) -> Self {
        Self::error_from(id, 506, "Canister did not reply to the call.")
    }

    pub(crate) fn refused_ingress(id: Principal) -> Self {
        Self::system(406, format_args!("Canister {id} rejected the message"))
    }

    pub(crate) fn too_large(what: &str, size: usize, limit: usize) -> Self {
        // The boundary answers oversized requests before any canister sees them, with HTTP's code.
        Self::new(RejectCode::SysFatal, format!("IC0413: {what} of {size} bytes exceeds the limit of {limit} bytes"))
    }

    pub(crate) fn canister_error(number: u32, text: impl fmt::Display) -> Self {
        Self::system(number, text)
    }

    /// "Error from Canister ...", as the network words what went wrong inside one.
    pub(crate) fn error_from(id: Principal, number: u32, text: impl fmt::Display) -> Self {
        Self::canister_error(number, format_args!("Error from Canister {id}: {text}"))
    }
}
