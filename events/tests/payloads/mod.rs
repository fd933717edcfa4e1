//! An event of any kind, its fields drawn from a source of values: fixed ones, the largest ones, or random ones.
#![allow(dead_code, reason = "every test binary uses a part of it")]

pub mod draw;

use draw::Draw;

use cairn_events::payload::*;
use cairn_events::*;
use serde_bytes::ByteBuf;

/// A payload of `kind`.
pub fn payload(kind: Kind, draw: &mut impl Draw) -> Payload {
    match kind {
        Kind::Genesis | Kind::WriterRegistered | Kind::CanisterUpgraded | Kind::AdminGranted => platform(kind, draw),
        Kind::ServiceConfigured | Kind::FeeConfigured | Kind::MaintenanceConfigured => configuration(kind, draw),
        Kind::TemplatePublished | Kind::ProjectionRebuilt | Kind::Refused => operation(kind, draw),
        Kind::AdminRevoked
        | Kind::AuditorGranted
        | Kind::AuditorRevoked
        | Kind::OpeningErased
        | Kind::QuestionAsked => access(kind, draw),
        Kind::AuditCanisterChanged | Kind::ForkAlarmAcknowledged => watch(kind, draw),
        Kind::TemplateProposed
        | Kind::TemplateConfirmed
        | Kind::TemplateWithdrawn
        | Kind::FactoryAdminGranted
        | Kind::FactoryAdminRevoked => template(kind, draw),
        Kind::ArchivingConfigured
        | Kind::ArchiveIntended
        | Kind::ArchiveCreated
        | Kind::ArchiveUnresolved
        | Kind::RangeMoved => archive(kind, draw),
        Kind::PaymentIntended => Payload::PaymentIntended(draw.intended()),
        Kind::RefundIntended => Payload::RefundIntended(draw.intended()),
        Kind::ReleaseIntended => Payload::ReleaseIntended(draw.intended()),
        Kind::PaymentCaptured => Payload::PaymentCaptured(draw.settled()),
        Kind::RefundPaid => Payload::RefundPaid(draw.settled()),
        Kind::EscrowReleased => Payload::EscrowReleased(draw.settled()),
        Kind::PaymentFailed => Payload::PaymentFailed(draw.failed()),
        Kind::RefundFailed => Payload::RefundFailed(draw.failed()),
        Kind::ReleaseFailed => Payload::ReleaseFailed(draw.failed()),
        Kind::DeploymentRequested
        | Kind::DeploymentDispatched
        | Kind::DeliveryCommitted
        | Kind::DeploymentAbandoned
        | Kind::DeploymentQuarantined => deployment(kind, draw),
        Kind::UpgradeRequested
        | Kind::UpgradeIntended
        | Kind::SnapshotTaken
        | Kind::UpgradeInstalled
        | Kind::UpgradeConfirmed
        | Kind::RollbackIntended
        | Kind::UpgradeRolledBack
        | Kind::UpgradeAbandoned
        | Kind::UpgradeSettled
        | Kind::ForceProposed => upgrade(kind, draw),
        Kind::ControlReleased | Kind::AutoUpdateSet | Kind::RolloutStarted | Kind::RolloutChanged => {
            rollout(kind, draw)
        }
        Kind::TopUpIntended
        | Kind::ContractToppedUp
        | Kind::TopUpUnresolved
        | Kind::CyclesLow
        | Kind::CyclesRestored => cycles(kind, draw),
        _ => contract(kind, draw),
    }
}

fn platform(kind: Kind, draw: &mut impl Draw) -> Payload {
    match kind {
        Kind::Genesis => Payload::Genesis(Genesis {
            canister: draw.principal(),
            installer: draw.principal(),
            money_writer: draw.principal(),
            seed: Bytes32::new(draw.exactly()),
        }),
        Kind::WriterRegistered => Payload::WriterRegistered(WriterRegistered {
            writer: draw.principal(),
            role: draw.pick(&[WriterRole::Gateway, WriterRole::Factory, WriterRole::Host, WriterRole::Log]),
        }),
        Kind::CanisterUpgraded => Payload::CanisterUpgraded(CanisterUpgraded {
            module_hash: draw.option(Draw::hash),
            instructions: draw.number(),
        }),
        _ => Payload::AdminGranted(AdminGranted { admin: draw.principal() }),
    }
}

