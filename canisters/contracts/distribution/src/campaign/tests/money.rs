//! Funding, pausing, cancelling, refunds.

use super::world::*;
use crate::campaign::{News, Stage};
use crate::transfer::driver::Outcome;
use crate::transfer::settlement::Failure;
use cairn_events::payload::{Account, ContractStatus};
use cairn_events::{Amount, Timestamp};
use cairn_kit::api::distribution::{
    DAY, DistributionArgs, DistributionError, DistributionRequestError as Request,
    DistributionTemporaryError as Temporary, EarlyUnlock, LockArgs, PayoutStatus, Schedule,
};

#[test]
fn a_deposit_is_made_once_and_opens_it() {
    let mut world = World::new(airdrop());
    assert_eq!(world.campaign.books().stage, Stage::Pending);
    assert_eq!(world.deposit(Fate::Lost), Ok(Outcome::Open));
    let before = world.snapshot();
    let busy = world.deposit(Fate::Fine);
    assert!(matches!(busy, Err(DistributionError::Temporary(Temporary::Busy { transfer: 0 }))));
    let recognised = world.campaign.recognise(owner(), Amount(1_000), Amount::ZERO, world.now);
    assert!(recognised.is_err(), "while a deposit is open, a balance proves nothing");
    assert_eq!(world.snapshot(), before);
    world.settle();
    let books = world.campaign.books();
    assert_eq!((books.stage, books.deposited), (Stage::Active, Amount(1_000)));
    assert_eq!(world.ledger.blocks.len(), 1);
    assert!(matches!(world.deposit(Fate::Fine), Err(DistributionError::Request(Request::AlreadyFunded))));
    world.check();
}

#[test]
fn a_deposit_that_was_not_made_can_be_made_again() {
    let mut world = World::new(airdrop());
    world.ledger.balances.clear();
    assert!(matches!(world.deposit(Fate::Fine), Ok(Outcome::Failed(Failure::Refused(_)))));
    assert_eq!(world.deposit(Fate::Bounced).unwrap(), Outcome::Failed(Failure::Unreachable("no".to_owned())));
    world.ledger.balances.insert(owner(), 1_010);
    assert_eq!(world.deposit(Fate::Fine), Ok(Outcome::Paid(Some(0))));
    world.check();
}

#[test]
fn plain_transfers_are_counted_up_to_what_is_missing() {
    let mut world = World::new(airdrop());
    world.ledger.balances.insert(canister(), 400);
    world.campaign.recognise(owner(), Amount(400), Amount::ZERO, world.now).unwrap();
    assert_eq!(world.campaign.books().deposited, Amount(400));
    world.campaign.recognise(owner(), Amount(400), Amount::ZERO, world.now).unwrap();
    assert_eq!(world.campaign.books().deposited, Amount(400), "once");
    world.deposit(Fate::Fine).unwrap();
    assert_eq!((world.campaign.books().stage, world.ledger.held(canister())), (Stage::Active, 1_000));
    world.check();
    let mut world = World::new(airdrop());
    world.campaign.recognise(owner(), Amount(5_000), Amount::ZERO, world.now).unwrap();
    assert_eq!(world.campaign.books().deposited, Amount(1_000));
    assert!(world.campaign.recognise(person(1), Amount(1), Amount::ZERO, world.now).is_err());
}

#[test]
fn late_funding_moves_the_end() {
    let mut args = airdrop();
    args.end = Some(Timestamp(START.0 + 10 * DAY));
    let mut world = World::new(args);
    world.now = Timestamp(START.0 + 30 * DAY);
    world.round(Fate::Fine);
    world.deposit(Fate::Fine).unwrap();
    assert_eq!(world.campaign.books().end, Some(Timestamp(START.0 + 40 * DAY)));
    world.claim(1).unwrap();
    world.pass(10 * DAY);
    assert!(matches!(world.claim(2), Err(DistributionError::Request(Request::TooLate { .. }))));
}

