//! Queries ("Request: Query call"): executed on the current state, their changes dropped.

use super::Net;
use super::ingress::{decode, encode};
use crate::canister::{Executed, Invocation};
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
        let limit = self.subnet.config.limits.ingress_bytes;
        if arg.len() > limit {
            return Err(Reject::too_large("a query", arg.len(), limit));
        }
        let budget = self.subnet.config.limits.query_instructions;
        let mut left = budget;
        let response = self.evaluate(canister, caller, method, arg.into(), 0, &mut left);
        self.last_instructions = budget - left;
        response
    }

    pub(super) fn simple_query(
        &mut self,
        id: Principal,
        caller: Principal,
        method: &str,
        arg: Arc<[u8]>,
        depth: usize,
        budget: &mut u64,
    ) -> Response {
        let function = format!("{} {method}", MethodKind::Query.prefix());
        let limit = *budget;
        let executed = self.with_certificate(id, method, depth, |net, certificate| {
            let function = Function::Export(&function);
            let invocation = Invocation {
                arg: Arc::clone(&arg),
                method,
                certificate,
                nested: depth > 0,
                ..Invocation::new(Entry::QUERY, function, caller, limit)
            };
            Some(net.canisters.get(&id)?.evaluate(&net.subnet, invocation))
        });
        let executed = executed.ok_or_else(|| Reject::canister_not_found(id))?;
        *budget = budget.saturating_sub(executed.instructions);
        response(id, executed)
    }

    /// Runs a query, a second time with a certificate if it asked for one: certificates cost a
    /// signature, and most queries need none.
    fn with_certificate(
        &mut self,
        id: Principal,
        method: &str,
        depth: usize,
        run: impl Fn(&mut Self, Option<Arc<[u8]>>) -> Option<Executed>,
    ) -> Option<Executed> {
        let certificate = self.known_certificate(id, method, depth);
        let executed = run(self, certificate)?;
        if !matches!(executed.result, Err(Failure::CertificateWanted)) {
            return Some(executed);
        }
        let certificate = self.wanted_certificate(id, method);
        run(self, certificate)
    }

    /// A certificate, if the method is known to ask for one. Only what a user calls gets it.
    pub(super) fn known_certificate(&mut self, id: Principal, method: &str, depth: usize) -> Option<Arc<[u8]>> {
        let code = self.canisters.get(&id)?.code.as_ref()?;
        let known = depth == 0 && code.compiled.asks_for_certificate(method);
        known.then(|| self.data_certificate(id))
    }

    /// A certificate for a method that has asked for one; remembered for the next time.
    pub(super) fn wanted_certificate(&mut self, id: Principal, method: &str) -> Option<Arc<[u8]>> {
        self.canisters.get(&id)?.code.as_ref()?.compiled.asked_for_certificate(method);
        Some(self.data_certificate(id))
    }
}

fn response(id: Principal, executed: Executed) -> Response {
    match (executed.result, executed.effects.response) {
        (Ok(()), Some(response)) => response,
        (Err(Failure::Trap(reject)), _) => Err(reject),
        _ => Err(Reject::did_not_reply(id)),
    }
}