fn configuration(kind: Kind, draw: &mut impl Draw) -> Payload {
    match kind {
        Kind::ServiceConfigured => Payload::ServiceConfigured(ServiceConfigured {
            service: draw.service(),
            factory: draw.principal(),
            enabled: draw.pick(&[true, false]),
        }),
        Kind::FeeConfigured => Payload::FeeConfigured(FeeConfigured {
            service: draw.service(),
            ledger: draw.principal(),
            price: draw.amount(),
            ledger_fee: draw.amount(),
            treasury: draw.account(),
        }),
        _ => Payload::MaintenanceConfigured(MaintenanceConfigured { maintenance: draw.pick(&[true, false]) }),
    }
}

fn operation(kind: Kind, draw: &mut impl Draw) -> Payload {
    match kind {
        Kind::TemplatePublished => Payload::TemplatePublished(TemplatePublished {
            service: draw.service(),
            version: draw.text(TemplatePublished::MAX_VERSION),
            module_hash: draw.hash(),
            size: draw.number(),
        }),
        Kind::ProjectionRebuilt => Payload::ProjectionRebuilt(ProjectionRebuilt {
            projection: draw.text(ProjectionRebuilt::MAX_NAME),
            version: draw.number() as u32,
            checkpoint: draw.number(),
            checkpoint_hash: draw.hash(),
            served: draw.hash(),
            rebuilt: draw.hash(),
            equal: draw.pick(&[true, false]),
        }),
        _ => Payload::Refused(Refused { method: draw.text(Refused::MAX_METHOD), reason: draw.reason() }),
    }
}

fn template(kind: Kind, draw: &mut impl Draw) -> Payload {
    match kind {
        Kind::TemplateProposed => Payload::TemplateProposed(TemplateProposed {
            service: draw.service(),
            version: draw.version(),
            module_hash: draw.hash(),
            size: draw.number(),
            channel: draw.pick(&[Channel::Stable, Channel::Beta]),
            upgrades_from: draw.option(Draw::version),
            interface: draw.hash(),
            source_commit: draw.text(TemplateProposed::MAX_COMMIT),
            notes: draw.text(TemplateProposed::MAX_NOTES),
            foreign: draw.pick(&[false, true]),
        }),
        Kind::TemplateConfirmed => Payload::TemplateConfirmed(TemplateConfirmed {
            service: draw.service(),
            version: draw.version(),
            module_hash: draw.hash(),
            from: Timestamp(draw.number()),
        }),
        Kind::TemplateWithdrawn => Payload::TemplateWithdrawn(TemplateWithdrawn {
            service: draw.service(),
            version: draw.version(),
            reason: draw.reason(),
        }),
        Kind::FactoryAdminRevoked => Payload::FactoryAdminRevoked(FactoryAdminRevoked { admin: draw.principal() }),
        _ => Payload::FactoryAdminGranted(FactoryAdminGranted {
            admin: draw.principal(),
            from: Timestamp(draw.number()),
        }),
    }
}

fn access(kind: Kind, draw: &mut impl Draw) -> Payload {
    match kind {
        Kind::AdminRevoked => Payload::AdminRevoked(AdminRevoked { admin: draw.principal() }),
        Kind::AuditorGranted => {
            Payload::AuditorGranted(AuditorGranted { auditor: draw.principal(), until: Timestamp(draw.number()) })
        }
        Kind::AuditorRevoked => Payload::AuditorRevoked(AuditorRevoked { auditor: draw.principal() }),
        Kind::OpeningErased => {
            use ErasureReason::*;
            Payload::OpeningErased(OpeningErased {
                index: draw.number(),
                commitment: Commitment(draw.hash()),
                reason: draw.pick(&[RetentionEnded, Requested, Ordered, Mistake]),
            })
        }
        _ => Payload::QuestionAsked(QuestionAsked {
            question: draw.hash(),
            answer: draw.hash(),
            scope: draw.text(QuestionAsked::MAX_SCOPE),
            count: draw.option(Draw::number),
            complete_from: draw.option(Draw::number),
            complete_until: draw.option(Draw::number),
        }),
    }
}

