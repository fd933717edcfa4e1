use super::*;
use crate::api::distribution::{DAY, LockArgs, Logic, RegistrationPeriod, TokenInfo};

const NOW: Timestamp = Timestamp(1_000);
const START: Timestamp = Timestamp(2_000);

fn person(n: u8) -> Principal {
    Principal::from_slice(&[n, 1])
}

fn category(name: &str, budget: u128, schedule: Schedule) -> Category {
    Category {
        name: name.to_owned(),
        budget: Amount(budget),
        members: Membership::Listed,
        schedule,
        initial_unlock: 0,
        start: None,
    }
}

fn args() -> DistributionArgs {
    let recipient = |n, amount| RecipientArgs { recipient: person(n), category: 0, amount: Amount(amount), note: None };
    DistributionArgs {
        title: "Seed round".to_owned(),
        description: String::new(),
        public: true,
        campaign: Campaign::Vesting,
        token: TokenInfo { ledger: person(99), symbol: "TT".to_owned(), decimals: 8 },
        total: Amount(300),
        categories: vec![category("Team", 200, Schedule::Instant), category("Rest", 100, Schedule::Instant)],
        recipients: vec![recipient(1, 120), recipient(2, 80)],
        max_recipients: None,
        registration: None,
        start: START,
        end: None,
        early_unlock: None,
        minimum_claim: Amount::ZERO,
        claim_limit: None,
        allow_cancel: true,
        allow_modification: true,
        refund_to: None,
    }
}

fn field(change: impl FnOnce(&mut DistributionArgs)) -> String {
    let mut changed = args();
    change(&mut changed);
    changed.validate(NOW).unwrap_err().field
}

fn schedule(schedule: Schedule) -> Result<(), String> {
    let mut changed = args();
    changed.categories[0].schedule = schedule;
    changed.validate(NOW).map_err(|error| error.field)
}

#[test]
fn a_sound_distribution_passes() {
    assert_eq!(args().validate(NOW), Ok(()));
    let lock = LockArgs {
        title: "Liquidity".to_owned(),
        description: String::new(),
        public: true,
        token: args().token,
        amount: Amount(5),
        beneficiary: person(1),
        unlock_at: START,
        early_unlock: None,
    };
    assert_eq!(lock.validate(NOW), Ok(()));
    let lock = LockArgs { beneficiary: Principal::anonymous(), ..lock };
    assert_eq!(lock.validate(NOW).unwrap_err().field, "recipients[0].recipient");
}

