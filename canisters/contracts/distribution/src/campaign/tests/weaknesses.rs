//! The faults of the contract that this one replaces, each looked for here. Those of its schedules, eligibility and Merkle
//! hash are looked for beside ours.

use super::world::*;
use crate::campaign::Stage;
use crate::transfer::driver::Outcome;
use cairn_events::{Amount, Timestamp};
use cairn_kit::api::distribution::{
    Category, DAY, DistributionError, DistributionRequestError as Request, DistributionTemporaryError as Temporary,
    EarlyUnlock, Membership, MerkleClaim, Schedule,
};

fn busy(result: Result<Outcome, DistributionError>) -> bool {
    matches!(result, Err(DistributionError::Temporary(Temporary::Busy { .. })))
}

/// claimWithMerkleProof: no claimed record, so repeated payouts; no check of blacklist and status.
#[test]
fn merkle_claims_heed_blocks_and_pauses() {
    let mut args = airdrop();
    args.categories[0].members = Membership::Merkle;
    args.recipients.clear();
    let mut world = World::funded(args);
    let account = cairn_events::payload::Account { owner: person(1), subaccount: None };
    let leaf = cairn_kit::api::distribution::merkle_leaf(canister(), 0, 0, account, Amount(100));
    let root = cairn_events::merkle::leaf_hash(&leaf);
    let tree = cairn_kit::api::distribution::MerkleRoot { category: 0, root, leaves: 1 };
    world.campaign.set_merkle_root(owner(), tree, world.now).unwrap();
    let claim = MerkleClaim { category: 0, index: 0, account, allocation: Amount(100), proof: vec![] };
    let begin = |world: &mut World| world.campaign.begin_merkle_claim(person(1), &claim, Amount(FEE), world.now);
    world.campaign.change_blocked(owner(), &[person(1)], true).unwrap();
    let blocked = Err(Request::Blocked { recipient: person(1) }.into());
    assert_eq!(begin(&mut world), blocked);
    world.campaign.change_blocked(owner(), &[person(1)], false).unwrap();
    world.campaign.pause_category(owner(), 0, true).unwrap();
    assert_eq!(begin(&mut world), Err(Temporary::CategoryPaused { category: 0 }.into()));
    world.campaign.pause_category(owner(), 0, false).unwrap();
    world.campaign.pause(owner(), world.now).unwrap();
    assert_eq!(begin(&mut world), Err(Temporary::Paused.into()));
    world.campaign.resume(owner(), world.now).unwrap();
    let id = begin(&mut world).unwrap();
    assert!(matches!(begin(&mut world), Err(DistributionError::Temporary(Temporary::Busy { .. }))));
    world.advance(id, Fate::Fine);
    assert_eq!(begin(&mut world), Err(Request::NothingLeft.into()));
    world.check();
}

/// claimFromCategory, claim: the per-user guard was not released on success nor on any error, for ever.
#[test]
fn no_outcome_locks_a_person_out() {
    let mut world = World::funded(airdrop());
    for amount in [Some(0), Some(5), Some(601)] {
        assert!(world.claim_some(1, amount, Fate::Fine).is_err());
    }
    assert!(matches!(world.claim_some(1, Some(50), Fate::Bounced), Ok(Outcome::Failed(_))));
    world.ledger.fee = 20;
    world.campaign.learn_fee(Amount(FEE));
    assert!(matches!(world.claim_some(1, Some(50), Fate::Fine), Ok(Outcome::Failed(_))));
    for fate in [Fate::Fine, Fate::Lost, Fate::Swallowed, Fate::Upgraded] {
        world.claim_some(1, Some(100), fate).unwrap();
        world.settle();
    }
    assert!(world.claim(1).is_ok());
    assert_eq!(world.received(1), 600 - 5 * 20);
    world.check();
}

/// earlyUnlockWithPenalty: no guard, paid before the state was written, so parallel calls were paid repeatedly; and paid
/// only what was unlocked anyway.
#[test]
fn early_unlocks_pay_the_locked_part_once() {
    let mut args = airdrop();
    args.categories[0].schedule = Schedule::Single { after: 10 * DAY };
    args.categories[0].initial_unlock = 5_000;
    args.early_unlock = Some(EarlyUnlock { penalty: 1_000, penalty_to: None, min_lock: 0 });
    let mut world = World::funded(args);
    let id = world.campaign.begin_early_unlock(person(1), None, None, Amount(FEE), world.now).unwrap();
    assert!(busy(world.unlock(1, Fate::Fine)));
    assert!(busy(world.claim(1)));
    world.advance(id, Fate::Lost);
    assert!(busy(world.unlock(1, Fate::Fine)));
    world.settle();
    assert_eq!(world.received(1), 300 + 270 - FEE, "half of it without a penalty");
    assert_eq!(world.unlock(1, Fate::Fine), Err(Request::NothingLeft.into()));
    world.check();
}

