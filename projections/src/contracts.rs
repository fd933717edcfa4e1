//! Contracts: every canister that factories made, and the contracts that people can find.

use crate::key::Moment;
use crate::table::{Page, Table, Timeline};
use crate::{Projection, Tables};
use cairn_events::payload::{ContractRegistered, Notification, Payload};
use cairn_events::topic::Service;
use cairn_events::{DeploymentId, Event, Family, Hash, Principal};
use candid::CandidType;
use serde::{Deserialize, Serialize};

/// Where a canister stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum CanisterState {
    /// In the pool, without code.
    #[default]
    #[serde(rename = "empty")]
    Empty,
    /// Chosen for a deployment; code is being installed.
    #[serde(rename = "assigned")]
    Assigned,
    /// Code is installed.
    #[serde(rename = "installed")]
    Installed,
    /// It is the owner's.
    #[serde(rename = "delivered")]
    Delivered,
    /// It has its final controllers and is listed.
    #[serde(rename = "listed")]
    Listed,
}

/// What is known of a canister that a factory made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Canister {
    state: CanisterState,
    factory: Option<Principal>,
    created: Moment,
    deployment: Option<DeploymentId>,
    module_hash: Option<Hash>,
    complete: bool,
    holders: u64,
    listing: Option<Listing>,
}

/// What a contract was registered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Listing {
    service: Service,
    owner: Principal,
    name: String,
    symbol: Option<String>,
    public: bool,
    controllers: Vec<Principal>,
    epoch: u64,
    at: Moment,
}

/// A contract that was delivered and registered.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Contract {
    /// Its canister.
    pub contract: Principal,
    /// Who made it.
    pub factory: Option<Principal>,
    /// The deployment that made it.
    pub deployment: Option<DeploymentId>,
    /// Its kind.
    pub service: Service,
    /// Its owner.
    pub owner: Principal,
    /// Its name.
    pub name: String,
    /// Its symbol, where it has one.
    pub symbol: Option<String>,
    /// Whether strangers may see it listed.
    pub public: bool,
    /// Its controllers when it was registered.
    pub controllers: Vec<Principal>,
    /// Hash of its module when it was installed.
    pub module_hash: Option<Hash>,
    /// When the canister was created.
    pub created: Moment,
    /// When it was registered.
    pub registered: Moment,
    /// Whether it has told its factory that it is set up.
    pub complete: bool,
    /// How many hold some of it, as it claims.
    pub holders: u64,
}

/// How many canisters stand where, and what happened to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct ContractCounts {
    /// Canisters in the pool.
    pub empty: u64,
    /// Canisters being installed.
    pub assigned: u64,
    /// Installed, not yet delivered.
    pub installed: u64,
    /// Delivered, not yet listed.
    pub delivered: u64,
    /// Listed.
    pub listed: u64,
    /// Of those, seen by strangers.
    pub public: u64,
    /// Creations that failed, or whose reply was lost.
    pub unresolved: u64,
    /// Installations that failed.
    pub failed: u64,
    /// Canisters that returned to the pool.
    pub reclaimed: u64,
}

impl ContractCounts {
    fn gauge(&mut self, state: CanisterState) -> &mut u64 {
        match state {
            CanisterState::Empty => &mut self.empty,
            CanisterState::Assigned => &mut self.assigned,
            CanisterState::Installed => &mut self.installed,
            CanisterState::Delivered => &mut self.delivered,
            CanisterState::Listed => &mut self.listed,
        }
    }
}

const CANISTERS: Table<Principal, Canister> = Table::new(1);
const BY_CREATOR: Timeline<Principal, Principal> = Timeline::new(2);
const BY_HOLDER: Timeline<Principal, Principal> = Timeline::new(3);
const BY_SERVICE: Timeline<Service, Principal> = Timeline::new(4);
const PUBLIC: Timeline<Service, Principal> = Timeline::new(5);
/// Who holds some of which contract, since when.
const HOLDERS: Table<(Principal, Principal), Holder> = Table::new(6);
const COUNTS: Table<(), ContractCounts> = Table::new(7);

/// A holder of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Holder {
    /// Who.
    pub holder: Principal,
    /// Since when.
    pub since: Moment,
}

