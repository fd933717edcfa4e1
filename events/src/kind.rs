//! The kinds of events: name, class, families, who may write them, how large they may be.

use candid::CandidType;
use serde::{Deserialize, Serialize};

use crate::{Family, Hash};
use sha2_const_stable::Sha256;

/// What a registered writer is to the platform. Its role bounds the kinds it may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub enum WriterRole {
    /// The audit canister itself.
    #[serde(rename = "log")]
    Log,
    /// The gateway: the one writer of money, bound at genesis.
    #[serde(rename = "gateway")]
    Gateway,
    /// A factory.
    #[serde(rename = "factory")]
    Factory,
    /// A canister that only hosts projections.
    #[serde(rename = "host")]
    Host,
}

/// An effect on the world outside the log, of which a deployment has at most one intent open at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub enum Effect {
    /// The fee moves from the payer to escrow.
    #[serde(rename = "payment")]
    Payment,
    /// A factory is asked to deliver.
    #[serde(rename = "delivery")]
    Delivery,
    /// The price moves from escrow back to the payer.
    #[serde(rename = "refund")]
    Refund,
    /// The price moves from escrow to the treasury.
    #[serde(rename = "release")]
    Release,
    /// An empty canister is created.
    #[serde(rename = "creation")]
    Creation,
    /// Code is installed into a contract's canister.
    #[serde(rename = "installation")]
    Installation,
    /// A contract's code is replaced.
    #[serde(rename = "upgrade")]
    Upgrade,
    /// Cycles are deposited with a contract.
    #[serde(rename = "top_up")]
    TopUp,
}

/// The place of a kind in the bracket around an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Precedes the effect; needs the exact stream version and room for the outcome.
    Intent(Effect),
    /// Follows the effect and closes its intent; is accepted as long as anything is.
    Outcome(Effect),
    /// Opens or closes nothing.
    Fact,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident $name:literal $class:expr, $families:expr, $roles:expr, $max:literal;)*) => {
        /// A kind of event. The names are for ever.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])* $kind,)*
        }

        impl Kind {
            /// Every kind, in the order of introduction.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The `btype` of the kind's blocks (ICRC-3), in a namespace of our own.
            pub fn btype(self) -> &'static str {
                match self { $(Kind::$kind => concat!("cairn_", $name),)* }
            }

            /// The hash of [`Kind::btype`] as text of a block, computed when the code is compiled.
            pub(crate) fn btype_hash(self) -> Hash {
                match self {
                    $(Kind::$kind => {
                        const HASH: [u8; 32] = Sha256::new().update(concat!("cairn_", $name).as_bytes()).finalize();
                        Hash(HASH)
                    })*
                }
            }

            /// Intent, outcome or plain fact.
            pub fn class(self) -> Class {
                match self { $(Kind::$kind => $class,)* }
            }

            /// The feeds that the kind belongs to.
            pub fn families(self) -> &'static [Family] {
                match self { $(Kind::$kind => &$families,)* }
            }

            /// The roles whose writers may append the kind.
            pub fn roles(self) -> &'static [WriterRole] {
                match self { $(Kind::$kind => &$roles,)* }
            }

            /// The largest encoded size of an event of this kind, in bytes: the worst case, and a little for fields to come.
            pub fn max_size(self) -> usize {
                match self { $(Kind::$kind => $max,)* }
            }
        }
    };
}

use Class::{Fact, Intent, Outcome};
use Family::{Contracts, Deployments, Money, Platform};
use WriterRole::{Factory, Gateway, Host, Log};

