//! I15: a factory has heard everything that its contracts told it, and lists them as they are.

use super::Stage;
use crate::invariants::World;
use anyhow::{Context as _, bail};
use cairn::platform::account;
use cairn_events::payload::{ContractRegistered, ContractStatus, Role};
use cairn_events::topic::Service;
use cairn_events::{Amount, Payload, Principal};
use cairn_kit::api::contract::NotificationStatus;
use cairn_kit::api::distribution::{DistributionError, RecipientView, Terms};
use cairn_kit::api::factory::FactoryError;
use cairn_kit::api::host::Reflected;
use cairn_kit::api::multisig::{MemberRole, WalletError, WalletInfo, WalletPhase};
use cairn_projections::contracts::{Assignment, Contract, Listed, RoleCursor};
use std::collections::BTreeSet;

/// More rows than there are people.
const PAGE: u32 = 100;

/// Who has which role.
type Roles = BTreeSet<(Role, Principal)>;

/// How a contract stands, to itself or to its factory.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    public: bool,
    status: ContractStatus,
    roles: Roles,
}

/// Every contract that was delivered, at rest.
pub(super) fn check(stage: &mut Stage, world: &World, found: &mut Vec<String>) -> anyhow::Result<()> {
    // Of a canister that had another life before, only this one counts.
    let registered = world.events.iter().filter_map(|event| match &event.payload {
        Payload::ContractRegistered(registered) => Some(registered),
        _ => None,
    });
    for registered in registered {
        told(stage, world, registered, found)?;
        let listed = listed(stage, registered, found)?;
        let own = own(stage, registered, &listed.roles)?;
        if listed != own {
            found.push(format!("I15: {} is listed as {listed:?}, and is {own:?}", registered.contract));
        }
    }
    Ok(())
}

/// Everything that the contract has told is accepted, and nothing is left to be told.
fn told(
    stage: &mut Stage,
    world: &World,
    registered: &ContractRegistered,
    found: &mut Vec<String>,
) -> anyhow::Result<()> {
    let ContractRegistered { contract, epoch, .. } = *registered;
    let of_this_life = |payload: &Payload| match payload {
        Payload::CallbackAccepted(callback) => (callback.contract, callback.epoch) == (contract, epoch),
        _ => false,
    };
    let accepted = world.events.iter().filter(|event| of_this_life(&event.payload)).count() as u64;
    let status: NotificationStatus =
        stage.platform.net.query(contract, Principal::anonymous(), "getNotificationStatus", ())?;
    if (status.pending, status.unacknowledged, status.acknowledgedThrough) != (0, 0, accepted) {
        found.push(format!(
            "I15: {accepted} notifications accepted; {} acknowledged, {} not, {} to come",
            status.acknowledgedThrough, status.unacknowledged, status.pending
        ));
    }
    Ok(())
}

/// The contract as its owner finds it at the factory.
fn listed(stage: &mut Stage, registered: &ContractRegistered, found: &mut Vec<String>) -> anyhow::Result<Standing> {
    let ContractRegistered { contract, owner, .. } = *registered;
    let factory = stage.platform.factory_of(registered.service).context("a contract without a factory")?;
    let info: Result<Reflected<Contract>, FactoryError> =
        stage.platform.net.query(factory, owner, "getContractInfo", (contract,))?;
    let info = info.context("I15: a contract is not listed")?.content;
    if !info.complete {
        found.push(format!("I15: nobody has told that {contract} is set up"));
    }
    let arguments = (contract, None::<RoleCursor>, Some(PAGE));
    let roles: Result<Reflected<Listed<Assignment, RoleCursor>>, FactoryError> =
        stage.platform.net.query(factory, owner, "getContractRoles", arguments)?;
    let roles = roles?.content.rows.into_iter().map(|row| (row.role, row.person)).collect();
    Ok(Standing { public: info.public, status: info.status, roles })
}

/// The contract as it says itself.
fn own(stage: &mut Stage, registered: &ContractRegistered, listed: &Roles) -> anyhow::Result<Standing> {
    match registered.service {
        Service::Token => token(stage, registered, listed),
        Service::Multisig => wallet(stage, registered),
        Service::Distribution => distribution(stage, registered),
        other => bail!("{} are not delivered here", other.name()),
    }
}

/// A ledger does not know who may see it listed. Its holders are asked for one by one: who is listed, and who could be.
fn token(stage: &mut Stage, registered: &ContractRegistered, listed: &Roles) -> anyhow::Result<Standing> {
    let people: BTreeSet<Principal> =
        listed.iter().map(|(_, person)| *person).chain([stage.buyer, stage.donor]).collect();
    let mut roles = Roles::new();
    for person in people {
        if stage.platform.balance_at(registered.contract, account(person))? > Amount::ZERO {
            roles.insert((Role::Holder, person));
        }
    }
    Ok(Standing { public: registered.public, status: ContractStatus::Active, roles })
}

fn wallet(stage: &mut Stage, registered: &ContractRegistered) -> anyhow::Result<Standing> {
    let info: Result<WalletInfo, WalletError> =
        stage.platform.net.query(registered.contract, registered.owner, "getWalletInfo", ())?;
    let WalletInfo { public, phase, members, .. } = info?;
    let role = |role: MemberRole| match role {
        MemberRole::Owner | MemberRole::Signer => Some(Role::Signer),
        MemberRole::Observer => Some(Role::Observer),
        MemberRole::Guardian => None,
    };
    let roles = members.iter().filter_map(|member| Some((role(member.role)?, member.principal))).collect();
    let status = if phase == WalletPhase::Active { ContractStatus::Active } else { ContractStatus::Frozen };
    Ok(Standing { public, status, roles })
}

fn distribution(stage: &mut Stage, registered: &ContractRegistered) -> anyhow::Result<Standing> {
    let ContractRegistered { contract, owner, .. } = *registered;
    let net = &mut stage.platform.net;
    let terms: Result<Terms, DistributionError> = net.query(contract, owner, "getConfig", ())?;
    let status: Result<ContractStatus, DistributionError> = net.query(contract, owner, "getStatus", ())?;
    let first_page = (None::<Principal>, Some(PAGE));
    let people: Result<Vec<RecipientView>, DistributionError> =
        net.query(contract, owner, "getRecipients", first_page)?;
    let roles = people?.into_iter().map(|person| (Role::Recipient, person.recipient)).collect();
    Ok(Standing { public: terms?.args.public, status: status?, roles })
}
