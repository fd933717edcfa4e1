//! Queries ("Request: Query call"): executed on the current state, their changes dropped.

use super::ingress::{decode, encode};
use super::{Net, View};
use crate::canister::{Canister, Executed, Invocation};
use crate::entry::Entry;
use crate::execution::Response;
use crate::module::MethodKind;
use crate::reject::Reject;
use crate::sandbox::{Failure, Function};
use candid::utils::ArgumentEncoder;
use candid::{CandidType, Principal};
use serde::de::DeserializeOwned;
use std::sync::Arc;

impl Net {
    /// Calls a query method. The argument is a tuple, the result the single value of the reply.
    pub fn query<R: CandidType + DeserializeOwned>(
        &mut self,
        canister: Principal,
        caller: Principal,
        method: &str,
        args: impl ArgumentEncoder,
    ) -> Result<R, Reject> {
        let arg = encode(args)?;
        decode(&self.query_raw(canister, caller, method, arg)?)
    }

    /// As [`Net::query`], with bytes.
    pub fn query_raw(
        &mut self,
        canister: Principal,
        caller: Principal,
        method: &str,
        arg: Vec<u8>,
    ) -> Result<Vec<u8>, Reject> {
        let arg: Arc<[u8]> = arg.into();
        let mut view = self.uncertified_view();
        if view.asks_for_certificate(canister, method) {
            view.certified = Some(self.certified_state());
        }
        let (mut response, mut instructions) = view.run_query(canister, caller, method, Arc::clone(&arg));
        // Most queries need no certificate, and it costs a signature: this one has just asked.
        if view.certified.is_none() && view.asks_for_certificate(canister, method) {
            view.certified = Some(self.certified_state());
            (response, instructions) = view.run_query(canister, caller, method, arg);
        }
        self.last_instructions = instructions;
        response
    }
}

impl Net {
    /// Runs the query that transforms the response to an HTTP request of its canister.
    pub(crate) fn transform_query(&self, id: Principal, method: &str, arg: Vec<u8>) -> Response {
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::canister_not_found(id))?;
        let mut budget = self.subnet.config.limits.query_instructions;
        let management = Principal::management_canister();
        // No certificate: the nodes must come to the same result.
        self.uncertified_view().simple_query(canister, management, method, arg.into(), 1, &mut budget)
    }
}

impl View {
    pub(super) fn simple_query(
        &self,
        canister: &Canister,
        caller: Principal,
        method: &str,
        arg: Arc<[u8]>,
        depth: usize,
        budget: &mut u64,
    ) -> Response {
        let function = format!("{} {method}", MethodKind::Query.prefix());
        let limit = *budget;
        let executed = self.with_certificate(canister, method, depth, |certificate| {
            let function = Function::Export(&function);
            let invocation = Invocation {
                arg: Arc::clone(&arg),
                method,
                certificate,
                nested: depth > 0,
                ..Invocation::new(Entry::QUERY, function, caller, limit)
            };
            canister.evaluate(&self.subnet, invocation)
        });
        *budget = budget.saturating_sub(executed.instructions);
        match (executed.result, executed.effects.response) {
            (Ok(()), Some(response)) => response,
            (Err(Failure::Trap(reject)), _) => Err(reject),
            _ => Err(Reject::did_not_reply(canister.id)),
        }
    }

    /// Runs a query, a second time with a certificate if it asked for one. Only what a user calls
    /// gets it.
    pub(super) fn with_certificate(
        &self,
        canister: &Canister,
        method: &str,
        depth: usize,
        mut run: impl FnMut(Option<Arc<[u8]>>) -> Executed,
    ) -> Executed {
        let certified = self.certified.as_ref().filter(|_| depth == 0);
        let known = asks_for_certificate(canister, method);
        let executed = run(certified.filter(|_| known).map(|state| state.data_certificate(canister.id)));
        if !matches!(executed.result, Err(Failure::CertificateWanted)) {
            return executed;
        }
        if let Some(code) = &canister.code {
            code.compiled.asked_for_certificate(method);
        }
        match certified {
            Some(state) if !known => run(Some(state.data_certificate(canister.id))),
            _ => executed,
        }
    }

    pub(super) fn asks_for_certificate(&self, id: Principal, method: &str) -> bool {
        self.canisters.get(&id).is_some_and(|canister| asks_for_certificate(canister, method))
    }
}

/// Whether a query of this method has asked for a certificate before.
fn asks_for_certificate(canister: &Canister, method: &str) -> bool {
    canister.code.as_ref().is_some_and(|code| code.compiled.asks_for_certificate(method))
}
