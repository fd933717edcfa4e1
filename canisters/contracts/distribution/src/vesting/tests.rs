use super::*;
use cairn_kit::api::distribution::{DAY, MAX_TOTAL, Membership};
use proptest::prelude::*;

fn category(schedule: Schedule, initial_unlock: u16) -> Category {
    Category {
        name: "Team".to_owned(),
        budget: MAX_TOTAL,
        members: Membership::Listed,
        schedule,
        initial_unlock,
        start: None,
    }
}

const START: Timestamp = Timestamp(20_000 * DAY);

fn at(days: u64) -> Timestamp {
    Timestamp(START.0 + days * DAY)
}

fn curve(category: &Category, amount: u128, days: &[u64]) -> Vec<u128> {
    days.iter().map(|day| unlocked(category, START, Amount(amount), at(*day)).0).collect()
}

/// W: Linear divided first, so that nearly nothing was unlocked until the end.
#[test]
fn linear_multiplies_before_it_divides() {
    let linear = category(Schedule::Linear { duration: 100 * DAY, frequency: Frequency::Continuous }, 0);
    assert_eq!(curve(&linear, 1_000, &[0, 1, 50, 99, 100, 200]), [0, 10, 500, 990, 1_000, 1_000]);
    assert_eq!(unlocked(&linear, START, Amount(1_000), Timestamp(START.0 - 1)), Amount::ZERO);
    let initial = category(Schedule::Linear { duration: 100 * DAY, frequency: Frequency::Continuous }, 1_000);
    assert_eq!(curve(&initial, 1_000, &[0, 50, 100]), [100, 550, 1_000]);
}

/// W: frequencies were stored and ignored.
#[test]
fn frequencies_are_applied() {
    let weekly = category(Schedule::Linear { duration: 10 * 7 * DAY, frequency: Frequency::Weekly }, 0);
    assert_eq!(curve(&weekly, 700, &[0, 6, 7, 13, 14, 69, 70]), [0, 0, 70, 70, 140, 630, 700]);
    let uneven = category(Schedule::Linear { duration: 10 * DAY, frequency: Frequency::Every(4 * DAY) }, 0);
    assert_eq!(curve(&uneven, 100, &[3, 4, 8, 9, 10]), [0, 40, 80, 80, 100]);
    for (frequency, days) in
        [(Frequency::Daily, 1), (Frequency::Monthly, 30), (Frequency::Quarterly, 90), (Frequency::Yearly, 365)]
    {
        let yearly = category(Schedule::Linear { duration: 730 * DAY, frequency }, 0);
        assert_eq!(unlocked(&yearly, START, Amount(730), Timestamp(at(days).0 - 1)), Amount::ZERO);
        assert_eq!(unlocked(&yearly, START, Amount(730), at(days)), Amount(u128::from(days)));
    }
}

/// W: Cliff could underflow and trap.
#[test]
fn a_cliff_unlocks_its_share_and_then_the_rest() {
    let schedule = Schedule::Cliff { cliff: 90 * DAY, share: 1_000, vesting: 300 * DAY, frequency: Frequency::Monthly };
    let cliff = category(schedule.clone(), 500);
    assert_eq!(curve(&cliff, 1_000, &[0, 89, 90, 119, 120, 389, 390]), [50, 50, 150, 150, 235, 915, 1_000]);
    let all = category(schedule, 9_000);
    assert_eq!(curve(&all, 1_000, &[0, 90, 120, 400]), [900, 1_000, 1_000, 1_000]);
}

#[test]
fn steps_single_dates_and_tranches() {
    let steps = vec![Step { after: DAY, share: 3_333 }, Step { after: 2 * DAY, share: 3_333 }];
    let stepped = category(Schedule::Stepped(steps), 3_334);
    assert_eq!(curve(&stepped, 10, &[0, 1, 2, 3]), [3, 6, 10, 10]);
    let single = category(Schedule::Single { after: 7 * DAY }, 0);
    assert_eq!(curve(&single, 10, &[0, 6, 7]), [0, 0, 10]);
    let tranche = |day, amount| Tranche { at: at(day), amount: Amount(amount) };
    let custom = category(Schedule::Custom(vec![tranche(1, 20), tranche(3, 70), tranche(9, 10)]), 0);
    assert_eq!(curve(&custom, 100, &[0, 1, 3, 9]), [0, 20, 90, 100], "the amounts, if they are the allocation");
    assert_eq!(curve(&custom, 7, &[0, 1, 3, 9]), [0, 1, 6, 7], "in proportion, if not");
}

