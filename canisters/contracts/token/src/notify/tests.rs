use super::*;
use crate::ledger::Ledger;
use crate::ledger::Transfer;
use crate::ledger::fixtures::{FEE, START, account, init_args, ledger, ledger_with, minter};
use cairn_events::{Amount, Timestamp};
use candid::{Nat, Principal};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A factory as the protocol wants it: in order, exactly once.
#[derive(Default)]
struct Factory {
    accepted: u64,
    complete: bool,
    holders: BTreeSet<Principal>,
    heard: Vec<Notification>,
}

impl Factory {
    fn notify(&mut self, batch: &[Numbered]) -> NotifyReply {
        for Numbered { sequence, notification } in batch {
            if *sequence > self.accepted + 1 {
                return Err(CallbackError::Gap { expected: self.accepted + 1 });
            }
            if *sequence == self.accepted + 1 {
                self.accept(*notification);
            }
        }
        Ok(Accepted { accepted_through: self.accepted })
    }

    fn accept(&mut self, notification: Notification) {
        self.accepted += 1;
        self.heard.push(notification);
        match notification {
            Notification::DeploymentComplete => self.complete = true,
            Notification::HolderAdded(owner) => {
                self.holders.insert(owner);
            }
            Notification::HolderRemoved(owner) => {
                self.holders.remove(&owner);
            }
        }
    }
}

fn token() -> Ledger {
    let mut args = init_args();
    args.factory = Some(account(200).owner);
    ledger_with(args)
}

fn pay(ledger: &mut Ledger, from: u8, to: u8, amount: u128) -> bool {
    let (from, to) = (account(from), account(to));
    let command = Transfer { from, to, spender: None, amount: Amount(amount), fee: None, memo: None, created_at: None };
    ledger.transfer(command, START).is_ok()
}

fn batch(ledger: &mut Ledger) -> Vec<Numbered> {
    let (outbox, accounts) = ledger.outbox_mut();
    outbox.next_batch(accounts)
}

fn settle(ledger: &mut Ledger, outcome: Outcome, now: Timestamp) {
    ledger.outbox_mut().0.settle(outcome, now);
}

/// Delivers until there is nothing to send; fails if that takes absurdly long.
fn deliver_all(ledger: &mut Ledger, factory: &mut Factory) {
    for _ in 0..100 {
        if !ledger.outbox().has_work() {
            return;
        }
        let batch = batch(ledger);
        let reply = factory.notify(&batch);
        settle(ledger, Outcome::Answered(reply), START);
    }
    panic!("the outbox does not empty");
}

const HOUR: u64 = 3_600_000_000_000;

