//! Every transition of a deployment, and every reply of a ledger.

use super::money::{MAX_PRICE, Scene, Terms, memo};
use super::next::{Action, Answer, DELIVERY_DEADLINE, MAX_PAYOUTS, next};
use super::settle::{CLOSED_AFTER, History, Reply, Settlement, UNOBTAINABLE_AFTER, settle, weigh};
use super::{Deployment, Phase, Progress};
use cairn_events::kind::Effect;
use cairn_events::payload::*;
use cairn_events::topic::Service;
use cairn_events::{Amount, DeploymentId, Expected, Hash, LogId, Payload, Principal, Receipt, Timestamp};
use cairn_kit::api::backend::DeploymentStatus;
use cairn_kit::api::factory::Delivered;
use serde_bytes::ByteBuf;

fn principal(n: u8) -> Principal {
    Principal::from_slice(&[n, 1])
}

fn deployment(phase: Phase) -> Deployment {
    let request = DeploymentRequested {
        deployment: DeploymentId(Hash([7; 32])),
        owner: principal(1),
        service: Service::Token,
        factory: principal(2),
        request: Hash([1; 32]),
        args: ByteBuf::new(),
        ledger: principal(3),
        price: Amount(1000),
        ledger_fee: Amount(10),
        from: Account { owner: principal(1), subaccount: Some(Subaccount([3; 32])) },
        treasury: Account { owner: principal(4), subaccount: None },
        billing: None,
    };
    let progress = Progress {
        version: 4,
        latest: 40,
        requested: 30,
        requested_at: Timestamp(1),
        payouts: 0,
        abandoned: None,
        phase,
    };
    Deployment { request, progress }
}

fn scene(now: u64) -> Scene {
    Scene { log: LogId(Hash([9; 32])), gateway: principal(5), now: Timestamp(now) }
}

fn reason(code: &str) -> Reason {
    Reason::new(code, "")
}

fn open(deployment: &Deployment, effect: Effect) -> super::OpenTransfer {
    let transfer = match effect {
        Effect::Payment => deployment.capture(&scene(5)),
        _ => deployment.payout(effect, 1, Amount(10), &scene(5)).unwrap(),
    };
    super::OpenTransfer { transfer, attempt: 1 }
}

/// The kinds and versions of what is to be appended.
fn appended(action: Action) -> Vec<(&'static str, u64)> {
    let Action::Append(submissions) = action else { panic!("{action:?}") };
    let version = |expected| match expected {
        Expected::Exact(version) => version,
        Expected::Any => u64::MAX,
    };
    submissions
        .iter()
        .map(|submission| (&submission.payload.kind().btype()[6..], version(submission.expected)))
        .collect()
}

#[test]
fn escrow_arithmetic() {
    let terms = Terms::checked(Amount(1000), Amount(10)).unwrap();
    assert_eq!((terms.escrowed(), terms.required()), (Amount(1010), Amount(1020)));
    assert_eq!(terms.payout(Amount(10)), Some(Amount(1000)), "the price, at the quoted fee");
    assert_eq!(terms.payout(Amount(11)), Some(Amount(999)), "a higher fee is the receiver's loss");
    assert_eq!(terms.payout(Amount(0)), Some(Amount(1010)), "a lower fee is the receiver's gain");
    assert_eq!(terms.payout(Amount(1010)), None, "nothing would arrive");
    assert_eq!(Terms::checked(Amount(199), Amount(10)), Err(Amount(200)), "20 fees");
    assert!(Terms::checked(Amount(200), Amount(10)).is_ok());
    assert_eq!(Terms::checked(Amount(0), Amount(0)), Err(Amount(1)));
    assert_eq!(Terms::checked(Amount(MAX_PRICE.0 + 1), Amount(0)), Err(Amount(1)));
    assert_eq!(Terms::checked(Amount(5), Amount(u128::MAX)), Err(MAX_PRICE));
}