fn watch(kind: Kind, draw: &mut impl Draw) -> Payload {
    match kind {
        Kind::AuditCanisterChanged => {
            let count = draw.pick(&[AuditCanisterChanged::MAX_CONTROLLERS, 2, 0]);
            Payload::AuditCanisterChanged(AuditCanisterChanged {
                controllers: (0..count).map(|_| draw.principal()).collect(),
                module_hash: draw.option(Draw::hash),
                changes: draw.number(),
            })
        }
        _ => Payload::ForkAlarmAcknowledged(ForkAlarmAcknowledged {
            reason: draw.reason(),
            index: draw.number(),
            hash: draw.hash(),
        }),
    }
}

fn archive(kind: Kind, draw: &mut impl Draw) -> Payload {
    match kind {
        Kind::ArchivingConfigured => Payload::ArchivingConfigured(ArchivingConfigured {
            enabled: draw.pick(&[false, true]),
            keep: draw.number(),
            range: draw.number(),
            capacity: draw.number(),
            cycles: draw.number(),
            module_hash: draw.hash(),
        }),
        Kind::ArchiveIntended => Payload::ArchiveIntended(ArchiveIntended {
            number: draw.number(),
            from: draw.number(),
            cycles: draw.number(),
            module_hash: draw.hash(),
        }),
        Kind::ArchiveCreated => Payload::ArchiveCreated(ArchiveCreated {
            number: draw.number(),
            archive: draw.principal(),
            module_hash: draw.hash(),
        }),
        Kind::ArchiveUnresolved => {
            Payload::ArchiveUnresolved(ArchiveUnresolved { number: draw.number(), reason: draw.reason() })
        }
        _ => Payload::RangeMoved(RangeMoved {
            archive: draw.principal(),
            from: draw.number(),
            until: draw.number(),
            digest: draw.hash(),
        }),
    }
}

fn deployment(kind: Kind, draw: &mut impl Draw) -> Payload {
    let deployment = draw.deployment();
    match kind {
        Kind::DeploymentRequested => Payload::DeploymentRequested(DeploymentRequested {
            deployment,
            owner: draw.principal(),
            service: draw.service(),
            factory: draw.principal(),
            request: draw.hash(),
            args: ByteBuf::from(draw.bytes(DeploymentRequested::MAX_ARGS)),
            ledger: draw.principal(),
            price: draw.amount(),
            ledger_fee: draw.amount(),
            from: draw.account(),
            treasury: draw.account(),
            billing: draw.option(|draw| Commitment(draw.hash())),
        }),
        Kind::DeploymentDispatched => {
            Payload::DeploymentDispatched(DeploymentDispatched { deployment, factory: draw.principal() })
        }
        Kind::DeliveryCommitted => Payload::DeliveryCommitted(DeliveryCommitted {
            deployment,
            contract: draw.principal(),
            owner: draw.principal(),
            module_hash: draw.hash(),
        }),
        Kind::DeploymentAbandoned => {
            Payload::DeploymentAbandoned(DeploymentAbandoned { deployment, reason: draw.reason() })
        }
        _ => {
            use Effect::*;
            let effect = draw.pick(&[Installation, Payment, Delivery, Refund, Release, Creation, Upgrade, TopUp]);
            Payload::DeploymentQuarantined(DeploymentQuarantined { deployment, effect, reason: draw.reason() })
        }
    }
}