kinds! {
    /// The log began.
    Genesis "genesis" Fact, [Platform], [Log], 800;
    /// A canister may write from now on.
    WriterRegistered "writer_registered" Fact, [Platform], [Log], 600;
    /// A canister of the platform runs new code.
    CanisterUpgraded "canister_upgraded" Fact, [Platform], [Log, Gateway, Factory, Host], 700;
    /// A person became an admin.
    AdminGranted "admin_granted" Fact, [Platform], [Gateway], 600;
    /// A service was switched on or off, and bound to its factory.
    ServiceConfigured "service_configured" Fact, [Platform], [Gateway], 700;
    /// The price of a service was set.
    FeeConfigured "fee_configured" Fact, [Platform], [Gateway], 800;
    /// Maintenance began or ended.
    MaintenanceConfigured "maintenance_configured" Fact, [Platform], [Gateway], 500;
    /// A factory got a template to install.
    TemplatePublished "template_published" Fact, [Platform], [Factory], 800;
    /// A projection was rebuilt from the log beside the one that served, and compared with it.
    ProjectionRebuilt "projection_rebuilt" Fact, [Platform], [Gateway, Factory, Host], 900;
    /// Something was refused to the holder of a role.
    Refused "refused" Fact, [Platform], [Log, Gateway, Factory, Host], 900;
    /// A person asked for a contract, at a quoted price.
    DeploymentRequested "deployment_requested" Fact, [Deployments, Money], [Gateway], 38_000;
    /// A factory is about to be asked to deliver.
    DeploymentDispatched "deployment_dispatched" Intent(Effect::Delivery), [Deployments], [Gateway], 800;
    /// The arbiter: the contract is the owner's. Excludes `DeploymentAbandoned`.
    DeliveryCommitted "delivery_committed" Outcome(Effect::Delivery), [Deployments, Money, Contracts], [Factory], 1100;
    /// The arbiter: nothing will be delivered. Excludes `DeliveryCommitted`.
    DeploymentAbandoned "deployment_abandoned" Outcome(Effect::Delivery), [Deployments, Money], [Gateway], 1000;
    /// Evidence for an effect could not be had; a person must look.
    DeploymentQuarantined "deployment_quarantined" Fact, [Deployments, Money], [Gateway], 1000;
    /// The fee is about to be moved into escrow.
    PaymentIntended "payment_intended" Intent(Effect::Payment), [Deployments, Money], [Gateway], 1200;
    /// The fee is in escrow.
    PaymentCaptured "payment_captured" Outcome(Effect::Payment), [Deployments, Money], [Gateway], 800;
    /// The fee was not moved.
    PaymentFailed "payment_failed" Outcome(Effect::Payment), [Deployments, Money], [Gateway], 1000;
    /// The price is about to be paid back.
    RefundIntended "refund_intended" Intent(Effect::Refund), [Deployments, Money], [Gateway], 1200;
    /// The price was paid back.
    RefundPaid "refund_paid" Outcome(Effect::Refund), [Deployments, Money], [Gateway], 800;
    /// This attempt to pay back moved nothing.
    RefundFailed "refund_failed" Outcome(Effect::Refund), [Deployments, Money], [Gateway], 1000;
    /// The price is about to be moved to the treasury.
    ReleaseIntended "release_intended" Intent(Effect::Release), [Deployments, Money], [Gateway], 1200;
    /// The price is the treasury's.
    EscrowReleased "escrow_released" Outcome(Effect::Release), [Deployments, Money], [Gateway], 800;
    /// This attempt to release moved nothing.
    ReleaseFailed "release_failed" Outcome(Effect::Release), [Deployments, Money], [Gateway], 1000;
    /// An empty canister is about to be created.
    CreationIntended "contract_creation_intended" Intent(Effect::Creation), [Contracts], [Factory], 600;
    /// An empty canister stands in the pool.
    ContractCreated "contract_created" Outcome(Effect::Creation), [Contracts], [Factory], 700;
    /// The creation failed, or its reply was lost: at most one empty canister is.
    CreationUnresolved "contract_creation_unresolved" Outcome(Effect::Creation), [Contracts], [Factory], 800;
    /// Code is about to be installed for a deployment.
    InstallIntended "contract_install_intended" Intent(Effect::Installation), [Contracts], [Factory], 900;
    /// The code is installed, under the hash that was observed.
    ContractInstalled "contract_installed" Outcome(Effect::Installation), [Contracts], [Factory], 900;
    /// The code was not installed.
    InstallFailed "contract_install_failed" Outcome(Effect::Installation), [Contracts], [Factory], 1000;
    /// The contract has its final controllers and is listed.
    ContractRegistered "contract_registered" Fact, [Contracts], [Factory], 1700;
    /// The canister is empty again and back in the pool.
    ContractReclaimed "contract_reclaimed" Fact, [Contracts], [Factory], 1000;
    /// A contract told its factory something new.
    CallbackAccepted "callback_accepted" Fact, [Contracts], [Factory], 1100;
    /// A person may read what is private, until a time.
    AuditorGranted "auditor_granted" Fact, [Platform], [Gateway], 600;
    /// That person may not any more.
    AuditorRevoked "auditor_revoked" Fact, [Platform], [Gateway], 600;
    /// The opening of a commitment was overwritten: what it held is gone.
    OpeningErased "opening_erased" Fact, [Platform], [Gateway], 600;
    /// An auditor asked the log, and was answered.
    QuestionAsked "question_asked" Fact, [Platform], [Log], 1200;
    /// The audit canister has other controllers, other code or another history than the gateway had seen before.
    AuditCanisterChanged "audit_canister_changed" Fact, [Platform], [Gateway], 1000;
    /// A canister that had found another log than it knew goes on: the log has what it knew, and an admin wants it to.
    ForkAlarmAcknowledged "fork_alarm_acknowledged" Fact, [Platform], [Gateway, Factory, Host], 900;
    /// An admin said when bodies of events are moved to archives.
    ArchivingConfigured "archiving_configured" Fact, [Platform], [Log], 700;
    /// An archive is about to be created.
    ArchiveIntended "archive_intended" Intent(Effect::Creation), [Platform], [Log], 700;
    /// The archive is there.
    ArchiveCreated "archive_created" Outcome(Effect::Creation), [Platform], [Log], 700;
    /// The creation failed, or its reply was lost: at most one empty canister is.
    ArchiveUnresolved "archive_unresolved" Outcome(Effect::Creation), [Platform], [Log], 700;
    /// An archive has the bodies of a range of events, and the log has them no longer.
    RangeMoved "range_moved" Fact, [Platform], [Log], 700;
    /// An admin of a factory wants a module to become a template.
    TemplateProposed "template_proposed" Fact, [Platform], [Factory], 2_200;
    /// Another admin has built the same module; it is published after a delay.
    TemplateConfirmed "template_confirmed" Fact, [Platform], [Factory], 800;
    /// A template is installed no more, or will not be published.
    TemplateWithdrawn "template_withdrawn" Fact, [Platform], [Factory], 900;
    /// A person became an admin of a factory.
    FactoryAdminGranted "factory_admin_granted" Fact, [Platform], [Factory], 650;
    /// A contract is to run another version.
    UpgradeRequested "upgrade_requested" Fact, [Contracts], [Factory], 900;
    /// A contract is about to be stopped, saved and upgraded.
    UpgradeIntended "upgrade_intended" Intent(Effect::Upgrade), [Contracts], [Factory], 900;
    /// The stopped contract is saved.
    SnapshotTaken "upgrade_snapshot_taken" Fact, [Contracts], [Factory], 900;
    /// The new code is in the contract, under the hash that was observed.
    UpgradeInstalled "upgrade_installed" Fact, [Contracts], [Factory], 800;
    /// The arbiter: the new code serves. Excludes `RollbackIntended`.
    UpgradeConfirmed "upgrade_confirmed" Outcome(Effect::Upgrade), [Contracts], [Factory], 800;
    /// The arbiter: the snapshot is about to be loaded. Excludes `UpgradeConfirmed`.
    RollbackIntended "upgrade_rollback_intended" Fact, [Contracts], [Factory], 900;
    /// The contract is what it was before.
    UpgradeRolledBack "upgrade_rolled_back" Outcome(Effect::Upgrade), [Contracts], [Factory], 1000;
    /// The upgrade came to nothing.
    UpgradeAbandoned "upgrade_abandoned" Outcome(Effect::Upgrade), [Contracts], [Factory], 900;
    /// Nothing is left of the upgrade: the contract serves, the snapshot is deleted.
    UpgradeSettled "upgrade_settled" Fact, [Contracts], [Factory], 700;
    /// The owner took the contract out of the factory's control.
    ControlReleased "control_released" Fact, [Contracts], [Factory], 700;
    /// The contract takes part in rollouts, or does not any more.
    AutoUpdateSet "auto_update_set" Fact, [Contracts], [Factory], 700;
    /// A version is rolled out.
    RolloutStarted "rollout_started" Fact, [Platform], [Factory], 800;
    /// A rollout was held up, went on, or ended.
    RolloutChanged "rollout_changed" Fact, [Platform], [Factory], 800;
    /// Somebody's cycles are about to be deposited with a contract.
    TopUpIntended "top_up_intended" Intent(Effect::TopUp), [Contracts], [Factory], 700;
    /// The contract has them.
    ContractToppedUp "contract_topped_up" Outcome(Effect::TopUp), [Contracts], [Factory], 700;
    /// The deposit failed, or its reply was lost.
    TopUpUnresolved "top_up_unresolved" Outcome(Effect::TopUp), [Contracts], [Factory], 900;
    /// A canister has fewer cycles than it needs.
    CyclesLow "cycles_low" Fact, [Platform], [Factory], 700;
    /// It has enough again.
    CyclesRestored "cycles_restored" Fact, [Platform], [Factory], 700;
    /// A contract told its factory something else under a number that it had used.
    CallbackQuarantined "callback_quarantined" Fact, [Contracts], [Factory], 900;
    /// A contract was found with other code or other controllers than before.
    ContractObserved "contract_observed" Fact, [Contracts], [Factory], 1100;
    /// A person accepted a role that a contract claims for them, or does not want to be listed with it.
    RoleAnswered "role_answered" Fact, [Contracts], [Factory], 800;
    /// An admin wants a contract upgraded whatever its owner or itself think of it; another admin has to agree.
    ForceProposed "upgrade_force_proposed" Fact, [Contracts], [Factory], 800;
    /// A person is an admin of a factory no more.
    FactoryAdminRevoked "factory_admin_revoked" Fact, [Platform], [Factory], 650;
    /// A person is an admin no more.
    AdminRevoked "admin_revoked" Fact, [Platform], [Gateway], 600;
}

impl Kind {
    /// The kind with this `btype`.
    pub fn from_btype(btype: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.btype() == btype)
    }
}
