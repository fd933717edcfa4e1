//! What happened: one type per kind of event, named as a fact in the past tense.
//!
//! Field names are the wire names, in CBOR and in the hashed form alike; golden vectors pin them for ever. New fields
//! are optional, a new meaning is a new kind.

mod archive;
mod contract;
mod deployment;
mod notification;
mod platform;
mod role;
mod template;
mod upgrade;

pub use archive::*;
pub use contract::*;
pub use deployment::*;
pub use notification::*;
pub use platform::*;
pub use role::*;
pub use template::*;
pub use upgrade::*;

use crate::topic::Service;
use crate::value::{Form, UnsupportedValue, to_form};
use crate::{Commitment, DeploymentId, Hash, Kind, Stream};
use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

/// An ICRC-1 account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub struct Account {
    /// Whose account.
    pub owner: Principal,
    /// Which of the owner's accounts; absent for the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subaccount: Option<Subaccount>,
}

/// 32 bytes that tell an owner's accounts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
#[serde(transparent)]
pub struct Subaccount(#[serde(with = "serde_bytes")] pub [u8; 32]);

/// Why something did not happen, in a form that can always be recorded: bounded, whatever the callee said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Reason {
    /// A short stable code.
    pub code: String,
    /// The beginning of the message, at most 64 bytes.
    pub detail: String,
    /// The SHA-256 of the whole message.
    pub digest: Hash,
}

impl Reason {
    /// Bytes of code and detail that are kept.
    pub const MAX_CODE: usize = 32;
    /// Bytes of the message that are kept.
    pub const MAX_DETAIL: usize = 64;

    /// The reason `code`, with whatever `message` came along.
    pub fn new(code: &str, message: &str) -> Self {
        Reason {
            code: prefix(code, Self::MAX_CODE).to_owned(),
            detail: prefix(message, Self::MAX_DETAIL).to_owned(),
            digest: Hash::of(&[message.as_bytes()]),
        }
    }

    fn is_bounded(&self) -> bool {
        self.code.len() <= Self::MAX_CODE && self.detail.len() <= Self::MAX_DETAIL
    }
}

/// The longest prefix of `text` of at most `max` bytes.
fn prefix(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

/// 32 bytes chosen by the writer, such as a memo.
pub type Bytes32 = ByteArray<32>;

macro_rules! payloads {
    ($($kind:ident($type:ty) $name:literal,)*) => {
        /// The content of an event.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Payload {
            $(
                #[doc = concat!("See [`Kind::", stringify!($kind), "`].")]
                #[serde(rename = $name)]
                $kind($type),
            )*
        }

        impl Payload {
            /// The kind of the event.
            pub fn kind(&self) -> Kind {
                match self { $(Payload::$kind(_) => Kind::$kind,)* }
            }

            /// The fields of the event, in one form or the other, without the kind around them.
            pub(crate) fn content_form<F: Form>(&self) -> Result<F, UnsupportedValue> {
                match self { $(Payload::$kind(content) => to_form(content),)* }
            }
        }
    };
}

