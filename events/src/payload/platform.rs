//! Facts about the log, the platform's canisters and its configuration.

use super::{Account, Bytes32, Reason};
use crate::topic::Service;
use crate::{Amount, Commitment, Hash, Timestamp, WriterRole};
use candid::{CandidType, Principal};
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

/// A person is an admin no more, until a later grant. What they did stays, and so does what they may as an auditor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminRevoked {
    /// Who was one.
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

/// A person may read what is private, as an auditor. A later grant or revocation replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditorGranted {
    /// The auditor.
    pub auditor: Principal,
    /// Up to, but not including, this time of the network.
    pub until: Timestamp,
}

/// A person is no auditor any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditorRevoked {
    /// Who was one.
    pub auditor: Principal,
}

/// Salt and content of an opening were overwritten, in the message that accepted this event. The commitment stays where
/// it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningErased {
    /// The event with the commitment.
    pub index: u64,
    /// The commitment.
    pub commitment: Commitment,
    /// Why.
    pub reason: ErasureReason,
}

/// Why an opening was erased. One of few, not a text: a text would stand in the public log for ever, whatever it told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum ErasureReason {
    /// The person concerned wanted it.
    #[serde(rename = "requested")]
    Requested,
    /// It had been kept as long as it must be.
    #[serde(rename = "retention_ended")]
    RetentionEnded,
    /// A court or an authority ordered it.
    #[serde(rename = "ordered")]
    Ordered,
    /// It should never have been recorded.
    #[serde(rename = "mistake")]
    Mistake,
}

/// An auditor asked the log, and was answered. The digests are salted, and the salt is the auditor's: others learn what
/// kind of question it was, and not whom it was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionAsked {
    /// Salted digest of the question.
    pub question: Hash,
    /// Salted digest of the answer: what it is complete for, and the hashes of its events.
    pub answer: Hash,
    /// What it was about: public topics by name, others by their kind.
    pub scope: String,
    /// How many events the answer has. This and what follows is absent if the question was about a person, whose events
    /// it would point to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub count: Option<u64>,
    /// The index from which on the answer is complete,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub complete_from: Option<u64>,
    /// and the one before which it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub complete_until: Option<u64>,
}

impl QuestionAsked {
    /// Bytes of the scope.
    pub const MAX_SCOPE: usize = 400;
}

/// What the network said of the audit canister when the source last looked: the first time, and whenever it was not the
/// same any more. Whoever controls that canister, or changes its code, could replace the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCanisterChanged {
    /// Its controllers, in their order.
    pub controllers: Vec<Principal>,
    /// Hash of its module, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub module_hash: Option<Hash>,
    /// How often it was changed since it was created: controllers, code, state by snapshots.
    pub changes: u64,
}

impl AuditCanisterChanged {
    /// The most controllers that the network allows.
    pub const MAX_CONTROLLERS: usize = 10;
}

/// The source had raised the fork alarm: the log was not the one that it knew. Now it is, and an admin has ended the alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkAlarmAcknowledged {
    /// What had raised it.
    pub reason: Reason,
    /// Index of the last event that the source knew, and found again.
    pub index: u64,
    /// The hash of that event.
    pub hash: Hash,
}
