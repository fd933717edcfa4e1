//! How events change rows, and rows lists.

use super::people;
use super::row::{CANISTERS, COUNTS, Canister, CanisterState, ContractCounts, Listing};
use super::shelf::Place;
use super::{name, read};
use crate::Tables;
use crate::key::Moment;
use cairn_events::payload::{
    CallbackAccepted, ContractRegistered, Notification, Payload, UpgradeConfirmed, UpgradeRolledBack,
};
use cairn_events::{Event, Principal};

pub(super) fn apply(tables: &mut dyn Tables, event: &Event) {
    let at = Moment::of(event);
    match &event.payload {
        Payload::ContractCreated(created) => change(tables, created.contract, |canister| {
            canister.state = CanisterState::Empty;
            canister.factory = Some(event.source);
            canister.created = at;
        }),
        Payload::CreationUnresolved(_) => count(tables, |counts| counts.unresolved += 1),
        Payload::InstallIntended(intended) => change(tables, intended.contract, |canister| {
            canister.state = CanisterState::Assigned;
            canister.deployment = Some(intended.deployment);
        }),
        Payload::InstallFailed(_) => count(tables, |counts| counts.failed += 1),
        Payload::ContractInstalled(installed) => change(tables, installed.contract, |canister| {
            canister.state = CanisterState::Installed;
            canister.module_hash = Some(installed.module_hash);
        }),
        Payload::DeliveryCommitted(committed) => {
            change(tables, committed.contract, |canister| canister.state = CanisterState::Delivered);
        }
        Payload::ContractRegistered(registered) => list(tables, at, registered),
        Payload::ContractReclaimed(reclaimed) => reclaim(tables, reclaimed.contract),
        Payload::CallbackAccepted(callback) => told(tables, at, callback),
        Payload::CallbackQuarantined(quarantined) => {
            CANISTERS.update(tables, &quarantined.contract, |canister| canister.quarantined += 1);
        }
        Payload::ContractObserved(observed) => {
            CANISTERS.update(tables, &observed.contract, |canister| {
                canister.foreign = !observed.known;
                canister.module_hash = observed.module_hash;
                if let Some(listing) = &mut canister.listing {
                    listing.controllers.clone_from(&observed.controllers);
                }
            });
        }
        Payload::UpgradeConfirmed(UpgradeConfirmed { contract, module_hash, epoch })
        | Payload::UpgradeRolledBack(UpgradeRolledBack { contract, module_hash, epoch, .. }) => {
            CANISTERS.update(tables, contract, |canister| {
                canister.module_hash = Some(*module_hash);
                if let Some(listing) = &mut canister.listing {
                    listing.epoch = *epoch;
                }
            });
        }
        Payload::ControlReleased(released) => {
            CANISTERS.update(tables, &released.contract, |canister| {
                // From now on anybody may have changed its code.
                canister.foreign = true;
                if let Some(listing) = &mut canister.listing {
                    listing.controllers.retain(|controller| *controller != event.source);
                }
            });
        }
        Payload::RoleAnswered(answered) => people::answered(tables, event.actor, answered),
        _ => {}
    }
}

fn list(tables: &mut dyn Tables, at: Moment, registered: &ContractRegistered) {
    if CANISTERS.get(tables, &registered.contract).is_some_and(|canister| canister.listing.is_some()) {
        return;
    }
    change(tables, registered.contract, |canister| {
        canister.state = CanisterState::Listed;
        canister.deployment = Some(registered.deployment);
        canister.listing = Some(Listing {
            service: registered.service,
            owner: registered.owner,
            name: registered.name.clone(),
            symbol: registered.symbol.clone(),
            token: registered.token,
            public: registered.public,
            controllers: registered.controllers.clone(),
            epoch: registered.epoch,
            at,
        });
    });
}

/// The canister is empty again: nothing that its former code was or told remains.
fn reclaim(tables: &mut dyn Tables, contract: Principal) {
    change(tables, contract, |canister| {
        let (factory, created) = (canister.factory, canister.created);
        *canister = Canister { factory, created, ..Canister::default() };
    });
    people::unsettle(tables, contract, true);
    count(tables, |counts| counts.reclaimed += 1);
}