#[test]
fn the_first_notification_says_that_the_deployment_is_complete() {
    let mut ledger = token();
    pay(&mut ledger, 255, 1, 5);
    let first = batch(&mut ledger);
    let added = Notification::HolderAdded(account(1).owner);
    let expected = [Notification::DeploymentComplete, added];
    assert_eq!(first.iter().map(|n| n.notification).collect::<Vec<_>>(), expected);
    assert_eq!(first.iter().map(|n| n.sequence).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn without_a_factory_there_is_nothing_to_tell() {
    let mut ledger = ledger();
    pay(&mut ledger, 255, 1, 5);
    assert!(!ledger.outbox().has_work());
    assert_eq!(ledger.outbox().due_in(START), None);
}

#[test]
fn what_changes_back_is_not_told() {
    let mut ledger = token();
    pay(&mut ledger, 255, 1, 10 * FEE);
    let mut factory = Factory::default();
    deliver_all(&mut ledger, &mut factory);
    // All of it to another one and back: 2 held nothing before and holds nothing now, 1 held all the time.
    assert!(pay(&mut ledger, 1, 2, 9 * FEE));
    assert_eq!(ledger.outbox().pending(), 2);
    assert!(pay(&mut ledger, 2, 1, 8 * FEE));
    assert_eq!(ledger.outbox().pending(), 0);
    assert!(!ledger.outbox().has_work());
}

#[test]
fn a_holder_is_an_owner_not_an_account() {
    let mut ledger = token();
    pay(&mut ledger, 255, 1, 10 * FEE);
    deliver_all(&mut ledger, &mut Factory::default());
    let mut savings = account(1);
    savings.subaccount = Some([1; 32]);
    let command = Transfer {
        from: account(1),
        to: savings,
        spender: None,
        amount: Amount(9 * FEE),
        fee: None,
        memo: None,
        created_at: None,
    };
    ledger.transfer(command, START).unwrap();
    assert!(!ledger.outbox().has_work(), "the owner still holds");
}

#[test]
fn a_batch_is_kept_until_acknowledged_and_stays_the_same() {
    let mut ledger = token();
    pay(&mut ledger, 255, 1, 10 * FEE);
    let first = batch(&mut ledger);
    settle(&mut ledger, Outcome::Unknown("no answer".to_owned()), START);
    pay(&mut ledger, 255, 2, 10 * FEE);
    assert_eq!(batch(&mut ledger), first, "what happened later waits");
    settle(&mut ledger, Outcome::Answered(Ok(Accepted { accepted_through: 2 })), START);
    assert_eq!(ledger.outbox().acknowledged_through(), 2);
    let second = batch(&mut ledger);
    let added = Notification::HolderAdded(account(2).owner);
    assert_eq!(second, [Numbered { sequence: 3, notification: added }]);
}

#[test]
fn failures_back_off_from_half_a_minute_to_an_hour() {
    let mut ledger = token();
    batch(&mut ledger);
    let mut waits = Vec::new();
    for _ in 0..10 {
        settle(&mut ledger, Outcome::Answered(Err(CallbackError::NotDeployedHere)), START);
        waits.push(ledger.outbox().due_in(START).unwrap() / 1_000_000_000);
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
    assert_eq!(ledger.outbox().state().failures, 10);
    assert_eq!(ledger.outbox().state().last_error.as_deref(), Some("not deployed here"));
    settle(&mut ledger, Outcome::Answered(Ok(Accepted { accepted_through: 1 })), START);
    assert_eq!((ledger.outbox().state().failures, ledger.outbox().due_in(START)), (0, None));
}

#[test]
fn a_factory_may_impose_a_pause_but_no_absurd_one() {
    let mut ledger = token();
    batch(&mut ledger);
    for (retry_at, wait) in [(0, 30_000_000_000), (START.0 + HOUR, HOUR), (u64::MAX, 24 * HOUR)] {
        let exhausted = CallbackError::BudgetExhausted { retry_at: Some(retry_at) };
        settle(&mut ledger, Outcome::Answered(Err(exhausted)), START);
        assert_eq!(ledger.outbox().due_in(START), Some(wait));
    }
}

#[test]
fn long_messages_of_others_are_cut_between_characters() {
    let mut ledger = token();
    batch(&mut ledger);
    let message = "ä".repeat(1_000);
    settle(&mut ledger, Outcome::Answered(Err(CallbackError::TemporarilyUnavailable { message })), START);
    assert!(ledger.outbox().state().last_error.as_ref().unwrap().len() <= 200);
}

#[test]
fn a_gap_within_what_is_held_is_closed_by_sending_again() {
    let mut ledger = token();
    for n in 1..=3 {
        pay(&mut ledger, 255, n, 10 * FEE);
    }
    batch(&mut ledger);
    settle(&mut ledger, Outcome::Answered(Err(CallbackError::Gap { expected: 3 })), START);
    let again = batch(&mut ledger);
    assert_eq!(again.iter().map(|n| n.sequence).collect::<Vec<_>>(), [3, 4]);
    assert!(ledger.outbox().state().resync.is_none());
}

#[test]
fn two_that_lost_each_other_begin_anew_with_every_owner() {
    for (accepted, stale) in [(0, 3u8), (77, 9)] {
        let mut ledger = token();
        for n in 1..=5 {
            pay(&mut ledger, 255, n, 10 * FEE);
        }
        deliver_all(&mut ledger, &mut Factory::default());
        assert!(pay(&mut ledger, 3, 4, 9 * FEE), "3 leaves");
        // This factory was restored from another time: it expects another number and lists one who has left.
        let holders = BTreeSet::from([account(stale.min(3)).owner]);
        let mut factory = Factory { accepted, holders, ..Factory::default() };
        deliver_all(&mut ledger, &mut factory);
        let expected = [1, 2, 4, 5].map(|n| account(n).owner);
        assert_eq!(factory.holders, BTreeSet::from(expected));
        assert!(factory.complete);
    }
}

#[test]
fn numbers_taken_by_other_content_are_left_behind() {
    let mut ledger = token();
    pay(&mut ledger, 255, 1, 10 * FEE);
    batch(&mut ledger);
    settle(&mut ledger, Outcome::Answered(Err(CallbackError::Conflict { sequence: 1 })), START);
    let again = batch(&mut ledger);
    assert_eq!(again.first().unwrap(), &Numbered { sequence: 3, notification: Notification::DeploymentComplete });
}

#[test]
fn an_acknowledgement_of_numbers_never_given_is_not_believed() {
    let mut ledger = token();
    batch(&mut ledger);
    settle(&mut ledger, Outcome::Answered(Ok(Accepted { accepted_through: 40 })), START);
    assert!(ledger.outbox().state().resync.is_some());
    assert_eq!(batch(&mut ledger).first().unwrap().sequence, 41);
    settle(&mut ledger, Outcome::Answered(Ok(Accepted { accepted_through: 7 })), START);
    assert_eq!(ledger.outbox().state().last_error.as_deref(), Some("nothing of the batch was accepted"));
}

#[test]
fn batches_are_bounded_and_nobody_waits_for_ever() {
    let mut args = init_args();
    args.factory = Some(account(200).owner);
    let person =
        |n: u16| icrc_ledger_types::icrc1::account::Account::from(Principal::self_authenticating(n.to_be_bytes()));
    args.initial_balances = (0..250).map(|n| (person(n), Nat::from(1u8))).collect();
    let mut ledger = ledger_with(args);
    let mut factory = Factory::default();
    let mut sizes = Vec::new();
    while ledger.outbox().has_work() {
        let batch = batch(&mut ledger);
        sizes.push(batch.len());
        let reply = factory.notify(&batch);
        settle(&mut ledger, Outcome::Answered(reply), START);
    }
    assert_eq!(sizes, [100, 100, 51]);
    assert_eq!(factory.holders.len(), 250);
}

#[test]
fn another_epoch_numbers_from_one_and_reports_everybody() {
    let mut ledger = token();
    pay(&mut ledger, 255, 1, 10 * FEE);
    deliver_all(&mut ledger, &mut Factory::default());
    let args = cairn_kit::api::ledger::UpgradeArgs { callback_epoch: Some(1), ..Default::default() };
    ledger.reconfigure(args).unwrap();
    let first = batch(&mut ledger);
    assert_eq!(first.first().unwrap(), &Numbered { sequence: 1, notification: Notification::DeploymentComplete });
    assert!(first.iter().any(|n| n.notification == Notification::HolderAdded(account(1).owner)));
}

#[derive(Clone, Debug)]
enum Step {
    Pay(u8, u8, u128),
    Deliver,
    LoseRequest,
    LoseReply,
    RestoreFactory,
}

fn arb_step() -> impl Strategy<Value = Step> {
    let who = prop_oneof![Just(255u8), 1u8..6];
    let amount = prop_oneof![Just(0), Just(FEE), Just(2 * FEE), Just(7 * FEE)];
    prop_oneof![
        6 => (who.clone(), who, amount).prop_map(|(from, to, amount)| Step::Pay(from, to, amount)),
        3 => Just(Step::Deliver),
        1 => Just(Step::LoseRequest),
        1 => Just(Step::LoseReply),
        1 => Just(Step::RestoreFactory),
    ]
}

proptest! {
    /// Whatever is lost on the way: in the end the factory lists exactly those who hold tokens.
    #[test]
    fn the_factory_ends_with_the_true_holders(steps in prop::collection::vec(arb_step(), 0..60)) {
        let mut ledger = token();
        let mut factory = Factory::default();
        for step in steps {
            match step {
                Step::Pay(from, to, amount) => {
                    pay(&mut ledger, from, to, amount);
                }
                Step::RestoreFactory => factory = Factory::default(),
                _ if !ledger.outbox().has_work() => {}
                Step::Deliver => {
                    let batch = batch(&mut ledger);
                    let reply = factory.notify(&batch);
                    settle(&mut ledger, Outcome::Answered(reply), START);
                }
                Step::LoseRequest => {
                    batch(&mut ledger);
                    settle(&mut ledger, Outcome::Unknown("lost".to_owned()), START);
                }
                Step::LoseReply => {
                    let batch = batch(&mut ledger);
                    let _ = factory.notify(&batch);
                    settle(&mut ledger, Outcome::Unknown("lost".to_owned()), START);
                }
            }
        }
        // Something to tell, or a factory that forgot would never learn of it.
        pay(&mut ledger, 255, 7, 1);
        deliver_all(&mut ledger, &mut factory);
        let held = (1..=7).map(account).filter(|person| ledger.balance(person) > Amount::ZERO);
        let held: BTreeSet<Principal> = held.map(|person| person.owner).collect();
        prop_assert_eq!(&factory.holders, &held);
        prop_assert!(factory.complete);
        prop_assert_eq!(ledger.balance(&minter()), Amount::ZERO);
    }
}
