//! Queries of the management canister by users ("Request: Query call").

use crate::canisters::Canisters;
use crate::costs::Costs;
use crate::execution::Response;
use crate::reject::Reject;
use candid::Principal;

impl Canisters {
    pub(crate) fn query_management(&self, caller: Principal, method: &str, arg: &[u8], costs: &Costs) -> Response {
        match method {
            "canister_status" => self.status(caller, arg, costs),
            "fetch_canister_logs" => self.logs(caller, arg),
            // This subnet has no administrators.
            "list_canisters" => {
                Err(Reject::system(406, format_args!("Caller {caller} is not allowed to query ic00 method {method}")))
            }
            _ => Err(Reject::canister_error(536, format_args!("Query method {method} not found."))),
        }
    }
}
