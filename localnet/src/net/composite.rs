//! Composite queries ("Composite query methods"): queries that call queries.
//!
//! All changes are dropped at the end. Until then each call keeps a heap of its own: a canister that is
//! called a second time begins from its committed state, not from what the first call has changed.

use super::View;
use crate::canister::{Canister, Executed, Invocation, Working};
use crate::entry::Entry;
use crate::execution::{OutgoingCall, Response};
use crate::module::MethodKind;
use crate::reject::Reject;
use crate::sandbox::{Failure, Function};
use crate::subnet::Subnet;
use candid::Principal;
use std::collections::VecDeque;
use std::sync::Arc;

/// How deep queries may call each other.
const MAX_DEPTH: usize = 6;

/// A composite query in evaluation.
struct Evaluation<'a> {
    canister: &'a Canister,
    caller: Principal,
    method: &'a str,
    arg: Arc<[u8]>,
    depth: usize,
    working: Working,
    response: Option<Response>,
    calls: VecDeque<OutgoingCall>,
    instructions: u64,
}

impl View {
    /// Evaluates a query of either kind; `budget` is what is left of the instructions of all.
    pub(super) fn evaluate(
        &self,
        id: Principal,
        caller: Principal,
        method: &str,
        arg: Arc<[u8]>,
        depth: usize,
        budget: &mut u64,
    ) -> Response {
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::canister_not_found(id))?;
        let code = canister.accepts_requests()?;
        if canister.is_frozen(&self.subnet.config.costs) {
            return Err(Reject::frozen(id));
        }
        match code.compiled.info.methods.get(method) {
            Some(MethodKind::Query) => self.simple_query(canister, caller, method, arg, depth, budget),
            Some(MethodKind::CompositeQuery) if depth >= MAX_DEPTH => Err(Reject::error_from(
                id,
                527,
                format_args!("Composite query calls are nested deeper than {MAX_DEPTH}"),
            )),
            Some(MethodKind::CompositeQuery) => {
                let working = canister.working();
                let evaluation = Evaluation {
                    canister,
                    caller,
                    method,
                    arg,
                    depth,
                    working,
                    response: None,
                    calls: VecDeque::new(),
                    instructions: 0,
                };
                self.run_composite(evaluation, budget)
            }
            _ => Err(Reject::method_not_found(id, "query", method)),
        }
    }

    fn run_composite(&self, mut query: Evaluation<'_>, budget: &mut u64) -> Response {
        let function = format!("{} {}", MethodKind::CompositeQuery.prefix(), query.method);
        let id = query.canister.id;
        let executed = self.with_certificate(query.canister, query.method, query.depth, |certificate| {
            let arg = Arc::clone(&query.arg);
            let function = Function::Export(&function);
            let invocation =
                Invocation { arg, certificate, ..query.invocation(Entry::COMPOSITE_QUERY, function, *budget) };
            query.execute(&self.subnet, invocation, budget)
        });
        let mut trap = query.take(executed);
        while let Some(mut call) = query.calls.pop_front() {
            let arg = std::mem::take(&mut call.arg).into();
            let depth = query.depth + 1;
            let response = self.evaluate(call.callee, id, &call.method, arg, depth, budget);
            trap = self.composite_callback(&mut query, &call, response, budget);
        }
        match query.response {
            Some(response) => response,
            None => Err(trap.unwrap_or_else(|| Reject::did_not_reply(id))),
        }
    }

    fn composite_callback(
        &self,
        query: &mut Evaluation<'_>,
        call: &OutgoingCall,
        response: Response,
        budget: &mut u64,
    ) -> Option<Reject> {
        let (entry, closure) = match &response {
            Ok(_) => (Entry::COMPOSITE_REPLY, call.reply),
            Err(_) => (Entry::COMPOSITE_REJECT, call.reject),
        };
        let mut invocation = query.invocation(entry, Function::Callback(closure), *budget);
        match response {
            Ok(reply) => invocation.arg = reply.into(),
            Err(reject) => invocation.reject = Some(reject),
        }
        let executed = query.execute(&self.subnet, invocation, budget);
        let trap = query.take(executed);
        if let (Some(_), Some(closure)) = (&trap, call.cleanup) {
            let function = Function::Callback(closure);
            let invocation = query.invocation(Entry::COMPOSITE_CLEANUP, function, *budget);
            query.execute(&self.subnet, invocation, budget);
        }
        trap
    }
}

impl<'a> Evaluation<'a> {
    fn invocation<'f>(&self, entry: Entry, function: Function<'f>, budget: u64) -> Invocation<'f>
    where
        'a: 'f,
    {
        Invocation {
            method: self.method,
            answered: self.response.is_some(),
            earlier_instructions: self.instructions,
            nested: self.depth > 0,
            ..Invocation::new(entry, function, self.caller, budget)
        }
    }

    fn execute(&mut self, subnet: &Subnet, invocation: Invocation<'_>, budget: &mut u64) -> Executed {
        let executed = self.canister.execute_in(subnet, invocation, &mut self.working);
        // What will be repeated with a certificate does not count.
        if !matches!(executed.result, Err(Failure::CertificateWanted)) {
            *budget = budget.saturating_sub(executed.instructions);
            self.instructions = self.instructions.saturating_add(executed.instructions);
        }
        executed
    }

    /// Takes over the answer and the calls; the rejection if it trapped.
    fn take(&mut self, executed: Executed) -> Option<Reject> {
        match executed.result {
            Ok(()) => {
                if let Some(response) = executed.effects.response {
                    self.response = Some(response);
                }
                self.calls.extend(executed.effects.calls);
                None
            }
            Err(Failure::Trap(reject)) => Some(reject),
            Err(Failure::CertificateWanted) => {
                Some(Reject::error_from(self.canister.id, 504, "there is no certificate in a query called by a query"))
            }
        }
    }
}
