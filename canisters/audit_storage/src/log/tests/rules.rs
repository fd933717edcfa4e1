//! One rule after the other: what is refused, with what error, and that nothing changes.

use super::*;
use cairn_events::payload::{
    CallbackAccepted, ContractInstalled, ContractToppedUp, CreationIntended, FeeConfigured, Genesis, InstallIntended,
    MaintenanceConfigured, Notification, ProjectionRebuilt, Refused, RollbackIntended, TopUpIntended, UpgradeIntended,
    UpgradeRolledBack, WriterRegistered,
};
use cairn_events::{Expected, Kind};
use cairn_kit::api::audit::WireSubmission;

#[test]
fn the_log_is_the_arbiter() {
    for (winner, first, loser, second) in
        [(FACTORY, committed(1), BACKEND, abandoned(1)), (BACKEND, abandoned(1), FACTORY, committed(1))]
    {
        let mut bench = bench_with_dispatch();
        bench.append(winner, &[first.exactly(4)]).expect("the first decides");
        let refusal = request_error(bench.refused(loser, &[second.clone().exactly(4)]));
        let moved = AuditRequestError::StreamVersion { position: 0, stream: stream(1), expected: 4, actual: 5 };
        assert_eq!(refusal, moved);
        // Not even a writer that has seen the decision can reverse it.
        let refusal = request_error(bench.refused(loser, &[second.clone().exactly(5)]));
        assert_eq!(refusal, AuditRequestError::IntentConflict { position: 0 });
        let refusal = request_error(bench.refused(BACKEND, &[dispatched(1).exactly(5)]));
        assert_eq!(refusal, AuditRequestError::IntentConflict { position: 0 });
        bench.verify();
    }
}

#[test]
fn an_arbiter_must_insist_on_a_version() {
    let mut bench = bench_with_dispatch();
    for (writer, decision) in [(FACTORY, committed(1)), (BACKEND, abandoned(1))] {
        let refusal = request_error(bench.refused(writer, &[decision]));
        assert_eq!(refusal, AuditRequestError::IntentConflict { position: 0 });
    }
}

#[test]
fn a_batch_cannot_decide_twice() {
    let mut bench = bench_with_dispatch();
    let refusal = request_error(bench.refused(FACTORY, &[committed(1).exactly(4), committed(1).exactly(5)]));
    assert_eq!(refusal, AuditRequestError::IntentConflict { position: 1 });
}

#[test]
fn only_the_factory_that_was_asked_delivers() {
    let mut bench = bench_with_dispatch();
    let (backend, other, means) = (id(BACKEND), id(STRANGER), bench.means);
    bench.log.register(backend, other, WriterRole::Factory, &means).expect("registers");
    let not_allowed =
        |position| AuditRequestError::KindNotAllowed { position, kind: "cairn_delivery_committed".into() };
    let refusal = request_error(bench.refused(STRANGER, &[committed(1).exactly(4)]));
    assert_eq!(refusal, not_allowed(0));
    // Nobody was asked to deliver the second one.
    bench.append(BACKEND, &[requested(2).exactly(0)]).expect("accepted");
    let refusal = request_error(bench.refused(FACTORY, &[committed(1).exactly(4), committed(2).exactly(1)]));
    assert_eq!(refusal, not_allowed(1));
    bench.append(FACTORY, &[committed(1).exactly(4)]).expect("the factory that was asked");
    bench.verify();
}

#[test]
fn nothing_dispatched_can_be_abandoned() {
    let mut bench = Bench::new();
    bench.append(BACKEND, &[requested(1).exactly(0), abandoned(1).exactly(1)]).expect("accepted");
    assert_eq!(bench.log.counters().open_intents, 0);
}

#[test]
fn an_exact_version_is_exact() {
    let mut bench = Bench::new();
    let refusal = request_error(bench.refused(BACKEND, &[requested(1).exactly(1)]));
    let short = AuditRequestError::StreamVersion { position: 0, stream: stream(1), expected: 1, actual: 0 };
    assert_eq!(refusal, short);
    bench.append(BACKEND, &[requested(1).exactly(0)]).expect("accepted");
    let refusal = request_error(bench.refused(BACKEND, &[requested(2).exactly(0), requested(1).exactly(0)]));
    let late = AuditRequestError::StreamVersion { position: 1, stream: stream(1), expected: 0, actual: 1 };
    assert_eq!(refusal, late);
}

