//! The platform on canister wasm: one token from payment to delivery, and the log that tells it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

use cairn::platform::{Options, Platform, Unfinished, account, token, user};
use cairn::verify::verify;
use cairn_events::{Amount, Payload};
use cairn_kit::api::backend::DeploymentStatus;

#[test]
fn a_token_is_paid_delivered_and_verified() {
    let mut platform = Platform::boot(7).unwrap();
    let alice = user("alice");
    platform.afford(alice, 1).unwrap();
    let order = platform.order(token(alice, "Moon", "MOON"));
    let record = platform.create_token(alice, order.clone(), "first").unwrap().unwrap();
    let DeploymentStatus::Delivered { contract, .. } = record.status else { panic!("{record:?}") };
    platform.settle().unwrap();

    assert!(Unfinished::of(platform.events().unwrap()).is_empty());
    assert_eq!(platform.balance(record.escrow).unwrap(), Amount::ZERO);
    assert_eq!(platform.balance(platform.treasury).unwrap(), platform.price);
    assert_eq!(platform.balance(account(alice)).unwrap(), Amount::ZERO);
    assert_eq!(platform.balance_at(contract, account(alice)).unwrap(), order.token.total_supply);
    let again = platform.create_token(alice, order, "first").unwrap().unwrap();
    assert_eq!(again.id, record.id);

    let (export, policy) = (platform.export().unwrap(), platform.policy());
    let verdict = verify(&export, &policy).unwrap();
    let events = platform.events().unwrap();
    assert_eq!(verdict.events, events.len() as u64);
    let captures = events.iter().filter(|event| matches!(event.payload, Payload::PaymentCaptured(_))).count();
    assert_eq!(captures, 1);
}

#[test]
fn a_bit_flipped_in_any_byte_of_a_real_export_is_refused() {
    let mut platform = Platform::boot_with(Options { seed: 3, pool: 1, ..Options::default() }).unwrap();
    let (export, policy) = (platform.export().unwrap(), platform.policy());
    verify(&export, &policy).unwrap();
    let worker = |first: usize| {
        let mut export = export.clone();
        for position in (first..export.len()).step_by(2) {
            let bit = 1 << (position / 2 % 8);
            export[position] ^= bit;
            assert!(verify(&export, &policy).is_err(), "byte {position}, bit {bit:#x}");
            export[position] ^= bit;
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| worker(0));
        scope.spawn(|| worker(1));
    });
}
