//! The invariants of money, log and contracts, checked after every run, whatever was made to fail in it.
//!
//! They are computed from three independent witnesses: the log, the ledger's blocks and the network's canisters.
//! Numbers (I1 and so on) are those under which the project's safety rules list them.

mod contracts;
mod log;
mod money;
pub mod upgrades;

use crate::ledger::Block;
use cairn_events::{DeploymentId, Event, Hash, LogId, Payload, Principal};
use std::collections::{BTreeMap, BTreeSet};

/// A canister as the network shows it.
#[derive(Clone, Debug)]
pub struct CanisterState {
    /// Its id.
    pub id: Principal,
    /// The hash of its code, if it has any.
    pub module_hash: Option<Hash>,
    /// Its controllers.
    pub controllers: BTreeSet<Principal>,
}

/// Everything that can be witnessed of a platform at rest: faults stopped, timers drained.
#[derive(Clone, Debug)]
pub struct World {
    /// The audit canister.
    pub audit: Principal,
    /// The log's id, as its certificate has it.
    pub log: LogId,
    /// The backend.
    pub backend: Principal,
    /// The factories.
    pub factories: BTreeSet<Principal>,
    /// The other canisters of the platform, the fee ledger among them.
    pub others: BTreeSet<Principal>,
    /// The whole log.
    pub events: Vec<Event>,
    /// The fee ledger's blocks.
    pub blocks: Vec<Block>,
    /// The network's canisters.
    pub canisters: Vec<CanisterState>,
}

/// Everything that is wrong with a world; empty for one that is as it should be.
#[must_use]
pub fn violations(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    log::check(world, &mut found);
    money::check(world, &mut found);
    contracts::check(world, &mut found);
    upgrades::check(world, &mut found);
    found
}

/// The events of each deployment's stream.
fn deployments(events: &[Event]) -> BTreeMap<DeploymentId, Vec<&Event>> {
    let mut streams: BTreeMap<DeploymentId, Vec<&Event>> = BTreeMap::new();
    for event in events {
        if let cairn_events::Stream::Deployment(id) = event.stream {
            streams.entry(id).or_default().push(event);
        }
    }
    streams
}

/// How a deployment ended, by its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The fee never moved.
    NotCaptured,
    /// Delivered, and the price released.
    Delivered,
    /// Abandoned, and the price paid back.
    Refunded,
    /// Evidence was not to be had.
    Quarantined,
    /// Not ended.
    Open,
}

/// How each deployment ended.
#[must_use]
pub fn ends(events: &[Event]) -> BTreeMap<DeploymentId, End> {
    deployments(events).into_iter().map(|(id, events)| (id, end(&events))).collect()
}

fn end(events: &[&Event]) -> End {
    let has = |wanted: fn(&Payload) -> bool| events.iter().any(|event| wanted(&event.payload));
    if has(|p| matches!(p, Payload::DeploymentQuarantined(_))) {
        End::Quarantined
    } else if has(|p| matches!(p, Payload::EscrowReleased(_))) {
        End::Delivered
    } else if has(|p| matches!(p, Payload::RefundPaid(_))) {
        End::Refunded
    } else if has(|p| matches!(p, Payload::PaymentFailed(_))) {
        End::NotCaptured
    } else {
        End::Open
    }
}