#[test]
fn what_is_left_at_the_end_goes_back_and_dust_stays() {
    let mut args = airdrop();
    args.end = Some(Timestamp(START.0 + DAY));
    let mut world = World::funded(args);
    let before = world.ledger.held(owner());
    world.claim(1).unwrap();
    world.pass(DAY);
    world.settle();
    let books = world.campaign.books();
    assert_eq!((books.stage, books.paid, books.fees), (Stage::Completed, Amount(590), Amount(20)));
    assert_eq!((books.refunded, books.remaining, books.dust), (Amount(390), Amount(0), Amount(0)));
    assert_eq!(world.ledger.held(owner()), before + 390);
    world.check();

    let mut args = airdrop();
    args.recipients[0].amount = Amount(692);
    args.end = Some(Timestamp(START.0 + DAY));
    let mut world = World::funded(args);
    world.claim(1).unwrap();
    world.claim(2).unwrap();
    world.pass(DAY);
    world.settle();
    let books = world.campaign.books();
    assert_eq!((books.refunded, books.remaining, books.dust), (Amount(0), Amount(0), Amount(8)), "8 of a fee of 10");
    world.check();
}

/// W: cancel paid out the whole balance, also what was on its way.
#[test]
fn cancel_refunds_what_is_neither_claimed_nor_on_its_way() {
    let mut world = World::funded(airdrop());
    assert_eq!(world.claim_some(1, None, Fate::Swallowed), Ok(Outcome::Open));
    world.campaign.cancel(owner(), world.now).unwrap();
    world.round(Fate::Swallowed);
    assert_eq!(world.campaign.books().in_flight, Amount(1_000), "600 to person 1, 400 back");
    world.settle();
    let books = world.campaign.books();
    assert_eq!((books.stage, books.paid, books.refunded), (Stage::Cancelled, Amount(590), Amount(390)));
    assert!(matches!(world.claim(2), Err(DistributionError::Request(Request::WrongStatus { .. }))));
    world.check();
}

#[test]
fn a_claim_that_fails_after_a_cancel_goes_back_as_well() {
    let mut world = World::funded(airdrop());
    world.claim_some(1, None, Fate::Swallowed).unwrap();
    world.campaign.cancel(owner(), world.now).unwrap();
    world.round(Fate::Fine);
    assert_eq!(world.campaign.books().refunded, Amount(390));
    world.pass(2 * DAY);
    world.settle();
    let books = world.campaign.books();
    assert_eq!((books.paid, books.refunded), (Amount(0), Amount(390 + 590)), "too old, and not in the log");
    world.check();
}

#[test]
fn a_refund_survives_a_fee_that_changes() {
    let mut world = World::funded(airdrop());
    world.campaign.learn_fee(Amount(FEE));
    world.campaign.cancel(owner(), world.now).unwrap();
    world.ledger.fee = 25;
    world.settle();
    assert_eq!(world.campaign.books().refunded, Amount(975));
    world.check();
}

/// Nobody can cancel it once it is funded; all of it is somebody's.
fn irrevocable() -> DistributionArgs {
    let mut args = airdrop();
    args.allow_cancel = false;
    args.recipients.push(named(3, 0, 100));
    args
}

#[test]
fn cancelling_needs_permission_unless_nothing_is_promised_yet() {
    let args = irrevocable();
    let mut world = World::funded(args.clone());
    let refused = world.campaign.cancel(owner(), world.now);
    assert!(matches!(refused, Err(DistributionError::Request(Request::NotAllowed { .. }))));
    let mut world = World::new(args);
    world.ledger.balances.insert(canister(), 400);
    world.campaign.recognise(owner(), Amount(400), Amount::ZERO, world.now).unwrap();
    world.campaign.cancel(owner(), world.now).unwrap();
    world.settle();
    assert_eq!(world.campaign.books().refunded, Amount(390));
    world.check();
}

