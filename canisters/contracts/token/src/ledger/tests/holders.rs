//! What a ledger leaves for its factory.

use super::*;
use cairn_events::payload::{Notification, Role};
use cairn_kit::api::factory::NotificationsAccepted;
use cairn_kit::notify::{Outcome, Subjects};

fn token() -> Ledger {
    let mut args = init_args();
    args.factory = Some(account(200).owner);
    ledger_with(args)
}

/// The factory takes everything that there is; what it was told.
fn deliver(ledger: &mut Ledger) -> Vec<Notification> {
    let (outbox, accounts) = ledger.outbox_mut();
    let batch = outbox.next_batch(accounts);
    let accepted_through = batch.last().unwrap().sequence;
    outbox.settle(Outcome::Answered(Ok(NotificationsAccepted { accepted_through })), START);
    batch.into_iter().map(|numbered| numbered.notification).collect()
}

#[test]
fn the_factory_hears_who_begins_and_ceases_to_hold() {
    let mut ledger = token();
    ledger.transfer(pay(minter(), account(1), 10 * FEE), START).unwrap();
    let (one, two) = (account(1).owner, account(2).owner);
    assert_eq!(deliver(&mut ledger), [Notification::DeploymentComplete, Notification::HolderAdded(one)]);
    ledger.transfer(pay(account(1), account(2), 9 * FEE), START).unwrap();
    let mut told = deliver(&mut ledger);
    told.sort_by_key(|notification| notification.role().map(|(_, who, _)| who != one));
    assert_eq!(told, [Notification::HolderRemoved(one), Notification::HolderAdded(two)]);
    let all = ledger.outbox_mut().1.roles_after(None, 10);
    assert_eq!(all.len(), 2, "who has left is still known: {all:?}");
    assert!(all.contains(&(Role::Holder, one, false)) && all.contains(&(Role::Holder, two, true)));
}

#[test]
fn what_changes_back_is_not_told() {
    let mut ledger = token();
    ledger.transfer(pay(minter(), account(1), 10 * FEE), START).unwrap();
    deliver(&mut ledger);
    // All of it to another one and back: 2 held nothing before and holds nothing now, 1 held all the time.
    ledger.transfer(pay(account(1), account(2), 9 * FEE), START).unwrap();
    assert_eq!(ledger.outbox().pending(), 2);
    ledger.transfer(pay(account(2), account(1), 8 * FEE), START).unwrap();
    assert!(!ledger.outbox().has_work());
}

#[test]
fn a_holder_is_an_owner_not_an_account() {
    let mut ledger = token();
    ledger.transfer(pay(minter(), account(1), 10 * FEE), START).unwrap();
    deliver(&mut ledger);
    let mut savings = account(1);
    savings.subaccount = Some([1; 32]);
    ledger.transfer(pay(account(1), savings, 9 * FEE), START).unwrap();
    assert!(!ledger.outbox().has_work(), "the owner still holds");
}

#[test]
fn without_a_factory_there_is_nothing_to_tell() {
    let mut ledger = ledger();
    ledger.transfer(pay(minter(), account(1), 5), START).unwrap();
    assert!(!ledger.outbox().has_work());
    assert_eq!(ledger.outbox().pending(), 0);
}

#[test]
fn another_epoch_numbers_from_one_and_reports_everybody() {
    let mut ledger = token();
    ledger.transfer(pay(minter(), account(1), 10 * FEE), START).unwrap();
    deliver(&mut ledger);
    let args = cairn_kit::api::ledger::UpgradeArgs { callback_epoch: Some(1), ..Default::default() };
    ledger.reconfigure(args).unwrap();
    let (outbox, accounts) = ledger.outbox_mut();
    let first = outbox.next_batch(accounts);
    assert_eq!(first.iter().map(|numbered| numbered.sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(first.last().unwrap().notification, Notification::HolderAdded(account(1).owner));
}
