//! Delivery of requests, and what an execution means for the call it belongs to.

use super::expiry::deadline;
use super::{Blow, Message, Net, Request};
use crate::call_context::{CallContext, Callback, Origin};
use crate::canister::{Canister, Executed, Invocation, Status};
use crate::config::Config;
use crate::entry::Entry;
use crate::execution::OutgoingCall;
use crate::module::MethodKind;
use crate::reject::Reject;
use crate::sandbox::{Failure, Function};
use crate::trace::{MessageKind, Outcome, TraceEntry};
use candid::Principal;
use std::sync::Arc;

impl Net {
    pub(super) fn deliver_request(&mut self, request: Request, blow: Blow) {
        if let Origin::Ingress(id) = request.origin
            && !self.begin_ingress(id)
        {
            return;
        }
        if request.callee == Principal::management_canister() {
            return self.deliver_to_management(request);
        }
        if let Some(native) = self.natives.get(&request.callee).cloned() {
            return self.deliver_to_native(&native, request);
        }
        match self.entry_of(&request) {
            Ok((entry, function)) => self.begin_call(request, entry, &function, blow),
            Err(reject) => self.reject_request(request, reject, blow.faulted),
        }
    }

    /// Answers a request that does not reach its callee.
    pub(super) fn reject_request(&mut self, request: Request, reject: Reject, faulted: bool) {
        self.record_unexecuted(&request, Outcome::Rejected(reject.clone()), faulted);
        self.respond(request.origin, Err(reject), request.cycles);
    }

    /// Records how a request ended that its callee has not executed.
    pub(super) fn record_unexecuted(&mut self, request: &Request, outcome: Outcome, faulted: bool) {
        self.record(TraceEntry {
            round: self.subnet.round,
            kind: request_kind(&request.origin),
            caller: request.caller,
            callee: request.callee,
            method: request.method.clone(),
            outcome,
            instructions: 0,
            cycles: request.cycles,
            faulted,
        });
    }

    /// Drops a request whose caller waits no longer; its cycles are lost ("Dropping expired messages").
    pub(super) fn drop_expired(&mut self, request: &Request) {
        self.lost_cycles = self.lost_cycles.saturating_add(request.cycles);
        self.record_unexecuted(request, Outcome::Rejected(Reject::deadline_expired()), false);
    }

    fn entry_of(&self, request: &Request) -> Result<(Entry, String), Reject> {
        let id = request.callee;
        let canister = self.canisters.get(&id).ok_or_else(|| Reject::canister_not_found(id))?;
        let code = canister.accepts_requests()?;
        canister.takes_cycles(request)?;
        let entry = match code.compiled.info.methods.get(&request.method) {
            Some(MethodKind::Update) => Entry::UPDATE,
            Some(MethodKind::Query) => Entry::REPLICATED_QUERY,
            Some(MethodKind::CompositeQuery) | None => {
                return Err(Reject::method_not_found(id, "update", &request.method));
            }
        };
        let kind = if entry == Entry::UPDATE { MethodKind::Update } else { MethodKind::Query };
        Ok((entry, format!("{} {}", kind.prefix(), request.method)))
    }

    fn begin_call(&mut self, request: Request, entry: Entry, function: &str, blow: Blow) {
        let Some(canister) = self.canisters.get_mut(&request.callee) else {
            return;
        };
        let Config { costs, limits, .. } = &*self.subnet.config;
        let limit = limits.update_instructions;
        let prepaid = match canister.prepay(costs, limit) {
            Ok(prepaid) => prepaid,
            Err(reject) => return self.reject_request(request, reject, blow.faulted),
        };
        let context = canister.issue();
        let invocation = Invocation {
            arg: Arc::clone(&request.arg),
            method: &request.method,
            cycles_available: request.cycles,
            deadline: request.deadline,
            blow,
            ..Invocation::new(entry, Function::Export(function), request.caller, limit)
        };
        let call = CallContext {
            origin: request.origin.clone(),
            caller: request.caller,
            method: request.method.clone(),
            answered: false,
            cycles: request.cycles,
            outstanding: 0,
            instructions: 0,
            deadline: request.deadline,
            deleted: false,
        };
        canister.contexts.insert(context, call);
        let executed = canister.execute(&self.subnet, invocation);
        canister.settle_execution(costs, prepaid, executed.instructions);
        self.record(TraceEntry {
            round: self.subnet.round,
            kind: request_kind(&request.origin),
            caller: request.caller,
            callee: request.callee,
            method: request.method,
            outcome: outcome(&executed),
            instructions: executed.instructions,
            cycles: request.cycles,
            faulted: blow.faulted,
        });
        self.settle(request.callee, context, executed);
    }