fn contract(kind: Kind, draw: &mut impl Draw) -> Payload {
    let (contract, deployment) = (draw.principal(), draw.deployment());
    match kind {
        Kind::CreationIntended => Payload::CreationIntended(CreationIntended { cycles: draw.number() }),
        Kind::ContractCreated => Payload::ContractCreated(ContractCreated { contract }),
        Kind::CreationUnresolved => Payload::CreationUnresolved(CreationUnresolved { reason: draw.reason() }),
        Kind::InstallIntended => {
            let (template, args_hash) = (draw.hash(), draw.hash());
            Payload::InstallIntended(InstallIntended { contract, deployment, template, args_hash })
        }
        Kind::ContractInstalled => {
            Payload::ContractInstalled(ContractInstalled { contract, deployment, module_hash: draw.hash() })
        }
        Kind::InstallFailed => Payload::InstallFailed(InstallFailed { contract, deployment, reason: draw.reason() }),
        Kind::ContractRegistered => Payload::ContractRegistered(ContractRegistered {
            contract,
            deployment,
            service: draw.service(),
            owner: draw.principal(),
            controllers: (0..draw.pick(&[ContractRegistered::MAX_CONTROLLERS, 2])).map(|_| draw.principal()).collect(),
            name: draw.text(ContractRegistered::MAX_NAME),
            symbol: draw.option(|draw| draw.text(ContractRegistered::MAX_SYMBOL)),
            token: draw.option(Draw::principal),
            public: draw.pick(&[true, false]),
            epoch: draw.number(),
        }),
        Kind::ContractReclaimed => {
            Payload::ContractReclaimed(ContractReclaimed { contract, deployment, reason: draw.reason() })
        }
        Kind::CallbackAccepted => {
            let notification = notification(draw);
            let (epoch, seq) = (draw.number(), draw.number());
            Payload::CallbackAccepted(CallbackAccepted { contract, epoch, seq, notification })
        }
        Kind::CallbackQuarantined => {
            let (epoch, seq, accepted, found) = (draw.number(), draw.number(), draw.hash(), draw.hash());
            Payload::CallbackQuarantined(CallbackQuarantined { contract, epoch, seq, accepted, found })
        }
        Kind::ContractObserved => Payload::ContractObserved(ContractObserved {
            contract,
            module_hash: draw.option(Draw::hash),
            controllers: (0..draw.pick(&[ContractObserved::MAX_CONTROLLERS, 2])).map(|_| draw.principal()).collect(),
            known: draw.pick(&[false, true]),
        }),
        Kind::RoleAnswered => {
            use Role::*;
            Payload::RoleAnswered(RoleAnswered {
                contract,
                role: draw.pick(&[Participant, Holder, Signer, Observer, Recipient, Member]),
                answer: draw.pick(&[RoleAnswer::Accepted, RoleAnswer::Hidden, RoleAnswer::Shown]),
            })
        }
        other => panic!("{other:?} is no kind of this part"),
    }
}

fn upgrade(kind: Kind, draw: &mut impl Draw) -> Payload {
    let (contract, module_hash, epoch) = (draw.principal(), draw.hash(), draw.number());
    match kind {
        Kind::UpgradeRequested => Payload::UpgradeRequested(UpgradeRequested {
            contract,
            version: draw.text(UpgradeRequested::MAX_VERSION),
            from: module_hash,
            to: draw.hash(),
            consent: draw.pick(&[Consent::Contract, Consent::Owner, Consent::Auto, Consent::Admin]),
            forced: draw.pick(&[false, true]),
            rollout: draw.option(Draw::number),
        }),
        Kind::UpgradeIntended => {
            Payload::UpgradeIntended(UpgradeIntended { contract, from: module_hash, to: draw.hash(), epoch })
        }
        Kind::SnapshotTaken => {
            let snapshot = ByteBuf::from(draw.bytes(SnapshotTaken::MAX_SNAPSHOT));
            Payload::SnapshotTaken(SnapshotTaken { contract, snapshot, module_hash })
        }
        Kind::UpgradeInstalled => Payload::UpgradeInstalled(UpgradeInstalled { contract, module_hash }),
        Kind::UpgradeConfirmed => Payload::UpgradeConfirmed(UpgradeConfirmed { contract, module_hash, epoch }),
        Kind::RollbackIntended => {
            let module_hash = draw.option(|_| module_hash);
            Payload::RollbackIntended(RollbackIntended { contract, module_hash, reason: draw.reason() })
        }
        Kind::UpgradeRolledBack => {
            let reason = draw.reason();
            Payload::UpgradeRolledBack(UpgradeRolledBack { contract, module_hash, epoch, reason })
        }
        Kind::UpgradeAbandoned => {
            let module_hash = draw.option(|_| module_hash);
            Payload::UpgradeAbandoned(UpgradeAbandoned { contract, module_hash, reason: draw.reason() })
        }
        Kind::ForceProposed => {
            let version = draw.text(UpgradeRequested::MAX_VERSION);
            Payload::ForceProposed(ForceProposed { contract, version, to: module_hash })
        }
        _ => Payload::UpgradeSettled(UpgradeSettled { contract, module_hash: draw.option(|_| module_hash) }),
    }
}

