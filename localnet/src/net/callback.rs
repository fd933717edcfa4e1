//! Responses back at the canister that made the call: callbacks and cleanup.

use super::deliver::outcome;
use super::{Answer, Blow, Net};
use crate::call_context::Callback;
use crate::canister::Invocation;
use crate::entry::Entry;
use crate::sandbox::{Failure, Function};
use crate::trace::{MessageKind, TraceEntry};
use std::sync::Arc;

impl Net {
    pub(super) fn deliver_answer(&mut self, answer: Answer, blow: Blow) {
        let Some(canister) = self.canisters.get_mut(&answer.to) else {
            return;
        };
        // A bounded-wait call that has expired: nobody waits for the response, and its cycles are lost.
        let Some(callback) = canister.callbacks.remove(&answer.callback) else {
            return;
        };
        canister.cycles = canister.cycles.saturating_add(answer.refund);
        canister.call_returned(callback.call.callee);
        self.expiries.call_ended(callback.deadline, answer.to, answer.callback);
        let Some(call) = canister.contexts.get_mut(&callback.context) else {
            return;
        };
        call.outstanding = call.outstanding.saturating_sub(1);
        if call.deleted {
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
        if trapped {
            self.clean_up(&answer.to, &callback);
        }
        self.settle(id, callback.context, executed);
    }

    /// Runs the cleanup callback of a call whose callback trapped ("Callbacks"). If it traps too,
    /// that is rolled back and nothing else happens.
    fn clean_up(&mut self, id: &candid::Principal, callback: &Callback) {
        let Some(closure) = callback.call.cleanup.filter(|_| !self.subnet.config.skips_cleanup()) else {
            return;
        };
        let Some(canister) = self.canisters.get_mut(id) else {
            return;
        };
        let Some(call) = canister.contexts.get_mut(&callback.context) else {
            return;
        };
        let limit = self.subnet.config.limits.update_instructions;
        let function = Function::Callback(closure);
        let invocation = Invocation {
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
    }
}
