//! Whatever is interrupted goes on from the log: upgrades in the middle of everything, callbacks that trap.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails here says enough")]

use cairn::platform::{Order, Pending, Platform, token, user};
use cairn_events::{DeploymentId, Principal};
use cairn_tests::invariants::{self, End};
use cairn_tests::rest;
use cairn_tests::witness::witness;
use localnet::{Fault, MessageKind};
use std::collections::BTreeMap;

const DEPLOYMENTS: usize = 20;

fn buyers() -> impl Iterator<Item = Principal> {
    (0..DEPLOYMENTS).map(|n| user(&format!("buyer {n}")))
}

/// A platform whose buyers can afford a token each.
fn open(seed: u64) -> Platform {
    let mut platform = Platform::boot(seed).unwrap();
    buyers().for_each(|owner| platform.afford(owner, 1).unwrap());
    platform.settle().unwrap();
    platform
}

fn order(platform: &Platform, owner: Principal) -> Order {
    platform.order(token(owner, "In Between", "BTWN"))
}

fn submit_all(platform: &mut Platform) -> Vec<Pending> {
    buyers()
        .map(|owner| {
            let order = order(platform, owner);
            platform.submit_create_token(owner, order, "only")
        })
        .collect()
}

/// Brings the platform to rest and checks everything; returns how the deployments ended.
fn ends_well(platform: &mut Platform, what: &str) -> BTreeMap<DeploymentId, End> {
    platform.net.clear_faults();
    platform.settle().unwrap_or_else(|error| panic!("{what}: {error}"));
    let world = witness(platform).unwrap();
    let violations = invariants::violations(&world);
    assert!(violations.is_empty(), "{what}:\n{}", violations.join("\n"));
    let unrest = rest::unrest(platform).unwrap();
    assert!(unrest.is_empty(), "{what}:\n{}", unrest.join("\n"));
    let ends = invariants::ends(&world.events);
    let odd: Vec<_> = ends.iter().filter(|(_, end)| matches!(end, End::Open | End::Quarantined)).collect();
    assert!(odd.is_empty(), "{what}: {odd:?}");
    ends
}

/// Nobody is locked out by what happened: every buyer, asking again, gets an answer for the same deployment.
fn asks_again(platform: &mut Platform, what: &str) {
    for owner in buyers() {
        let order = order(platform, owner);
        let id = platform.deployment_id(owner, "only");
        match platform.create_token(owner, order, "only").unwrap() {
            Ok(record) => assert_eq!(record.id, id, "{what}"),
            Err(refusal) => panic!("{what}: asked again, {owner} is refused: {refusal}"),
        }
    }
}

#[test]
fn every_canister_can_be_upgraded_in_the_middle_of_twenty_deployments() {
    let opened = open(11);
    for (package, id) in opened.canisters() {
        for rounds in [1, 4, 8, 13, 19, 26] {
            let what = format!("{package} upgraded after {rounds} rounds");
            let mut platform = opened.fork();
            submit_all(&mut platform);
            (0..rounds).for_each(|_| platform.net.tick());
            platform.upgrade(package, id).unwrap();
            ends_well(&mut platform, &what);
            asks_again(&mut platform, &what);
            let ends = ends_well(&mut platform, &what);
            assert_eq!(ends.len(), DEPLOYMENTS, "{what}");
            // Nothing here gives the factory a reason to refuse: who was captured is delivered.
            assert!(ends.values().all(|end| *end == End::Delivered), "{what}: {ends:?}");
        }
    }
}

#[test]
fn every_canister_can_be_stopped_and_upgraded_in_the_middle_of_twenty_deployments() {
    let opened = open(12);
    for (package, id) in opened.canisters() {
        for rounds in [2, 7, 15] {
            let what = format!("{package} stopped and upgraded after {rounds} rounds");
            let mut platform = opened.fork();
            submit_all(&mut platform);
            (0..rounds).for_each(|_| platform.net.tick());
            let admin = platform.admin;
            platform.net.stop(id, admin).unwrap();
            platform.upgrade(package, id).unwrap();
            platform.net.start_canister(id, admin).unwrap();
            ends_well(&mut platform, &what);
            asks_again(&mut platform, &what);
            let ends = ends_well(&mut platform, &what);
            assert_eq!(ends.len(), DEPLOYMENTS, "{what}");
            // Nothing here gives the factory a reason to refuse: who was captured is delivered.
            assert!(ends.values().all(|end| *end == End::Delivered), "{what}: {ends:?}");
        }
    }
}

/// Lets the n-th callback of `caller` trap, for every n there is; returns how many there were.
fn trap_every_callback(opened: &Platform, caller: impl Fn(&Platform) -> Fault, what: &str) -> u64 {
    let mut occurrence = 0;
    loop {
        occurrence += 1;
        let what = format!("{what} {occurrence} trapped");
        let mut platform = opened.fork();
        let fault = caller(&platform).kind(MessageKind::ReplyCallback).occurrence(occurrence);
        platform.net.inject(fault);
        let owner = buyers().next().unwrap();
        let order = order(&platform, owner);
        // The caller may be told of the trap; what counts is what follows.
        let _ = platform.create_token(owner, order.clone(), "only");
        // What follows by timer: registration, notifications of the new token.
        (0..10).for_each(|_| platform.pass(3));
        if platform.net.struck_faults().is_empty() {
            return occurrence - 1;
        }
        ends_well(&mut platform, &what);
        let again = platform.create_token(owner, order, "only").unwrap();
        assert!(again.is_ok(), "{what}: asked again, the buyer is refused: {again:?}");
        ends_well(&mut platform, &what);
    }
}

#[test]
fn every_callback_of_the_backend_may_trap() {
    let callbacks = trap_every_callback(&open(13), |p| Fault::trap().caller(p.backend), "backend: callback");
    assert!(callbacks >= 7, "only {callbacks} callbacks were seen");
}

#[test]
fn every_callback_of_the_factory_may_trap() {
    let callbacks = trap_every_callback(&open(14), |p| Fault::trap().caller(p.factory), "factory: callback");
    assert!(callbacks >= 5, "only {callbacks} callbacks were seen");
}

/// The token's own callbacks: the factory's answers to its notifications.
#[test]
fn every_callback_of_the_token_may_trap() {
    let fault = |_: &Platform| Fault::trap().method("notifyBatch");
    let opened = open(15);
    let callbacks = trap_every_callback(&opened, fault, "token: callback");
    assert!(callbacks >= 1, "no callback was seen");
}
