//! Lists, registration, whitelists, readers.

use super::world::*;
use crate::campaign::people::MAX_PEOPLE;
use crate::eligibility::{Fact, Nft};
use cairn_events::payload::Role;
use cairn_events::{Amount, Timestamp};
use cairn_kit::api::distribution::{
    Condition, DAY, DistributionArgs, DistributionError, DistributionRequestError as Request,
    DistributionTemporaryError as Temporary, Eligibility, Logic, Membership, RegistrationPeriod,
};
use cairn_kit::notify::Subjects;
use candid::Nat;

fn open(eligibility: Eligibility) -> DistributionArgs {
    let mut args = airdrop();
    args.recipients.clear();
    args.categories[0].members = Membership::Open { allocation: Amount(300), eligibility, max_participants: None };
    args
}

fn register(world: &mut World, n: u8, nfts: &[Nft], facts: &[Fact]) -> Result<(), DistributionError> {
    world.campaign.may_register(person(n), 0, nfts, world.now)?;
    world.campaign.register(person(n), 0, facts, world.now)
}

#[test]
fn the_owner_adds_people_before_the_start_within_the_budget() {
    let mut world = World::new(airdrop());
    let added = world.campaign.add_recipients(owner(), &[named(3, 0, 60), named(4, 0, 40)], world.now);
    assert_eq!(added, Ok(()));
    assert_eq!(world.campaign.books().allocated, Amount(1_000));
    let before = world.snapshot();
    let too_many: Vec<_> = (0..=MAX_PEOPLE).map(|_| named(9, 0, 1)).collect();
    for (list, expected) in [
        (vec![named(5, 0, 1)], "has 0 left, 1 needed"),
        (vec![named(3, 0, 1)], "has an allocation of category 0 already"),
        (vec![named(6, 0, 0)], "at least 1"),
        (vec![named(6, 1, 1)], "there are 1"),
        (vec![], "at least 1"),
        (too_many, "at most 500"),
    ] {
        let refused = world.campaign.add_recipients(owner(), &list, world.now).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    assert!(world.campaign.add_recipients(person(1), &[named(5, 0, 1)], world.now).is_err());
    let late = world.campaign.add_recipients(owner(), &[named(5, 0, 1)], START);
    assert_eq!(late, Err(Request::TooLate { until: START }.into()));
    assert_eq!(world.snapshot(), before);
}

#[test]
fn a_list_is_taken_whole_or_not_at_all() {
    let mut args = airdrop();
    args.max_recipients = Some(3);
    let mut world = World::new(args);
    let before = world.snapshot();
    for list in [
        [named(3, 0, 10), named(3, 0, 10)],
        [named(3, 0, 10), named(4, 0, 10)],
        [named(3, 0, 60), named(4, 0, 60)],
        [named(3, 0, 10), named(2, 0, 10)],
    ] {
        assert!(world.campaign.add_recipients(owner(), &list, world.now).is_err(), "{list:?}");
    }
    assert_eq!(world.snapshot(), before);
    assert_eq!(world.campaign.add_recipients(owner(), &[named(3, 0, 10)], world.now), Ok(()));
}

#[test]
fn removed_people_are_told_of_and_make_room() {
    let mut world = World::new(airdrop());
    let absent = world.campaign.remove_recipients(owner(), &[(person(2), 0), (person(2), 0)], world.now);
    assert!(matches!(absent, Err(DistributionError::Request(Request::NotFound { .. }))), "twice in a list");
    world.campaign.remove_recipients(owner(), &[(person(2), 0)], world.now).unwrap();
    let books = world.campaign.books();
    assert_eq!((books.allocated, books.recipients), (Amount(600), 1));
    let roles = world.campaign.roles_after(None, 10);
    assert_eq!(roles, [(Role::Recipient, person(1), true), (Role::Recipient, person(2), false)]);
    assert_eq!(world.campaign.roles_after(Some((Role::Recipient, person(1))), 10).len(), 1);
    assert!(!world.campaign.has_role(Role::Recipient, person(2)));
    assert!(world.campaign.has_role(Role::Recipient, person(1)));
    world.now = START;
    let late = world.campaign.remove_recipients(owner(), &[(person(1), 0)], world.now);
    assert!(matches!(late, Err(DistributionError::Request(Request::TooLate { .. }))));
}

#[test]
fn registration_has_its_period_and_its_bounds() {
    let mut args = open(Eligibility::Open);
    let (from, until) = (Timestamp(START.0 - HOUR), Timestamp(START.0 + HOUR));
    args.registration = Some(RegistrationPeriod { from, until, max_participants: Some(2) });
    let mut world = World::new(args);
    assert_eq!(register(&mut world, 1, &[], &[]), Err(Temporary::TooEarly { from }.into()));
    world.now = from;
    register(&mut world, 1, &[], &[]).unwrap();
    let twice = Request::AlreadyRegistered { recipient: person(1), category: 0 };
    assert_eq!(register(&mut world, 1, &[], &[]), Err(twice.into()));
    register(&mut world, 2, &[], &[]).unwrap();
    assert_eq!(register(&mut world, 3, &[], &[]), Err(Request::Full { found: 2, max: 2 }.into()));
    world.now = until;
    assert_eq!(register(&mut world, 3, &[], &[]), Err(Request::TooLate { until }.into()));
    assert_eq!(world.campaign.books().allocated, Amount(600));
    let mut listed = World::new(airdrop());
    assert_eq!(register(&mut listed, 3, &[], &[]), Err(Request::WrongMembership { category: 0 }.into()));
}

/// The bound of a registration period is one of people: of those who are there, each once.
#[test]
fn people_who_register_count_once_and_while_they_are_there() {
    let mut args = open(Eligibility::Open);
    args.categories[0].budget = Amount(600);
    let mut other = args.categories[0].clone();
    (other.name, other.budget) = ("Other".to_owned(), Amount(400));
    args.categories.push(other);
    let until = Timestamp(START.0 + HOUR);
    args.registration = Some(RegistrationPeriod { from: Timestamp(0), until, max_participants: Some(2) });
    let mut world = World::new(args);
    register(&mut world, 1, &[], &[]).unwrap();
    register(&mut world, 2, &[], &[]).unwrap();
    world.campaign.register(person(1), 1, &[], world.now).unwrap();
    assert_eq!(register(&mut world, 3, &[], &[]), Err(Request::Full { found: 2, max: 2 }.into()));
    world.campaign.remove_recipients(owner(), &[(person(1), 0)], world.now).unwrap();
    assert_eq!(world.campaign.books().registered, 2, "of the other category still");
    world.campaign.remove_recipients(owner(), &[(person(1), 1)], world.now).unwrap();
    register(&mut world, 3, &[], &[]).unwrap();
    assert_eq!(world.campaign.books().registered, 2);
}

#[test]
fn an_nft_serves_once_whoever_owns_it_later() {
    let collection = person(50);
    let holder = Condition::NftHolder { collection, count: 1 };
    let mut world = World::new(open(Eligibility::If(holder)));
    let nft = (collection, 7);
    let owned = [Fact::Holds(vec![nft])];
    // Both have asked before either is registered.
    world.campaign.may_register(person(1), 0, &[nft], world.now).unwrap();
    world.campaign.may_register(person(2), 0, &[nft], world.now).unwrap();
    world.campaign.register(person(1), 0, &owned, world.now).unwrap();
    let served = Request::NftConsumed { collection, id: Nat::from(7u8) };
    assert_eq!(world.campaign.register(person(2), 0, &owned, world.now), Err(served.clone().into()));
    assert_eq!(register(&mut world, 2, &[nft], &owned), Err(served.into()));
    register(&mut world, 2, &[(collection, 8)], &[Fact::Holds(vec![(collection, 8)])]).unwrap();
    world.upgrade();
    assert!(world.campaign.has_served(nft));
}

#[test]
fn a_whitelist_is_asked_again_after_the_ledgers() {
    let tokens = Condition::TokenHolder { ledger: person(60), minimum: Amount(5) };
    let conditions = vec![Condition::Whitelist, tokens];
    let mut world = World::new(open(Eligibility::Hybrid { logic: Logic::And, conditions }));
    world.campaign.change_whitelist(owner(), 0, &[person(1), person(2)], true).unwrap();
    assert!(world.campaign.may_register(person(1), 0, &[], world.now).unwrap().whitelisted);
    assert!(!world.campaign.may_register(person(3), 0, &[], world.now).unwrap().whitelisted);
    let facts = [Fact::Holds(vec![]), Fact::Holds(vec![])];
    world.campaign.register(person(1), 0, &facts, world.now).unwrap();
    world.campaign.change_whitelist(owner(), 0, &[person(2)], false).unwrap();
    let refused = world.campaign.register(person(2), 0, &facts, world.now);
    assert!(matches!(refused, Err(DistributionError::Request(Request::NotEligible { .. }))));
    assert!(world.campaign.change_whitelist(person(1), 0, &[person(1)], true).is_err());
}

#[test]
fn a_private_distribution_answers_its_own_people_only() {
    let mut args = airdrop();
    args.public = false;
    let mut world = World::new(args);
    for reader in [owner(), person(1), person(2)] {
        assert_eq!(world.campaign.require_reader(reader), Ok(()));
    }
    let stranger = Request::Unauthorized { caller: person(3) };
    assert_eq!(world.campaign.require_reader(person(3)), Err(stranger.into()));
    world.campaign.set_visibility(owner(), true).unwrap();
    assert_eq!(world.campaign.require_reader(person(3)), Ok(()));
    assert!(world.campaign.set_visibility(person(1), false).is_err());
}

#[test]
fn a_private_distribution_tells_strangers_nothing_when_they_claim() {
    let mut args = airdrop();
    args.public = false;
    let mut world = World::new(args);
    assert_eq!(world.campaign.admit_claimant(person(1)), Ok(()));
    let nothing = Request::NotRegistered { recipient: person(3) };
    assert_eq!(world.campaign.admit_claimant(person(3)), Err(nothing.into()));
    let stranger = || Err(Request::Unauthorized { caller: person(3) }.into());
    for category in [0, 9] {
        assert_eq!(world.campaign.may_register(person(3), category, &[], world.now).map(|_| ()), stranger());
    }
    world.deposit(Fate::Lost).unwrap();
    for transfer in [0, 9] {
        assert_eq!(world.campaign.retry_transfer(person(3), transfer, world.now), stranger());
    }
    world.campaign.set_visibility(owner(), true).unwrap();
    assert_eq!(world.campaign.admit_claimant(person(3)), Ok(()));
    let unlisted = world.campaign.may_register(person(3), 0, &[], world.now).map(|_| ());
    assert_eq!(unlisted, Err(Request::WrongMembership { category: 0 }.into()));
}

/// What they leave would stay for ever.
#[test]
fn nobody_is_removed_where_nothing_can_go_back() {
    let mut args = airdrop();
    args.allow_cancel = false;
    args.recipients.push(named(3, 0, 100));
    let mut world = World::new(args);
    let refused = world.campaign.remove_recipients(owner(), &[(person(2), 0)], world.now);
    assert!(matches!(refused, Err(DistributionError::Request(Request::NotAllowed { .. }))), "{refused:?}");
}

/// Whose allocation was taken back before anything began is a stranger again.
#[test]
fn removed_people_read_a_private_distribution_no_more() {
    let mut args = airdrop();
    args.public = false;
    let mut world = World::new(args);
    world.campaign.remove_recipients(owner(), &[(person(2), 0)], world.now).unwrap();
    assert_eq!(world.campaign.require_reader(person(1)), Ok(()));
    let stranger = Request::Unauthorized { caller: person(2) };
    assert_eq!(world.campaign.require_reader(person(2)), Err(stranger.into()));
}

#[test]
fn pages_follow_each_other() {
    let mut args = airdrop();
    args.recipients = (0..250)
        .map(|n: u16| {
            let mut listed = named(1, 0, 2);
            listed.recipient = cairn_events::Principal::from_slice(&[(n >> 8) as u8, n as u8, 1]);
            listed
        })
        .collect();
    let world = World::new(args);
    let (mut seen, mut after) = (0, None);
    loop {
        let page = world.campaign.recipient_views(after, Some(1_000), world.now);
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 100 && after < Some(last.recipient));
        (seen, after) = (seen + page.len(), Some(last.recipient));
    }
    assert_eq!(seen, 250);
    assert_eq!(world.campaign.recipient_views(None, Some(3), world.now).len(), 3);
}

#[test]
fn the_history_is_paged_from_the_newest() {
    let mut args = airdrop();
    args.end = Some(Timestamp(START.0 + DAY));
    let mut world = World::funded(args);
    for amount in [100, 200, 300] {
        world.claim_some(1, Some(amount), Fate::Fine).unwrap();
    }
    let newest = world.campaign.history_view(person(1), None, Some(2));
    assert_eq!(newest.iter().map(|entry| entry.amount.0).collect::<Vec<_>>(), [290, 190]);
    let older = world.campaign.history_view(person(1), Some(newest[1].transfer), None);
    assert_eq!(older.iter().map(|entry| (entry.amount.0, entry.block)).collect::<Vec<_>>(), [(90, Some(1))]);
    assert!(world.campaign.history_view(person(2), None, None).is_empty());
}
