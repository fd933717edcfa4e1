//! The Candid types between token and factory.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

/// Something the factory should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Notification {
    /// The token is installed and serving. Always number 1 of an epoch.
    #[serde(rename = "deployment_complete")]
    DeploymentComplete,
    /// The principal holds tokens.
    #[serde(rename = "holder_added")]
    HolderAdded(Principal),
    /// The principal holds none any more.
    #[serde(rename = "holder_removed")]
    HolderRemoved(Principal),
}

/// A notification with its place in the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Numbered {
    /// From 1, without gaps.
    pub sequence: u64,
    /// What happened.
    pub notification: Notification,
}

/// The factory's answer to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Accepted {
    /// Everything up to this number is accepted.
    pub accepted_through: u64,
}

/// Why the factory does not accept a batch.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum CallbackError {
    /// It did not deploy the caller, or does not know yet that it did.
    NotDeployedHere,
    /// The contract named is not the caller.
    ContractMismatch,
    /// The batch is empty or too long.
    BatchSize {
        /// What came.
        found: u64,
        /// What may come.
        max: u64,
    },
    /// The factory has installed the token in another epoch.
    OtherEpoch {
        /// Which.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// A number is missing before the batch.
    Gap {
        /// The next number it would accept.
        expected: u64,
    },
    /// A number was accepted before, with other content.
    Conflict {
        /// Which.
        sequence: u64,
    },
    /// The contract has used up its share.
    BudgetExhausted {
        /// When to try again, in nanoseconds since 1970.
        retry_at: Option<u64>,
    },
    /// It cannot record anything now.
    TemporarilyUnavailable {
        /// Why.
        message: String,
    },
}

/// What `notifyBatch` returns.
pub type NotifyReply = Result<Accepted, CallbackError>;

/// How far the notifications are.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
#[allow(non_snake_case, reason = "the platform's public names are in camel case")]
pub struct NotificationStatus {
    /// Who is notified, if anybody.
    pub factory: Option<Principal>,
    /// The epoch in which they are numbered.
    pub epoch: u64,
    /// Holders whose change is not numbered yet.
    pub pending: u64,
    /// Numbered notifications that are not acknowledged yet.
    pub unacknowledged: u64,
    /// The last number acknowledged.
    pub acknowledgedThrough: u64,
    /// Whether the state of all holders is being reported anew.
    pub resynchronising: bool,
    /// Whether a batch is on its way.
    pub inFlight: bool,
    /// Failures since the last success.
    pub failures: u32,
    /// No attempt before this time, in nanoseconds since 1970.
    pub nextAttemptAt: Option<u64>,
    /// What the last failure was.
    pub lastError: Option<String>,
}
