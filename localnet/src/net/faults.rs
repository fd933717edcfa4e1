//! Faults strike: before a message is delivered, and in its execution.

use super::deliver::request_kind;
use super::install::Saved;
use super::{Answer, Message, Net, Queued, Request};
use crate::call_context::Origin;
use crate::canister::Status;
use crate::fault::{self, Action, Fault, Held, Incident, Injector, Observed, Plan};
use crate::reject::{Reject, RejectCode};
use crate::trace::{MessageKind, Outcome};
use candid::Principal;
use ic_management_canister_types::CanisterIdRecord;
use std::sync::Arc;

/// The faults of this network.
pub(super) type Faults = Injector<Queued, Saved>;

/// What a fault does to an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blow {
    /// Whether a fault struck at all.
    pub(crate) faulted: bool,
    /// Roll back at the end.
    pub(crate) trap: bool,
    /// The call whose `ic0.call_perform` finds the queue full, counted from 1.
    pub(crate) refused_call: Option<u64>,
}

impl Net {
    /// Makes what the plan holds go wrong, from now on.
    pub fn apply(&mut self, plan: &Plan) {
        self.faults.add_plan(plan);
        self.save_for_faults();
    }

    /// Keeps the present states of those canisters that a fault sets back to them.
    pub(super) fn save_for_faults(&mut self) {
        for id in self.faults.to_be_saved() {
            if let Some(canister) = self.canisters.get(&id) {
                self.faults.snapshots.insert(id, canister.save());
            }
        }
    }

    /// Adds a fault to the plan; it strikes once.
    pub fn inject(&mut self, fault: Fault) {
        self.apply(&Plan::from(fault));
    }

