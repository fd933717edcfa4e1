//! Faults and plans of them.

use super::action::{Action, Incident};
use super::message::Message;
use crate::reject::RejectCode;
use crate::trace::MessageKind;
use candid::Principal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is to go wrong in a run.
///
/// ```
/// use localnet::{Fault, Plan, RejectCode};
/// let plan = Plan::from(Fault::reject(RejectCode::SysTransient).method("transfer").occurrence(2));
/// let json = plan.to_string();
/// assert_eq!(json.parse::<Plan>().unwrap(), plan);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The faults; each strikes once, and counts its matches for itself.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// If given, messages that the network may deliver in any order are delivered in one drawn from this seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
}

impl Plan {
    /// A plan in which nothing goes wrong, but the order is drawn from this seed.
    pub fn ordered_by(seed: u64) -> Self {
        Self { faults: Vec::new(), order: Some(seed) }
    }

    /// The plan with one more fault.
    #[must_use]
    pub fn and(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }
}

impl From<Fault> for Plan {
    fn from(fault: Fault) -> Self {
        Self { faults: vec![fault], order: None }
    }
}

/// As JSON.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// From JSON.
impl std::str::FromStr for Plan {
    type Err = serde_json::Error;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(json)
    }
}

/// A fault: which message, and what happens to it. It strikes once.
///
/// The fields that are set must all match; `caller` and `callee` are those of the call, also for its
/// callbacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The canister called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callee: Option<Principal>,
    /// The method called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The user or canister that called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Principal>,
    /// The kind of message; ingress and inter-canister requests if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MessageKind>,
    /// Strikes at the n-th match, counted from 1 since the injection.
    pub occurrence: u64,
    /// What happens.
    pub action: Action,
}

impl Fault {
    /// A fault at the next request that it can happen to; narrow it down with the methods below.
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

    /// Before the next message, this happens.
    pub fn before(incident: Incident) -> Self {
        Self::new(Action::Before(incident))
    }

    /// This, at messages like that one.
    pub fn at(message: &Message, action: Action) -> Self {
        Self::new(action).callee(message.callee).method(&message.method).caller(message.caller).kind(message.kind)
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

    /// Whether it is aimed at such a message, and could happen to it on the network.
    pub fn matches(&self, message: &Message) -> bool {
        let kind = match self.kind {
            Some(kind) => kind == message.kind,
            None => message.is_request(),
        };
        kind && self.action.is_possible_at(message)
            && self.callee.is_none_or(|callee| callee == message.callee)
            && self.caller.is_none_or(|caller| caller == message.caller)
            && self.method.as_deref().is_none_or(|method| method == message.method)
    }
}