/// claim: a rejected call left a recorded but unpaid claim; state read before an await was written back after it.
#[test]
fn a_rejected_payout_leaves_everything_as_it_was() {
    let mut world = World::funded(airdrop());
    world.claim_some(1, Some(100), Fate::Fine).unwrap();
    let before = world.campaign.recipient_view(person(1), world.now);
    world.claim_some(1, Some(200), Fate::Bounced).unwrap();
    assert_eq!(world.campaign.recipient_view(person(1), world.now), before);
    assert!(world.campaign.transfer_views(None, None).is_empty());
    world.check();
}

/// register, addParticipants: allocations could exceed the total, and the first to come drained the pot.
#[test]
fn allocations_never_exceed_the_budget() {
    let mut args = airdrop();
    args.recipients.clear();
    let members = Membership::Open {
        allocation: Amount(400),
        eligibility: cairn_kit::api::distribution::Eligibility::Open,
        max_participants: None,
    };
    args.categories = vec![Category { members, ..category(1_000, Schedule::Instant) }];
    let mut world = World::funded(args);
    for n in 1..=2 {
        world.campaign.register(person(n), 0, &[], world.now).unwrap();
        world.claim(n).unwrap();
    }
    let full = Request::BudgetExceeded { category: 0, left: Amount(200), required: Amount(400) };
    assert_eq!(world.campaign.register(person(3), 0, &[], world.now), Err(full.into()));
    world.check();
}

/// claim, claimBatch: pauses of everything and of categories were ignored.
#[test]
fn pauses_stop_every_kind_of_claim() {
    let mut args = airdrop();
    args.early_unlock = Some(EarlyUnlock { penalty: 1_000, penalty_to: None, min_lock: 0 });
    let mut world = World::funded(args);
    world.campaign.pause(owner(), world.now).unwrap();
    assert_eq!(world.claim(1), Err(Temporary::Paused.into()));
    assert_eq!(world.unlock(1, Fate::Fine), Err(Temporary::Paused.into()));
    assert!(world.campaign.resume(person(1), world.now).is_err());
    world.campaign.resume(owner(), world.now).unwrap();
    world.campaign.pause_category(owner(), 0, true).unwrap();
    let paused = Temporary::CategoryPaused { category: 0 };
    assert_eq!(world.claim(1), Err(paused.clone().into()), "not: nothing is left");
    assert_eq!(world.unlock(1, Fate::Fine), Err(paused.into()));
    world.campaign.pause_category(owner(), 0, false).unwrap();
    assert!(world.claim(1).is_ok());
    world.check();
}

/// _getValidatedTime: the time was frozen for ever.
#[test]
fn time_passes() {
    let mut args = airdrop();
    args.categories[0].schedule = Schedule::Single { after: 3_000 * DAY };
    args.end = Some(Timestamp(START.0 + 4_000 * DAY));
    let mut world = World::funded(args);
    assert!(world.claim(1).is_err());
    world.pass(3_000 * DAY);
    assert!(world.claim(1).is_ok());
    world.pass(1_000 * DAY);
    world.round(Fate::Fine);
    assert_eq!(world.campaign.books().stage, Stage::Completed);
}

/// pause and emergencyUnpause: a cancelled or completed distribution became active again.
#[test]
fn there_is_no_way_back_from_the_end() {
    let mut world = World::funded(airdrop());
    world.campaign.cancel(owner(), world.now).unwrap();
    assert!(world.campaign.pause(owner(), world.now).is_err());
    assert!(world.campaign.resume(owner(), world.now).is_err());
    assert!(world.campaign.cancel(owner(), world.now).is_err());
    world.campaign.recognise(owner(), Amount(1_000), Amount::ZERO, world.now).unwrap();
    assert!(matches!(world.deposit(Fate::Fine), Err(DistributionError::Request(Request::WrongStatus { .. }))));
    world.settle();
    assert_eq!(world.campaign.books().stage, Stage::Cancelled);
    let mut args = airdrop();
    args.end = Some(Timestamp(START.0 + DAY));
    let mut world = World::funded(args);
    world.campaign.pause(owner(), world.now).unwrap();
    world.pass(DAY);
    assert!(world.campaign.resume(owner(), world.now).is_err());
    assert_eq!(world.campaign.books().stage, Stage::Completed);
}

