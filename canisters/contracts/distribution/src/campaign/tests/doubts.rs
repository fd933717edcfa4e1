//! Transfers in doubt on a ledger that keeps no log: what its balances tell, and what nobody can.

use super::world::*;
use crate::campaign::Stage;
use crate::transfer::driver::Outcome;
use cairn_events::Amount;
use cairn_kit::api::distribution::{DAY, DistributionError, DistributionTemporaryError as Temporary, PayoutStatus};

/// 600 for person 1, 300 for person 2, 100 for person 3; no log.
fn logless() -> World {
    let mut args = airdrop();
    args.recipients.push(named(3, 0, 100));
    let mut world = World::funded(args);
    world.ledger.logless = true;
    world
}

/// Lets the ledger's window close, and all time in which its log may still answer.
fn wait(world: &mut World) {
    world.pass(2 * DAY);
    for _ in 0..60 {
        world.round(Fate::Fine);
        world.pass(HOUR);
    }
}

fn quarantined(world: &World) -> Vec<u64> {
    let open = world.campaign.transfer_views(None, None);
    let quarantined = open.iter().filter(|view| matches!(view.status, PayoutStatus::Quarantined { .. }));
    quarantined.map(|view| view.transfer).collect()
}

#[test]
fn what_was_not_made_is_claimed_again() {
    let mut world = logless();
    assert_eq!(world.claim_some(1, None, Fate::Swallowed), Ok(Outcome::Open));
    wait(&mut world);
    assert!(world.campaign.transfer_views(None, None).is_empty());
    let history = world.campaign.history_view(person(1), None, None);
    assert!(history[0].failure.as_ref().is_some_and(|why| why.contains("balance")), "{history:?}");
    world.claim(1).unwrap();
    assert_eq!(world.received(1), 590);
    world.check();
}

/// A ledger that fails on these very arguments: what it never answers is looked for in its log, and given back.
#[test]
fn an_attempt_that_is_never_answered_holds_nothing_for_ever() {
    use crate::transfer::Phase;
    let mut world = World::funded(airdrop());
    world.claim_some(1, None, Fate::Swallowed).unwrap();
    for _ in 0..3 * 24 {
        world.pass(HOUR);
        world.advance(1, Fate::Swallowed);
    }
    let phase = |world: &World| world.campaign.open_intent(1).unwrap().phase;
    assert_eq!(phase(&world), Phase::Sending);
    world.pass(HOUR);
    world.advance(1, Fate::Swallowed);
    assert!(matches!(phase(&world), Phase::Searching(_)));
    world.settle();
    world.claim(1).unwrap();
    assert_eq!(world.received(1), 590);
    world.check();
}

#[test]
fn what_was_made_is_not_paid_again() {
    let mut world = logless();
    assert_eq!(world.claim_some(1, None, Fate::Lost), Ok(Outcome::Open));
    wait(&mut world);
    assert_eq!(world.campaign.books().paid, Amount(590));
    assert!(world.claim(1).is_err());
    assert_eq!(world.received(1), 590);
    world.check();
}

#[test]
fn others_that_are_paid_meanwhile_do_not_matter() {
    let mut world = logless();
    world.claim_some(1, None, Fate::Lost).unwrap();
    world.pass(2 * DAY);
    world.round(Fate::Fine);
    world.claim_some(2, None, Fate::Swallowed).unwrap();
    for _ in 0..60 {
        world.round(Fate::Fine);
        world.pass(HOUR);
    }
    assert_eq!((world.received(1), world.received(2)), (590, 290));
    assert!(world.campaign.transfer_views(None, None).is_empty());
    world.check();
}

#[test]
fn a_balance_is_worth_nothing_if_something_moved_since_it_was_asked() {
    let mut world = logless();
    world.claim_some(1, None, Fate::Swallowed).unwrap();
    let (before, balance) = (world.campaign.books(), Amount(world.ledger.held(canister())));
    world.claim(2).unwrap();
    let mut transfer = world.campaign.open_intent(1).unwrap();
    transfer.phase = crate::transfer::Phase::Weighing("no log".to_owned());
    world.campaign.save_transfer(1, transfer);
    // More was there then than should be now: it is no gift.
    assert_eq!(world.campaign.weighed(1, &before, balance, world.now), Outcome::Open);
    assert!(quarantined(&world).is_empty() && world.campaign.next_due(world.now) > Some(world.now), "later again");
    world.settle();
    world.check();
}

