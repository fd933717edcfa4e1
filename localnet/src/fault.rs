//! Faults that tests inject: what may go wrong with a message on the network, at a message of choice.

use crate::reject::RejectCode;
use crate::trace::MessageKind;
use candid::Principal;
use serde::{Deserialize, Serialize};

/// A fault: which message, and what happens to it. It strikes once.
///
/// The fields that are set must all match; `caller` and `callee` are those of the call, also for its
/// callbacks. A plan is a list of faults: each counts its own matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The canister called.
    pub callee: Option<Principal>,
    /// The method called.
    pub method: Option<String>,
    /// The user or canister that called.
    pub caller: Option<Principal>,
    /// The kind of message; ingress and inter-canister requests if none is given.
    pub kind: Option<MessageKind>,
    /// Strikes at the n-th match, counted from 1 since the injection.
    pub occurrence: u64,
    /// What happens.
    pub action: Action,
}

/// What happens to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A request is not delivered but rejected; its cycles are refunded. Only where the network can
    /// do so: a response is never turned into a rejection, except that the reply to a bounded-wait call
    /// may become unknown (`SysUnknown`) after the callee has worked.
    Reject(RejectCode, String),
    /// The message is executed and then rolled back as if it had trapped at its very end. At a
    /// request this is the callee's trap; at a callback the caller's, whose cleanup then runs.
    Trap,
    /// The message is delivered so many rounds later.
    Delay(u64),
}

impl Fault {
    /// A fault at the next message of any kind that matches nothing in particular; narrow it down
    /// with the methods below.
    pub fn new(action: Action) -> Self {
        Self { callee: None, method: None, caller: None, kind: None, occurrence: 1, action }
    }

    /// The next message is rejected.
    pub fn reject(code: RejectCode) -> Self {
        Self::new(Action::Reject(code, "injected fault".to_owned()))
    }

    /// The next message traps.
    pub fn trap() -> Self {
        Self::new(Action::Trap)
    }

    /// The next message arrives so many rounds later.
    pub fn delay(rounds: u64) -> Self {
        Self::new(Action::Delay(rounds))
    }

    /// Only calls of this canister.
    #[must_use]
    pub fn callee(mut self, callee: Principal) -> Self {
        self.callee = Some(callee);
        self
    }

    /// Only calls of this method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only calls by this user or canister.
    #[must_use]
    pub fn caller(mut self, caller: Principal) -> Self {
        self.caller = Some(caller);
        self
    }

    /// Only messages of this kind.
    #[must_use]
    pub fn kind(mut self, kind: MessageKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// At the n-th match instead of the first.
    #[must_use]
    pub fn occurrence(mut self, occurrence: u64) -> Self {
        self.occurrence = occurrence;
        self
    }
}

/// A message as faults see it.
pub(crate) struct Candidate<'a> {
    pub(crate) kind: MessageKind,
    pub(crate) caller: Principal,
    pub(crate) callee: Principal,
    pub(crate) method: &'a str,
    /// Whether the caller waits for a bounded time only.
    pub(crate) best_effort: bool,
}

/// The faults that have not struck yet, with their counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pending: Vec<(Fault, u64)>,
    pub(crate) struck: Vec<Fault>,
}

impl Plan {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.pending.push((fault, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.pending.clear();
    }

    /// The faults that have not struck.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &Fault> {
        self.pending.iter().map(|(fault, _)| fault)
    }

    /// What happens to this message, if anything.
    pub(crate) fn strike(&mut self, message: &Candidate<'_>) -> Option<Action> {
        let mut hit = None;
        for (index, (fault, count)) in self.pending.iter_mut().enumerate() {
            if !fault.matches(message) {
                continue;
            }
            *count += 1;
            if *count >= fault.occurrence && hit.is_none() {
                hit = Some(index);
            }
        }
        let (fault, _) = self.pending.remove(hit?);
        let action = fault.action.clone();
        self.struck.push(fault);
        Some(action)
    }
}

impl Fault {
    fn matches(&self, message: &Candidate<'_>) -> bool {
        let kind = match self.kind {
            Some(kind) => kind == message.kind,
            None => matches!(message.kind, MessageKind::Ingress | MessageKind::Request),
        };
        kind && self.permitted(message)
            && self.callee.is_none_or(|callee| callee == message.callee)
            && self.caller.is_none_or(|caller| caller == message.caller)
            && self.method.as_deref().is_none_or(|method| method == message.method)
    }

    /// Whether the network could do this to such a message.
    fn permitted(&self, message: &Candidate<'_>) -> bool {
        match (&self.action, message.kind) {
            (Action::Reject(..), MessageKind::Ingress | MessageKind::Request) => true,
            (Action::Reject(code, _), MessageKind::ReplyCallback) => {
                *code == RejectCode::SysUnknown && message.best_effort
            }
            (Action::Reject(..), _) => false,
            (Action::Trap | Action::Delay(_), _) => true,
        }
    }
}