#[test]
fn an_effect_has_one_open_intent() {
    let mut bench = Bench::new();
    let intent = || intended(1, Payload::PaymentIntended);
    let conflict = AuditRequestError::IntentConflict { position: 0 };
    assert_eq!(request_error(bench.refused(BACKEND, &[intent()])), conflict, "an intent needs an exact version");
    bench.append(BACKEND, &[intent().exactly(0)]).expect("accepted");
    assert_eq!(bench.log.counters().open_intents, 1);
    assert_eq!(request_error(bench.refused(BACKEND, &[intent().exactly(1)])), conflict, "one is open");
    bench.append(BACKEND, &[intended(1, Payload::RefundIntended).exactly(1)]).expect("another effect");
    bench.append(BACKEND, &[settled(1, Payload::PaymentCaptured)]).expect("closes it");
    assert_eq!(bench.log.counters().open_intents, 1);
    bench.append(BACKEND, &[settled(1, Payload::PaymentCaptured)]).expect("outcomes are accepted always");
    assert_eq!(bench.log.counters().open_intents, 1, "and close what is open only");
    bench.append(BACKEND, &[intent().exactly(4)]).expect("a new attempt");
    bench.reopen();
    assert_eq!(request_error(bench.refused(BACKEND, &[intent().exactly(5)])), conflict, "open across upgrades");
}

/// Of a contract one upgrade is under way, and one deposit beside it.
#[test]
fn a_contract_is_upgraded_one_at_a_time() {
    let mut bench = Bench::new();
    let (contract, hash) = (id(50), Hash([1; 32]));
    let submit = |payload| Submission::new(id(ALICE), payload);
    let intent = || submit(Payload::UpgradeIntended(UpgradeIntended { contract, from: hash, to: hash, epoch: 2 }));
    let top_up = || submit(Payload::TopUpIntended(TopUpIntended { contract, cycles: 1 }));
    let conflict = AuditRequestError::IntentConflict { position: 0 };
    assert_eq!(request_error(bench.refused(FACTORY, &[intent()])), conflict, "an intent needs an exact version");
    bench.append(FACTORY, &[intent().exactly(0)]).expect("accepted");
    assert_eq!(request_error(bench.refused(FACTORY, &[intent().exactly(1)])), conflict, "one is open");
    bench.append(FACTORY, &[top_up().exactly(1)]).expect("another effect");
    assert_eq!(request_error(bench.refused(FACTORY, &[top_up().exactly(2)])), conflict, "one is open");
    assert_eq!(bench.log.counters().open_intents, 2);
    let reason = Reason::new("unhealthy", "");
    let intended = RollbackIntended { contract, module_hash: Some(hash), reason: reason.clone() };
    let intended = Payload::RollbackIntended(intended);
    bench.append(FACTORY, &[submit(intended).exactly(2)]).expect("a fact");
    assert_eq!(bench.log.counters().open_intents, 2, "which closes nothing");
    let back = UpgradeRolledBack { contract, module_hash: hash, epoch: 2, reason };
    bench.append(FACTORY, &[submit(Payload::UpgradeRolledBack(back))]).expect("closes the upgrade");
    bench
        .append(FACTORY, &[submit(Payload::ContractToppedUp(ContractToppedUp { contract, cycles: 1 }))])
        .expect("closes the deposit");
    assert_eq!(bench.log.counters().open_intents, 0);
    bench.append(FACTORY, &[intent().exactly(5)]).expect("a new attempt");
    bench.verify();
}

#[test]
fn a_cause_is_an_earlier_event() {
    let mut bench = Bench::new();
    let next = bench.log.counters().events;
    let refusal = request_error(bench.refused(BACKEND, &[requested(1), requested(2).caused_by(next + 1)]));
    assert_eq!(refusal, AuditRequestError::Causation { position: 1, causation: next + 1 });
    bench.append(BACKEND, &[requested(1).caused_by(0), requested(2).caused_by(next)]).expect("accepted");
}

#[test]
fn time_never_goes_back() {
    let mut bench = Bench::new();
    bench.means.now = 9_000;
    let late = bench.append(BACKEND, &[requested(1)]).expect("accepted").receipts[0].timestamp;
    bench.means.now = 5_000;
    let receipts = bench.append(BACKEND, &[requested(2), requested(3)]).expect("accepted").receipts;
    assert!(receipts.iter().all(|receipt| receipt.timestamp == late));
    bench.verify();
}