fn told(tables: &mut dyn Tables, at: Moment, callback: &CallbackAccepted) {
    let contract = callback.contract;
    match callback.notification {
        Notification::DeploymentComplete => {
            CANISTERS.update(tables, &contract, |canister| canister.complete = true);
        }
        Notification::VisibilityChanged(public) => {
            edit(tables, contract, |canister| canister.visibility = Some(public));
        }
        Notification::StatusChanged(status) => {
            edit(tables, contract, |canister| canister.status = Some(status));
        }
        notification => {
            if let Some(given) = notification.role() {
                people::told(tables, at, contract, given);
            }
        }
    }
}

/// What lists and counts follow from.
struct Aspect {
    state: CanisterState,
    public: bool,
    place: Option<Place>,
    listing: Option<Listing>,
    populated: bool,
}

impl Aspect {
    fn of(canister: &Canister) -> Self {
        Aspect {
            state: canister.state,
            public: canister.is_public(),
            place: canister.place(false),
            listing: canister.listing.clone(),
            populated: canister.people.total() > 0,
        }
    }
}

/// Changes what is known of `contract`, and with it all lists and counts that follow from it.
fn change(tables: &mut dyn Tables, contract: Principal, change: impl Fn(&mut Canister)) {
    if !edit(tables, contract, &change) {
        let mut canister = Canister::default();
        change(&mut canister);
        CANISTERS.put(tables, &contract, &canister);
        relist(tables, contract, None, &Aspect::of(&canister));
    }
}

/// As [`change`], for a canister that a factory is known to have made; whether it is.
fn edit(tables: &mut dyn Tables, contract: Principal, edit: impl FnOnce(&mut Canister)) -> bool {
    let edited = CANISTERS.update(tables, &contract, |canister| {
        let before = Aspect::of(canister);
        edit(canister);
        (before, Aspect::of(canister))
    });
    if let Some((before, after)) = &edited {
        relist(tables, contract, Some(before), after);
    }
    edited.is_some()
}

/// Counts and lists the canister as it stands now.
fn relist(tables: &mut dyn Tables, contract: Principal, before: Option<&Aspect>, after: &Aspect) {
    recount(tables, before, after);
    let (from, to) = (before.and_then(|before| before.place), after.place);
    if from == to {
        return;
    }
    if let Some(listing) = after.listing.as_ref().or(before.and_then(|before| before.listing.as_ref())) {
        shift(tables, contract, listing, from, to);
    }
    if after.populated {
        people::unsettle(tables, contract, false);
    }
}

fn recount(tables: &mut dyn Tables, before: Option<&Aspect>, after: &Aspect) {
    let state = before.map(|before| before.state);
    let (was_public, is_public) = (before.is_some_and(|before| before.public), after.public);
    if state == Some(after.state) && was_public == is_public {
        return;
    }
    count(tables, |counts| {
        if state != Some(after.state) {
            if let Some(state) = state {
                let gauge = counts.gauge(state);
                *gauge = gauge.saturating_sub(1);
            }
            *counts.gauge(after.state) += 1;
        }
        counts.public = counts.public.saturating_sub(u64::from(was_public)).saturating_add(u64::from(is_public));
    });
}

fn count(tables: &mut dyn Tables, edit: impl FnOnce(&mut ContractCounts)) {
    COUNTS.upsert(tables, &(), edit);
}

/// Moves the contract's own entries: those of its creator, its service, its symbol, its token and its name.
fn shift(tables: &mut dyn Tables, contract: Principal, listing: &Listing, from: Option<Place>, to: Option<Place>) {
    let Listing { service, owner, token, at, .. } = *listing;
    let shelves = (from.map(|place| place.shelf), to.map(|place| place.shelf));
    read::BY_CREATOR.shift(tables, (owner, service), (at, contract), shelves.0, shelves.1);
    read::BY_SERVICE.shift(tables, service, (at, contract), shelves.0, shelves.1);
    if let Some(symbol) = &listing.symbol {
        let scope = (service, name::Folded::of(symbol));
        read::BY_SYMBOL.shift(tables, scope, (at, contract), shelves.0, shelves.1);
    }
    if let Some(token) = token {
        read::BY_TOKEN.shift(tables, (token, service), (at, contract), shelves.0, shelves.1);
    }
    let public = |place: Option<Place>| place.is_some_and(|place| place.shelf.is_public());
    let entry = name::Entry::of(service, &listing.name, at);
    match (public(from), public(to)) {
        (false, true) => name::add(tables, entry, contract),
        (true, false) => name::remove(tables, entry),
        _ => {}
    }
}
