//! The checks of money, log and contracts prove something only if they can fail: worlds tampered with must not pass.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails here says enough"
)]

use cairn::platform::{Platform, token, user};
use cairn_events::{Amount, Hash, Kind, Principal};
use cairn_tests::invariants::{World, violations};
use cairn_tests::ledger::Block;
use cairn_tests::witness::witness;

fn world() -> World {
    let mut platform = Platform::boot(21).unwrap();
    for n in 0..2 {
        let owner = user(&format!("buyer {n}"));
        platform.afford(owner, 1).unwrap();
        let order = platform.order(token(owner, "Good", "GOOD"));
        platform.create_token(owner, order, "only").unwrap().unwrap();
    }
    platform.settle().unwrap();
    witness(&mut platform).unwrap()
}

/// Whether a copy of `world`, tampered with, breaks the invariant numbered `number`.
fn breaks(world: &World, number: &str, tamper: impl Fn(&mut World)) {
    let mut tampered = world.clone();
    tamper(&mut tampered);
    let found = violations(&tampered);
    let prefix = format!("{number}:");
    assert!(found.iter().any(|violation| violation.starts_with(&prefix)), "{number} not found in {found:?}");
}

fn position(world: &World, kind: Kind) -> usize {
    world.events.iter().position(|event| event.payload.kind() == kind).expect("the world has such an event")
}

#[test]
fn tampered_worlds_are_found_out() {
    let world = world();
    assert_eq!(violations(&world), Vec::<String>::new());

    let escrow = world.blocks.iter().position(|block| block.touches(world.backend)).expect("a capture");
    let is_release = |block: &Block| block.from.is_some_and(|from| from.owner == world.backend);
    let release = world.blocks.iter().position(is_release).expect("a release");
    breaks(&world, "I10", |world| drop(world.events.remove(position(world, Kind::PaymentCaptured))));
    breaks(&world, "I10", |world| world.events.swap(3, 4));
    breaks(&world, "I9", |world| world.events.truncate(position(world, Kind::EscrowReleased)));
    breaks(&world, "I5", |world| world.events.truncate(position(world, Kind::PaymentCaptured)));
    breaks(&world, "I3", |world| world.blocks[escrow].memo = None);
    breaks(&world, "I3", |world| world.blocks[escrow].created_at = Some(1));
    breaks(&world, "I1", |world| world.blocks[release].amount.0 -= 1);
    breaks(&world, "I4", |world| world.blocks[escrow].amount = Amount(u128::MAX / 2));
    breaks(&world, "I6", |world| {
        let contract = world.canisters.last_mut().expect("a canister");
        contract.module_hash = Some(Hash([7; 32]));
    });
    breaks(&world, "I17", |world| drop(world.events.remove(position(world, Kind::TemplatePublished))));
    breaks(&world, "I7", |world| {
        let mut stray = world.canisters[0].clone();
        stray.id = Principal::self_authenticating(b"stray");
        world.canisters.push(stray);
    });
}
