//! Executions: once, by present signers, within limits.

use super::*;
use crate::wallet::execution::CYCLES_RESERVE;
use cairn_kit::api::multisig::{EffectOutcome, TrailEvent};

fn outcomes(world: &World, id: u64) -> Vec<Option<EffectOutcome>> {
    world.wallet.proposal_view(id, world.now).unwrap().effects.into_iter().map(|effect| effect.outcome).collect()
}

#[test]
fn an_approved_payment_is_made_once() {
    let mut world = World::new(3, 2);
    let id = world.approved(pay(5), 2);
    world.begin(2, id).unwrap();
    assert_eq!(temporary(world.begin(1, id).unwrap_err()), WalletTemporaryError::Busy);
    let sent = world.drive(id, &done());
    let [Payment::Transfer(transfer, frozen)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((transfer.amount, transfer.to.owner, frozen.fee), (Amount(5), person(200), Amount(1)));
    assert_eq!(frozen.memo.len(), 32);
    assert_eq!(world.status(id), ProposalStatus::Executed);
    assert_eq!(outcomes(&world, id), [Some(EffectOutcome::Transferred { block: Amount(7) })]);
    let over = WalletRequestError::NotOpen { proposal: id, status: ProposalStatus::Executed };
    assert_eq!(request(world.begin(1, id).unwrap_err()), over);
    assert!(world.wallet.next_step(id, world.now).is_none());
    let events: Vec<TrailEvent> =
        world.wallet.trail_page(0, 100).entries.into_iter().map(|entry| entry.event).collect();
    let approvers = vec![person(1), person(2)];
    assert!(events.contains(&TrailEvent::ExecutionBegun { proposal: id, approvers, required: 2 }));
    assert!(events.contains(&TrailEvent::Executed { proposal: id, success: true }));
}

#[test]
fn a_batch_is_paid_item_by_item() {
    let mut world = World::new(2, 1);
    let batch = Action::BatchTransfer(vec![pay_on(LEDGER, 1), pay_on(LEDGER, 1), pay_on(OTHER_LEDGER, 3)]);
    let id = world.approved(batch, 1);
    world.begin(1, id).unwrap();
    let answers = [done(), Answer::Refused("no".to_owned()), done()];
    let mut times = Vec::new();
    for (item, answer) in (0..).zip(answers) {
        let (sent, attempt, payment) = world.next_send(id).unwrap();
        assert_eq!((sent, attempt), (item, 1));
        let Payment::Transfer(_, frozen) = payment else { panic!("{payment:?}") };
        times.push(frozen.created_at);
        assert!(world.wallet.answered(id, item, attempt, answer, world.now));
    }
    assert!(times.is_sorted_by(|one, other| one < other), "equal payments are told apart: {times:?}");
    assert_eq!(world.status(id), ProposalStatus::Failed);
    let made = |outcome: &Option<EffectOutcome>| matches!(outcome, Some(EffectOutcome::Transferred { .. }));
    assert_eq!(outcomes(&world, id).iter().map(made).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn an_unknown_payment_is_repeated_with_the_same_arguments_across_upgrades() {
    let mut world = World::new(2, 1);
    let id = world.approved(pay(5), 1);
    world.begin(1, id).unwrap();
    let first = world.drive(id, &Answer::Unknown("silence".to_owned()));
    assert!(world.next_send(id).is_none(), "not at once");
    world.upgrade();
    world.pass(HOUR);
    let second = world.drive(id, &Answer::Refused("too little".to_owned()));
    assert_eq!(first, second);
    assert_eq!(world.status(id), ProposalStatus::Executing, "a refusal says nothing of the first attempt");
    world.pass(HOUR);
    assert_eq!(world.drive(id, &done()), first);
    assert_eq!(world.status(id), ProposalStatus::Executed);
}

/// The answer that an attempt gets after an upgrade, or after the next attempt began, is nobody's.
#[test]
fn an_old_answer_is_not_taken_for_the_present_one() {
    let mut world = World::new(2, 1);
    let id = world.approved(pay(5), 1);
    world.begin(1, id).unwrap();
    let (item, first, payment) = world.next_send(id).unwrap();
    world.upgrade();
    world.wallet.interrupted(id, world.now);
    assert!(!world.wallet.answered(id, item, first, Answer::Refused("late".to_owned()), world.now));
    assert!(world.next_send(id).is_none(), "not at once");
    world.pass(HOUR);
    let (_, second, again) = world.next_send(id).unwrap();
    assert_eq!((second, again), (first + 1, payment));
    let before = world.wallet.proposal(id).unwrap();
    assert!(!world.wallet.answered(id, item, first, Answer::Refused("late".to_owned()), world.now));
    assert_eq!(world.wallet.proposal(id).unwrap(), before);
    let other = world.approved(pay(6), 1);
    world.begin(1, other).unwrap();
    let (_, attempt, _) = world.next_send(other).unwrap();
    assert!(world.wallet.answered(other, 0, attempt, Answer::Refused("no".to_owned()), world.now));
    assert_eq!(world.status(id), ProposalStatus::Executing, "the other's answer is the other's");
    assert!(world.wallet.answered(id, item, second, done(), world.now));
    assert_eq!(world.status(id), ProposalStatus::Executed);
}

#[test]
fn a_call_whose_outcome_is_unknown_is_never_repeated() {
    for interrupted in [false, true] {
        let mut world = World::new(2, 1);
        let id = world.approved(call(person(5), "go"), 2);
        world.begin(1, id).unwrap();
        let (item, attempt, payment) = world.next_send(id).unwrap();
        assert!(matches!(payment, Payment::Call(_)));
        if interrupted {
            world.upgrade();
            world.wallet.interrupted(id, world.now);
        } else {
            world.wallet.answered(id, item, attempt, Answer::Unknown("silence".to_owned()), world.now);
        }
        assert!(matches!(outcomes(&world, id).as_slice(), [Some(EffectOutcome::Unknown { .. })]));
        assert_eq!(world.status(id), ProposalStatus::Failed);
        world.pass(DAY);
        assert!(world.next_send(id).is_none());
    }
}

#[test]
fn a_call_leaves_the_wallet_its_cycles() {
    let mut world = World::new(2, 1);
    let costly = Action::ContractCall(ContractCall {
        canister: person(5),
        method: "go".to_owned(),
        args: ByteBuf::new(),
        cycles: 10,
    });
    let id = world.approved(costly, 2);
    let needed = CYCLES_RESERVE + 10;
    let refused = world.wallet.begin(person(1), id, needed - 1, world.now).unwrap_err();
    assert_eq!(temporary(refused), WalletTemporaryError::CyclesLow { balance: needed - 1, required: needed });
    world.wallet.begin(person(1), id, needed, world.now).unwrap();
}

#[test]
fn allowances_are_given_like_payments() {
    let mut world = World::new(2, 1);
    let approval = |amount| {
        Action::TokenApproval(TokenApproval {
            ledger: LEDGER,
            spender: Account { owner: person(5), subaccount: None },
            amount: Amount(amount),
            expected_allowance: None,
            expires_at: None,
        })
    };
    let id = world.approved(approval(LIMIT), 1);
    world.begin(1, id).unwrap();
    assert!(matches!(world.drive(id, &done()).as_slice(), [Payment::Approve(..)]));
    let second = world.approved(pay(1), 1);
    assert!(matches!(temporary(world.begin(1, second).unwrap_err()), WalletTemporaryError::DailyLimit { .. }));
    let revoked = world.approved(approval(0), 1);
    world.begin(1, revoked).unwrap();
}

#[test]
fn what_certainly_did_not_leave_is_given_back_to_the_limit() {
    let mut world = World::new(2, 1);
    let id = world.approved(pay(LIMIT), 1);
    world.begin(1, id).unwrap();
    world.drive(id, &Answer::Refused("too little".to_owned()));
    let second = world.approved(pay(LIMIT), 1);
    world.begin(1, second).unwrap();
    world.drive(second, &Answer::Unknown("silence".to_owned()));
    let third = world.approved(pay(1), 1);
    let refused = temporary(world.begin(1, third).unwrap_err());
    assert!(matches!(refused, WalletTemporaryError::DailyLimit { .. }), "what is in doubt may have left: {refused:?}");
}

#[test]
fn a_payment_waits_if_others_have_used_up_the_limit_meanwhile() {
    let mut world = World::new(2, 1);
    let (one, other) = (world.approved(pay(LIMIT), 1), world.approved(pay(1), 1));
    world.begin(1, one).unwrap();
    world.begin(1, other).unwrap();
    assert_eq!(world.drive(other, &done()).len(), 1);
    assert!(world.drive(one, &done()).is_empty());
    let due = world.wallet.next_due().unwrap();
    assert!(due.0 >= world.now.0 + DAY);
    world.now = due;
    let sent = world.drive(one, &done());
    let [Payment::Transfer(_, frozen)] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(frozen.created_at >= due.0, "a ledger would not take a time of long ago");
}

#[test]
fn who_is_not_approved_any_more_sends_nothing_more() {
    let mut world = World::new(4, 2);
    let batch = Action::BatchTransfer(vec![pay_on(LEDGER, 1), pay_on(LEDGER, 2)]);
    let id = world.propose(4, batch).unwrap();
    world.approve(3, id).unwrap();
    world.begin(4, id).unwrap();
    let (item, attempt, _) = world.next_send(id).unwrap();
    world.change(remove(4), 3).unwrap();
    assert!(world.wallet.answered(id, item, attempt, Answer::Unknown("silence".to_owned()), world.now));
    world.pass(HOUR);
    assert!(world.drive(id, &done()).is_empty());
    let [first, second] = outcomes(&world, id).try_into().unwrap();
    assert!(matches!(first, Some(EffectOutcome::Unknown { .. })), "it may have been made: {first:?}");
    assert!(matches!(second, Some(EffectOutcome::Failed { .. })), "it was never sent: {second:?}");
    assert_eq!(world.status(id), ProposalStatus::Failed);
}

#[test]
fn a_freeze_suspends_payments_and_expiry_ends_them() {
    let mut world = World::new(3, 2);
    let batch = Action::BatchTransfer(vec![pay_on(LEDGER, 1), pay_on(LEDGER, 2)]);
    let id = world.approved(batch, 2);
    world.begin(1, id).unwrap();
    let (item, attempt, _) = world.next_send(id).unwrap();
    world.wallet.freeze_alone(person(100), "why".to_owned(), world.now).unwrap();
    assert!(world.wallet.answered(id, item, attempt, done(), world.now));
    assert!(world.next_send(id).is_none());
    assert_eq!(world.wallet.next_due(), None, "nothing is due while frozen");
    let unfreeze = world.approved(Action::EmergencyAction(EmergencyAct::UnfreezeWallet), 3);
    world.begin(1, unfreeze).unwrap();
    assert!(world.wallet.next_due().is_some());
    world.pass(MAX_LIFETIME);
    assert!(world.drive(id, &done()).is_empty());
    assert_eq!(world.status(id), ProposalStatus::Failed);
}

#[test]
fn the_fee_is_asked_for_again_if_it_did_not_hold() {
    let mut world = World::new(2, 1);
    let id = world.approved(pay(5), 1);
    world.begin(1, id).unwrap();
    let (item, attempt, first) = world.next_send(id).unwrap();
    assert!(world.wallet.answered(id, item, attempt, Answer::BadFee, world.now));
    assert!(matches!(world.wallet.next_step(id, world.now), Some(Step::Quote { again: true, .. })));
    world.wallet.quoted(id, 0, Ok(Amount(3)), world.now);
    let (_, attempt, second) = world.next_send(id).unwrap();
    let (Payment::Transfer(_, first), Payment::Transfer(_, second)) = (first, second) else { panic!("transfers") };
    assert!(second.fee == Amount(3) && second.created_at > first.created_at);
    assert!(world.wallet.answered(id, item, attempt, done(), world.now));
    assert_eq!(world.wallet.asset_views(world.now)[0].spent, Amount(5), "it counts once");
}

#[test]
fn a_longer_timelock_holds_for_what_was_proposed_before() {
    let mut world = World::new(2, 1);
    let id = world.approved(pay(5), 1);
    world.change(WalletChange::ChangeTimes { timelock: HOUR, proposal_lifetime: MAX_LIFETIME }, 2).unwrap();
    let until = Timestamp(START.0 + HOUR);
    assert_eq!(temporary(world.begin(1, id).unwrap_err()), WalletTemporaryError::Timelocked { until });
    world.pass(HOUR);
    world.begin(1, id).unwrap();
}

#[test]
fn balances_are_those_of_the_last_question() {
    let mut world = World::new(2, 1);
    world.wallet.watch(person(1), OTHER_LEDGER, world.now).unwrap();
    assert!(world.wallet.watch(person(1), OTHER_LEDGER, world.now).is_err());
    world.wallet.note_balance(OTHER_LEDGER, Amount(9), Timestamp(START.0 + 5));
    world.wallet.note_balance(OTHER_LEDGER, Amount(1), Timestamp(START.0 + 2));
    world.wallet.note_balance(person(7), Amount(1), Timestamp(START.0 + 9));
    let views = world.wallet.asset_views(world.now);
    let seen: Vec<_> = views.iter().map(|view| (view.ledger, view.balance, view.daily_limit)).collect();
    assert_eq!(seen, [(OTHER_LEDGER, Some(Amount(9)), None), (LEDGER, None, Some(Amount(LIMIT)))]);
    world.wallet.unwatch(person(2), OTHER_LEDGER, world.now).unwrap();
    assert!(world.wallet.unwatch(person(2), OTHER_LEDGER, world.now).is_err());
}

/// Ledgers that never answer take every place there is, and yet the wallet can be frozen and changed.
#[test]
fn what_hangs_does_not_keep_the_wallet_from_changing() {
    let mut world = World::new(20, 1);
    for by in 1..=20 {
        let id = world.propose(by, pay(1)).unwrap();
        world.begin(by, id).unwrap();
    }
    let one_more = world.propose(1, pay(1)).unwrap();
    assert_eq!(temporary(world.begin(1, one_more).unwrap_err()), WalletTemporaryError::Busy);
    world.change(WalletChange::ChangeVisibility { public: true }, 1).unwrap();
    let freeze = world.approved(Action::EmergencyAction(EmergencyAct::FreezeWallet), 1);
    world.begin(1, freeze).unwrap();
}

#[test]
fn an_emergency_payment_finds_a_place_whatever_hangs() {
    let mut world = World::new(20, 1);
    for by in 1..=20 {
        let id = world.propose(by, pay(1)).unwrap();
        world.begin(by, id).unwrap();
    }
    world.wallet.freeze_alone(person(100), String::new(), world.now).unwrap();
    let rescue = || Action::EmergencyAction(EmergencyAct::EmergencyTransfer(pay_on(LEDGER, 5)));
    for _ in 0..crate::wallet::MAX_RESCUES {
        let id = world.approved(rescue(), 20);
        world.begin(1, id).unwrap();
        assert!(world.next_send(id).is_some());
    }
    let one_more = world.approved(rescue(), 20);
    assert_eq!(temporary(world.begin(1, one_more).unwrap_err()), WalletTemporaryError::Busy);
}

/// A ledger that was busy shortly before the expiry must not be paid from long after it.
#[test]
fn what_certainly_was_not_paid_before_the_expiry_is_not_paid_afterwards() {
    for (answer, asked) in [(Answer::Later("busy".to_owned()), 0), (Answer::Unknown("silence".to_owned()), 1)] {
        let mut world = World::new(2, 1);
        let id = world.approved(pay(5), 1);
        world.pass(MAX_LIFETIME - SECOND);
        world.begin(1, id).unwrap();
        assert_eq!(world.drive(id, &answer).len(), 1);
        world.pass(HOUR);
        assert_eq!(world.drive(id, &done()).len(), asked, "what is in doubt is asked after");
        let [outcome] = outcomes(&world, id).try_into().unwrap();
        assert_eq!(matches!(outcome, Some(EffectOutcome::Failed { .. })), asked == 0, "{outcome:?}");
        assert!(world.wallet.executing().is_empty());
    }
}

#[test]
fn what_a_freeze_held_up_for_long_is_tried_as_often_as_anything() {
    let mut world = World::new(3, 2);
    let id = world.approved(pay(5), 2);
    world.begin(1, id).unwrap();
    world.wallet.freeze_alone(person(100), String::new(), world.now).unwrap();
    world.pass(10 * DAY);
    let unfreeze = world.approved(Action::EmergencyAction(EmergencyAct::UnfreezeWallet), 3);
    world.begin(1, unfreeze).unwrap();
    let first = world.drive(id, &Answer::Unknown("silence".to_owned()));
    assert_eq!(world.status(id), ProposalStatus::Executing);
    world.pass(HOUR);
    assert_eq!(world.drive(id, &done()), first);
    assert_eq!(world.status(id), ProposalStatus::Executed);
}

#[test]
fn a_lowered_limit_does_not_leave_a_payment_in_doubt_for_ever() {
    let mut world = World::new(2, 1);
    let id = world.approved(pay(LIMIT), 1);
    world.begin(1, id).unwrap();
    world.drive(id, &Answer::Unknown("silence".to_owned()));
    let lower = AssetPolicy { ledger: LEDGER, daily_limit: Some(Amount(LIMIT - 1)), large_amount: None };
    world.change(WalletChange::SetAssetPolicy(lower), 2).unwrap();
    for _ in 0..7 {
        world.pass(DAY - 1);
        assert!(world.drive(id, &done()).is_empty());
    }
    assert_eq!(world.status(id), ProposalStatus::Executing);
    world.pass(DAY);
    assert!(world.drive(id, &done()).is_empty());
    assert!(matches!(outcomes(&world, id).as_slice(), [Some(EffectOutcome::Unknown { .. })]));
    assert!(world.wallet.executing().is_empty());
}
