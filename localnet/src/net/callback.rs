//! Responses back at the canister that made the call: callbacks and cleanup.

use super::deliver::outcome;
use super::{Answer, Blow, Net};
use crate::call_context::Callback;
use crate::canister::Invocation;
use crate::entry::Entry;
use crate::execution::Response;
use crate::reject::Reject;
use crate::sandbox::{Failure, Function};
use crate::trace::{MessageKind, TraceEntry};
use std::sync::Arc;

impl Net {
    pub(super) fn deliver_answer(&mut self, answer: Answer, blow: Blow) {
        let Some(canister) = self.canisters.get_mut(&answer.to) else {
            self.lost_cycles = self.lost_cycles.saturating_add(answer.refund);
            return;
        };
        // A bounded-wait call that has expired: nobody waits for the response, and its cycles are lost.
        let Some(callback) = canister.callbacks.remove(&answer.callback) else {
            self.lost_cycles = self.lost_cycles.saturating_add(answer.refund);
            return;
        };
        canister.cycles = canister.cycles.saturating_add(answer.refund);
        canister.call_returned(callback.call.callee);
        self.expiries.call_ended(callback.deadline, answer.to, answer.callback);
        let costs = &self.subnet.config.costs;
        let price = callback.call.price;
        canister.settle_prepaid(price.response, costs.transmission(response_bytes(&answer.response)));
        let executable = canister.contexts.get_mut(&callback.context).is_some_and(|call| {
            call.outstanding = call.outstanding.saturating_sub(1);
            !call.deleted
        });
        if !executable {
            canister.settle_execution(costs, price.callback, 0);
            return self.finish(answer.to, callback.context, None);
        }
        self.run_callback(answer, callback, blow);
    }

    fn run_callback(&mut self, answer: Answer, callback: Callback, blow: Blow) {
        let (id, round) = (answer.to, self.subnet.round);
        let Some(canister) = self.canisters.get_mut(&id) else {
            return;
        };
        let Some(call) = canister.contexts.get(&callback.context) else {
            return;
        };
        let (kind, entry, closure) = match answer.response {
            Ok(_) => (MessageKind::ReplyCallback, Entry::REPLY, callback.call.reply),
            Err(_) => (MessageKind::RejectCallback, Entry::REJECT, callback.call.reject),
        };
        let (arg, reject): (Arc<[u8]>, _) = match answer.response {
            Ok(reply) => (reply.into(), None),
            Err(reject) => (Arc::default(), Some(reject)),
        };
        let code = reject.clone();
        let method = call.method.clone();
        let limit = self.subnet.config.limits.update_instructions;
        let invocation = Invocation {
            method: &method,
            arg,
            reject,
            cycles_available: call.cycles,
            cycles_refunded: answer.refund,
            deadline: call.deadline,
            answered: call.answered,
            earlier_instructions: call.instructions,
            blow,
            ..Invocation::new(entry, Function::Callback(closure), call.caller, limit)
        };
        let executed = canister.execute(&self.subnet, invocation);
        let trapped = matches!(executed.result, Err(Failure::Trap(_)));
        self.record(TraceEntry {
            round,
            kind,
            caller: id,
            callee: callback.call.callee,
            method: callback.call.method.clone(),
            outcome: outcome(&executed),
            instructions: executed.instructions,
            cycles: answer.refund,
            faulted: blow.faulted,
        });
        let mut instructions = executed.instructions;
        if trapped {
            instructions = instructions.saturating_add(self.clean_up(&answer.to, &callback, code));
        }
        if let Some(canister) = self.canisters.get_mut(&id) {
            canister.settle_execution(&self.subnet.config.costs, callback.call.price.callback, instructions);
        }
        self.settle(id, callback.context, executed);
    }

    /// Runs the cleanup callback of a call whose callback trapped ("Callbacks"). If it traps too,
    /// that is rolled back and nothing else happens. Returns the instructions it took.
    fn clean_up(&mut self, id: &candid::Principal, callback: &Callback, reject: Option<Reject>) -> u64 {
        let Some(closure) = callback.call.cleanup.filter(|_| !self.subnet.config.skips_cleanup()) else {
            return 0;
        };
        let Some(canister) = self.canisters.get_mut(id) else {
            return 0;
        };
        let Some(call) = canister.contexts.get_mut(&callback.context) else {
            return 0;
        };
        let limit = self.subnet.config.limits.update_instructions;
        let function = Function::Callback(closure);
        let invocation = Invocation {
            reject,
            earlier_instructions: call.instructions,
            ..Invocation::new(Entry::CLEANUP, function, call.caller, limit)
        };
        let executed = canister.execute(&self.subnet, invocation);
        self.record(TraceEntry {
            round: self.subnet.round,
            kind: MessageKind::Cleanup,
            caller: *id,
            callee: callback.call.callee,
            method: callback.call.method.clone(),
            outcome: outcome(&executed),
            instructions: executed.instructions,
            cycles: 0,
            faulted: false,
        });
        executed.instructions
    }
}

/// Bytes that a response carries.
fn response_bytes(response: &Response) -> u64 {
    match response {
        Ok(reply) => reply.len() as u64,
        Err(reject) => reject.message.len() as u64,
    }
}