#[test]
fn transfers_are_bound_to_their_intent() {
    let one = deployment(Phase::Requested);
    let capture = one.capture(&scene(5));
    assert_eq!((capture.from, capture.to), (one.request.from, one.escrow(principal(5))));
    assert_eq!((capture.amount, capture.fee, capture.created_at), (Amount(1010), Amount(10), Timestamp(5)));
    let refund = one.payout(Effect::Refund, 1, Amount(10), &scene(6)).unwrap();
    assert_eq!((refund.from, refund.to, refund.amount), (one.escrow(principal(5)), one.request.from, Amount(1000)));
    let release = one.payout(Effect::Release, 1, Amount(10), &scene(6)).unwrap();
    assert_eq!(release.to, one.request.treasury);
    let (log, id) = (scene(0).log, one.id());
    let memos = [
        memo(log, id, Effect::Refund, 1),
        memo(log, id, Effect::Refund, 2),
        memo(log, id, Effect::Release, 1),
        memo(LogId(Hash([8; 32])), id, Effect::Refund, 1),
        memo(log, DeploymentId(Hash([8; 32])), Effect::Refund, 1),
    ];
    for (at, memo) in memos.iter().enumerate() {
        assert!(!memos[..at].contains(memo));
    }
}

#[test]
fn a_reply_settles_what_it_can_prove() {
    use History::{Fresh, Open};
    use Settlement::{Failed, Retry, Unobtainable, Weigh};
    let moved = |evidence| Settlement::Moved { block: Some(3), evidence };
    let (payment, refund) = (Effect::Payment, Effect::Refund);
    let (closed, old) = (CLOSED_AFTER + 1, UNOBTAINABLE_AFTER + 1);
    let code = || reason("code");
    let failed = || Failed(code());
    let table: Vec<(Reply, Effect, History, u64, Settlement)> = vec![
        (Reply::Moved(Some(3)), payment, Fresh, 0, moved(Evidence::Reply)),
        (Reply::Moved(Some(3)), refund, Open, old, moved(Evidence::Reply)),
        (Reply::Duplicate(Some(3)), payment, Open, 0, moved(Evidence::Duplicate)),
        (Reply::Duplicate(Some(3)), refund, Fresh, 0, moved(Evidence::Duplicate)),
        (Reply::TooOld, payment, Fresh, 0, Failed(reason("too_old"))),
        (Reply::TooOld, refund, Fresh, 0, Failed(reason("too_old"))),
        (Reply::TooOld, payment, Open, 0, Weigh),
        (Reply::TooOld, refund, Open, 0, Weigh),
        (Reply::BadFee(code()), payment, Fresh, 0, failed()),
        (Reply::BadFee(code()), refund, Fresh, 0, failed()),
        (Reply::BadFee(code()), payment, Open, 0, Retry),
        (Reply::BadFee(code()), refund, Open, CLOSED_AFTER, Retry),
        (Reply::BadFee(code()), refund, Open, closed, Weigh),
        (Reply::Short(code()), payment, Fresh, 0, failed()),
        (Reply::Short(code()), refund, Fresh, 0, failed()),
        (Reply::Short(code()), payment, Open, 0, Retry),
        (Reply::Short(code()), payment, Open, closed, Weigh),
        (Reply::Refused(code()), payment, Fresh, 0, failed()),
        (Reply::Refused(code()), refund, Fresh, 0, Retry),
        (Reply::Refused(code()), payment, Open, 0, Retry),
        (Reply::Refused(code()), refund, Open, closed, Weigh),
        (Reply::Later(code()), payment, Fresh, 0, failed()),
        (Reply::Later(code()), refund, Fresh, 0, Retry),
        (Reply::Later(code()), payment, Open, closed, Retry),
        (Reply::NotExecuted(code()), payment, Fresh, 0, failed()),
        (Reply::NotExecuted(code()), refund, Fresh, 0, Retry),
        (Reply::NotExecuted(code()), payment, Open, closed, Retry),
        (Reply::NotExecuted(code()), refund, Open, old, Unobtainable(code())),
        (Reply::Unknown(code()), payment, Fresh, 0, Retry),
        (Reply::Unknown(code()), refund, Fresh, 0, Retry),
        (Reply::Unknown(code()), payment, Open, closed, Retry),
        (Reply::Unknown(code()), refund, Open, old, Unobtainable(code())),
    ];
    for (reply, effect, history, age, expected) in table {
        let row = format!("{reply:?} {effect:?} {history:?} {age}");
        assert_eq!(settle(effect, history, reply, age), expected, "{row}");
    }
}