/// Two in doubt, and the larger one was made: the smaller one may have been, too, hidden by a gift.
#[test]
fn what_a_balance_leaves_open_is_freed_by_who_makes_up_for_it() {
    let mut world = logless();
    world.claim_some(2, None, Fate::Swallowed).unwrap();
    world.claim_some(3, None, Fate::Lost).unwrap();
    wait(&mut world);
    assert_eq!(quarantined(&world), [1, 2]);
    let busy = world.claim(2);
    assert!(matches!(busy, Err(DistributionError::Temporary(Temporary::Busy { transfer: 1 }))));
    world.claim(1).unwrap();
    // The missing hundred is made up for, and the owner has both searched again.
    *world.ledger.balances.entry(canister()).or_default() += 100;
    for id in [1, 2] {
        world.campaign.retry_transfer(owner(), id, world.now).unwrap();
    }
    wait(&mut world);
    assert!(quarantined(&world).is_empty() && world.campaign.health().is_ok());
    world.claim(2).unwrap();
    world.claim(3).unwrap();
    assert_eq!((world.received(2), world.received(3)), (290, 90 + 90), "the giver has paid for it");
    assert_eq!((world.campaign.books().stage, world.ledger.held(canister())), (Stage::Completed, 0));
}

/// What was given beyond the deposits could hide that a transfer was made: it is not paid out without the owner's word.
#[test]
fn gifts_are_not_paid_out_without_the_owners_word() {
    let mut world = logless();
    world.claim_some(1, None, Fate::Lost).unwrap();
    *world.ledger.balances.entry(canister()).or_default() += 5_000;
    wait(&mut world);
    let [id] = quarantined(&world)[..] else { panic!("not quarantined") };
    world.campaign.retry_transfer(person(1), id, world.now).unwrap();
    wait(&mut world);
    assert_eq!(quarantined(&world), [id], "not at the claimant's word");
    world.campaign.retry_transfer(owner(), id, world.now).unwrap();
    world.upgrade();
    wait(&mut world);
    world.claim(1).unwrap();
    assert_eq!(world.ledger.held(canister()), 5_000 + 1_000 - 2 * 600, "and nobody else's is touched");
}

#[test]
fn a_ledger_from_which_more_is_missing_than_left_is_not_believed() {
    let mut world = logless();
    world.claim_some(1, None, Fate::Swallowed).unwrap();
    world.ledger.balances.insert(canister(), 300);
    wait(&mut world);
    assert_eq!(quarantined(&world), [1]);
}

#[test]
fn a_deposit_in_doubt_counts_if_it_is_here() {
    for (fate, deposited) in [(Fate::Lost, 1_000), (Fate::Swallowed, 0)] {
        let mut world = World::new(airdrop());
        world.ledger.logless = true;
        world.deposit(fate).unwrap();
        wait(&mut world);
        assert_eq!(world.campaign.books().deposited, Amount(deposited));
        if deposited == 0 {
            world.deposit(Fate::Fine).unwrap();
        }
        assert_eq!(world.campaign.books().stage, Stage::Active);
        world.check();
    }
}

/// Those whose outcome nobody can tell do not keep all others from claiming.
#[test]
fn quarantine_takes_nobody_elses_place() {
    let mut world = World::funded(airdrop());
    world.claim_some(1, None, Fate::Lost).unwrap();
    let mut doubtful = world.campaign.open_intent(1).unwrap();
    doubtful.phase = crate::transfer::Phase::Quarantined("nobody knows".to_owned());
    for id in 1_000..1_000 + crate::campaign::claiming::MAX_OPEN {
        world.campaign.save_transfer(id, doubtful.clone());
    }
    let full = world.claim(2);
    assert!(matches!(full, Err(DistributionError::Temporary(Temporary::Overloaded { .. }))));
    let mut books = world.campaign.books();
    books.quarantined = crate::campaign::claiming::MAX_OPEN;
    world.campaign.save_books(&books);
    assert!(world.claim(2).is_ok());
}
