//! The methods of factories; and what they make is asked for with, at the backend and at them.

use super::{Bounds, Method, distribution, method, plain, wallet};
use cairn_events::payload::{Channel, ContractStatus, Movement, Notification, ProposalCreated, Subaccount};
use cairn_events::testing::principal;
use cairn_events::topic::Service;
use cairn_events::{Amount, DeploymentId, Hash, LogId, Principal, Timestamp, Version};
use cairn_factory::endpoints::{MAX_CREATE, MAX_NOTIFY, MAX_QUESTION};
use cairn_factory::template::endpoints::{MAX_PROPOSE, MAX_UPLOAD};
use cairn_factory::template::interface::Interface;
use cairn_kit::api::backend::{AgreedPrice, CreateDistributionArgs, CreateLockArgs, CreateMultisigArgs};
use cairn_kit::api::distribution::DistributionArgs;
use cairn_kit::api::factory::{ContractArgs, NumberedNotification};
use cairn_kit::api::multisig::MultisigArgs;
use cairn_kit::api::template::ProposeTemplate;
use cairn_kit::api::upgrade::{Canary, RolloutArgs};
use cairn_projections::Moment;
use cairn_projections::contracts::NameCursor;
use serde_bytes::ByteBuf;

/// The backend's, for requests of everyone.
const REQUEST: Bounds = Bounds::own(1_000_000, 20);
/// When a request arrives.
const NOW: Timestamp = Timestamp(1);

/// A factory's bounds for so many bytes.
const fn bounds(bytes: usize) -> Bounds {
    Bounds::own(bytes, 50)
}

fn agreed() -> AgreedPrice {
    AgreedPrice { ledger: principal(30), max_price: Amount(1 << 70), template: Some(Hash([3; 32])) }
}

/// What users ask the backend for.
fn requests() -> anyhow::Result<Vec<Method>> {
    let (from_subaccount, billing_reference) = (Some(Subaccount([7; 32])), Some("reference".to_owned()));
    let multisig = CreateMultisigArgs {
        wallet: wallet::wallet(),
        agreed: agreed(),
        from_subaccount,
        billing_reference: billing_reference.clone(),
    };
    let distribution = CreateDistributionArgs {
        distribution: distribution::distribution(),
        agreed: agreed(),
        from_subaccount,
        billing_reference: billing_reference.clone(),
    };
    let lock = CreateLockArgs { lock: distribution::lock(), agreed: agreed(), from_subaccount, billing_reference };
    let id = "request".to_owned();
    Ok(vec![
        method(REQUEST, (multisig, id.clone()), |(args, _)| args.wallet.validate_for(principal(1)).is_ok())?,
        method(REQUEST, (distribution, id.clone()), |(args, _)| args.distribution.validate(NOW).is_ok())?,
        method(REQUEST, (lock, id), |(args, _)| args.lock.clone().into_distribution().validate(NOW).is_ok())?,
    ])
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
        })?,
        method(bounds(MAX_CREATE), (principal(1), distribution), |(_, order)| {
            candid::decode_one::<DistributionArgs>(&order.args).is_ok_and(|args| args.check().is_ok())
        })?,
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
        plain(bounds(MAX_UPLOAD), (1_u64, 800_u64, chunk))?,
        method(bounds(MAX_PROPOSE), (proposal,), |(proposal,)| {
            let versions = [Some(&proposal.version), proposal.upgrades_from.as_ref()];
            let mut versions = versions.into_iter().flatten();
            versions.all(|version| version.parse::<Version>().is_ok()) && Interface::parse(&proposal.interface).is_ok()
        })?,
        method(Bounds::PLAIN, ("1.2.3".to_owned(), Hash([4; 32])), |(version, _)| version.parse::<Version>().is_ok())?,
        plain(Bounds::PLAIN, ("1.2.3".to_owned(), "reason".to_owned()))?,
    ])
}

pub(super) fn methods() -> anyhow::Result<Vec<Method>> {
    let rollout =
        RolloutArgs { version: "1.2.3".to_owned(), canary: Canary::Share(500), wave: 20, max_failures: 1_000 };
    let at = Moment { time: Timestamp(5), index: 6 };
    let cursor = NameCursor { name: "name".to_owned(), at };
    let mut methods = [requests()?, orders()?, templates()?].into_iter().flatten().collect::<Vec<Method>>();
    methods.extend([
        plain(bounds(MAX_NOTIFY), (principal(5), 1_u64, batch()))?,
        plain(Bounds::PLAIN, (rollout,))?,
        plain::<(Principal, Option<String>)>(Bounds::PLAIN, (principal(5), Some("1.2.3".to_owned())))?,
        plain(bounds(MAX_QUESTION), ("prefix".to_owned(), Some(cursor), Some(20_u32)))?,
        plain(bounds(MAX_QUESTION), ("SYM".to_owned(), Some(at), Some(20_u32)))?,
    ]);
    Ok(methods)
}