/// addParticipants, assignParticipantToCategory: reset what a participant had claimed.
#[test]
fn naming_people_again_resets_nothing() {
    let mut args = airdrop();
    args.categories = vec![category(900, Schedule::Instant), category(100, Schedule::Instant)];
    args.categories[1].start = Some(Timestamp(START.0 + DAY));
    let mut world = World::funded(args);
    world.claim(1).unwrap();
    assert!(world.campaign.add_recipients(owner(), &[named(1, 0, 1)], world.now).is_err());
    world.campaign.add_recipients(owner(), &[named(1, 1, 100)], world.now).unwrap();
    let view = world.campaign.recipient_view(person(1), world.now).unwrap();
    assert_eq!((view.allocations[0].claimed, view.allocations[1].claimed), (Amount(600), Amount::ZERO));
    assert_eq!(
        world.claim(1),
        Err(Request::BelowMinimum { found: Amount::ZERO, minimum: Amount(FEE + 1), fee: Amount(FEE) }.into())
    );
    world.check();
}

/// postupgrade: timers were not armed again, paused categories and the history of claims were lost.
#[test]
fn an_upgrade_loses_nothing() {
    let mut world = World::funded(airdrop());
    world.campaign.pause_category(owner(), 0, true).unwrap();
    world.campaign.change_blocked(owner(), &[person(2)], true).unwrap();
    let before = world.snapshot();
    world.upgrade();
    assert_eq!(world.snapshot(), before);
    world.campaign.pause_category(owner(), 0, false).unwrap();
    world.claim_some(1, None, Fate::Upgraded).unwrap();
    assert!(world.campaign.next_due(world.now).is_some(), "something is to be done, and known to be");
    world.settle();
    assert_eq!(world.campaign.history_view(person(1), None, None).len(), 1);
    assert_eq!(world.received(1), 590);
    assert!(world.claim(2).is_err(), "still blocked");
    world.check();
}

/// claimRecords.removeLast after an await removed another user's record; the block was not stored.
#[test]
fn a_failure_takes_nobody_elses_record() {
    let mut world = World::funded(airdrop());
    let args = cairn_kit::api::distribution::ClaimArgs::default();
    let first = world.campaign.begin_claim(person(1), &args, Amount(FEE), world.now).unwrap();
    let second = world.campaign.begin_claim(person(2), &args, Amount(FEE), world.now).unwrap();
    world.advance(second, Fate::Fine);
    world.advance(first, Fate::Bounced);
    let theirs = world.campaign.history_view(person(2), None, None);
    assert_eq!(theirs.iter().map(|entry| entry.block).collect::<Vec<_>>(), [Some(1)]);
    assert!(world.campaign.history_view(person(1), None, None).is_empty());
    world.check();
}

/// resume demanded the full total again, though some had been paid out.
#[test]
fn resuming_needs_no_new_money() {
    let mut world = World::funded(airdrop());
    world.claim(1).unwrap();
    world.campaign.pause(owner(), world.now).unwrap();
    assert_eq!(world.campaign.resume(owner(), world.now), Ok(()));
    assert!(world.claim(2).is_ok());
    world.check();
}

/// pauseDistribution, cancelDistribution of the factory, emergencyWithdraw: nobody but the owner pauses or cancels, and
/// nobody takes the money.
#[test]
fn strangers_and_recipients_decide_nothing() {
    let mut world = World::funded(airdrop());
    let before = world.snapshot();
    let now = world.now;
    for caller in [person(1), person(9), canister()] {
        for refused in [
            world.campaign.pause(caller, now),
            world.campaign.resume(caller, now),
            world.campaign.cancel(caller, now),
            world.campaign.pause_category(caller, 0, true),
            world.campaign.set_visibility(caller, false),
            world.campaign.add_recipients(caller, &[named(9, 0, 1)], now),
            world.campaign.remove_recipients(caller, &[(person(2), 0)], now),
            world.campaign.change_whitelist(caller, 0, &[caller], true),
            world.campaign.change_blocked(caller, &[person(2)], true),
            world.campaign.recognise(caller, Amount(1), Amount::ZERO, now),
            world.campaign.begin_deposit(caller, None, Amount(FEE), now).map(|_| ()),
        ] {
            assert_eq!(refused, Err(Request::Unauthorized { caller }.into()));
        }
    }
    assert_eq!(world.snapshot(), before);
}