    /// Applies what an execution did to its call: cycles, answer, calls; ends the call if nothing is
    /// left of it.
    pub(super) fn settle(&mut self, id: Principal, context: u64, executed: Executed) {
        let trap = match executed.result {
            Err(Failure::Trap(reject)) => Some(reject),
            Err(Failure::CertificateWanted) => {
                Some(Reject::error_from(id, 504, "there is no certificate in replicated execution"))
            }
            Ok(()) => None,
        };
        let mut effects = executed.effects;
        let mut answer = None;
        if let Some(call) = self.context_mut(id, context) {
            call.instructions = call.instructions.saturating_add(executed.instructions);
            if trap.is_none() {
                call.cycles = effects.cycles_available;
                if let Some(response) = effects.response.take() {
                    call.answered = true;
                    let refund = std::mem::take(&mut call.cycles);
                    answer = Some((call.origin.clone(), response, refund));
                }
            }
        }
        if let Some((origin, response, refund)) = answer {
            self.respond(origin, response, refund);
        }
        if trap.is_none() {
            for call in std::mem::take(&mut effects.calls) {
                self.send(id, context, call);
            }
        }
        self.finish(id, context, trap);
        self.note_tasks(id);
    }

    fn context_mut(&mut self, id: Principal, context: u64) -> Option<&mut CallContext> {
        self.canisters.get_mut(&id)?.contexts.get_mut(&context)
    }

    /// Queues the request of a call and keeps its callback.
    fn send(&mut self, id: Principal, context: u64, mut call: OutgoingCall) {
        let time = self.subnet.time;
        let Some(canister) = self.canisters.get_mut(&id) else {
            return;
        };
        let number = canister.issue();
        let deadline = call.timeout_seconds.map_or(0, |seconds| deadline(time, seconds));
        if let Some(call) = canister.contexts.get_mut(&context) {
            call.outstanding += 1;
        }
        let request = Request {
            origin: Origin::Canister { id, callback: number },
            caller: id,
            callee: call.callee,
            method: call.method.clone(),
            arg: std::mem::take(&mut call.arg).into(),
            cycles: call.cycles,
            deadline,
        };
        let callback = Callback { context, call, deadline };
        canister.callbacks.insert(number, callback);
        self.expiries.wait_for_call(deadline, id, number);
        self.schedule.send(Message::Request(request));
    }

    /// Ends a call that waits for nothing; without an answer so far it is rejected.
    pub(super) fn finish(&mut self, id: Principal, context: u64, trap: Option<Reject>) {
        let Some(canister) = self.canisters.get_mut(&id) else {
            return;
        };
        if canister.contexts.get(&context).is_none_or(|call| call.outstanding > 0) {
            return;
        }
        if let Some(call) = canister.contexts.remove(&context)
            && !call.answered
        {
            let reject = trap.unwrap_or_else(|| Reject::did_not_reply(id));
            self.respond(call.origin, Err(reject), call.cycles);
        }
        self.check_stopped(id);
    }

    /// A stopping canister is stopped once its last call ended; those who waited are told.
    pub(crate) fn check_stopped(&mut self, id: Principal) {
        let Some(canister) = self.canisters.get_mut(&id) else {
            return;
        };
        if !canister.contexts.is_empty() {
            return;
        }
        if let Status::Stopping(waiting) = &mut canister.status {
            let waiting = std::mem::take(waiting);
            canister.status = Status::Stopped;
            canister.version += 1;
            self.answer_stops(id, waiting, &Ok(crate::management::empty_reply()));
        }
    }
}

pub(super) fn request_kind(origin: &Origin) -> MessageKind {
    match origin {
        Origin::Ingress(_) => MessageKind::Ingress,
        Origin::Canister { .. } | Origin::Task => MessageKind::Request,
    }
}

/// How an execution ended, for the trace.
pub(super) fn outcome(executed: &Executed) -> Outcome {
    match (&executed.result, &executed.effects.response) {
        (Err(Failure::Trap(reject)), _) => Outcome::Trapped(reject.clone()),
        (Ok(()), Some(Ok(_))) => Outcome::Replied,
        (Ok(()), Some(Err(reject))) => Outcome::Rejected(reject.clone()),
        _ => Outcome::Ended,
    }
}

impl Canister {
    /// Whether a call from another canister brings as many cycles as this one asks for
    /// ("minimum_incoming_canister_call_cycles").
    fn takes_cycles(&self, request: &Request) -> Result<(), Reject> {
        let minimum = self.settings.minimum_incoming_canister_call_cycles;
        if !matches!(request.origin, Origin::Canister { .. }) || request.caller == self.id || request.cycles >= minimum
        {
            return Ok(());
        }
        Err(Reject::canister_error(
            520,
            format_args!(
                "Canister {} requires at least {minimum} transferred cycles per call, but only {} were transferred.",
                self.id, request.cycles
            ),
        ))
    }

    /// Forgets that a call to this callee is outstanding.
    pub(super) fn call_returned(&mut self, callee: Principal) {
        if let Some(count) = self.outstanding.get_mut(&callee) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.outstanding.remove(&callee);
            }
        }
    }
}
