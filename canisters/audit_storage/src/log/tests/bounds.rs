//! Sizes: of batches, of payloads, of events.

use super::*;
use cairn_events::payload::Refused;
use cairn_events::{Kind, Principal};
use cairn_kit::api::audit::{MAX_BATCH, MAX_BATCH_BYTES, WireSubmission};

#[test]
fn a_batch_is_neither_empty_nor_too_large() {
    let mut bench = Bench::new();
    let size = |refusal| match request_error(refusal) {
        AuditRequestError::BatchSize { submissions, bytes, .. } => (submissions, bytes),
        other => panic!("{other:?}"),
    };
    assert_eq!(size(bench.refused(BACKEND, &[])), (0, 0));
    let many = vec![requested(1); MAX_BATCH + 1];
    assert_eq!(size(bench.refused(BACKEND, &many)).0, 101);
    let heavy = vec![requested_with(1, DeploymentRequested::MAX_ARGS, None); 28];
    assert!(size(bench.refused(BACKEND, &heavy)).1 > MAX_BATCH_BYTES as u64);
    bench.append(BACKEND, &many[1..]).expect("a hundred are accepted");
    bench.append(BACKEND, &heavy[1..]).expect("and almost a megabyte");
    bench.verify();
}

#[test]
fn a_field_is_bounded() {
    let mut bench = Bench::new();
    let long = |method: usize, detail: usize| {
        let mut reason = Reason::new("code", "");
        reason.detail = "d".repeat(detail);
        Submission::new(id(ALICE), Payload::Refused(Refused { method: "m".repeat(method), reason }))
    };
    let max = Kind::Refused.max_size() as u64;
    for bad in [long(Refused::MAX_METHOD + 1, 0), long(0, Reason::MAX_DETAIL + 1)] {
        match request_error(bench.refused(HOST, &[long(1, 1), bad])) {
            AuditRequestError::TooLarge { position: 1, max: found, .. } => assert_eq!(found, max),
            other => panic!("{other:?}"),
        }
    }
    bench.append(HOST, &[long(Refused::MAX_METHOD, Reason::MAX_DETAIL)]).expect("at the bound");
}

#[test]
fn a_payload_beyond_every_kind_is_not_even_decoded() {
    let mut bench = Bench::new();
    let huge = requested_with(1, 60_000, None);
    match request_error(bench.refused(BACKEND, &[huge])) {
        AuditRequestError::TooLarge { position: 0, bytes, max } => {
            assert!(bytes > 60_000 && max == Kind::DeploymentRequested.max_size() as u64);
        }
        other => panic!("{other:?}"),
    }
    let mut wire = WireSubmission::from(&requested(1));
    wire.payload = vec![0xff; Kind::DeploymentRequested.max_size() + 1].into();
    let args = AppendArgs { first_seq: bench.next_seq(BACKEND), submissions: vec![wire] };
    let refusal = request_error(bench.log.append(id(BACKEND), args, &bench.means).expect_err("refused"));
    assert!(matches!(refusal, AuditRequestError::TooLarge { position: 0, .. }), "whatever the bytes are");
    let over = requested_with(1, DeploymentRequested::MAX_ARGS + 1, None);
    assert!(matches!(request_error(bench.refused(BACKEND, &[over])), AuditRequestError::TooLarge { position: 0, .. }));
}

#[test]
fn the_largest_request_fits() {
    let mut bench = Bench::new();
    bench.means.now = u64::MAX / 2;
    let mut largest =
        requested_with(1, DeploymentRequested::MAX_ARGS, Some(opening().commitment())).opened_by(opening());
    let person = Principal::from_slice(&[0xff; 29]);
    if let Payload::DeploymentRequested(request) = &mut largest.payload {
        (request.owner, request.factory, request.ledger) = (person, person, person);
        (request.price, request.ledger_fee) = (Amount(u128::MAX), Amount(u128::MAX));
        let account = Account { owner: person, subaccount: Some(cairn_events::payload::Subaccount([0xff; 32])) };
        (request.from, request.treasury) = (account, account);
    }
    largest.actor = person;
    bench.append(BACKEND, &[largest.caused_by(1)]).expect("accepted");
    bench.verify();
}