#[test]
fn the_next_unlock_is_told() {
    let weekly = category(Schedule::Linear { duration: 14 * DAY, frequency: Frequency::Weekly }, 0);
    assert_eq!(next_unlock(&weekly, START, Timestamp(0)), Some(START));
    assert_eq!(next_unlock(&weekly, START, at(3)), Some(at(7)));
    assert_eq!(next_unlock(&weekly, START, at(14)), None);
    let cliff =
        category(Schedule::Cliff { cliff: 9 * DAY, share: 0, vesting: 2 * DAY, frequency: Frequency::Daily }, 0);
    assert_eq!(next_unlock(&cliff, START, at(1)), Some(at(9)));
    assert_eq!(next_unlock(&cliff, START, at(9)), Some(at(10)));
    assert_eq!(next_unlock(&category(Schedule::Single { after: DAY }, 0), START, START), Some(at(1)));
    assert_eq!(next_unlock(&category(Schedule::Instant, 0), START, START), None);
}

#[test]
fn fractions_of_the_largest_amounts_are_exact() {
    let most = u128::MAX;
    assert_eq!(fraction(most, 1, 3), most / 3);
    assert_eq!(fraction(most, 9_999, 10_000), most - most.div_ceil(10_000));
    assert_eq!(fraction((1 << 120) - 1, (1 << 120) - 1, 1 << 120), (1 << 120) - 2);
    assert_eq!(fraction(7, 0, 1), 0);
    assert_eq!(fraction(7, 0, 0), 7, "nothing is spread over nothing: it is all there");
}

fn arb_schedule() -> impl Strategy<Value = (Schedule, u16)> {
    let frequency = prop_oneof![
        Just(Frequency::Continuous),
        Just(Frequency::Daily),
        Just(Frequency::Monthly),
        (1..DAY).prop_map(Frequency::Every)
    ];
    let durations = 365 * DAY..2_000 * DAY;
    prop_oneof![
        Just((Schedule::Instant, 0)),
        (durations.clone(), frequency.clone(), 0..=WHOLE)
            .prop_map(|(duration, frequency, initial)| (Schedule::Linear { duration, frequency }, initial)),
        (DAY..900 * DAY, durations, frequency, 0..=WHOLE, 0..=WHOLE).prop_map(
            |(cliff, vesting, frequency, initial, share)| {
                let share = share.min(WHOLE - initial);
                (Schedule::Cliff { cliff, share, vesting, frequency }, initial)
            }
        ),
        prop::collection::btree_map(1..900 * DAY, 1_u16..900, 1..10).prop_map(|steps| {
            let steps: Vec<Step> = steps.into_iter().map(|(after, share)| Step { after, share }).collect();
            let initial = WHOLE - steps.iter().map(|step| step.share).sum::<u16>();
            (Schedule::Stepped(steps), initial)
        }),
        (1..900 * DAY, 0..=WHOLE).prop_map(|(after, initial)| (Schedule::Single { after }, initial)),
        (prop::collection::btree_map(0..900 * DAY, 1..u128::from(u64::MAX), 1..10), 0..=WHOLE).prop_map(
            |(tranches, initial)| {
                let tranche = |(at, amount)| Tranche { at: Timestamp(START.0 + at), amount: Amount(amount) };
                (Schedule::Custom(tranches.into_iter().map(tranche).collect()), initial)
            }
        ),
    ]
}

fn arb_extreme() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(u64::MAX - 1), Just(u64::MAX), any::<u64>()]
}

