//! What the factory remembers.

use cairn_events::payload::{Notification, Reason};
use cairn_events::{DeploymentId, Hash, Principal, Version};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// What the factory was set up with. Not part of the log: it decides nothing about a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The log.
    #[serde(rename = "a")]
    pub audit: Principal,
    /// Empty canisters to keep in the pool.
    #[serde(rename = "p")]
    pub pool_target: u32,
    /// Cycles that each contract gets.
    #[serde(rename = "c")]
    pub contract_cycles: u64,
    /// Cycles that the factory never goes below.
    #[serde(rename = "r")]
    pub reserve_cycles: u64,
    /// The backend that is obeyed.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none", default)]
    pub backend: Option<Principal>,
    /// Nanoseconds between the second person's word and a template's publication.
    #[serde(rename = "d")]
    pub publish_delay: u64,
}

/// Counters folded from the factory's own events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Events of this factory that the log has accepted.
    #[serde(rename = "e")]
    pub events: u64,
    /// Version of the pool's stream.
    #[serde(rename = "p")]
    pub pool_version: u64,
    /// Whether a creation is intended and without outcome.
    #[serde(rename = "o")]
    pub creating: bool,
    /// Canisters created.
    #[serde(rename = "c")]
    pub created: u64,
    /// Creations of which the outcome is unknown or that failed.
    #[serde(rename = "u")]
    pub unresolved: u64,
    /// Contracts delivered.
    #[serde(rename = "d")]
    pub delivered: u64,
    /// Canisters taken back.
    #[serde(rename = "r")]
    pub reclaimed: u64,
    /// Version of the template that is installed now.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none", default)]
    pub template: Option<Version>,
}

/// What the backend asked for. An input, not folded from events; the arguments are dropped once settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Hash of everything that was asked: the same deployment with something else is refused.
    #[serde(rename = "h")]
    pub hash: Hash,
    /// Who will own the contract.
    #[serde(rename = "o")]
    pub owner: Principal,
    /// The module to install.
    #[serde(rename = "t")]
    pub template: Hash,
    /// Stream version of the dispatch: the arbiter is appended exactly after it.
    #[serde(rename = "v")]
    pub dispatch_version: u64,
    /// Index of the dispatch.
    #[serde(rename = "d")]
    pub dispatched: u64,
    /// The contract's own arguments.
    #[serde(rename = "a")]
    pub args: ByteBuf,
    /// The canister set aside for it. Chosen once, so that a repeated intent is for the same canister.
    #[serde(rename = "c")]
    pub canister: Principal,
}

/// A deployment for which installation was intended: folded from events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Who owns the contract.
    #[serde(rename = "o")]
    pub owner: Principal,
    /// The canister.
    #[serde(rename = "c")]
    pub contract: Principal,
    /// The module to install.
    #[serde(rename = "t")]
    pub template: Hash,
    /// SHA-256 of the install argument.
    #[serde(rename = "a")]
    pub args_hash: Hash,
    /// The epoch of the contract's notifications.
    #[serde(rename = "e")]
    pub epoch: u64,
    /// How far it is.
    #[serde(rename = "p")]
    pub phase: Phase,
}

/// How far a deployment is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Code may or may not be installed.
    #[serde(rename = "i")]
    Intended,
    /// The contract is the owner's; controllers and listing follow.
    #[serde(rename = "c")]
    Committed {
        /// The module's hash, as observed.
        #[serde(rename = "h")]
        module_hash: Hash,
        /// Index of `DeliveryCommitted`.
        #[serde(rename = "x")]
        index: u64,
    },
    /// All done.
    #[serde(rename = "r")]
    Registered {
        /// The module's hash, as observed.
        #[serde(rename = "h")]
        module_hash: Hash,
        /// Index of `DeliveryCommitted`.
        #[serde(rename = "x")]
        index: u64,
    },
    /// Nothing will be delivered; the canister is to be emptied.
    #[serde(rename = "f")]
    Failed {
        /// Why.
        #[serde(rename = "w")]
        reason: Reason,
    },
    /// Nothing was delivered; the canister is back in the pool.
    #[serde(rename = "b")]
    Reclaimed {
        /// Why.
        #[serde(rename = "w")]
        reason: Reason,
    },
}

/// A canister that the factory created: folded from events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canister {
    /// Version of the contract's stream.
    #[serde(rename = "v")]
    pub version: u64,
    /// How often installation was intended: the epoch of the code that is in it.
    #[serde(rename = "e")]
    pub epoch: u64,
    /// The deployment that it is meant for, or delivered by.
    #[serde(rename = "d", skip_serializing_if = "Option::is_none", default)]
    pub deployment: Option<DeploymentId>,
    /// Whether it is delivered: only then its notifications are taken.
    #[serde(rename = "l")]
    pub delivered: bool,
    /// The last notification accepted in this epoch.
    #[serde(rename = "n")]
    pub accepted: u64,
    /// The budget period of that notification.
    #[serde(rename = "w")]
    pub period: u64,
    /// Notifications accepted in that period.
    #[serde(rename = "s")]
    pub spent: u32,
}

/// A notification that was accepted, under its contract and number. A later epoch's takes the place of an earlier one's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The epoch of the contract's code.
    #[serde(rename = "e")]
    pub epoch: u64,
    /// What it said.
    #[serde(rename = "n")]
    pub notification: Notification,
    /// Whether something else came under the number, and the log has it.
    #[serde(rename = "q", default)]
    pub quarantined: bool,
}

impl Phase {
    /// Whether nothing more is to be done.
    pub fn is_settled(&self) -> bool {
        matches!(self, Phase::Registered { .. } | Phase::Reclaimed { .. })
    }
}
