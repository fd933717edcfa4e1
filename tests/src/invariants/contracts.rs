//! I6, I7, I15: what runs on the network is what the log says, and nothing else.

use super::{CanisterState, World};
use cairn_events::payload::ContractRegistered;
use cairn_events::topic::Service;
use cairn_events::{Hash, Payload, Principal};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(world: &World, found: &mut Vec<String>) {
    let states: BTreeMap<Principal, &CanisterState> = world.canisters.iter().map(|state| (state.id, state)).collect();
    let created: BTreeSet<Principal> = contracts(world, |payload| match payload {
        Payload::ContractCreated(p) => Some(p.contract),
        _ => None,
    });
    let delivered: BTreeMap<Principal, Hash> = world
        .events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::DeliveryCommitted(p) => Some((p.contract, p.module_hash)),
            // The last one counts.
            Payload::UpgradeConfirmed(p) => Some((p.contract, p.module_hash)),
            _ => None,
        })
        .collect();
    let registered: BTreeMap<Principal, &ContractRegistered> = world
        .events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::ContractRegistered(p) => Some((p.contract, p)),
            _ => None,
        })
        .collect();
    for (contract, module_hash) in &delivered {
        delivery(world, *contract, module_hash, &states, &registered, found);
    }
    for contract in created.iter().filter(|contract| !delivered.contains_key(contract)) {
        spare(world, *contract, &states, found);
    }
    population(world, &states, &created, found);
    callbacks(world, found);
}

fn contracts(world: &World, select: fn(&Payload) -> Option<Principal>) -> BTreeSet<Principal> {
    world.events.iter().filter_map(|event| select(&event.payload)).collect()
}

/// I6: a delivered contract runs the module of its event, under the controllers of its registration.
fn delivery(
    world: &World,
    contract: Principal,
    module_hash: &Hash,
    states: &BTreeMap<Principal, &CanisterState>,
    registered: &BTreeMap<Principal, &ContractRegistered>,
    found: &mut Vec<String>,
) {
    let Some(state) = states.get(&contract) else {
        found.push(format!("I6: delivered contract {contract} does not exist"));
        return;
    };
    if state.module_hash != Some(*module_hash) {
        found.push(format!("I6: contract {contract} runs {:?}, the log has {module_hash}", state.module_hash));
    }
    let Some(registration) = registered.get(&contract) else {
        found.push(format!("I6: delivered contract {contract} is not registered"));
        return;
    };
    let is_released = world
        .events
        .iter()
        .any(|event| matches!(&event.payload, Payload::ControlReleased(released) if released.contract == contract));
    let is_left = |id: &Principal| !(is_released && world.factories.contains(id));
    let controllers: BTreeSet<Principal> = registration.controllers.iter().copied().filter(is_left).collect();
    // Where third parties' money lies, nobody but the contract itself.
    let rightful = if registration.service == Service::Token { registration.owner } else { contract };
    let is_owned =
        controllers.contains(&rightful) && controllers.iter().all(|id| *id == rightful || world.factories.contains(id));
    if state.controllers != controllers || !is_owned {
        found.push(format!("I6: contract {contract} is controlled by {:?}, not {controllers:?}", state.controllers));
    }
}

/// I6: a canister that was not delivered has no code, and no controller but its factory.
fn spare(world: &World, contract: Principal, states: &BTreeMap<Principal, &CanisterState>, found: &mut Vec<String>) {
    let Some(state) = states.get(&contract) else { return };
    if state.module_hash.is_some() || !state.controllers.is_subset(&world.factories) {
        found.push(format!("I6: canister {contract} was not delivered, yet has code or a foreign controller"));
    }
}

/// I7: there is no canister but the platform's, and those whose creation is in the log or ended as unresolved.
fn population(
    world: &World,
    states: &BTreeMap<Principal, &CanisterState>,
    created: &BTreeSet<Principal>,
    found: &mut Vec<String>,
) {
    let platform = [world.audit, world.backend].into_iter().chain(world.factories.iter().chain(&world.others).copied());
    let known: BTreeSet<Principal> = created.iter().copied().chain(platform).collect();
    let strays = states.keys().filter(|id| !known.contains(id)).count();
    let unresolved =
        world.events.iter().filter(|event| matches!(event.payload, Payload::CreationUnresolved(_))).count();
    if strays > unresolved {
        found.push(format!("I7: {strays} canisters are unknown to the log, {unresolved} creations were unresolved"));
    }
}

/// I15: per contract and epoch the accepted callbacks are numbered 1 to n, each once.
fn callbacks(world: &World, found: &mut Vec<String>) {
    let mut last: BTreeMap<(Principal, u64), u64> = BTreeMap::new();
    for event in &world.events {
        if let Payload::CallbackAccepted(callback) = &event.payload {
            let previous = last.insert((callback.contract, callback.epoch), callback.seq).unwrap_or_default();
            if callback.seq != previous + 1 {
                found.push(format!("I15: callback {} of {} follows {previous}", callback.seq, callback.contract));
            }
        }
    }
}
