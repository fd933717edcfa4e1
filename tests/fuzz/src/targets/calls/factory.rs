//! The methods of factories.

use super::{Bounds, Method, distribution, method, plain, shown, wallet};
use cairn_events::payload::{Channel, ContractStatus, Movement, Notification, ProposalCreated, Role};
use cairn_events::testing::principal;
use cairn_events::topic::Service;
use cairn_events::{Amount, DeploymentId, Hash, LogId, Timestamp, Version};
use cairn_factory::endpoints::{MAX_CREATE, MAX_NOTIFY, MAX_QUESTION};
use cairn_factory::template::endpoints::{MAX_PROPOSE, MAX_UPLOAD};
use cairn_factory::template::interface::Interface;
use cairn_kit::api::distribution::DistributionArgs;
use cairn_kit::api::factory::{ContractArgs, ContractRole, FactoryInit, NumberedNotification};
use cairn_kit::api::multisig::MultisigArgs;
use cairn_kit::api::template::ProposeTemplate;
use cairn_kit::api::upgrade::{Canary, RolloutArgs};
use cairn_projections::Moment;
use cairn_projections::contracts::{NameCursor, RoleCursor};
use serde_bytes::ByteBuf;

/// A factory's bounds for so many bytes.
const fn bounds(bytes: usize) -> Bounds {
    Bounds::own(bytes, 50)
}

/// What the backend orders.
fn orders() -> anyhow::Result<Vec<Method>> {
    let order = |service, args| ContractArgs {
        deployment: DeploymentId::derive(LogId(Hash([1; 32])), principal(1), "request"),
        service,
        template: Some(Hash([3; 32])),
        dispatch_version: 4,
        dispatched: 9,
        args: ByteBuf::from(args),
    };
    let wallet = order(Service::Multisig, candid::encode_one(wallet::wallet())?);
    let distribution = order(Service::Distribution, candid::encode_one(distribution::distribution())?);
    Ok(vec![
        method(bounds(MAX_CREATE), (principal(1), wallet), |(_, order)| {
            candid::decode_one::<MultisigArgs>(&order.args).is_ok_and(|args| args.validate().is_ok())
        })?
        .of(&["factory.createContract"]),
        method(bounds(MAX_CREATE), (principal(1), distribution), |(_, order)| {
            candid::decode_one::<DistributionArgs>(&order.args).is_ok_and(|args| args.check().is_ok())
        })?
        .of(&["factory.createContract"]),
    ])
}

/// What contracts tell.
fn batch() -> Vec<NumberedNotification> {
    let who = principal(2);
    let movement = Movement { token: None, from: Some(who), to: Some(principal(3)), amount: Amount(1 << 70) };
    let told = [
        Notification::DeploymentComplete,
        Notification::HolderAdded(who),
        Notification::SignerRemoved(who),
        Notification::ProposalCreated(ProposalCreated { proposal: 7, proposer: who }),
        Notification::Transfer(movement),
        Notification::Mint(Movement { from: None, ..movement }),
        Notification::VisibilityChanged(true),
        Notification::StatusChanged(ContractStatus::ALL[0]),
    ];
    (1..).zip(told).map(|(sequence, notification)| NumberedNotification { sequence, notification }).collect()
}

/// What admins upload, propose and publish.
fn templates() -> anyhow::Result<Vec<Method>> {
    let proposal = ProposeTemplate {
        version: "1.2.3".to_owned(),
        module_hash: Hash([4; 32]),
        channel: Channel::Beta,
        upgrades_from: Some("1.0.0".to_owned()),
        interface: "service : { m : () -> (nat) query }".to_owned(),
        source_commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        notes: "What is new".to_owned(),
        foreign: false,
    };
    let chunk = ByteBuf::from(b"\0asm\x01\0\0\0".repeat(100));
    Ok(vec![
        plain(bounds(MAX_UPLOAD), (1_u64, 800_u64, chunk))?.of(&["factory.uploadTemplateChunk"]),
        method(bounds(MAX_PROPOSE), (proposal,), |(proposal,)| {
            let versions = [Some(&proposal.version), proposal.upgrades_from.as_ref()];
            let mut versions = versions.into_iter().flatten();
            versions.all(|version| version.parse::<Version>().is_ok()) && Interface::parse(&proposal.interface).is_ok()
        })?
        .of(&["factory.proposeTemplate"]),
        method(Bounds::PLAIN, ("1.2.3".to_owned(), Hash([4; 32])), |(version, _)| version.parse::<Version>().is_ok())?
            .of(&["factory.confirmTemplate", "factory.publishTemplate"]),
        plain(Bounds::PLAIN, (Some("1.2.3".to_owned()), Some(20_u32)))?.of(&["factory.getTemplates"]),
    ])
}