/// The projection of contracts.
#[derive(Clone, Copy, Debug)]
pub struct Contracts;

impl Projection for Contracts {
    const NAME: &'static str = "contracts";
    const VERSION: u32 = 1;
    const FAMILY: Family = Family::Contracts;

    fn apply(tables: &mut dyn Tables, event: &Event) {
        let at = Moment::of(event);
        match &event.payload {
            Payload::ContractCreated(created) => change(tables, created.contract, CanisterState::Empty, |canister| {
                canister.factory = Some(event.source);
                canister.created = at;
            }),
            Payload::CreationUnresolved(_) => count(tables, |counts| counts.unresolved += 1),
            Payload::InstallIntended(intended) => {
                change(tables, intended.contract, CanisterState::Assigned, |canister| {
                    canister.deployment = Some(intended.deployment);
                });
            }
            Payload::InstallFailed(_) => count(tables, |counts| counts.failed += 1),
            Payload::ContractInstalled(installed) => {
                change(tables, installed.contract, CanisterState::Installed, |canister| {
                    canister.module_hash = Some(installed.module_hash);
                });
            }
            Payload::DeliveryCommitted(committed) => {
                change(tables, committed.contract, CanisterState::Delivered, |_| {});
            }
            Payload::ContractRegistered(registered) => list(tables, at, registered),
            Payload::ContractReclaimed(reclaimed) => reclaim(tables, reclaimed.contract),
            Payload::CallbackAccepted(callback) => match callback.notification {
                Notification::DeploymentComplete => {
                    CANISTERS.update(tables, &callback.contract, |canister| canister.complete = true);
                }
                Notification::HolderAdded(holder) => hold(tables, at, callback.contract, holder),
                Notification::HolderRemoved(holder) => release(tables, callback.contract, holder),
                _ => {}
            },
            _ => {}
        }
    }
}

/// Changes what is known of `contract`, which now stands at `state`, and counts it there.
fn change(tables: &mut dyn Tables, contract: Principal, state: CanisterState, edit: impl FnOnce(&mut Canister)) {
    let known = CANISTERS.get(tables, &contract);
    let before = known.as_ref().map(|canister| canister.state);
    let mut canister = known.unwrap_or_default();
    canister.state = state;
    edit(&mut canister);
    CANISTERS.put(tables, &contract, &canister);
    if before != Some(state) {
        count(tables, |counts| {
            if let Some(before) = before {
                let gauge = counts.gauge(before);
                *gauge = gauge.saturating_sub(1);
            }
            *counts.gauge(state) += 1;
        });
    }
}

fn count(tables: &mut dyn Tables, edit: impl FnOnce(&mut ContractCounts)) {
    COUNTS.upsert(tables, &(), edit);
}

fn list(tables: &mut dyn Tables, at: Moment, registered: &ContractRegistered) {
    let ContractRegistered { contract, service, owner, public, .. } = *registered;
    if CANISTERS.get(tables, &contract).is_some_and(|canister| canister.listing.is_some()) {
        return;
    }
    change(tables, contract, CanisterState::Listed, |canister| {
        canister.deployment = Some(registered.deployment);
        canister.listing = Some(Listing {
            service,
            owner,
            name: registered.name.clone(),
            symbol: registered.symbol.clone(),
            public,
            controllers: registered.controllers.clone(),
            epoch: registered.epoch,
            at,
        });
    });
    BY_CREATOR.add(tables, owner, at, &contract);
    BY_SERVICE.add(tables, service, at, &contract);
    if public {
        PUBLIC.add(tables, service, at, &contract);
        count(tables, |counts| counts.public += 1);
    }
}

