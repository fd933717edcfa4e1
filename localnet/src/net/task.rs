//! Global timer and heartbeat ("Global timer", "Heartbeat").

use super::deliver::outcome;
use super::{Blow, Net};
use crate::call_context::{CallContext, Origin};
use crate::canister::{Canister, Invocation, Status};
use crate::entry::Entry;
use crate::fault::{self, Action};
use crate::sandbox::Function;
use crate::trace::{MessageKind, TraceEntry};
use candid::Principal;
use std::sync::Arc;

const TIMER: &str = "canister_global_timer";
const HEARTBEAT: &str = "canister_heartbeat";

impl Net {
    pub(super) fn is_timer_due(&self) -> bool {
        self.canisters.values().any(|canister| timer_due(canister, self.subnet.time))
    }

    /// Runs the tasks of this round.
    pub(super) fn run_tasks(&mut self) {
        let time = self.subnet.time;
        let mut tasks = Vec::new();
        for canister in self.canisters.values() {
            if timer_due(canister, time) {
                tasks.push((canister.id, MessageKind::Timer));
            }
            if canister.status == Status::Running && canister.exports(HEARTBEAT) {
                tasks.push((canister.id, MessageKind::Heartbeat));
            }
        }
        for (id, kind) in tasks {
            self.run_task(id, kind);
        }
    }

    fn run_task(&mut self, id: Principal, kind: MessageKind) {
        let function = if kind == MessageKind::Timer { TIMER } else { HEARTBEAT };
        let management = Principal::management_canister();
        let message =
            fault::Message { kind, caller: management, callee: id, method: function.to_owned(), bounded_wait: false };
        let action = self.examine(message, Arc::default());
        let delay = if let Some(Action::Delay(rounds)) = &action { Some(*rounds) } else { None };
        let mut blow = Blow { faulted: action.is_some(), ..Blow::default() };
        self.weigh_down(id, action, &mut blow);
        let time = self.subnet.time;
        let round_nanos = u64::try_from(self.subnet.config.round_duration.as_nanos()).unwrap_or(0);
        let Some(canister) = self.canisters.get_mut(&id) else {
            return;
        };
        if kind == MessageKind::Timer {
            // It is spent also if the execution traps.
            canister.timer = 0;
        }
        if let Some(rounds) = delay {
            if kind == MessageKind::Timer {
                canister.timer = time.saturating_add(rounds.saturating_mul(round_nanos));
            }
            return;
        }
        if !canister.exports(function) {
            return;
        }
        let context = canister.issue();
        canister.contexts.insert(context, task_context(function));
        let limit = self.subnet.config.limits.update_instructions;
        let invocation = Invocation {
            method: function,
            blow,
            ..Invocation::new(Entry::TASK, Function::Export(function), management, limit)
        };
        let executed = canister.execute(&self.subnet, invocation);
        self.record(TraceEntry {
            round: self.subnet.round,
            kind,
            caller: management,
            callee: id,
            method: function.to_owned(),
            outcome: outcome(&executed),
            instructions: executed.instructions,
            cycles: 0,
            faulted: blow.faulted,
        });
        self.settle(id, context, executed);
    }
}

fn timer_due(canister: &Canister, time: u64) -> bool {
    canister.timer != 0 && canister.timer <= time && canister.status == Status::Running
}

/// A task is a call nobody waits for.
fn task_context(function: &str) -> CallContext {
    CallContext {
        origin: Origin::Task,
        caller: Principal::management_canister(),
        method: function.to_owned(),
        answered: false,
        cycles: 0,
        outstanding: 0,
        instructions: 0,
        deadline: 0,
        deleted: false,
    }
}
