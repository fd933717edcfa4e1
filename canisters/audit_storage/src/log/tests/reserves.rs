//! Reserves: what is begun can be brought to its end.

use super::*;
use cairn_events::payload::{
    ControlReleased, Reason, RollbackIntended, SnapshotTaken, UpgradeInstalled, UpgradeIntended, UpgradeRolledBack,
};
use cairn_kit::api::audit::AuditTemporaryError;
use serde_bytes::ByteBuf;

fn exhausted(refusal: AuditError) -> u64 {
    match refusal {
        AuditError::Temporary(AuditTemporaryError::ReserveExhausted { open_intents }) => open_intents,
        other => panic!("{other:?}"),
    }
}

fn begin(n: u8) -> [Submission; 2] {
    [requested(n).exactly(0), intended(n, Payload::PaymentIntended).exactly(1)]
}

/// All that can follow from a payment intended at version 2, whichever way it ends.
fn finish(bench: &mut Bench, n: u8, delivered: bool) {
    let captured = [settled(n, Payload::PaymentCaptured), dispatched(n).exactly(3)];
    bench.append(BACKEND, &captured).expect("captured");
    let (writer, decision) = if delivered { (FACTORY, committed(n)) } else { (BACKEND, abandoned(n)) };
    bench.append(writer, &[decision.exactly(4)]).expect("decided");
    let (intent, outcome) = if delivered {
        (intended(n, Payload::ReleaseIntended), settled(n, Payload::EscrowReleased))
    } else {
        (intended(n, Payload::RefundIntended), settled(n, Payload::RefundPaid))
    };
    bench.append(BACKEND, &[intent.exactly(5)]).expect("intended");
    bench.append(BACKEND, &[outcome]).expect("paid");
}

#[test]
fn without_cycles_new_work_is_refused_first() {
    let mut bench = Bench::new();
    for n in 1..=2 {
        bench.append(BACKEND, &begin(n)).expect("accepted");
    }
    bench.means.cycles = FLOOR_CYCLES;
    assert_eq!(exhausted(bench.refused(BACKEND, &begin(3))), 2, "no new work");
    assert_eq!(bench.log.reserve(&bench.means).intents_left, 0);
    bench.append(BACKEND, &[requested(4)]).expect("facts still");
    bench.means.cycles = FLOOR_CYCLES / 2;
    assert_eq!(exhausted(bench.refused(BACKEND, &[requested(5)])), 2, "no facts either");
    bench.means.cycles = 1;
    finish(&mut bench, 1, true);
    finish(&mut bench, 2, false);
    assert_eq!(bench.log.counters().open_intents, 0);
    bench.verify();
}

/// A contract stands still while it is upgraded: the log takes whatever brings that to its end.
#[test]
fn an_upgrade_that_has_begun_comes_to_its_end() {
    let mut bench = Bench::new();
    let (contract, actor, hash) = (Principal::from_slice(&[0x77]), Principal::from_slice(&[0x78]), Hash([1; 32]));
    let reason = Reason::new("unhealthy", "");
    let begun = UpgradeIntended { contract, from: hash, to: hash, epoch: 2 };
    let saved = SnapshotTaken { contract, snapshot: ByteBuf::from([1]), module_hash: hash };
    let story = [
        Payload::SnapshotTaken(saved.clone()),
        Payload::UpgradeInstalled(UpgradeInstalled { contract, module_hash: hash }),
        Payload::RollbackIntended(RollbackIntended { contract, module_hash: Some(hash), reason: reason.clone() }),
        Payload::UpgradeRolledBack(UpgradeRolledBack { contract, module_hash: hash, epoch: 3, reason }),
    ];
    bench.append(FACTORY, &[Submission::new(actor, Payload::UpgradeIntended(begun)).exactly(0)]).expect("begun");
    bench.means.cycles = 1;
    exhausted(
        bench.refused(FACTORY, &[Submission::new(actor, Payload::ControlReleased(ControlReleased { contract }))]),
    );
    for payload in story {
        bench.append(FACTORY, &[Submission::new(actor, payload)]).expect("its end");
    }
    exhausted(bench.refused(FACTORY, &[Submission::new(actor, Payload::SnapshotTaken(saved))]));
    bench.verify();
}

#[test]
fn the_receipt_says_how_much_is_left() {
    let mut bench = Bench::new();
    bench.means.cycles = FLOOR_CYCLES + 1_000_000_000;
    let mut left = bench.log.reserve(&bench.means).intents_left;
    assert!(left > 0);
    for n in 1.. {
        match bench.append(BACKEND, &begin(n)) {
            Ok(appended) => {
                assert_eq!(appended.reserve.open_intents, u64::from(n));
                assert_eq!(appended.reserve.intents_left, left - 1);
                left -= 1;
            }
            Err(refusal) => {
                assert_eq!(exhausted(refusal), u64::from(n) - 1);
                break;
            }
        }
    }
    assert_eq!(left, 0);
}

#[test]
fn near_the_bound_of_stable_memory_new_work_is_refused_first() {
    let mut bench = Bench::new();
    bench.append(BACKEND, &begin(1)).expect("accepted");
    bench.means.stable = (499 << 30) + (1 << 29);
    assert_eq!(exhausted(bench.refused(BACKEND, &begin(2))), 1);
    bench.means.stable = 500 << 30;
    assert_eq!(exhausted(bench.refused(BACKEND, &[requested(2)])), 1);
    finish(&mut bench, 1, true);
}

#[test]
fn when_memory_cannot_grow_what_was_begun_still_ends() {
    let mut bench = Bench::new();
    for n in 1..=20 {
        bench.append(BACKEND, &begin(n)).expect("accepted");
    }
    bench.freeze_memory();
    let mut facts = 0;
    // Facts, and even new intents, may use up what is left of the last pages, but not what is set aside.
    while bench.append(BACKEND, &[requested_with(200, 20_000, None)]).is_ok() {
        facts += 1;
    }
    assert!(facts < 100);
    exhausted(bench.refused(BACKEND, &[requested_with(200, 20_000, None)]));
    while bench.append(BACKEND, &begin(100 + facts as u8)).is_ok() {
        facts += 1;
    }
    for n in 1..=20 {
        finish(&mut bench, n, n % 2 == 0);
    }
    bench.verify();
}