payloads! {
    Genesis(Genesis) "genesis",
    WriterRegistered(WriterRegistered) "writer_registered",
    CanisterUpgraded(CanisterUpgraded) "canister_upgraded",
    AdminGranted(AdminGranted) "admin_granted",
    ServiceConfigured(ServiceConfigured) "service_configured",
    FeeConfigured(FeeConfigured) "fee_configured",
    MaintenanceConfigured(MaintenanceConfigured) "maintenance_configured",
    TemplatePublished(TemplatePublished) "template_published",
    ProjectionRebuilt(ProjectionRebuilt) "projection_rebuilt",
    Refused(Refused) "refused",
    DeploymentRequested(DeploymentRequested) "deployment_requested",
    DeploymentDispatched(DeploymentDispatched) "deployment_dispatched",
    DeliveryCommitted(DeliveryCommitted) "delivery_committed",
    DeploymentAbandoned(DeploymentAbandoned) "deployment_abandoned",
    DeploymentQuarantined(DeploymentQuarantined) "deployment_quarantined",
    PaymentIntended(TransferIntended) "payment_intended",
    PaymentCaptured(TransferSettled) "payment_captured",
    PaymentFailed(TransferFailed) "payment_failed",
    RefundIntended(TransferIntended) "refund_intended",
    RefundPaid(TransferSettled) "refund_paid",
    RefundFailed(TransferFailed) "refund_failed",
    ReleaseIntended(TransferIntended) "release_intended",
    EscrowReleased(TransferSettled) "escrow_released",
    ReleaseFailed(TransferFailed) "release_failed",
    CreationIntended(CreationIntended) "contract_creation_intended",
    ContractCreated(ContractCreated) "contract_created",
    CreationUnresolved(CreationUnresolved) "contract_creation_unresolved",
    InstallIntended(InstallIntended) "contract_install_intended",
    ContractInstalled(ContractInstalled) "contract_installed",
    InstallFailed(InstallFailed) "contract_install_failed",
    ContractRegistered(ContractRegistered) "contract_registered",
    ContractReclaimed(ContractReclaimed) "contract_reclaimed",
    CallbackAccepted(CallbackAccepted) "callback_accepted",
    AuditorGranted(AuditorGranted) "auditor_granted",
    AuditorRevoked(AuditorRevoked) "auditor_revoked",
    OpeningErased(OpeningErased) "opening_erased",
    QuestionAsked(QuestionAsked) "question_asked",
    AuditCanisterChanged(AuditCanisterChanged) "audit_canister_changed",
    ForkAlarmAcknowledged(ForkAlarmAcknowledged) "fork_alarm_acknowledged",
    ArchivingConfigured(ArchivingConfigured) "archiving_configured",
    ArchiveIntended(ArchiveIntended) "archive_intended",
    ArchiveCreated(ArchiveCreated) "archive_created",
    ArchiveUnresolved(ArchiveUnresolved) "archive_unresolved",
    RangeMoved(RangeMoved) "range_moved",
    TemplateProposed(TemplateProposed) "template_proposed",
    TemplateConfirmed(TemplateConfirmed) "template_confirmed",
    TemplateWithdrawn(TemplateWithdrawn) "template_withdrawn",
    FactoryAdminGranted(FactoryAdminGranted) "factory_admin_granted",
    UpgradeRequested(UpgradeRequested) "upgrade_requested",
    UpgradeIntended(UpgradeIntended) "upgrade_intended",
    SnapshotTaken(SnapshotTaken) "upgrade_snapshot_taken",
    UpgradeInstalled(UpgradeInstalled) "upgrade_installed",
    UpgradeConfirmed(UpgradeConfirmed) "upgrade_confirmed",
    RollbackIntended(RollbackIntended) "upgrade_rollback_intended",
    UpgradeRolledBack(UpgradeRolledBack) "upgrade_rolled_back",
    UpgradeAbandoned(UpgradeAbandoned) "upgrade_abandoned",
    UpgradeSettled(UpgradeSettled) "upgrade_settled",
    ControlReleased(ControlReleased) "control_released",
    AutoUpdateSet(AutoUpdateSet) "auto_update_set",
    RolloutStarted(RolloutStarted) "rollout_started",
    RolloutChanged(RolloutChanged) "rollout_changed",
    TopUpIntended(TopUpIntended) "top_up_intended",
    ContractToppedUp(ContractToppedUp) "contract_topped_up",
    TopUpUnresolved(TopUpUnresolved) "top_up_unresolved",
    CyclesLow(CyclesLow) "cycles_low",
    CyclesRestored(CyclesRestored) "cycles_restored",
    CallbackQuarantined(CallbackQuarantined) "callback_quarantined",
    ContractObserved(ContractObserved) "contract_observed",
    RoleAnswered(RoleAnswered) "role_answered",
    ForceProposed(ForceProposed) "upgrade_force_proposed",
    FactoryAdminRevoked(FactoryAdminRevoked) "factory_admin_revoked",
    AdminRevoked(AdminRevoked) "admin_revoked",
}

use Payload as P;

