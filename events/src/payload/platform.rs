//! Facts about the log, the platform's canisters and its configuration.

use super::{Account, Bytes32, Reason};
use crate::topic::Service;
use crate::{Amount, Hash, WriterRole};
use candid::Principal;
use serde::{Deserialize, Serialize};

/// The log began: event 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// The audit canister.
    pub canister: Principal,
    /// Who installed it.
    pub installer: Principal,
    /// The one canister that may ever write money kinds.
    pub money_writer: Principal,
    /// Randomness of the network: with `canister` it gives the log id.
    pub seed: Bytes32,
}

/// A canister may write the kinds of `role` from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriterRegistered {
    /// The canister.
    pub writer: Principal,
    /// What it is to the platform.
    pub role: WriterRole,
}

/// The source of the event runs new code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanisterUpgraded {
    /// Hash of the module, if the canister could observe it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub module_hash: Option<Hash>,
    /// Instructions that the upgrade hook took.
    pub instructions: u64,
}

/// A person became an admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminGranted {
    /// The new admin.
    pub admin: Principal,
}

/// A service was switched on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConfigured {
    /// The service.
    pub service: Service,
    /// The factory that delivers it.
    pub factory: Principal,
    /// Whether requests are taken.
    pub enabled: bool,
}

/// The price of a service was set. It holds for deployments quoted afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeConfigured {
    /// The service.
    pub service: Service,
    /// The ICRC-2 ledger of the fee token.
    pub ledger: Principal,
    /// The price, in the token's smallest unit.
    pub price: Amount,
    /// The ledger's transfer fee, as observed.
    pub ledger_fee: Amount,
    /// Where delivered prices go.
    pub treasury: Account,
}

/// Maintenance began or ended: during it no new deployments are taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceConfigured {
    /// Whether maintenance is on.
    pub maintenance: bool,
}

/// A factory got a template to install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplatePublished {
    /// The service that the template serves.
    pub service: Service,
    /// The version's name.
    pub version: String,
    /// SHA-256 of the module, computed by the factory.
    pub module_hash: Hash,
    /// Bytes of the module.
    pub size: u64,
}

impl TemplatePublished {
    /// Bytes of a version's name.
    pub const MAX_VERSION: usize = 32;
}

/// A projection was rebuilt from the log and compared with the one that served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectionRebuilt {
    /// The projection's name.
    pub projection: String,
    /// The version of its logic.
    pub version: u32,
    /// Index of the last event both had applied.
    pub checkpoint: u64,
    /// Hash of that event.
    pub checkpoint_hash: Hash,
    /// Digest of the tables that served.
    pub served: Hash,
    /// Digest of the tables that were rebuilt.
    pub rebuilt: Hash,
    /// Whether the two are the same.
    pub equal: bool,
}

impl ProjectionRebuilt {
    /// Bytes of a projection's name.
    pub const MAX_NAME: usize = 32;
}

/// Something was refused to the holder of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The method that was called.
    pub method: String,
    /// Why it was refused.
    pub reason: Reason,
}

impl Refused {
    /// Bytes of a method's name.
    pub const MAX_METHOD: usize = 64;
}
