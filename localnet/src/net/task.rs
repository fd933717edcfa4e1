//! What canisters do on their own: global timer, heartbeat, low-memory hook ("Global timer",
//! "Heartbeat", "On low wasm memory").

use super::deliver::outcome;
use super::{Blow, Net};
use crate::call_context::{CallContext, Origin};
use crate::canister::{Canister, HookStatus, Invocation, Status};
use crate::config::Config;
use crate::entry::Entry;
use crate::fault::{self, Action};
use crate::sandbox::Function;
use crate::trace::{MessageKind, TraceEntry};
use candid::Principal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const TIMER: &str = "canister_global_timer";
const HEARTBEAT: &str = "canister_heartbeat";
const LOW_MEMORY: &str = "canister_on_low_wasm_memory";

/// Which canisters have something to do: a round costs nothing for those that have not.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Agenda {
    /// Set timers of running canisters that export the entry point.
    timers: BTreeSet<(u64, Principal)>,
    /// The same by canister.
    deadlines: BTreeMap<Principal, u64>,
    heartbeats: BTreeSet<Principal>,
    hooks: BTreeSet<Principal>,
}

impl Agenda {
    /// Takes over what a canister wants to do, after anything that may have changed it.
    fn note(&mut self, canister: &Canister) {
        let id = canister.id;
        let running = canister.status == Status::Running;
        let timer = (running && canister.timer != 0 && canister.exports(TIMER)).then_some(canister.timer);
        let noted = self.deadlines.get(&id).copied();
        if timer != noted {
            self.forget_timer(id);
            if let Some(deadline) = timer {
                self.deadlines.insert(id, deadline);
                self.timers.insert((deadline, id));
            }
        }
        set(&mut self.heartbeats, id, running && canister.exports(HEARTBEAT));
        set(&mut self.hooks, id, running && canister.hook == HookStatus::Ready && canister.exports(LOW_MEMORY));
    }

    fn forget_timer(&mut self, id: Principal) {
        if let Some(deadline) = self.deadlines.remove(&id) {
            self.timers.remove(&(deadline, id));
        }
    }

    fn forget(&mut self, id: Principal) {
        self.forget_timer(id);
        self.heartbeats.remove(&id);
        self.hooks.remove(&id);
    }

    pub(super) fn first_timer(&self) -> Option<u64> {
        self.timers.first().map(|(deadline, _)| *deadline)
    }

    pub(super) fn has_heartbeats(&self) -> bool {
        !self.heartbeats.is_empty()
    }

    pub(super) fn has_hooks(&self) -> bool {
        !self.hooks.is_empty()
    }

    /// The timers that are due and all heartbeats, by canister.
    fn due(&self, time: u64) -> BTreeSet<(Principal, MessageKind)> {
        let timers = self.timers.iter().take_while(|(deadline, _)| *deadline <= time);
        let timers = timers.map(|(_, id)| (*id, MessageKind::Timer));
        timers.chain(self.heartbeats.iter().map(|id| (*id, MessageKind::Heartbeat))).collect()
    }
}

fn set(members: &mut BTreeSet<Principal>, id: Principal, is_member: bool) {
    if is_member {
        members.insert(id);
    } else if !members.is_empty() {
        members.remove(&id);
    }
}

impl Net {
    /// To be called after anything that may have changed a canister's code, heap, timer or status.
    pub(crate) fn note_tasks(&mut self, id: Principal) {
        match self.canisters.get_mut(&id) {
            Some(canister) => {
                canister.update_hook();
                self.agenda.note(canister);
            }
            None => self.agenda.forget(id),
        }
    }

    /// Runs the tasks of this round.
    pub(super) fn run_tasks(&mut self) {
        for (id, kind) in self.agenda.due(self.subnet.time) {
            self.run_task(id, kind);
        }
    }

    /// Runs the hooks whose condition has arisen, before any other message.
    pub(super) fn run_low_memory_hooks(&mut self) {
        while let Some(id) = self.agenda.hooks.pop_first() {
            self.run_task(id, MessageKind::LowMemory);
        }
    }

    fn run_task(&mut self, id: Principal, kind: MessageKind) {
        let function = match kind {
            MessageKind::Timer => TIMER,
            MessageKind::Heartbeat => HEARTBEAT,
            _ => LOW_MEMORY,
        };
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
        // A task before this one, in the same round, or a fault may have stopped the canister: the task waits.
        if canister.status != Status::Running {
            return self.note_tasks(id);
        }
        match kind {
            // It is spent also if the execution traps.
            MessageKind::Timer => canister.timer = 0,
            MessageKind::LowMemory => canister.hook = HookStatus::Executed,
            _ => {}
        }
        if let Some(rounds) = delay {
            match kind {
                MessageKind::Timer => canister.timer = time.saturating_add(rounds.saturating_mul(round_nanos)),
                // Nothing else is executed before the hook: it cannot be late.
                MessageKind::LowMemory => canister.hook = HookStatus::Ready,
                _ => {}
            }
            return self.note_tasks(id);
        }
        // Likewise its code may be gone.
        if !canister.exports(function) {
            return self.note_tasks(id);
        }
        let Config { costs, limits, .. } = &*self.subnet.config;
        let limit = limits.update_instructions;
        let Ok(prepaid) = canister.prepay(costs, limit) else {
            return self.note_tasks(id);
        };
        let context = canister.issue();
        canister.contexts.insert(context, task_context(function));
        let invocation = Invocation {
            method: function,
            blow,
            ..Invocation::new(Entry::TASK, Function::Export(function), management, limit)
        };
        let executed = canister.execute(&self.subnet, invocation);
        canister.settle_execution(costs, prepaid, executed.instructions);
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

impl Canister {
    /// Whether the hook is to run: once after the condition has arisen, again only after it was gone
    /// ("Scheduling on low wasm memory hook").
    fn update_hook(&mut self) {
        let used = self.code.as_ref().map_or(0, |code| code.image.heap.bytes() as u64);
        if !self.settings.is_low_on_memory(used) {
            self.hook = HookStatus::ConditionNotSatisfied;
        } else if self.hook == HookStatus::ConditionNotSatisfied {
            self.hook = HookStatus::Ready;
        }
    }
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