/// What contracts tell, one thing at a time.
fn single() -> anyhow::Result<Vec<Method>> {
    let (contract, who) = (principal(5), principal(6));
    let movement = Movement { token: Some(principal(7)), from: None, to: Some(who), amount: Amount(1 << 70) };
    Ok(vec![
        plain(Bounds::PLAIN, (contract, 1_u64, 2_u64))?.of(&["factory.notifyDeploymentComplete"]),
        plain(Bounds::PLAIN, (contract, 1_u64, 2_u64, who))?.of(&[
            "factory.notifyHolderAdded",
            "factory.notifyHolderRemoved",
            "factory.notifyMemberAdded",
            "factory.notifyMemberRemoved",
            "factory.notifyObserverAdded",
            "factory.notifyObserverRemoved",
            "factory.notifyParticipantAdded",
            "factory.notifyParticipantRemoved",
            "factory.notifyRecipientAdded",
            "factory.notifyRecipientRemoved",
            "factory.notifySignerAdded",
            "factory.notifySignerRemoved",
        ]),
        plain(Bounds::PLAIN, (contract, 1_u64, 2_u64, movement))?.of(&[
            "factory.notifyBurn",
            "factory.notifyMint",
            "factory.notifyTransfer",
        ]),
        plain(Bounds::PLAIN, (contract, 1_u64, 2_u64, 3_u64, who))?.of(&["factory.notifyProposalCreated"]),
        plain(Bounds::PLAIN, (contract, 1_u64, 2_u64, ContractStatus::Paused))?.of(&["factory.notifyStatusChanged"]),
        plain(Bounds::PLAIN, (contract, 1_u64, 2_u64, true))?.of(&["factory.notifyVisibilityChanged"]),
    ])
}

/// What is asked of the index.
fn reads() -> anyhow::Result<Vec<Method>> {
    let at = Moment { time: Timestamp(5), index: 6 };
    let name = NameCursor { name: "name".to_owned(), at };
    let role = RoleCursor { role: Role::Holder, person: principal(6) };
    let (who, limit) = (principal(5), Some(20_u32));
    let (creator, active) = (Some(ContractRole::Creator), Some(ContractStatus::Active));
    Ok(vec![
        plain(bounds(MAX_QUESTION), ("prefix".to_owned(), Some(name), limit))?.of(&["factory.findContracts"]),
        plain(bounds(MAX_QUESTION), ("SYM".to_owned(), Some(at), limit))?.of(&["factory.getContractsBySymbol"]),
        plain(Bounds::PLAIN, (who, Some(role), limit))?.of(&["factory.getContractRoles"]),
        plain(Bounds::PLAIN, (who, Some(at), limit, creator, active))?.of(&["factory.getMyContracts"]),
        plain(Bounds::PLAIN, (Some(at), limit, active))?.of(&["factory.getPublicContracts"]),
        plain(Bounds::PLAIN, (Some(who), Some(7_u64), limit))?.of(&["factory.getUpgrades"]),
    ])
}

/// What is done with contracts.
fn acts() -> anyhow::Result<Vec<Method>> {
    let rollout =
        RolloutArgs { version: "1.2.3".to_owned(), canary: Canary::Share(500), wave: 20, max_failures: 1_000 };
    let (contract, version) = (principal(5), "1.2.3".to_owned());
    Ok(vec![
        plain(bounds(MAX_NOTIFY), (contract, 1_u64, batch()))?.of(&["factory.notifyBatch"]),
        plain(Bounds::PLAIN, (rollout,))?.of(&["factory.startRollout"]),
        plain(Bounds::PLAIN, (contract, Some(version.clone())))?.of(&["factory.requestUpgrade"]),
        plain(Bounds::PLAIN, (contract, version))?.of(&["factory.forceUpgrade"]),
        plain(Bounds::PLAIN, (contract, true))?.of(&["factory.setAutoUpdate"]),
        plain(Bounds::PLAIN, (contract, Role::Signer))?.of(&[
            "factory.acceptRole",
            "factory.hideRole",
            "factory.showRole",
        ]),
    ])
}

pub(super) fn methods() -> anyhow::Result<Vec<Method>> {
    let init = FactoryInit {
        audit: principal(1),
        pool_target: 3,
        contract_cycles: 1 << 40,
        reserve_cycles: 1 << 41,
        publish_delay_seconds: Some(60),
    };
    let mut methods = vec![shown(Bounds::PLAIN, (init,), |_| true)?.of(&["factory.init"])];
    methods.extend([orders()?, templates()?, single()?, reads()?, acts()?].into_iter().flatten());
    Ok(methods)
}
