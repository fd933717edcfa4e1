//! Views: the committed state at one moment, for queries from any thread.

use super::ingress::{decode, encode};
use super::{NativeCanister, Net};
use crate::canisters::Canisters;
use crate::certificate::CertifiedState;
use crate::execution::Response;
use crate::reject::Reject;
use crate::subnet::Subnet;
use candid::utils::ArgumentEncoder;
use candid::{CandidType, Principal};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The committed state of a network at one moment. Queries on it run from many threads at once, each in
/// an instance of its own, while the network goes on; what the network does later is not seen.
///
/// Cloning costs nothing. A view keeps the pages alive that it shares with the network.
///
/// ```
/// # use localnet::{Net, Principal, View};
/// fn is_shared<T: Send + Sync + Clone>(_: &T) {}
/// let mut net = Net::default();
/// let view: View = net.view();
/// is_shared(&view);
/// let nobody = Principal::from_slice(&[1]);
/// std::thread::scope(|scope| {
///     scope.spawn(|| view.query::<u64>(nobody, Principal::anonymous(), "get", ()).unwrap_err());
///     net.tick();
/// });
/// ```
#[derive(Clone)]
pub struct View {
    pub(super) canisters: Canisters,
    pub(super) subnet: Subnet,
    natives: Arc<BTreeMap<Principal, Arc<dyn NativeCanister>>>,
    /// Where certificates come from; none while no query of this view is known to need one.
    pub(super) certified: Option<Arc<CertifiedState>>,
}

impl Net {
    /// The state as of now, to query while the network goes on. The cost does not grow with the data:
    /// canisters are copied when the network next changes them, and even then share their memories.
    pub fn view(&mut self) -> View {
        let certified = Some(self.certified_state());
        View { certified, ..self.uncertified_view() }
    }

    pub(super) fn uncertified_view(&self) -> View {
        View {
            canisters: self.canisters.clone(),
            subnet: self.subnet.clone(),
            natives: Arc::clone(&self.natives),
            certified: None,
        }
    }
}

impl View {
    /// Calls a query method of either kind. The argument is a tuple, the result the single value of
    /// the reply.
    ///
    /// # Errors
    /// The rejection, as [`Net::query`] gives it.
    pub fn query<R: CandidType + DeserializeOwned>(
        &self,
        canister: Principal,
        caller: Principal,
        method: &str,
        args: impl ArgumentEncoder,
    ) -> Result<R, Reject> {
        let arg = encode(args)?;
        decode(&self.query_raw(canister, caller, method, arg)?)
    }

    /// As [`View::query`], with bytes.
    ///
    /// # Errors
    /// The rejection.
    pub fn query_raw(
        &self,
        canister: Principal,
        caller: Principal,
        method: &str,
        arg: Vec<u8>,
    ) -> Result<Vec<u8>, Reject> {
        self.run_query(canister, caller, method, arg.into()).0
    }

    /// The clock at the moment of the view, in nanoseconds since 1970.
    pub fn now(&self) -> u64 {
        self.subnet.time
    }

    /// The id of the subnet.
    pub fn subnet_id(&self) -> Principal {
        self.subnet.id
    }

    /// Whether there is a canister with this id.
    pub fn has_canister(&self, id: Principal) -> bool {
        self.canisters.contains_key(&id)
    }

    /// The response to a user's query, and the instructions it took.
    pub(super) fn run_query(
        &self,
        canister: Principal,
        caller: Principal,
        method: &str,
        arg: Arc<[u8]>,
    ) -> (Response, u64) {
        let limits = &self.subnet.config.limits;
        if arg.len() > limits.ingress_bytes {
            return (Err(Reject::too_large("a query", arg.len(), limits.ingress_bytes)), 0);
        }
        if canister == Principal::management_canister() {
            return (self.canisters.query_management(caller, method, &arg, &self.subnet.config.costs), 0);
        }
        if let Some(native) = self.natives.get(&canister) {
            return (native.query(self, caller, method, &arg), 0);
        }
        let mut left = limits.query_instructions;
        let response = self.evaluate(canister, caller, method, arg, 0, &mut left);
        (response, limits.query_instructions - left)
    }
}