    /// Faults that have not struck yet.
    pub fn pending_faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.pending()
    }

    /// Faults that have struck.
    pub fn struck_faults(&self) -> &[Fault] {
        self.faults.struck()
    }

    /// The faults end: what has not struck is dropped, and what lasts is lifted. Canisters that were stopped are
    /// started, cycles come back, memory is to be had, silent callees go on.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
        for (_, id) in std::mem::take(&mut self.faults.stopped) {
            self.ask_controller_to(id, "start_canister");
        }
        for (id, cycles) in std::mem::take(&mut self.faults.drained) {
            if let Some(canister) = self.canisters.get_mut(&id) {
                canister.cycles = canister.cycles.saturating_add(cycles);
            }
        }
        let refused = self.canisters.values().filter(|canister| canister.growth_refused > 0);
        for id in refused.map(|canister| canister.id).collect::<Vec<_>>() {
            if let Some(canister) = self.canisters.get_mut(&id) {
                canister.growth_refused = 0;
            }
        }
        for held in std::mem::take(&mut self.faults.held) {
            self.schedule.resend(held.message);
        }
    }

    /// Notes from now on every message that is about to be delivered: what faults can be aimed at.
    pub fn observe(&mut self) {
        self.faults.observe();
    }

    /// What was noted since [`Net::observe`].
    pub fn observed(&self) -> &[Observed] {
        self.faults.observed()
    }

    /// What faults bring about by the clock: canisters are started again, callers of silent callees give up.
    pub(super) fn resume_after_faults(&mut self) {
        let (round, now) = (self.subnet.round, self.subnet.time);
        let due: Vec<Principal> =
            self.faults.stopped.extract_if(.., |(at, _)| at.is_some_and(|at| at <= round)).map(|(_, id)| id).collect();
        due.into_iter().for_each(|id| self.ask_controller_to(id, "start_canister"));
        let given_up: Vec<Held<Queued>> =
            self.faults.held.extract_if(.., |held| held.deadline != 0 && held.deadline <= now).collect();
        for held in given_up {
            let reject = unknown();
            match held.message.message {
                Message::Request(request) => self.reject_request(request, reject, true),
                Message::Answer(mut answer) => {
                    answer.response = Err(reject);
                    self.deliver_answer(answer, Blow { faulted: true, ..Blow::default() });
                }
            }
        }
    }

    /// Lets faults strike at a message that is about to be delivered; what is left of it is delivered.
    pub(super) fn deliver(&mut self, mut queued: Queued) {
        let action = if queued.examined { None } else { self.strike(&queued.message) };
        queued.examined = true;
        let mut blow = Blow { faulted: action.is_some(), ..Blow::default() };
        match (action, queued.message) {
            (Some(Action::Delay(rounds)), message) => {
                let until = self.subnet.round.saturating_add(rounds);
                return self.schedule.hold(Queued { message, ..queued }, until);
            }
            (Some(Action::Silence), message) => {
                let deadline = self.deadline_of(&message);
                return self.faults.held.push(Held { deadline, message: Queued { message, ..queued } });
            }
            (Some(Action::Reject(code, text)), Message::Request(request)) => {
                return self.reject_request(request, Reject::new(code, text), true);
            }
            (Some(Action::LateExecution(rounds)), Message::Request(request)) => {
                return self.execute_late(request, rounds);
            }
            (Some(Action::Answer(answer)), Message::Request(request)) => {
                return self.answer_instead(request, answer.response());
            }
            (Some(Action::Reject(code, text)), Message::Answer(answer)) => {
                return self.deliver_answer(Answer { response: Err(Reject::new(code, text)), ..answer }, blow);
            }
            (Some(Action::Answer(made_up)), Message::Answer(answer)) => {
                return self.deliver_answer(Answer { response: made_up.response(), ..answer }, blow);
            }
            (action, message) => {
                self.weigh_down(self.executed_by(&message), action, &mut blow);
                queued.message = message;
            }
        }
        match queued.message {
            Message::Request(request) => {
                if self.subnet.config.delivers_requests_twice() {
                    self.deliver_request(request.clone(), blow);
                }
                self.deliver_request(request, blow);
            }
            Message::Answer(answer) => self.deliver_answer(answer, blow),
        }
    }

    /// What happens in the execution by `canister` that follows, or just before it.
    pub(super) fn weigh_down(&mut self, canister: Principal, action: Option<Action>, blow: &mut Blow) {
        match action {
            Some(Action::Trap) => blow.trap = true,
            Some(Action::RefuseCall(number)) => blow.refused_call = Some(number),
            Some(Action::RefuseGrowth(executions)) => {
                if let Some(canister) = self.canisters.get_mut(&canister) {
                    canister.growth_refused = executions;
                }
            }
            Some(Action::Before(incident)) => self.befall(&incident),
            _ => {}
        }
    }

    /// The caller is told that the outcome is unknown, and the callee executes for nobody.
    fn execute_late(&mut self, request: Request, rounds: u64) {
        let late = Request { origin: Origin::Task, ..request.clone() };
        let until = self.subnet.round.saturating_add(rounds);
        self.schedule.send_late(Message::Request(late), until);
        // The cycles went with the request.
        self.reject_request(Request { cycles: 0, ..request }, unknown(), true);
    }

    /// The callee answers without having executed anything.
    fn answer_instead(&mut self, request: Request, response: crate::execution::Response) {
        let outcome = match &response {
            Ok(_) => Outcome::Replied,
            Err(reject) => Outcome::Rejected(reject.clone()),
        };
        self.record_unexecuted(&request, outcome, true);
        self.respond(request.origin, response, request.cycles);
    }

    fn befall(&mut self, incident: &Incident) {
        match incident {
            Incident::Stop { canister, rounds } => {
                if self.canisters.get(canister).is_some_and(|canister| canister.status == Status::Running) {
                    self.ask_controller_to(*canister, "stop_canister");
                    let again = rounds.map(|rounds| self.subnet.round.saturating_add(rounds));
                    self.faults.stopped.push((again, *canister));
                }
            }
            Incident::Upgrade { canister, arg } => self.install_again(*canister, true, arg),
            Incident::Reinstall { canister, arg } => self.install_again(*canister, false, arg),
            Incident::LoadSnapshot { canister: id } => {
                let saved = self.faults.snapshots.get(id).cloned();
                if let (Some(canister), Some(saved)) = (self.canisters.get_mut(id), saved) {
                    let version = canister.version + 1;
                    canister.put_back(saved);
                    canister.version = version;
                }
                self.note_tasks(*id);
            }
            Incident::DrainCycles { canister: id } => {
                let costs = &self.subnet.config.costs;
                if let Some(canister) = self.canisters.get_mut(id) {
                    let taken = canister.liquid(costs);
                    canister.cycles -= taken;
                    *self.faults.drained.entry(*id).or_default() += taken;
                }
            }
            Incident::Clock(duration) => self.advance(*duration),
        }
    }

    /// Has a controller of the canister start or stop it; a canister without controllers stays as it is.
    fn ask_controller_to(&mut self, canister_id: Principal, method: &str) {
        let controller = self.canisters.get(&canister_id).and_then(|canister| canister.controllers.first().copied());
        if let (Some(controller), Ok(arg)) = (controller, candid::encode_one(CanisterIdRecord { canister_id })) {
            self.manage_at_once(controller, method, &arg);
        }
    }

    fn strike(&mut self, message: &Message) -> Option<Action> {
        if self.faults.is_idle() {
            return None;
        }
        let (seen, payload) = self.seen(message)?;
        self.examine(seen, payload)
    }

    /// Notes the message, and tells what happens to it.
    pub(super) fn examine(&mut self, message: fault::Message, payload: Arc<[u8]>) -> Option<Action> {
        let time = self.subnet.time;
        let action = self.faults.strike(&message);
        self.faults.note(|| Observed { message, time, payload });
        action
    }

    /// The message as faults see it.
    fn seen(&self, message: &Message) -> Option<(fault::Message, Arc<[u8]>)> {
        match message {
            Message::Request(request) => Some((
                fault::Message {
                    kind: request_kind(&request.origin),
                    caller: request.caller,
                    callee: request.callee,
                    method: request.method.clone(),
                    bounded_wait: request.deadline > 0,
                },
                Arc::clone(&request.arg),
            )),
            Message::Answer(answer) => {
                let callback = self.canisters.get(&answer.to)?.callbacks.get(&answer.callback)?;
                let (kind, payload): (_, Arc<[u8]>) = match &answer.response {
                    Ok(reply) => (MessageKind::ReplyCallback, reply.clone().into()),
                    Err(_) => (MessageKind::RejectCallback, Arc::default()),
                };
                let seen = fault::Message {
                    kind,
                    caller: answer.to,
                    callee: callback.call.callee,
                    method: callback.call.method.clone(),
                    bounded_wait: callback.deadline > 0,
                };
                Some((seen, payload))
            }
        }
    }

    fn executed_by(&self, message: &Message) -> Principal {
        match message {
            Message::Request(request) => request.callee,
            Message::Answer(answer) => answer.to,
        }
    }

    /// When the caller gives up; 0 if it waits for good.
    fn deadline_of(&self, message: &Message) -> u64 {
        match message {
            Message::Request(request) => request.deadline,
            Message::Answer(answer) => {
                let canister = self.canisters.get(&answer.to);
                canister.and_then(|canister| canister.callbacks.get(&answer.callback)).map_or(0, |c| c.deadline)
            }
        }
    }
}

fn unknown() -> Reject {
    Reject::new(RejectCode::SysUnknown, "the deadline of a bounded-wait call has passed")
}

impl fault::Answer {
    fn response(self) -> crate::execution::Response {
        match self {
            Self::Reply(bytes) => Ok(bytes),
            Self::Oversized(bytes) => Ok(vec![0; bytes]),
            Self::Reject(text) => Err(Reject::new(RejectCode::CanisterReject, text)),
        }
    }
}