impl Payload {
    /// The stream the event belongs to, if `source` writes it.
    pub fn stream(&self, source: Principal) -> Stream {
        match self {
            P::Genesis(_) | P::WriterRegistered(_) => Stream::Log,
            P::AdminGranted(_)
            | P::AdminRevoked(_)
            | P::ServiceConfigured(_)
            | P::FeeConfigured(_)
            | P::MaintenanceConfigured(_)
            | P::AuditorGranted(_)
            | P::AuditorRevoked(_)
            | P::OpeningErased(_)
            | P::AuditCanisterChanged(_) => Stream::Platform,
            P::CanisterUpgraded(_)
            | P::TemplatePublished(_)
            | P::TemplateProposed(_)
            | P::TemplateConfirmed(_)
            | P::TemplateWithdrawn(_)
            | P::FactoryAdminGranted(_)
            | P::FactoryAdminRevoked(_)
            | P::ProjectionRebuilt(_)
            | P::Refused(_)
            | P::QuestionAsked(_)
            | P::ForkAlarmAcknowledged(_)
            | P::ArchivingConfigured(_)
            | P::ArchiveIntended(_)
            | P::ArchiveCreated(_)
            | P::ArchiveUnresolved(_)
            | P::RangeMoved(_)
            | P::RolloutStarted(_)
            | P::RolloutChanged(_)
            | P::CyclesLow(_)
            | P::CyclesRestored(_) => Stream::Canister(source),
            P::CreationIntended(_) | P::ContractCreated(_) | P::CreationUnresolved(_) => Stream::Pool(source),
            P::InstallIntended(InstallIntended { contract, .. })
            | P::ContractInstalled(ContractInstalled { contract, .. })
            | P::InstallFailed(InstallFailed { contract, .. })
            | P::ContractRegistered(ContractRegistered { contract, .. })
            | P::ContractReclaimed(ContractReclaimed { contract, .. })
            | P::CallbackAccepted(CallbackAccepted { contract, .. })
            | P::UpgradeRequested(UpgradeRequested { contract, .. })
            | P::UpgradeIntended(UpgradeIntended { contract, .. })
            | P::SnapshotTaken(SnapshotTaken { contract, .. })
            | P::UpgradeInstalled(UpgradeInstalled { contract, .. })
            | P::UpgradeConfirmed(UpgradeConfirmed { contract, .. })
            | P::RollbackIntended(RollbackIntended { contract, .. })
            | P::UpgradeRolledBack(UpgradeRolledBack { contract, .. })
            | P::UpgradeAbandoned(UpgradeAbandoned { contract, .. })
            | P::UpgradeSettled(UpgradeSettled { contract, .. })
            | P::ControlReleased(ControlReleased { contract })
            | P::AutoUpdateSet(AutoUpdateSet { contract, .. })
            | P::TopUpIntended(TopUpIntended { contract, .. })
            | P::ContractToppedUp(ContractToppedUp { contract, .. })
            | P::TopUpUnresolved(TopUpUnresolved { contract, .. })
            | P::CallbackQuarantined(CallbackQuarantined { contract, .. })
            | P::ContractObserved(ContractObserved { contract, .. })
            | P::RoleAnswered(RoleAnswered { contract, .. })
            | P::ForceProposed(ForceProposed { contract, .. }) => Stream::Contract(*contract),
            P::DeploymentRequested(DeploymentRequested { deployment, .. })
            | P::DeploymentDispatched(DeploymentDispatched { deployment, .. })
            | P::DeliveryCommitted(DeliveryCommitted { deployment, .. })
            | P::DeploymentAbandoned(DeploymentAbandoned { deployment, .. })
            | P::DeploymentQuarantined(DeploymentQuarantined { deployment, .. })
            | P::PaymentIntended(TransferIntended { deployment, .. })
            | P::RefundIntended(TransferIntended { deployment, .. })
            | P::ReleaseIntended(TransferIntended { deployment, .. })
            | P::PaymentCaptured(TransferSettled { deployment, .. })
            | P::RefundPaid(TransferSettled { deployment, .. })
            | P::EscrowReleased(TransferSettled { deployment, .. })
            | P::PaymentFailed(TransferFailed { deployment, .. })
            | P::RefundFailed(TransferFailed { deployment, .. })
            | P::ReleaseFailed(TransferFailed { deployment, .. }) => Stream::Deployment(*deployment),
        }
    }

    /// The deployment that the event is about.
    pub fn deployment(&self) -> Option<DeploymentId> {
        match self {
            P::InstallIntended(p) => Some(p.deployment),
            P::ContractInstalled(p) => Some(p.deployment),
            P::InstallFailed(p) => Some(p.deployment),
            P::ContractRegistered(p) => Some(p.deployment),
            P::ContractReclaimed(p) => Some(p.deployment),
            other => match other.stream(Principal::anonymous()) {
                Stream::Deployment(deployment) => Some(deployment),
                _ => None,
            },
        }
    }

    /// The contract canister that the event is about.
    pub fn contract(&self) -> Option<Principal> {
        match self {
            P::ContractCreated(p) => Some(p.contract),
            P::DeliveryCommitted(p) => Some(p.contract),
            other => match other.stream(Principal::anonymous()) {
                Stream::Contract(contract) => Some(contract),
                _ => None,
            },
        }
    }