fn rollout(kind: Kind, draw: &mut impl Draw) -> Payload {
    match kind {
        Kind::ControlReleased => Payload::ControlReleased(ControlReleased { contract: draw.principal() }),
        Kind::AutoUpdateSet => {
            let (contract, enabled) = (draw.principal(), draw.pick(&[false, true]));
            Payload::AutoUpdateSet(AutoUpdateSet { contract, enabled })
        }
        Kind::RolloutStarted => Payload::RolloutStarted(RolloutStarted {
            version: draw.text(UpgradeRequested::MAX_VERSION),
            module_hash: draw.hash(),
            canary: draw.number() as u32,
            wave: draw.number() as u32,
            max_failures: draw.number() as u16,
        }),
        _ => {
            use RolloutState::*;
            let (rollout, state) = (draw.number(), draw.pick(&[Finished, Paused, Resumed, Stopped]));
            Payload::RolloutChanged(RolloutChanged { rollout, state, reason: draw.reason() })
        }
    }
}

fn cycles(kind: Kind, draw: &mut impl Draw) -> Payload {
    let (contract, cycles) = (draw.principal(), draw.number());
    match kind {
        Kind::TopUpIntended => Payload::TopUpIntended(TopUpIntended { contract, cycles }),
        Kind::ContractToppedUp => Payload::ContractToppedUp(ContractToppedUp { contract, cycles }),
        Kind::TopUpUnresolved => Payload::TopUpUnresolved(TopUpUnresolved { contract, cycles, reason: draw.reason() }),
        Kind::CyclesLow => Payload::CyclesLow(CyclesLow { canister: contract, cycles, floor: draw.number() }),
        _ => Payload::CyclesRestored(CyclesRestored { canister: contract, cycles, floor: draw.number() }),
    }
}

/// What a contract may say, the longest first.
fn notification(draw: &mut impl Draw) -> Notification {
    let (one, other) = (draw.principal(), draw.principal());
    let (token, amount) = (draw.option(Draw::principal), draw.amount());
    let movement = |from, to| Movement { token, from, to, amount };
    let created = ProposalCreated { proposal: draw.number(), proposer: one };
    let mut choices = vec![
        Notification::Transfer(movement(Some(one), Some(other))),
        Notification::Mint(movement(None, Some(other))),
        Notification::Burn(movement(Some(one), None)),
        Notification::ProposalCreated(created),
        Notification::VisibilityChanged(false),
        Notification::VisibilityChanged(true),
        Notification::DeploymentComplete,
    ];
    choices.extend(ContractStatus::ALL.map(Notification::StatusChanged));
    choices.extend(Role::ALL.iter().flat_map(|role| [false, true].map(|has| Notification::of_role(*role, one, has))));
    draw.pick(&choices)
}

/// An event of `kind`, envelope included.
pub fn event(kind: Kind, draw: &mut impl Draw) -> Event {
    let payload = payload(kind, draw);
    let (actor, source) = (draw.principal(), draw.principal());
    let link = |draw: &mut _| link(draw);
    Event {
        index: draw.number(),
        schema: SCHEMA_VERSION,
        log: LogId(draw.hash()),
        timestamp: Timestamp(draw.number()),
        stream: payload.stream(source),
        stream_version: draw.number(),
        actor,
        source,
        source_seq: draw.number(),
        correlation: draw.option(Draw::hash),
        causation: draw.option(Draw::number),
        links: Topic::derive(actor, &payload).iter().map(|_| link(draw)).collect(),
        payload,
        parent: draw.option(Draw::hash),
    }
}

fn link(draw: &mut impl Draw) -> Link {
    let head = topic::TopicHead { count: draw.number() >> 1, index: draw.number(), hash: draw.hash() };
    Link::after(Some(&head).filter(|head| head.count > 0))
}
