//! Facts about contract canisters.

use super::{Notification, Reason};
use crate::topic::Service;
use crate::{DeploymentId, Hash};
use candid::Principal;
use serde::{Deserialize, Serialize};

/// An empty canister is about to be created for the pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationIntended {
    /// Cycles that the canister gets.
    pub cycles: u64,
}

/// An empty canister stands in the pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractCreated {
    /// The canister.
    pub contract: Principal,
}

/// A creation failed, or its reply was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationUnresolved {
    /// What is known.
    pub reason: Reason,
}

/// Code is about to be installed into a canister of the pool, for one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallIntended {
    /// The canister.
    pub contract: Principal,
    /// The deployment.
    pub deployment: DeploymentId,
    /// The module to install.
    pub template: Hash,
    /// SHA-256 of the install argument.
    pub args_hash: Hash,
}

/// The code is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractInstalled {
    /// The canister.
    pub contract: Principal,
    /// The deployment.
    pub deployment: DeploymentId,
    /// The module hash that the management canister reports.
    pub module_hash: Hash,
}

/// The code was not installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallFailed {
    /// The canister.
    pub contract: Principal,
    /// The deployment.
    pub deployment: DeploymentId,
    /// Why.
    pub reason: Reason,
}

/// The contract has its final controllers and is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractRegistered {
    /// The contract.
    pub contract: Principal,
    /// The deployment that made it.
    pub deployment: DeploymentId,
    /// Its kind.
    pub service: Service,
    /// Its owner.
    pub owner: Principal,
    /// Its controllers, as set.
    pub controllers: Vec<Principal>,
    /// Its name.
    pub name: String,
    /// Its symbol, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub symbol: Option<String>,
    /// The ledger that it is about, if it is about one; events from before this was said have none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<Principal>,
    /// Whether strangers may see it listed.
    pub public: bool,
    /// The epoch of its callbacks.
    pub epoch: u64,
}

impl ContractRegistered {
    /// Bytes of a name.
    pub const MAX_NAME: usize = 128;
    /// Bytes of a symbol.
    pub const MAX_SYMBOL: usize = 32;
    /// Controllers that a contract can have (the network's limit).
    pub const MAX_CONTROLLERS: usize = 10;

    pub(crate) fn is_bounded(&self) -> bool {
        self.name.len() <= Self::MAX_NAME
            && self.symbol.as_ref().is_none_or(|symbol| symbol.len() <= Self::MAX_SYMBOL)
            && self.controllers.len() <= Self::MAX_CONTROLLERS
    }
}

/// The canister is empty again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractReclaimed {
    /// The canister.
    pub contract: Principal,
    /// The deployment it was meant for.
    pub deployment: DeploymentId,
    /// Why.
    pub reason: Reason,
}

/// A contract told its factory something, in order and for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackAccepted {
    /// The contract.
    pub contract: Principal,
    /// Raised by the factory at install, reinstall and snapshot load.
    pub epoch: u64,
    /// The notification's number within the epoch, from 1.
    pub seq: u64,
    /// The notification.
    pub notification: Notification,
}
