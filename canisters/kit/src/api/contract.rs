//! What every contract says of itself.

use cairn_events::Principal;
use candid::{CandidType, Deserialize, Nat};

/// How far the notifications to the factory are.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
#[allow(non_snake_case, reason = "the platform's public names are in camel case")]
pub struct NotificationStatus {
    /// Who is notified, if anybody.
    pub factory: Option<Principal>,
    /// The epoch in which they are numbered.
    pub epoch: u64,
    /// Changes and facts that are not numbered yet.
    pub pending: u64,
    /// Numbered notifications that are not acknowledged yet.
    pub unacknowledged: u64,
    /// The last number acknowledged.
    pub acknowledgedThrough: u64,
    /// Whether everything is being reported anew.
    pub resynchronising: bool,
    /// Whether a batch is on its way.
    pub inFlight: bool,
    /// Facts that were lost, because too many waited.
    pub lost: u64,
    /// Failures since the last success.
    pub failures: u32,
    /// No attempt before this time, in nanoseconds since 1970.
    pub nextAttemptAt: Option<u64>,
    /// What the last failure was.
    pub lastError: Option<String>,
}

/// How a contract is.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
#[allow(non_snake_case, reason = "the platform's public names are in camel case")]
pub struct ContractHealth {
    /// What is wrong with its state, if anything.
    pub problem: Option<String>,
    /// Whether it has just been upgraded and waits for the factory's confirmation.
    pub quarantined: bool,
    /// The epoch of its notifications.
    pub epoch: u64,
    /// Cycles it holds.
    pub cycles: Nat,
    /// Bytes of its stable memory.
    pub stableBytes: u64,
}

/// Why a quarantine is not ended.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum ConfirmError {
    /// Only the factory may.
    #[error("{caller} is not the factory of this contract")]
    Unauthorized {
        /// Who called.
        caller: Principal,
    },
}