/// The canister is empty again: nothing that its former code was or told remains. As many steps as it told holders.
fn reclaim(tables: &mut dyn Tables, contract: Principal) {
    let former = CANISTERS.get(tables, &contract).unwrap_or_default();
    for holder in HOLDERS.under(tables, &contract, usize::MAX) {
        HOLDERS.remove(tables, &(contract, holder.holder));
        BY_HOLDER.remove(tables, holder.holder, holder.since);
    }
    if let Some(Listing { service, owner, public, at, .. }) = former.listing {
        BY_CREATOR.remove(tables, owner, at);
        BY_SERVICE.remove(tables, service, at);
        if public {
            PUBLIC.remove(tables, service, at);
            count(tables, |counts| counts.public = counts.public.saturating_sub(1));
        }
    }
    change(tables, contract, CanisterState::Empty, |canister| {
        *canister = Canister { factory: former.factory, created: former.created, ..Canister::default() };
    });
    count(tables, |counts| counts.reclaimed += 1);
}

fn hold(tables: &mut dyn Tables, at: Moment, contract: Principal, holder: Principal) {
    let key = (contract, holder);
    if HOLDERS.get(tables, &key).is_some() {
        return;
    }
    if CANISTERS.update(tables, &contract, |canister| canister.holders += 1).is_some() {
        HOLDERS.put(tables, &key, &Holder { holder, since: at });
        BY_HOLDER.add(tables, holder, at, &contract);
    }
}

fn release(tables: &mut dyn Tables, contract: Principal, holder: Principal) {
    let key = (contract, holder);
    if let Some(Holder { since, .. }) = HOLDERS.get(tables, &key) {
        HOLDERS.remove(tables, &key);
        BY_HOLDER.remove(tables, holder, since);
        CANISTERS.update(tables, &contract, |canister| canister.holders = canister.holders.saturating_sub(1));
    }
}

impl Contract {
    fn of(contract: Principal, canister: Canister) -> Option<Contract> {
        let listing = canister.listing?;
        Some(Contract {
            contract,
            factory: canister.factory,
            deployment: canister.deployment,
            service: listing.service,
            owner: listing.owner,
            name: listing.name,
            symbol: listing.symbol,
            public: listing.public,
            controllers: listing.controllers,
            module_hash: canister.module_hash,
            created: canister.created,
            registered: listing.at,
            complete: canister.complete,
            holders: canister.holders,
        })
    }
}

/// The contract at `contract`, if it is listed.
pub fn contract(tables: &dyn Tables, contract: Principal) -> Option<Contract> {
    Contract::of(contract, CANISTERS.get(tables, &contract)?)
}

/// Where the canister `contract` stands, if a factory made it.
pub fn state(tables: &dyn Tables, contract: Principal) -> Option<CanisterState> {
    CANISTERS.get(tables, &contract).map(|canister| canister.state)
}

fn page<S: crate::Key + Copy>(
    tables: &dyn Tables,
    timeline: &Timeline<S, Principal>,
    scope: S,
    cursor: Option<Moment>,
    limit: usize,
) -> Page<Contract> {
    timeline.page(tables, scope, cursor, limit).filter_map(|id| contract(tables, id))
}

/// The contracts that `owner` paid for, the newest first.
pub fn by_creator(tables: &dyn Tables, owner: Principal, cursor: Option<Moment>, limit: usize) -> Page<Contract> {
    page(tables, &BY_CREATOR, owner, cursor, limit)
}

/// The contracts that claim `holder` as a holder, those held last first.
pub fn by_holder(tables: &dyn Tables, holder: Principal, cursor: Option<Moment>, limit: usize) -> Page<Contract> {
    page(tables, &BY_HOLDER, holder, cursor, limit)
}

/// All contracts of `service`, the newest first.
pub fn by_service(tables: &dyn Tables, service: Service, cursor: Option<Moment>, limit: usize) -> Page<Contract> {
    page(tables, &BY_SERVICE, service, cursor, limit)
}

/// The public contracts of `service`, the newest first.
pub fn public(tables: &dyn Tables, service: Service, cursor: Option<Moment>, limit: usize) -> Page<Contract> {
    page(tables, &PUBLIC, service, cursor, limit)
}

/// Those who hold some of `contract`, as it claims, in the order of their principals; at most a page of them.
pub fn holders(tables: &dyn Tables, contract: Principal) -> Vec<Holder> {
    HOLDERS.under(tables, &contract, crate::table::MAX_PAGE)
}

/// How many canisters stand where.
pub fn counts(tables: &dyn Tables) -> ContractCounts {
    COUNTS.get(tables, &()).unwrap_or_default()
}
