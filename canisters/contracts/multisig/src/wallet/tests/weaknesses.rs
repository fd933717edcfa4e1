//! The faults of the wallet that this one takes the place of: none of them is here.

use super::*;
use cairn_kit::api::multisig::TrailEvent;

/// W-01: a stranger's call set the executing flag for good.
#[test]
fn w01_a_stranger_cannot_block_executions() {
    let mut world = World::new(2, 1);
    let id = world.approved(pay(5), 1);
    assert!(world.begin(77, id).is_err());
    assert!(world.wallet.executing().is_empty() && !world.wallet.is_awaiting());
    world.begin(1, id).unwrap();
}

// W-02, callers as arguments, is tested with the interface.

/// W-03: a threshold reached before the timelock had passed left the proposal stuck.
#[test]
fn w03_a_threshold_reached_before_the_timelock_is_not_lost() {
    let mut wanted = args(3, 2);
    wanted.rules.timelock = DAY;
    let mut world = World::of(wanted);
    let id = world.approved(pay(5), 2);
    let until = Timestamp(START.0 + DAY);
    assert_eq!(temporary(world.begin(1, id).unwrap_err()), WalletTemporaryError::Timelocked { until });
    world.pass(DAY - 1);
    assert!(world.begin(1, id).is_err());
    world.pass(1);
    world.begin(1, id).unwrap();
    let urgent = world.approved(Action::EmergencyAction(EmergencyAct::FreezeWallet), 2);
    world.begin(1, urgent).unwrap();
}

/// W-04: the last approval executed, frozen or not.
#[test]
fn w04_an_approval_executes_nothing_and_a_freeze_holds() {
    let mut world = World::new(2, 2);
    let id = world.propose(1, pay(5)).unwrap();
    world.wallet.freeze_alone(person(1), String::new(), world.now).unwrap();
    world.approve(2, id).unwrap();
    assert_eq!(world.status(id), ProposalStatus::Approved);
    assert!(world.wallet.next_step(id, world.now).is_none());
    assert!(matches!(temporary(world.begin(1, id).unwrap_err()), WalletTemporaryError::Frozen { .. }));
}

/// W-05: changes were not looked at again when they were executed.
#[test]
fn w05_changes_are_validated_again_when_executed() {
    let mut world = World::new(3, 1);
    let one = world.approved(Action::WalletModification(remove(2)), 2);
    let raised = world.approved(Action::WalletModification(WalletChange::ChangeThreshold { threshold: 3 }), 3);
    world.begin(1, raised).unwrap();
    world.approve(3, one).unwrap();
    assert!(matches!(request(world.begin(1, one).unwrap_err()), WalletRequestError::Invalid(_)), "3 of 2");
    let mut world = World::new(3, 1);
    let again = WalletChange::AddSigner { signer: signer(9), threshold: None };
    let twice = [again.clone(), again].map(|change| world.approved(Action::WalletModification(change), 3));
    world.begin(1, twice[0]).unwrap();
    let refused = request(world.begin(1, twice[1]).unwrap_err());
    assert!(matches!(refused, WalletRequestError::AlreadyMember { .. }), "nobody is overwritten: {refused:?}");
    let observer = world.propose(1, Action::WalletModification(WalletChange::RemoveObserver(person(1))));
    assert!(observer.is_err(), "an owner is no observer");
    // A removed signer's approval does not count: see changes.rs.
}

/// W-06: observers counted as signers.
#[test]
fn w06_observers_do_not_count_toward_the_threshold() {
    let mut wanted = args(2, 3);
    wanted.observers = vec![member(90), member(91)];
    assert!(wanted.validate().is_err());
    let mut world = World::new(2, 2);
    let change = WalletChange::ChangeThreshold { threshold: 3 };
    assert!(world.propose(1, Action::WalletModification(change)).is_err());
}

/// W-07: what was shown and what was executed could differ.
#[test]
fn w07_what_is_shown_is_what_is_executed() {
    let mut world = World::new(2, 1);
    let shown = pay_on(LEDGER, 5);
    let id = world.approved(Action::Transfer(shown.clone()), 1);
    assert_eq!(world.wallet.proposal_view(id, world.now).unwrap().action, Action::Transfer(shown.clone()));
    world.begin(1, id).unwrap();
    let Some((_, _, Payment::Transfer(sent, _))) = world.next_send(id) else { panic!("a transfer") };
    assert_eq!(sent, shown);
}

/// W-08: once frozen, nothing could be proposed, so nobody could unfreeze.
#[test]
fn w08_a_frozen_wallet_can_be_unfrozen_by_a_new_proposal() {
    let mut world = World::new(3, 2);
    world.wallet.freeze_alone(person(1), String::new(), world.now).unwrap();
    let id = world.approved(Action::EmergencyAction(EmergencyAct::UnfreezeWallet), 3);
    world.begin(1, id).unwrap();
    let paid = world.approved(pay(5), 2);
    world.begin(1, paid).unwrap();
}