/// The owner cancelled while the launchpad's deposit was on its way, and was paid it.
#[test]
fn nobody_cancels_under_a_deposit_without_permission() {
    let mut world = World::new(irrevocable());
    assert_eq!(world.deposit(Fate::Lost), Ok(Outcome::Open));
    assert_eq!(world.campaign.cancel(owner(), world.now), Err(Temporary::Busy { transfer: 0 }.into()));
    world.settle();
    assert_eq!(world.campaign.books().stage, Stage::Active);
    let mut allowed = World::new(airdrop());
    allowed.deposit(Fate::Lost).unwrap();
    assert_eq!(allowed.campaign.cancel(owner(), allowed.now), Ok(()), "whoever paid in knew of it");
}

/// Plain transfers that nobody had counted when it was cancelled, and later ones, go back as well.
#[test]
fn what_came_uncounted_before_a_cancel_goes_back() {
    let mut world = World::new(airdrop());
    world.ledger.balances.insert(canister(), 400);
    world.campaign.cancel(owner(), world.now).unwrap();
    world.settle();
    assert_eq!(world.campaign.books().refunded, Amount::ZERO);
    for (came, refunded) in [(400, 390), (0, 390), (105, 390 + 95)] {
        *world.ledger.balances.entry(canister()).or_default() += came % 400;
        let booked = world.campaign.may_recognise(owner()).unwrap();
        let balance = Amount(world.ledger.held(canister()));
        world.campaign.recognise(owner(), balance, booked, world.now).unwrap();
        if came > 0 {
            world.campaign.begin_payback(crate::campaign::Payback::Refund, Amount(FEE), None, world.now).unwrap();
            assert!(world.campaign.may_recognise(owner()).is_err(), "while a refund is open, a balance proves nothing");
        }
        world.settle();
        assert_eq!((world.campaign.books().stage, world.campaign.books().refunded.0), (Stage::Cancelled, refunded));
        // An answer from before the refund.
        world.campaign.recognise(owner(), balance, booked.max(balance), world.now).unwrap();
        world.check();
    }
    assert!(matches!(world.deposit(Fate::Fine), Err(DistributionError::Request(Request::WrongStatus { .. }))));
}

/// What came beyond the total, or after the end, is nobody's but the owner's: it goes back once claims have been paid.
#[test]
fn what_came_beyond_the_total_goes_back_when_it_is_over() {
    let mut world = World::funded(airdrop());
    *world.ledger.balances.entry(canister()).or_default() += 70;
    assert!(world.campaign.may_recognise(owner()).is_err(), "it pays, and a balance says nothing");
    world.claim_some(1, None, Fate::Swallowed).unwrap();
    world.campaign.cancel(owner(), world.now).unwrap();
    world.round(Fate::Fine);
    assert_eq!(world.campaign.books().refunded, Amount(390));
    assert!(world.campaign.may_recognise(owner()).is_err(), "a claim is still on its way");
    world.settle();
    for (came, refunded) in [(0, 390 + 60), (5_000, 390 + 60 + 4_990), (0, 390 + 60 + 4_990)] {
        *world.ledger.balances.entry(canister()).or_default() += came;
        let booked = world.campaign.may_recognise(owner()).unwrap();
        let balance = Amount(world.ledger.held(canister()));
        assert!(world.campaign.recognise(person(1), balance, booked, world.now).is_err());
        world.campaign.recognise(owner(), balance, booked, world.now).unwrap();
        world.settle();
        assert_eq!(world.campaign.books().refunded, Amount(refunded));
        world.check();
    }
    assert_eq!((world.campaign.books().paid, world.campaign.books().stage), (Amount(590), Stage::Cancelled));
    let booked = world.campaign.may_recognise(owner()).unwrap();
    for _ in 0..2 {
        world.campaign.recognise(owner(), Amount(u128::MAX), booked, world.now).unwrap();
        assert!(world.campaign.books().balanced(), "whatever a ledger says");
    }
}