#[test]
fn every_text_and_number_has_its_bounds() {
    for (found, expected) in [
        (field(|args| args.title.clear()), "title"),
        (field(|args| args.title = "x".repeat(101)), "title"),
        (field(|args| args.title = "\u{20ac}".repeat(43)), "title"),
        (field(|args| args.title = "a\nb".into()), "title"),
        (field(|args| args.description = "x".repeat(1_001)), "description"),
        (field(|args| args.token.symbol.clear()), "token.symbol"),
        (field(|args| args.token.symbol = "\u{20ac}".repeat(11)), "token.symbol"),
        (field(|args| args.token.decimals = 19), "token.decimals"),
        (field(|args| args.token.ledger = Principal::anonymous()), "token.ledger"),
        (field(|args| args.start = NOW), "start"),
        (field(|args| args.end = Some(START)), "end"),
        (field(|args| args.total = Amount(301)), "total"),
        (field(|args| args.categories.clear()), "categories"),
        (field(|args| args.categories[1].name = "Team".into()), "categories[1].name"),
        (field(|args| args.categories[0].budget = Amount::ZERO), "categories[0].budget"),
        (field(|args| args.categories[0].budget = Amount(u128::MAX)), "categories"),
        (field(|args| args.categories[0].start = Some(NOW)), "categories[0].start"),
        (field(|args| args.categories[0].initial_unlock = 1), "categories[0].schedule.initial_unlock"),
        (field(|args| args.minimum_claim = Amount(301)), "minimum_claim"),
        (field(|args| args.max_recipients = Some(1)), "recipients"),
        (field(|args| args.max_recipients = Some(0)), "max_recipients"),
        (
            field(|args| args.early_unlock = Some(EarlyUnlock { penalty: 10_001, penalty_to: None, min_lock: 0 })),
            "early_unlock.penalty",
        ),
        (
            field(|args| {
                args.claim_limit = Some(crate::api::distribution::ClaimLimit { claims: 0, window: 1 });
            }),
            "claim_limit.claims",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn totals_that_overflow_and_budgets_that_are_exceeded_are_refused() {
    assert_eq!(field(|args| args.recipients[0].amount = Amount(121)), "recipients");
    assert_eq!(field(|args| args.recipients[0].amount = Amount(u128::MAX)), "recipients[0].amount");
    let most = |args: &mut DistributionArgs| {
        args.recipients[0].amount = MAX_TOTAL;
        args.recipients[1].amount = MAX_TOTAL;
    };
    assert_eq!(field(most), "recipients");
}

/// Without an end and a cancel nothing could ever bring back what nobody gets.
#[test]
fn a_remainder_has_a_way_back() {
    let mut locked = args();
    locked.allow_cancel = false;
    assert_eq!(locked.validate(NOW).unwrap_err().field, "end", "nobody gets anything of the second category");
    let ending = DistributionArgs { end: Some(Timestamp(START.0 + 1)), ..locked.clone() };
    assert_eq!(ending.validate(NOW), Ok(()));
    let rest = RecipientArgs { recipient: person(3), category: 1, amount: Amount(100), note: None };
    locked.recipients.push(rest);
    assert_eq!(locked.validate(NOW), Ok(()));
    locked.recipients.pop();
    locked.categories[1].members = Membership::Merkle;
    assert_eq!(locked.validate(NOW).unwrap_err().field, "end");
}

#[test]
fn nobody_is_listed_twice_in_a_category() {
    assert_eq!(field(|args| args.recipients[1].recipient = person(1)), "recipients[1]");
    let mut both = args();
    both.recipients[1] = RecipientArgs { category: 1, ..both.recipients[0].clone() };
    both.recipients[1].amount = Amount(100);
    assert_eq!(both.validate(NOW), Ok(()), "in another one they may be");
    assert_eq!(field(|args| args.recipients[0].category = 2), "recipients[0].category");
    assert_eq!(field(|args| args.recipients[0].recipient = Principal::anonymous()), "recipients[0].recipient");
    assert_eq!(field(|args| args.categories[0].members = Membership::Merkle), "recipients[0].category");
}

#[test]
fn schedules_are_ordered_and_whole() {
    let steps = |shares: &[(u64, u16)]| {
        Schedule::Stepped(shares.iter().map(|(after, share)| Step { after: *after, share: *share }).collect())
    };
    assert_eq!(schedule(steps(&[(1, 5_000), (2, 5_000)])), Ok(()));
    let refused = |found: Result<(), String>, expected: &str| assert_eq!(found, Err(expected.to_owned()));
    refused(schedule(steps(&[])), "categories[0].schedule");
    refused(schedule(steps(&[(1, 5_000), (2, 4_999)])), "categories[0].schedule");
    refused(schedule(steps(&[(1, 5_000), (2, 5_001)])), "categories[0].schedule");
    refused(schedule(steps(&[(2, 5_000), (1, 5_000)])), "categories[0].schedule[1].after");
    refused(schedule(steps(&[(1, 5_000), (1, 5_000)])), "categories[0].schedule[1].after");
    refused(schedule(steps(&[(1, 10_000), (2, 0)])), "categories[0].schedule[1].share");
    let tranches = |parts: &[(u64, u128)]| {
        let tranche = |(at, amount): &(u64, u128)| Tranche { at: Timestamp(*at), amount: Amount(*amount) };
        Schedule::Custom(parts.iter().map(tranche).collect())
    };
    assert_eq!(schedule(tranches(&[(2_000, 1), (2_001, u128::from(u64::MAX))])), Ok(()));
    refused(schedule(tranches(&[(1_999, 1)])), "categories[0].schedule[0].at");
    refused(schedule(tranches(&[(3_000, 1), (3_000, 1)])), "categories[0].schedule[1].at");
    refused(schedule(tranches(&[(3_000, 0)])), "categories[0].schedule[0].amount");
    refused(schedule(tranches(&[(3_000, u128::MAX), (3_001, 1)])), "categories[0].schedule[1]");
    refused(schedule(tranches(&[(3_000, MAX_TOTAL.0), (3_001, 1)])), "categories[0].schedule");
}

#[test]
fn periods_fit_their_durations() {
    let linear = |duration, frequency| Schedule::Linear { duration, frequency };
    assert_eq!(schedule(linear(DAY, Frequency::Daily)), Ok(()));
    for wrong in [
        linear(0, Frequency::Continuous),
        linear(DAY - 1, Frequency::Daily),
        linear(DAY, Frequency::Every(0)),
        linear(MAX_DURATION + 1, Frequency::Daily),
        Schedule::Cliff { cliff: 0, share: 0, vesting: DAY, frequency: Frequency::Daily },
        Schedule::Single { after: 0 },
    ] {
        assert!(schedule(wrong.clone()).is_err(), "{wrong:?}");
    }
    let cliff = |share| {
        field(|args| {
            args.categories[0].initial_unlock = 5_000;
            args.categories[0].schedule =
                Schedule::Cliff { cliff: DAY, share, vesting: DAY, frequency: Frequency::Daily };
        })
    };
    assert_eq!(cliff(5_001), "categories[0].schedule.share");
    assert_eq!(at_the_end_of_time(), "categories[0].schedule");
}

/// A start at the end of time is refused only where something unlocks after it.
fn at_the_end_of_time() -> String {
    let mut last = args();
    last.start = Timestamp(u64::MAX);
    assert_eq!(last.validate(NOW), Ok(()));
    last.categories[0].schedule = Schedule::Single { after: 1 };
    last.validate(NOW).unwrap_err().field
}

#[test]
fn everything_unlocks_before_the_end() {
    let ending = |args: &mut DistributionArgs| {
        args.end = Some(Timestamp(START.0 + 10));
        args.categories[0].schedule = Schedule::Single { after: 10 };
    };
    assert_eq!(field(ending), "categories[0].schedule");
}

#[test]
fn eligibility_is_bounded() {
    let open = |eligibility| {
        let mut open = args();
        open.recipients.clear();
        open.categories[0].members =
            Membership::Open { allocation: Amount(10), eligibility, max_participants: Some(5) };
        open.validate(NOW).map_err(|error| error.field)
    };
    let holder = |minimum| Condition::TokenHolder { ledger: person(8), minimum: Amount(minimum) };
    let nft = |count| Condition::NftHolder { collection: person(9), count };
    let hybrid = |conditions| Eligibility::Hybrid { logic: Logic::And, conditions };
    assert_eq!(open(Eligibility::Open), Ok(()));
    assert_eq!(open(hybrid(vec![Condition::Whitelist, holder(1), nft(2)])), Ok(()));
    for wrong in [
        Eligibility::If(holder(0)),
        Eligibility::If(nft(0)),
        Eligibility::If(nft(11)),
        hybrid(vec![holder(1)]),
        hybrid(vec![holder(1), holder(1)]),
        hybrid((1..=6).map(holder).collect()),
    ] {
        assert!(open(wrong.clone()).is_err(), "{wrong:?}");
    }
}

#[test]
fn registration_ends_after_it_begins_and_before_the_end() {
    let period =
        |from, until| RegistrationPeriod { from: Timestamp(from), until: Timestamp(until), max_participants: None };
    assert_eq!(field(|args| args.registration = Some(period(3, 3))), "registration.until");
    assert_eq!(field(|args| args.registration = Some(period(3, 900))), "registration.until");
    let beyond = |args: &mut DistributionArgs| {
        args.end = Some(Timestamp(5_000));
        args.registration = Some(period(3, 5_001));
    };
    assert_eq!(field(beyond), "registration.until");
}

#[test]
fn the_encoded_arguments_are_bounded() {
    let mut many = args();
    many.categories[0].budget = Amount(1_000_000);
    many.total = Amount(1_000_100);
    let named = |n: u32| RecipientArgs {
        recipient: Principal::self_authenticating(n.to_be_bytes()),
        category: 0,
        amount: Amount(1),
        note: None,
    };
    many.recipients = (0..900).map(named).collect();
    assert_eq!(many.check(), Ok(()));
    assert_eq!(many.validate(NOW), Ok(()), "900 people fit");
    many.recipients = (0..1_200).map(named).collect();
    assert_eq!(many.validate(NOW).unwrap_err().field, "args");
}
