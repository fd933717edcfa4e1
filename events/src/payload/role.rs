//! What is thought of what contracts tell: by their factory, and by those whom they name.

use super::Role;
use crate::Hash;
use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

/// A contract used a number again, for something else. What was accepted stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackQuarantined {
    /// The contract.
    pub contract: Principal,
    /// The epoch of its notifications.
    pub epoch: u64,
    /// The number.
    pub seq: u64,
    /// The hash (ICRC-3) of the content of the [`super::CallbackAccepted`] that stands under the number.
    pub accepted: Hash,
    /// The hash of the content that what came later would have had.
    pub found: Hash,
}

/// A contract runs other code, or has other controllers, than its factory had seen before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractObserved {
    /// The contract.
    pub contract: Principal,
    /// The hash of its module; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub module_hash: Option<Hash>,
    /// Its controllers, sorted.
    pub controllers: Vec<Principal>,
    /// Whether the module is a template that its factory has published, and the controllers are those of its kind. What
    /// a contract tells while that is not so is its claim alone.
    pub known: bool,
}

impl ContractObserved {
    /// Controllers that a contract can have (the network's limit).
    pub const MAX_CONTROLLERS: usize = 10;
}

/// What a person says of a role that a contract gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub enum RoleAnswer {
    /// They have it.
    #[serde(rename = "accepted")]
    Accepted,
    /// Strangers are not to see them with it.
    #[serde(rename = "hidden")]
    Hidden,
    /// Strangers may see them with it again.
    #[serde(rename = "shown")]
    Shown,
}

impl RoleAnswer {
    /// Every answer.
    pub const ALL: [RoleAnswer; 3] = [RoleAnswer::Accepted, RoleAnswer::Hidden, RoleAnswer::Shown];
}

/// A person, the actor, said what is to be thought of a role of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAnswered {
    /// The contract.
    pub contract: Principal,
    /// The role.
    pub role: Role,
    /// The answer.
    pub answer: RoleAnswer,
}