/// Owners of tokens often are their minting accounts: ledgers charge nothing for what is burned, and refuse a fee.
#[test]
fn a_refund_to_the_minting_account_is_burned_without_a_fee() {
    let mut world = World::funded(airdrop());
    world.ledger.minter = Some(owner());
    world.claim(1).unwrap();
    world.campaign.cancel(owner(), world.now).unwrap();
    world.settle();
    let books = world.campaign.books();
    assert_eq!((books.refunded, books.fees, books.remaining), (Amount(400), Amount(FEE), Amount::ZERO));
    world.check();
}

#[test]
fn a_refund_goes_to_the_account_that_was_named() {
    let mut args = airdrop();
    args.refund_to = Some(Account { owner: person(9), subaccount: None });
    let mut world = World::funded(args);
    world.campaign.cancel(owner(), world.now).unwrap();
    world.settle();
    assert_eq!(world.received(9), 990);
}

#[test]
fn penalties_are_paid_to_whom_the_creator_named() {
    let mut args = airdrop();
    args.categories[0].schedule = Schedule::Single { after: 100 * DAY };
    let penalty_to = Some(Account { owner: person(9), subaccount: None });
    args.early_unlock = Some(EarlyUnlock { penalty: 2_500, penalty_to, min_lock: 2 * DAY });
    let mut world = World::funded(args.clone());
    assert!(matches!(
        world.unlock(1, Fate::Fine),
        Err(DistributionError::Temporary(Temporary::TooEarly { from })) if from == Timestamp(START.0 + DAY)
    ));
    world.pass(DAY);
    assert_eq!(world.unlock(1, Fate::Fine), Ok(Outcome::Paid(Some(1))));
    assert_eq!((world.received(1), world.campaign.books().penalties_due), (440, Amount(150)));
    world.settle();
    assert_eq!((world.received(9), world.campaign.books().penalties), (140, Amount(140)));
    world.check();

    args.early_unlock = Some(EarlyUnlock { penalty: 2_500, penalty_to: None, min_lock: 0 });
    let mut world = World::funded(args);
    world.unlock(1, Fate::Fine).unwrap();
    world.campaign.cancel(owner(), world.now).unwrap();
    world.settle();
    assert_eq!(world.campaign.books().refunded, Amount(1_000 - 450 - 10), "the penalty goes back with the rest");
    world.check();
}

/// A penalty was the last thing under way, and failed: it stayed active for ever.
#[test]
fn a_penalty_that_fails_does_not_keep_it_open() {
    let mut args = airdrop();
    args.recipients.push(named(3, 0, 100));
    args.categories[0].schedule = Schedule::Single { after: 100 * DAY };
    let penalty_to = Some(Account { owner: person(9), subaccount: None });
    args.early_unlock = Some(EarlyUnlock { penalty: 2_500, penalty_to, min_lock: 0 });
    let mut world = World::funded(args);
    world.unlock(1, Fate::Fine).unwrap();
    world.round(Fate::Swallowed);
    let penalty = world.campaign.books().open_penalty.unwrap();
    world.unlock(2, Fate::Fine).unwrap();
    world.unlock(3, Fate::Fine).unwrap();
    assert_eq!(world.campaign.books().stage, Stage::Active, "while the penalty is on its way");
    world.pass(2 * DAY);
    let end = (0..20).map(|_| world.advance(penalty, Fate::Fine)).find(|outcome| *outcome != Outcome::Open);
    assert_eq!(end, Some(Outcome::Failed(Failure::Absent)));
    assert_eq!(world.campaign.books().stage, Stage::Completed);
    world.settle();
    assert_eq!(world.received(9), 250 - FEE);
    world.check();
}

