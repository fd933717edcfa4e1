//! A writer's numbering: what is new, what is a repetition, what is neither.

use super::*;

#[test]
fn a_repetition_gets_the_first_receipts() {
    let mut bench = bench_with_dispatch();
    let batch = [requested(2).exactly(0), intended(2, Payload::PaymentIntended).exactly(1), requested(3)];
    let first_seq = bench.next_seq(BACKEND);
    let first = bench.append(BACKEND, &batch).expect("accepted");
    bench.append(BACKEND, &[requested(4)]).expect("accepted");
    bench.append(FACTORY, &[committed(1).exactly(4)]).expect("accepted");
    bench.reopen();
    let image = bench.image();
    let again = bench.append_at(BACKEND, first_seq, &batch).expect("a repetition");
    assert_eq!(candid::encode_one(&again.receipts).unwrap(), candid::encode_one(&first.receipts).unwrap());
    let part = bench.append_at(BACKEND, first_seq + 1, &batch[1..2]).expect("a part of it");
    assert_eq!(part.receipts, first.receipts[1..2]);
    assert!(bench.image() == image, "a repetition changes nothing");
}

#[test]
fn a_gap_is_refused() {
    let mut bench = bench_with_dispatch();
    for found in [0, 6, 7, u64::MAX] {
        let refusal = bench.append_at(BACKEND, found, &[requested(2)]).expect_err("refused");
        assert_eq!(request_error(refusal), AuditRequestError::SequenceGap { found, expected: 5 });
    }
    let refusal = bench.append_at(FACTORY, 2, &[committed(1).exactly(4)]).expect_err("numbers are per writer");
    assert_eq!(request_error(refusal), AuditRequestError::SequenceGap { found: 2, expected: 1 });
}

#[test]
fn a_number_is_used_once() {
    let mut bench = Bench::new();
    let first = bench.append(BACKEND, &[requested(1), requested(2)]).expect("accepted");
    let index = first.receipts[1].index;
    let others = [
        requested(3),
        Submission { actor: id(BOB), ..requested(2) },
        requested(2).caused_by(0),
        Submission { correlation: None, ..requested(2) },
        requested_with(2, 41, None),
    ];
    for other in others {
        let image = bench.image();
        let refusal = bench.append_at(BACKEND, 1, &[requested(1), other.clone()]).expect_err("refused");
        assert_eq!(request_error(refusal), AuditRequestError::SequenceReused { seq: 2, index }, "{other:?}");
        assert!(bench.image() == image);
    }
}

#[test]
fn a_batch_that_is_partly_a_repetition_is_refused() {
    let mut bench = Bench::new();
    let first = bench.append(BACKEND, &[requested(1), requested(2)]).expect("accepted");
    let (index, image) = (first.receipts[1].index, bench.image());
    let refusal = bench.append_at(BACKEND, 2, &[requested(2), requested(3)]).expect_err("refused");
    assert_eq!(request_error(refusal), AuditRequestError::SequenceReused { seq: 2, index });
    assert!(bench.image() == image);
}