#[test]
fn the_balance_decides_what_the_clock_has_closed() {
    let one = deployment(Phase::Requested);
    let capture = one.capture(&scene(5));
    let refund = one.payout(Effect::Refund, 1, Amount(10), &scene(5)).unwrap();
    let moved = Settlement::Moved { block: None, evidence: Evidence::Balance };
    assert_eq!(weigh(Effect::Payment, &capture, Amount(1010)), moved);
    assert!(matches!(weigh(Effect::Payment, &capture, Amount(1009)), Settlement::Failed(_)));
    assert_eq!(weigh(Effect::Refund, &refund, Amount(0)), moved);
    assert_eq!(weigh(Effect::Refund, &refund, Amount(1009)), moved, "a donation is no evidence against it");
    assert!(matches!(weigh(Effect::Refund, &refund, Amount(1010)), Settlement::Failed(_)));
}

#[test]
fn an_open_intent_is_fresh_only_right_after_its_append() {
    for (effect, phase) in [
        (Effect::Payment, Phase::Paying as fn(super::OpenTransfer) -> Phase),
        (Effect::Refund, Phase::Refunding),
        (Effect::Release, Phase::Releasing),
    ] {
        let one = deployment(Phase::Requested);
        let intent = open(&one, effect);
        let one = Deployment { progress: Progress { phase: phase(intent.clone()), ..one.progress }, ..one };
        let attempt = |history| Action::Transfer { effect, transfer: Box::new(intent.transfer.clone()), history };
        assert_eq!(next(&one, Answer::Appended, &scene(9)), attempt(History::Fresh));
        assert_eq!(next(&one, Answer::Nothing, &scene(9)), attempt(History::Open));
        for answer in [Answer::Unavailable, Answer::Contested, Answer::Undecided] {
            assert_eq!(next(&one, answer, &scene(9)), Action::Suspend);
        }
        let unknown = Answer::Ledger(History::Fresh, Reply::Unknown(reason("x")));
        assert_eq!(next(&one, unknown, &scene(9)), Action::Suspend);
        assert_eq!(next(&one, Answer::Ledger(History::Open, Reply::TooOld), &scene(9)), Action::Balance);
    }
}

#[test]
fn outcomes_follow_from_settlements() {
    let one = deployment(Phase::Requested);
    let with = |phase| Deployment { progress: Progress { phase, ..one.progress.clone() }, ..one.clone() };
    let ok = || Answer::Ledger(History::Fresh, Reply::Moved(Some(1)));
    let short = || Answer::Ledger(History::Fresh, Reply::Short(reason("short")));
    let paying = with(Phase::Paying(open(&one, Effect::Payment)));
    assert_eq!(
        appended(next(&paying, ok(), &scene(9))),
        [("payment_captured", 4), ("deployment_dispatched", 5)],
        "captured and dispatched at once"
    );
    assert_eq!(appended(next(&paying, short(), &scene(9))), [("payment_failed", 4)]);
    let refunding = with(Phase::Refunding(open(&one, Effect::Refund)));
    assert_eq!(appended(next(&refunding, ok(), &scene(9))), [("refund_paid", 4)]);
    assert_eq!(appended(next(&refunding, short(), &scene(9))), [("refund_failed", 4)]);
    let releasing = with(Phase::Releasing(open(&one, Effect::Release)));
    assert_eq!(appended(next(&releasing, ok(), &scene(9))), [("escrow_released", 4)]);
    assert_eq!(appended(next(&releasing, short(), &scene(9))), [("release_failed", 4)]);
    let lost = Answer::Ledger(History::Open, Reply::Unknown(reason("silent")));
    assert_eq!(appended(next(&releasing, lost, &scene(UNOBTAINABLE_AFTER + 9))), [("deployment_quarantined", 4)]);
}

