//! "Effective canister id": where a request must be sent.

use super::Failure;
use crate::request::CallContent;
use candid::CandidType;
use localnet::{Endpoint, Principal, payload};
use serde::Deserialize;

/// Methods of the management canister that name their canister `target_canister`.
const WITH_TARGET: &str = "install_chunked_code";
/// Methods of the management canister that are about no canister that exists.
const CREATING: [&str; 2] = ["provisional_create_canister_with_cycles", "create_canister"];

/// Whether a call may be sent to this endpoint.
pub(super) fn check_call(endpoint: Endpoint, call: &CallContent) -> Result<(), Failure> {
    let creates = CREATING.contains(&call.method_name.as_str());
    if call.canister_id == Principal::management_canister() && creates {
        return Ok(());
    }
    check_query(endpoint, call)
}

/// Whether a query may be sent to this endpoint.
pub(super) fn check_query(endpoint: Endpoint, call: &CallContent) -> Result<(), Failure> {
    let management = call.canister_id == Principal::management_canister();
    let wanted = match (endpoint, management) {
        (Endpoint::Subnet(_), true) => return Ok(()),
        (Endpoint::Subnet(_), false) => {
            return Err(Failure::bad_request("at a subnet only the management canister can be called"));
        }
        (Endpoint::Canister(_), true) => subject(call),
        (Endpoint::Canister(_), false) => Some(call.canister_id),
    };
    match (endpoint, wanted) {
        (Endpoint::Canister(effective), Some(wanted)) if effective != wanted => Err(Failure::bad_request(format!(
            "Specified CanisterId {wanted} does not match effective canister id in URL {effective}"
        ))),
        // What is not about any canister is rejected by the network itself.
        _ => Ok(()),
    }
}

/// The canister that a call to the management canister is about.
fn subject(call: &CallContent) -> Option<Principal> {
    #[derive(CandidType, Deserialize)]
    struct Target {
        target_canister: Principal,
    }
    #[derive(CandidType, Deserialize)]
    struct Canister {
        canister_id: Principal,
    }
    if call.method_name == WITH_TARGET {
        payload::decode::<Target>(&call.arg).ok().map(|target| target.target_canister)
    } else {
        payload::decode::<Canister>(&call.arg).ok().map(|canister| canister.canister_id)
    }
}