    /// The service that the event is about.
    pub fn service(&self) -> Option<Service> {
        match self {
            P::ServiceConfigured(p) => Some(p.service),
            P::FeeConfigured(p) => Some(p.service),
            P::TemplatePublished(p) => Some(p.service),
            P::TemplateProposed(p) => Some(p.service),
            P::TemplateConfirmed(p) => Some(p.service),
            P::TemplateWithdrawn(p) => Some(p.service),
            P::DeploymentRequested(p) => Some(p.service),
            P::ContractRegistered(p) => Some(p.service),
            _ => None,
        }
    }

    /// The principals that the event names beside its actor: two at most.
    pub fn parties(&self) -> [Option<Principal>; 2] {
        let party = match self {
            P::Genesis(p) => Some(p.money_writer),
            P::WriterRegistered(p) => Some(p.writer),
            P::AdminGranted(p) => Some(p.admin),
            P::AdminRevoked(p) => Some(p.admin),
            P::FactoryAdminGranted(p) => Some(p.admin),
            P::FactoryAdminRevoked(p) => Some(p.admin),
            P::AuditorGranted(p) => Some(p.auditor),
            P::AuditorRevoked(p) => Some(p.auditor),
            P::DeliveryCommitted(p) => Some(p.owner),
            P::ContractRegistered(p) => Some(p.owner),
            P::CallbackAccepted(p) => return p.notification.parties(),
            _ => None,
        };
        [party, None]
    }

    /// The commitments to its private fields.
    pub fn commitments(&self) -> Vec<Commitment> {
        match self {
            P::DeploymentRequested(p) => p.billing.into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether every text, list and blob is within its bound, so that the event is within its kind's size.
    pub fn is_bounded(&self) -> bool {
        match self {
            P::DeploymentRequested(p) => p.args.len() <= DeploymentRequested::MAX_ARGS,
            P::TemplatePublished(p) => p.version.len() <= TemplatePublished::MAX_VERSION,
            P::TemplateProposed(p) => p.is_bounded(),
            P::TemplateWithdrawn(p) => p.reason.is_bounded(),
            P::ProjectionRebuilt(p) => p.projection.len() <= ProjectionRebuilt::MAX_NAME,
            P::Refused(p) => p.method.len() <= Refused::MAX_METHOD && p.reason.is_bounded(),
            P::DeploymentAbandoned(p) => p.reason.is_bounded(),
            P::DeploymentQuarantined(p) => p.reason.is_bounded(),
            P::PaymentFailed(p) | P::RefundFailed(p) | P::ReleaseFailed(p) => p.reason.is_bounded(),
            P::CreationUnresolved(p) => p.reason.is_bounded(),
            P::ArchiveUnresolved(p) => p.reason.is_bounded(),
            P::InstallFailed(p) => p.reason.is_bounded(),
            P::ContractReclaimed(p) => p.reason.is_bounded(),
            P::ContractRegistered(p) => p.is_bounded(),
            P::CallbackAccepted(p) => p.notification.is_whole(),
            P::ContractObserved(p) => p.controllers.len() <= ContractObserved::MAX_CONTROLLERS,
            P::QuestionAsked(p) => p.scope.len() <= QuestionAsked::MAX_SCOPE,
            P::AuditCanisterChanged(p) => p.controllers.len() <= AuditCanisterChanged::MAX_CONTROLLERS,
            P::ForkAlarmAcknowledged(p) => p.reason.is_bounded(),
            P::UpgradeRequested(p) => p.version.len() <= UpgradeRequested::MAX_VERSION,
            P::RolloutStarted(p) => p.version.len() <= UpgradeRequested::MAX_VERSION,
            P::ForceProposed(p) => p.version.len() <= UpgradeRequested::MAX_VERSION,
            P::SnapshotTaken(p) => p.snapshot.len() <= SnapshotTaken::MAX_SNAPSHOT,
            P::RollbackIntended(p) => p.reason.is_bounded(),
            P::UpgradeRolledBack(p) => p.reason.is_bounded(),
            P::UpgradeAbandoned(p) => p.reason.is_bounded(),
            P::RolloutChanged(p) => p.reason.is_bounded(),
            P::TopUpUnresolved(p) => p.reason.is_bounded(),
            _ => true,
        }
    }
}