#[test]
fn the_arbiter_is_asked_and_obeyed() {
    let one = deployment(Phase::Dispatched(Timestamp(100)));
    let delivered = Delivered { contract: principal(6), module_hash: Hash([2; 32]), committed: 77 };
    let late = scene(101 + DELIVERY_DEADLINE);
    assert_eq!(next(&one, Answer::Appended, &scene(200)), Action::Deliver);
    assert_eq!(next(&one, Answer::Nothing, &scene(200)), Action::Deliver);
    assert_eq!(next(&one, Answer::Undecided, &scene(200)), Action::Suspend);
    assert_eq!(next(&one, Answer::Undecided, &late), Action::Suspend);
    assert_eq!(appended(next(&one, Answer::Nothing, &late)), [("deployment_abandoned", 4)]);
    assert_eq!(appended(next(&one, Answer::Declined(reason("no")), &scene(200))), [("deployment_abandoned", 4)]);
    assert_eq!(next(&one, Answer::Contested, &late), Action::Arbiter);
    let release = next(&one, Answer::Delivered(delivered), &late);
    assert_eq!(appended(release.clone()), [("release_intended", 5)], "exactly after the arbiter's event");
    let Action::Append(submissions) = release else { unreachable!() };
    assert_eq!(submissions[0].causation, Some(77));
}

#[test]
fn a_payout_is_intended_at_the_ledgers_fee() {
    for (effect, due, intended) in [
        (Effect::Refund, Phase::RefundDue, "refund_intended"),
        (Effect::Release, Phase::ReleaseDue, "release_intended"),
    ] {
        let mut one = deployment(due);
        assert_eq!(appended(next(&one, Answer::Appended, &scene(9))), [(intended, 4)]);
        one.progress.payouts = 1;
        assert_eq!(next(&one, Answer::Appended, &scene(9)), Action::Fee, "asked, never taken from an error");
        assert_eq!(next(&one, Answer::Unavailable, &scene(9)), Action::Suspend);
        let Action::Append(submissions) = next(&one, Answer::Fee(Amount(30)), &scene(9)) else { panic!() };
        let (Payload::RefundIntended(intent) | Payload::ReleaseIntended(intent)) = &submissions[0].payload else {
            panic!()
        };
        assert_eq!((intent.attempt, intent.transfer.amount, intent.transfer.fee), (2, Amount(980), Amount(30)));
        assert_eq!(intent.transfer.memo, memo(scene(0).log, one.id(), effect, 2));
        assert_eq!(appended(next(&one, Answer::Fee(Amount(1010)), &scene(9))), [("deployment_quarantined", 4)]);
        one.progress.payouts = MAX_PAYOUTS;
        assert_eq!(appended(next(&one, Answer::Nothing, &scene(9))), [("deployment_quarantined", 4)]);
    }
}

#[test]
fn what_is_between_two_steps_goes_on() {
    let requested = deployment(Phase::Requested);
    assert_eq!(appended(next(&requested, Answer::Nothing, &scene(9))), [("payment_intended", 4)]);
    let captured = deployment(Phase::Captured(Timestamp(9)));
    assert_eq!(appended(next(&captured, Answer::Nothing, &scene(9))), [("deployment_dispatched", 4)]);
    assert_eq!(next(&captured, Answer::Unavailable, &scene(9)), Action::Suspend);
    let late = scene(10 + DELIVERY_DEADLINE);
    assert_eq!(appended(next(&captured, Answer::Nothing, &late)), [("deployment_abandoned", 4)]);
    for last in [
        Phase::PaymentFailed(reason("x")),
        Phase::Refunded(None),
        Phase::Released(Some(1)),
        Phase::Quarantined(reason("x")),
    ] {
        let one = deployment(last);
        assert!(one.progress.is_final());
        assert_eq!(next(&one, Answer::Nothing, &late), Action::Stop);
    }
}