#[test]
fn a_lock_pays_one_person_on_one_day_and_nobody_can_stop_it() {
    let lock = LockArgs {
        title: "Liquidity".to_owned(),
        description: String::new(),
        public: true,
        token: airdrop().token,
        amount: Amount(1_000),
        beneficiary: person(1),
        unlock_at: START,
        early_unlock: None,
    };
    let mut world = World::new(lock.into_distribution());
    world.deposit(Fate::Fine).unwrap();
    assert!(matches!(world.claim(1), Err(DistributionError::Temporary(Temporary::TooEarly { .. }))));
    for refused in [
        world.campaign.cancel(owner(), world.now),
        world.campaign.pause(owner(), world.now),
        world.campaign.pause_category(owner(), 0, true),
        world.campaign.change_blocked(owner(), &[person(1)], true),
        world.campaign.remove_recipients(owner(), &[(person(1), 0)], world.now),
        world.campaign.add_recipients(owner(), &[named(2, 0, 1)], world.now),
    ] {
        assert!(refused.is_err());
    }
    world.now = START;
    assert_eq!(world.claim(1), Ok(Outcome::Paid(Some(1))));
    assert_eq!((world.received(1), world.campaign.books().stage), (990, Stage::Completed));
    world.check();
}

#[test]
fn the_factory_is_told_of_every_change() {
    let mut world = World::new(airdrop());
    let joined = |n| News::Recipient(person(n), true);
    use ContractStatus::{Active, Cancelled, Paused, Pending};
    assert_eq!(world.campaign.take_news(), [News::Status(Active, Pending), joined(1), joined(2)]);
    world.deposit(Fate::Fine).unwrap();
    world.campaign.pause(owner(), world.now).unwrap();
    world.campaign.resume(owner(), world.now).unwrap();
    world.campaign.set_visibility(owner(), true).unwrap();
    world.campaign.set_visibility(owner(), false).unwrap();
    world.campaign.remove_recipients(owner(), &[(person(2), 0)], world.now).unwrap();
    world.campaign.cancel(owner(), world.now).unwrap();
    let told = [
        News::Status(Pending, Active),
        News::Status(Active, Paused),
        News::Status(Paused, Active),
        News::Visibility(false),
        News::Recipient(person(2), false),
        News::Status(Active, Cancelled),
    ];
    assert_eq!(world.campaign.take_news(), told);
    assert_eq!(world.campaign.take_news(), []);
}

/// A ledger that keeps no log: the transfer stays visible, and can be asked for again.
#[test]
fn what_nobody_can_tell_is_quarantined_visibly() {
    let mut world = World::funded(airdrop());
    world.claim_some(1, None, Fate::Swallowed).unwrap();
    world.pass(2 * DAY);
    world.round(Fate::Fine);
    for _ in 0..60 {
        world.round(Fate::Lost);
        world.pass(HOUR);
    }
    let [open] = <[_; 1]>::try_from(world.campaign.transfer_views(None, None)).unwrap();
    assert!(matches!(open.status, PayoutStatus::Quarantined { .. }), "{open:?}");
    assert!(world.campaign.health().is_err());
    assert!(matches!(world.claim(1), Err(DistributionError::Temporary(Temporary::Busy { .. }))));
    assert!(world.campaign.retry_transfer(person(2), open.transfer, world.now).is_err());
    world.campaign.retry_transfer(person(1), open.transfer, world.now).unwrap();
    world.settle();
    assert_eq!(world.claim(1), Ok(Outcome::Paid(Some(1))));
    assert!(world.campaign.health().is_ok());
    world.check();
}

/// A refund that is paid while an early unlock is on its way leaves the penalty where it is.
#[test]
fn a_penalty_is_nobody_elses_while_its_unlock_is_on_its_way() {
    let mut args = airdrop();
    args.categories[0].schedule = Schedule::Single { after: 100 * DAY };
    let penalty_to = Some(Account { owner: person(9), subaccount: None });
    args.early_unlock = Some(EarlyUnlock { penalty: 2_500, penalty_to, min_lock: 0 });
    let mut world = World::funded(args);
    world.unlock(1, Fate::Lost).unwrap();
    world.campaign.cancel(owner(), world.now).unwrap();
    world.settle();
    assert_eq!((world.received(1), world.received(9)), (440, 140));
    assert_eq!(world.campaign.books().refunded, Amount(390));
    world.check();
}