#[test]
fn one_bad_submission_keeps_out_its_whole_batch() {
    let mut bench = Bench::new();
    let good = [requested(1).exactly(0), intended(1, Payload::PaymentIntended).exactly(1)];
    let bad = [
        requested(1).exactly(0),
        intended(1, Payload::PaymentIntended),
        committed(1).exactly(2),
        requested(3).caused_by(1_000),
        requested(3).opened_by(opening()),
    ];
    for bad in bad {
        let batch: Vec<Submission> = good.iter().cloned().chain([bad]).collect();
        bench.refused(BACKEND, &batch);
    }
    bench.append(BACKEND, &good).expect("the rest is good");
    bench.verify();
}

#[test]
fn only_registered_writers_write() {
    let mut bench = Bench::new();
    for stranger in [STRANGER, ALICE] {
        let refusal = request_error(bench.refused(stranger, &[requested(1)]));
        assert_eq!(refusal, AuditRequestError::NotAWriter { caller: id(stranger) });
    }
    assert!(bench.log.admits(Principal::anonymous()).is_err());
    assert!(bench.log.admits(id(FACTORY)).is_ok());
}

/// A payload of every kind would be the golden vectors again: these are one or two per role.
fn payloads() -> Vec<(Payload, &'static [u8])> {
    let (contract, deployment) = (id(50), deployment(1));
    let hash = Hash([1; 32]);
    vec![
        (requested(1).payload, &[BACKEND]),
        (dispatched(1).payload, &[BACKEND]),
        (abandoned(1).payload, &[BACKEND]),
        (committed(1).payload, &[FACTORY]),
        (intended(1, Payload::ReleaseIntended).payload, &[BACKEND]),
        (settled(1, Payload::RefundPaid).payload, &[BACKEND]),
        (Payload::MaintenanceConfigured(MaintenanceConfigured { maintenance: true }), &[BACKEND]),
        (
            Payload::FeeConfigured(FeeConfigured {
                service: Service::Token,
                ledger: id(99),
                price: Amount(1),
                ledger_fee: Amount(1),
                treasury: account(98),
            }),
            &[BACKEND],
        ),
        (Payload::CreationIntended(CreationIntended { cycles: 1 }), &[FACTORY]),
        (
            Payload::InstallIntended(InstallIntended { contract, deployment, template: hash, args_hash: hash }),
            &[FACTORY],
        ),
        (Payload::ContractInstalled(ContractInstalled { contract, deployment, module_hash: hash }), &[FACTORY]),
        (
            Payload::CallbackAccepted(CallbackAccepted {
                contract,
                epoch: 1,
                seq: 1,
                notification: Notification::DeploymentComplete,
            }),
            &[FACTORY],
        ),
        (
            Payload::ProjectionRebuilt(ProjectionRebuilt {
                projection: "users".into(),
                version: 1,
                checkpoint: 1,
                checkpoint_hash: hash,
                served: hash,
                rebuilt: hash,
                equal: true,
            }),
            &[BACKEND, FACTORY, HOST],
        ),
        (
            Payload::Refused(Refused { method: "createToken".into(), reason: Reason::new("x", "y") }),
            &[BACKEND, FACTORY, HOST],
        ),
        (
            Payload::Genesis(Genesis {
                canister: id(AUDIT),
                installer: id(AUDIT),
                money_writer: id(FACTORY),
                seed: Bytes32::new([0; 32]),
            }),
            &[],
        ),
        (Payload::WriterRegistered(WriterRegistered { writer: id(STRANGER), role: WriterRole::Gateway }), &[]),
    ]
}

#[test]
fn a_role_bounds_the_kinds() {
    for (payload, writers) in payloads() {
        for writer in [BACKEND, FACTORY, HOST] {
            let mut bench = Bench::new();
            if payload.kind() == Kind::DeliveryCommitted {
                bench.append(BACKEND, &[dispatched(1).exactly(0)]).expect("accepted");
            }
            let version = bench.version(&payload.stream(id(writer)));
            let submission = Submission::new(id(ALICE), payload.clone()).exactly(version);
            if writers.contains(&writer) {
                bench.append(writer, &[submission]).unwrap_or_else(|e| panic!("{writer}: {:?}: {e}", payload.kind()));
                bench.verify();
            } else {
                let kind = payload.kind().btype().to_owned();
                let refusal = request_error(bench.refused(writer, &[submission]));
                assert_eq!(refusal, AuditRequestError::KindNotAllowed { position: 0, kind });
            }
        }
    }
}

