//! Claims: how much, and when.

use super::world::*;
use crate::campaign::Stage;
use crate::transfer::driver::Outcome;
use crate::transfer::settlement::Failure;
use cairn_events::{Amount, Timestamp};
use cairn_kit::api::distribution::{
    ClaimArgs, ClaimLimit, DAY, DistributionArgs, DistributionError, DistributionRequestError as Request,
    DistributionTemporaryError as Temporary, Frequency, Schedule,
};

fn vesting() -> DistributionArgs {
    let mut args = airdrop();
    args.categories = vec![
        category(600, Schedule::Linear { duration: 100 * DAY, frequency: Frequency::Daily }),
        category(400, Schedule::Single { after: 50 * DAY }),
    ];
    args.recipients = vec![named(1, 0, 600), named(1, 1, 400)];
    args
}

#[test]
fn partial_claims_add_up_to_the_allocation() {
    let mut world = World::funded(vesting());
    world.pass(10 * DAY);
    assert_eq!(world.claim_some(1, Some(25), Fate::Fine), Ok(Outcome::Paid(Some(1))));
    assert_eq!(world.claim(1), Ok(Outcome::Paid(Some(2))));
    assert_eq!(world.received(1), 60 - 2 * FEE);
    let more = world.claim_some(1, Some(20), Fate::Fine);
    let none = Request::NotUnlocked { claimable: Amount::ZERO, required: Amount(20) };
    assert_eq!(more, Err(none.into()));
    world.pass(40 * DAY);
    assert_eq!(world.claim_some(1, Some(500), Fate::Fine), Ok(Outcome::Paid(Some(3))), "240 and 260 of the other");
    world.pass(50 * DAY);
    world.claim(1).unwrap();
    assert_eq!(world.received(1), 1_000 - 4 * FEE);
    assert_eq!(world.campaign.books().stage, Stage::Completed);
    world.check();
}

#[test]
fn one_category_or_all_of_them() {
    let mut world = World::funded(vesting());
    world.pass(50 * DAY);
    let of = |category| ClaimArgs { category: Some(category), ..ClaimArgs::default() };
    let id = world.campaign.begin_claim(person(1), &of(1), Amount(FEE), world.now).unwrap();
    world.advance(id, Fate::Fine);
    assert_eq!(world.received(1), 390);
    let unknown = world.campaign.begin_claim(person(1), &of(2), Amount(FEE), world.now);
    assert!(matches!(unknown, Err(DistributionError::Request(Request::UnknownCategory { .. }))));
    let nothing = world.campaign.begin_claim(person(1), &of(1), Amount(FEE), world.now);
    assert_eq!(nothing, Err(Request::NothingLeft.into()));
    world.claim(1).unwrap();
    assert_eq!(world.received(1), 390 + 290);
    world.check();
}

#[test]
fn the_claimant_bears_the_fee_and_no_claim_is_below_it() {
    let mut args = vesting();
    args.minimum_claim = Amount(100);
    let mut world = World::funded(args);
    world.pass(DAY);
    let small = Request::BelowMinimum { found: Amount(6), minimum: Amount(100), fee: Amount(FEE) };
    assert_eq!(world.claim(1), Err(small.into()));
    world.pass(98 * DAY);
    world.claim_some(1, Some(594 + 400 - 1), Fate::Fine).unwrap();
    world.pass(DAY);
    let fee = Request::BelowMinimum { found: Amount(7), minimum: Amount(FEE + 1), fee: Amount(FEE) };
    assert_eq!(world.claim(1), Err(fee.into()), "the rest may be small, but not as small as the fee");
    world.check();
}

#[test]
fn claims_are_limited_per_window() {
    let mut args = vesting();
    args.claim_limit = Some(ClaimLimit { claims: 2, window: DAY });
    let mut world = World::funded(args);
    world.pass(20 * DAY);
    let first = world.now;
    world.claim_some(1, Some(20), Fate::Fine).unwrap();
    assert!(matches!(world.claim_some(1, Some(20), Fate::Bounced), Ok(Outcome::Failed(_))), "does not count");
    world.claim_some(1, Some(20), Fate::Fine).unwrap();
    let limited = Temporary::RateLimited { claims: 2, retry_at: Timestamp(first.0 + DAY) };
    assert_eq!(world.claim_some(1, Some(20), Fate::Fine), Err(limited.into()));
    world.pass(DAY);
    world.claim_some(1, Some(20), Fate::Fine).unwrap();
    world.check();
}

#[test]
fn a_fee_that_changed_is_not_adopted_but_asked_for() {
    let mut world = World::funded(airdrop());
    world.campaign.learn_fee(Amount(FEE));
    world.ledger.fee = 30;
    let before = world.campaign.recipient_view(person(1), world.now);
    assert_eq!(world.claim(1), Ok(Outcome::Failed(Failure::Fee)));
    assert_eq!(world.campaign.recipient_view(person(1), world.now), before);
    assert_eq!(world.campaign.ledger_fee(), None);
    world.campaign.learn_fee(Amount(30));
    world.claim(1).unwrap();
    assert_eq!(world.received(1), 570);
    world.check();
}

#[test]
fn every_claim_before_the_start_or_the_money_is_refused() {
    let mut world = World::new(airdrop());
    let unfunded = Temporary::NotFunded { deposited: Amount::ZERO, total: Amount(1_000) };
    assert_eq!(world.claim(1), Err(unfunded.into()));
    world.deposit(Fate::Fine).unwrap();
    assert_eq!(world.claim(1), Err(Temporary::TooEarly { from: START }.into()));
    world.now = START;
    assert_eq!(world.claim(3), Err(Request::NotRegistered { recipient: person(3) }.into()));
}
