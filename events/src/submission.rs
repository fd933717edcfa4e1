//! What a writer asks the audit canister to accept.

use crate::{Event, Hash, Opening, Payload, Principal};

/// The stream version that a writer insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, candid::CandidType, serde::Serialize, serde::Deserialize)]
pub enum Expected {
    /// Whatever it is: for outcomes, which must never be lost.
    #[serde(rename = "any")]
    Any,
    /// Exactly this many events so far: for intents and arbiters.
    #[serde(rename = "exact")]
    Exact(u64),
}

/// An event before it is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The stream version insisted on.
    pub expected: Expected,
    /// On whose behalf.
    pub actor: Principal,
    /// The business process; for events of a deployment, its id.
    pub correlation: Option<Hash>,
    /// Index of the event that caused this one.
    pub causation: Option<u64>,
    /// What happened.
    pub payload: Payload,
    /// Openings of the commitments in the payload.
    pub openings: Vec<Opening>,
}

impl Submission {
    /// A fact by `actor`, at any stream version, correlated with its deployment if it has one.
    pub fn new(actor: Principal, payload: Payload) -> Self {
        Submission {
            expected: Expected::Any,
            actor,
            correlation: payload.deployment().map(|deployment| deployment.0),
            causation: None,
            payload,
            openings: Vec::new(),
        }
    }

    /// Insists on the stream having exactly `version` events so far.
    #[must_use]
    pub fn exactly(mut self, version: u64) -> Self {
        self.expected = Expected::Exact(version);
        self
    }

    /// Names the causing event.
    #[must_use]
    pub fn caused_by(mut self, index: u64) -> Self {
        self.causation = Some(index);
        self
    }

    /// Adds the opening of a commitment in the payload.
    #[must_use]
    pub fn opened_by(mut self, opening: Opening) -> Self {
        self.openings.push(opening);
        self
    }

    /// Whether `event` is what this became.
    pub fn is_content_of(&self, event: &Event) -> bool {
        self.actor == event.actor
            && self.correlation == event.correlation
            && self.causation == event.causation
            && self.payload == event.payload
    }
}