/// W-09: the approvals that the risk asked for were shown, not enforced.
#[test]
fn w09_the_approvals_that_a_risk_asks_for_are_enforced() {
    let mut world = World::new(5, 2);
    let large = Action::Transfer(pay_on(OTHER_LEDGER, crate::wallet::risk::LARGE_AMOUNT.0 + 1));
    let small = Action::Transfer(pay_on(OTHER_LEDGER, crate::wallet::risk::LARGE_AMOUNT.0));
    let split = Action::BatchTransfer(vec![pay_on(OTHER_LEDGER, crate::wallet::risk::LARGE_AMOUNT.0); 2]);
    let rescue = Action::EmergencyAction(EmergencyAct::EmergencyTransfer(pay_on(LEDGER, 1)));
    for (action, required) in [(small, 2), (large, 3), (split, 3), (call(person(9), "go"), 3), (rescue, 5)] {
        let id = world.approved(action, required - 1);
        let refused = request(world.begin(1, id).unwrap_err());
        let (approvals, required) = (u32::from(required) - 1, u32::from(required));
        assert_eq!(refused, WalletRequestError::NotApproved { proposal: id, approvals, required });
        world.approve(required as u8, id).unwrap();
        world.begin(1, id).unwrap();
    }
}

/// W-10: the daily limit was used up by proposing, twice by executing, and never came back.
#[test]
fn w10_the_daily_limit_is_used_by_payments_once_and_comes_back() {
    let mut world = World::new(2, 1);
    let ids: Vec<u64> = (0..4).map(|_| world.approved(pay(LIMIT / 2), 1)).collect();
    assert_eq!(world.wallet.asset_views(world.now)[0].spent, Amount::ZERO, "proposing uses nothing");
    for id in &ids[..2] {
        world.begin(1, *id).unwrap();
        world.drive(*id, &done());
    }
    assert_eq!(world.wallet.asset_views(world.now)[0].spent, Amount(LIMIT));
    let WalletTemporaryError::DailyLimit { retry_at, available, .. } = temporary(world.begin(1, ids[2]).unwrap_err())
    else {
        panic!("the limit")
    };
    assert_eq!(available, Amount::ZERO);
    world.now = retry_at;
    world.begin(1, ids[2]).unwrap();
    let never = world.approved(pay(LIMIT + 1), 1);
    assert!(world.begin(1, never).is_err());
}

/// W-11: a subtraction after a real transfer could trap, and the record was lost.
#[test]
fn w11_what_was_paid_is_recorded_whatever_the_wallet_believes_to_hold() {
    let mut world = World::new(2, 1);
    world.wallet.watch(person(1), LEDGER, world.now).unwrap();
    world.wallet.note_balance(LEDGER, Amount(1), world.now);
    let id = world.approved(pay(5), 1);
    world.begin(1, id).unwrap();
    world.drive(id, &Answer::Block(Amount(u128::MAX)));
    assert_eq!(world.status(id), ProposalStatus::Executed);
}

// W-12, private wallets that everybody could read, is tested in private.rs.

/// W-13: events and approvals grew without bound, and pages ignored what was asked for.
#[test]
fn w13_pages_are_bounded_and_complete() {
    let mut world = World::new(10, 1);
    let total = 130;
    for n in 0..total {
        world.propose((n % 10) as u8 + 1, pay(1)).unwrap();
    }
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let page = world.wallet.proposal_page(cursor, usize::MAX, None, world.now);
        assert!(page.proposals.len() <= 50 && page.total == total);
        seen.extend(page.proposals.iter().map(|proposal| proposal.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(seen.into_iter().eq((0..total).rev()));
    let cancelled = world.wallet.proposal_page(None, 10, Some(ProposalStatus::Cancelled), world.now);
    assert!(cancelled.proposals.is_empty() && cancelled.next.is_none());
    let (mut start, mut entries) = (0, Vec::new());
    loop {
        let page = world.wallet.trail_page(start, usize::MAX);
        assert!(page.entries.len() <= 100);
        entries.extend(page.entries);
        match page.next {
            Some(next) => start = next,
            None => break,
        }
    }
    assert_eq!(entries.len() as u64, world.wallet.trail_length());
    assert!(matches!(entries[0].event, TrailEvent::Created { .. }));
    for (one, other) in entries.iter().zip(&entries[1..]) {
        assert_eq!((other.number, other.parent), (one.number + 1, Some(one.hash().unwrap())));
    }
    assert_eq!(world.wallet.tip(), Some(entries.last().unwrap().hash().unwrap()));
}

// W-14, callers as arguments in the factory, is tested with the interface.