fn arb_amount() -> impl Strategy<Value = u128> {
    prop_oneof![1..1_000_u128, 1..u128::from(u64::MAX), 1..=MAX_TOTAL.0]
}

proptest! {
    /// W: the sum of claims is the allocation, whatever their order: it is the last value of a curve that only grows.
    #[test]
    fn unlocked_is_monotone_bounded_and_exact_at_the_end(
        (schedule, initial) in arb_schedule(), amount in arb_amount(), days in prop::collection::vec(0..3_000 * DAY, 1..20)
    ) {
        let category = category(schedule, initial);
        let mut days = days;
        days.sort_unstable();
        let mut before = Amount::ZERO;
        for offset in days {
            let now = unlocked(&category, START, Amount(amount), Timestamp(START.0 + offset));
            prop_assert!(before <= now && now <= Amount(amount));
            before = now;
        }
        prop_assert_eq!(unlocked(&category, START, Amount(amount), at(3_000)), Amount(amount));
        let early = Timestamp(START.0 - 1);
        prop_assert_eq!(unlocked(&category, START, Amount(amount), early), Amount::ZERO);
        prop_assert!(unlocked(&category, START, Amount(amount), START) >= share(Amount(amount), initial));
    }

    /// Nothing more is unlocked between now and the next unlock that is told.
    #[test]
    fn nothing_unlocks_before_the_next_unlock(
        (schedule, initial) in arb_schedule(), amount in arb_amount(), offset in 0..3_000 * DAY
    ) {
        let category = category(schedule, initial);
        let now = Timestamp(START.0 + offset);
        let unlocked_at = |time| unlocked(&category, START, Amount(amount), time);
        match next_unlock(&category, START, now) {
            Some(next) => {
                prop_assert!(next > now);
                prop_assert_eq!(unlocked_at(Timestamp(next.0 - 1)), unlocked_at(now));
            }
            None => prop_assert_eq!(unlocked_at(now), Amount(amount)),
        }
    }

    /// Nothing that a schedule holds, accepted or not, makes the curve overflow, fall, or exceed the allocation.
    #[test]
    fn extreme_schedules_neither_trap_nor_overpay(
        times in prop::collection::vec(arb_extreme(), 6), start in arb_extreme().prop_map(Timestamp), shares in any::<(u16, u16)>(),
        amount in prop_oneof![Just(0), Just(1), Just(u128::MAX), any::<u128>()], which in 0..5_u8
    ) {
        let (time, frequency) = (times[0], Frequency::Every(times[1]));
        let schedule = match which {
            0 => Schedule::Linear { duration: time, frequency },
            1 => Schedule::Cliff { cliff: times[2], share: shares.1, vesting: time, frequency },
            2 => Schedule::Stepped(times.iter().map(|after| Step { after: *after, share: shares.1 }).collect()),
            3 => Schedule::Single { after: time },
            _ => Schedule::Custom(times.iter().map(|at| Tranche { at: Timestamp(*at), amount: MAX_TOTAL }).collect()),
        };
        let category = category(schedule, shares.0);
        let mut before = Amount::ZERO;
        let mut times = [0, start.0, start.0.saturating_add(1), u64::MAX / 2, u64::MAX - 1, u64::MAX];
        times.sort_unstable();
        for now in times.map(Timestamp) {
            let unlocked = unlocked(&category, start, Amount(amount), now);
            prop_assert!(unlocked <= Amount(amount));
            prop_assert!(before <= unlocked);
            before = unlocked;
            let _ = next_unlock(&category, start, now);
        }
    }

    #[test]
    fn fractions_are_those_of_wider_integers(amount in 0..u128::from(u64::MAX), part in 0..1_u64 << 62, more in 1..1_u64 << 62) {
        let (part, whole) = (u128::from(part), u128::from(part) + u128::from(more));
        prop_assert_eq!(fraction(amount, part, whole), amount * part / whole);
        let large = amount << 60 | part;
        let (quotient, remainder) = (large / whole, large % whole);
        prop_assert_eq!(fraction(large, part, whole), quotient * part + remainder * part / whole);
    }
}