#[test]
fn writers_are_registered_once_under_a_role_that_is_free() {
    let mut bench = Bench::new();
    let means = bench.means;
    let before = bench.log.counters();
    bench.log.register(id(BACKEND), id(FACTORY), WriterRole::Factory, &means).expect("is registered");
    assert_eq!(bench.log.counters(), before, "which changes nothing");
    let refused = [
        (id(FACTORY), WriterRole::Host),
        (id(FACTORY), WriterRole::Gateway),
        (id(BACKEND), WriterRole::Factory),
        (id(AUDIT), WriterRole::Factory),
        (id(STRANGER), WriterRole::Gateway),
        (id(STRANGER), WriterRole::Log),
        (Principal::anonymous(), WriterRole::Factory),
        (Principal::management_canister(), WriterRole::Factory),
    ];
    for (writer, role) in refused {
        let refusal = bench.log.register(id(BACKEND), writer, role, &means).expect_err("refused");
        assert!(matches!(request_error(refusal), AuditRequestError::WriterConflict { .. }), "{writer} as {role:?}");
    }
    assert_eq!(bench.log.counters(), before);
    let writers: Vec<(Principal, WriterRole, u64)> =
        bench.log.writers().expect("writers").iter().map(|w| (w.writer, w.role, w.next_seq)).collect();
    let expected = [
        (id(AUDIT), WriterRole::Log, 4),
        (id(BACKEND), WriterRole::Gateway, 1),
        (id(FACTORY), WriterRole::Factory, 1),
        (id(HOST), WriterRole::Host, 1),
    ];
    assert_eq!(writers, expected);
}

#[test]
fn there_are_at_most_so_many_writers() {
    let mut bench = Bench::new();
    let principal = |n: u64| Principal::from_slice(&n.to_be_bytes());
    let registered = (0..)
        .map_while(|n| bench.log.register(id(BACKEND), principal(n), WriterRole::Factory, &bench.means.clone()).ok());
    assert_eq!(registered.count() as u64, super::super::MAX_WRITERS - 3, "genesis and two registrations came before");
}

#[test]
fn openings_open_commitments_of_the_payload() {
    let mut bench = Bench::new();
    let other = Opening { salt: [5; 32], ..opening() };
    let huge = Opening { salt: [5; 32], content: vec![1; Opening::MAX_CONTENT + 1] };
    let bad = [
        requested(1).opened_by(opening()),
        requested_with(1, 0, Some(opening().commitment())).opened_by(other),
        requested_with(1, 0, Some(opening().commitment())).opened_by(opening()).opened_by(opening()),
        requested_with(1, 0, Some(huge.commitment())).opened_by(huge),
    ];
    for submission in bad {
        assert_eq!(request_error(bench.refused(BACKEND, &[submission])), AuditRequestError::Opening { position: 0 });
    }
    let good = requested_with(1, 0, Some(opening().commitment())).opened_by(opening());
    bench.append(BACKEND, &[good, requested(2)]).expect("accepted");
    bench.verify();
}

#[test]
fn what_cannot_be_read_is_refused() {
    let mut bench = Bench::new();
    let wire = WireSubmission::from(&requested(1));
    let canonical = wire.payload.to_vec();
    let renamed = |from: &str, to: &str| {
        let at = canonical.windows(from.len()).position(|w| w == from.as_bytes()).expect("there");
        let mut bytes = canonical.clone();
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let with = |tail: &[u8]| canonical.iter().chain(tail).copied().collect::<Vec<u8>>();
    let malformed = [
        Vec::new(),
        b"no CBOR".to_vec(),
        renamed("deployment_requested", "deployment_requesteD"),
        renamed("treasury", "treasurx"),
        with(&[0]),
        canonical[..canonical.len() - 1].to_vec(),
        vec![0x81; 30_000],
    ];
    for payload in malformed {
        let mut bad = wire.clone();
        bad.payload = payload.into();
        let args = AppendArgs { first_seq: bench.next_seq(BACKEND), submissions: vec![wire.clone(), bad] };
        let image = bench.image();
        let refusal = bench.log.append(id(BACKEND), args, &bench.means).expect_err("refused");
        match request_error(refusal) {
            AuditRequestError::Malformed { position: 1, detail } => assert!(detail.len() <= 120),
            other => panic!("{other:?}"),
        }
        assert!(bench.image() == image);
    }
}

#[test]
fn facts_need_no_version() {
    let mut bench = Bench::new();
    let submission = Submission { expected: Expected::Any, ..requested(1) };
    bench.append(BACKEND, &[submission.clone(), submission]).expect("accepted");
    assert_eq!(bench.version(&stream(1)), 2);
}