#[test]
fn every_own_event_has_its_transition() {
    let one = deployment(Phase::Requested);
    let deployment = one.id();
    let intended = |effect| TransferIntended { deployment, transfer: open(&one, effect).transfer, attempt: 3 };
    let settled = TransferSettled { deployment, block: Some(8), evidence: Evidence::Reply };
    let failed = TransferFailed { deployment, reason: reason("f") };
    let opened = |effect| super::OpenTransfer { attempt: 3, ..open(&one, effect) };
    let table = [
        (Payload::PaymentIntended(intended(Effect::Payment)), Phase::Paying(opened(Effect::Payment))),
        (Payload::PaymentFailed(failed.clone()), Phase::PaymentFailed(reason("f"))),
        (Payload::PaymentCaptured(settled.clone()), Phase::Captured(Timestamp(60))),
        (
            Payload::DeploymentDispatched(DeploymentDispatched { deployment, factory: principal(2) }),
            Phase::Dispatched(Timestamp(60)),
        ),
        (Payload::DeploymentAbandoned(DeploymentAbandoned { deployment, reason: reason("a") }), Phase::RefundDue),
        (Payload::RefundIntended(intended(Effect::Refund)), Phase::Refunding(opened(Effect::Refund))),
        (Payload::RefundFailed(failed.clone()), Phase::RefundDue),
        (Payload::RefundPaid(settled.clone()), Phase::Refunded(Some(8))),
        (Payload::ReleaseIntended(intended(Effect::Release)), Phase::Releasing(opened(Effect::Release))),
        (Payload::ReleaseFailed(failed), Phase::ReleaseDue),
        (Payload::EscrowReleased(settled), Phase::Released(Some(8))),
        (
            Payload::DeploymentQuarantined(DeploymentQuarantined {
                deployment,
                effect: Effect::Refund,
                reason: reason("q"),
            }),
            Phase::Quarantined(reason("q")),
        ),
    ];
    let receipt = Receipt { index: 50, hash: Hash([0; 32]), stream_version: 5, timestamp: Timestamp(60) };
    for (payload, phase) in table {
        let after = one.progress.clone().after(&payload, &receipt);
        assert_eq!((after.phase, after.version, after.latest), (phase, 5, 50), "{payload:?}");
        let abandoned = matches!(payload, Payload::DeploymentAbandoned(_));
        assert_eq!(after.abandoned.is_some(), abandoned);
        let counted = matches!(payload, Payload::RefundIntended(_) | Payload::ReleaseIntended(_));
        assert_eq!(after.payouts, if counted { 3 } else { 0 });
    }
}

#[test]
fn the_owner_sees_where_it_stands() {
    let status = |phase| {
        let mut one = deployment(phase);
        one.progress.abandoned = Some(Reason::new("declined", "bad arguments"));
        one.view(principal(5), Some(principal(6))).status
    };
    assert_eq!(status(Phase::Dispatched(Timestamp(1))), DeploymentStatus::Delivering);
    assert_eq!(
        status(Phase::Released(Some(1))),
        DeploymentStatus::Delivered { contract: principal(6), released: true }
    );
    assert_eq!(
        status(Phase::Refunded(Some(4))),
        DeploymentStatus::Refunded { reason: "declined: bad arguments".to_owned(), block: Some(4) }
    );
    let unnamed = deployment(Phase::ReleaseDue).view(principal(5), None).status;
    assert_eq!(unnamed, DeploymentStatus::Delivering, "until the contract is known here");
}
