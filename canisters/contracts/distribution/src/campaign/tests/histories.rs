//! Random histories: claims, upgrades, lost replies, closed windows, fees that change, pauses, cancels. Whatever happens,
//! every unit is accounted for once, nobody gets more than their allocation, and nothing is paid twice.

use super::world::*;
use crate::campaign::Stage;
use cairn_events::payload::Account;
use cairn_events::{Amount, Timestamp};
use cairn_kit::api::distribution::{
    Category, DAY, DistributionArgs, EarlyUnlock, Eligibility, Frequency, Membership, Schedule, Step, Tranche, WHOLE,
};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Act {
    Claim(u8, Option<u128>, Fate),
    Unlock(u8, Fate),
    Register(u8),
    Deposit(Fate),
    Recognise,
    Round(Fate),
    Pass(u64),
    Fee(u128),
    FeeFirst(bool),
    Logless(bool),
    Pause,
    Resume,
    Cancel,
    Upgrade,
}

pub fn arb_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Fine),
        2 => Just(Fate::Lost),
        2 => Just(Fate::Swallowed),
        1 => Just(Fate::Bounced),
        1 => Just(Fate::Upgraded)
    ]
}

fn arb_act() -> impl Strategy<Value = Act> {
    let person = 1..5_u8;
    prop_oneof![
        6 => (person.clone(), prop::option::of(1..400_u128), arb_fate()).prop_map(|(n, a, f)| Act::Claim(n, a, f)),
        1 => (person.clone(), arb_fate()).prop_map(|(n, fate)| Act::Unlock(n, fate)),
        1 => (1..9_u8).prop_map(Act::Register),
        2 => arb_fate().prop_map(Act::Deposit),
        1 => Just(Act::Recognise),
        6 => arb_fate().prop_map(Act::Round),
        4 => (0..2 * DAY).prop_map(Act::Pass),
        2 => (1..30 * DAY).prop_map(Act::Pass),
        1 => (0..40_u128).prop_map(Act::Fee),
        1 => any::<bool>().prop_map(Act::FeeFirst),
        1 => any::<bool>().prop_map(Act::Logless),
        1 => Just(Act::Pause),
        2 => Just(Act::Resume),
        1 => Just(Act::Upgrade),
    ]
}

fn args(penalty_to: bool, end: bool) -> DistributionArgs {
    let mut args = airdrop();
    let open = Membership::Open { allocation: Amount(70), eligibility: Eligibility::Open, max_participants: Some(4) };
    args.categories = vec![
        category(997, Schedule::Linear { duration: 61 * DAY, frequency: Frequency::Weekly }),
        Category {
            initial_unlock: 777,
            ..category(
                501,
                Schedule::Cliff { cliff: 9 * DAY, share: 333, vesting: 40 * DAY, frequency: Frequency::Continuous },
            )
        },
        Category {
            initial_unlock: 1,
            ..category(
                303,
                Schedule::Stepped(vec![
                    Step { after: DAY, share: 3_333 },
                    Step { after: 50 * DAY, share: WHOLE - 3_334 },
                ]),
            )
        },
        category(
            211,
            Schedule::Custom(vec![
                Tranche { at: Timestamp(START.0 + 3 * DAY), amount: Amount(5) },
                Tranche { at: Timestamp(START.0 + 30 * DAY), amount: Amount(13) },
            ]),
        ),
        Category { members: open, ..category(300, Schedule::Instant) },
    ];
    args.total = Amount(997 + 501 + 303 + 211 + 300);
    args.recipients = vec![
        named(1, 0, 499),
        named(2, 0, 101),
        named(3, 0, 397),
        named(1, 1, 251),
        named(4, 1, 250),
        named(2, 2, 300),
        named(3, 3, 211),
    ];
    let penalty_to = penalty_to.then(|| Account { owner: person(77), subaccount: None });
    args.early_unlock = Some(EarlyUnlock { penalty: 3_333, penalty_to, min_lock: DAY });
    args.end = end.then_some(Timestamp(START.0 + 100 * DAY));
    args
}

fn act(world: &mut World, act: Act) {
    let now = world.now;
    // What is refused must change nothing.
    let before = world.snapshot();
    let accepted = match act {
        Act::Claim(n, amount, fate) => world.claim_some(n, amount, fate).is_ok(),
        Act::Unlock(n, fate) => world.unlock(n, fate).is_ok(),
        Act::Register(n) => world.campaign.register(person(n), 4, &[], now).is_ok(),
        Act::Deposit(fate) => world.deposit(fate).is_ok(),
        Act::Recognise => {
            let balance = Amount(world.ledger.held(canister()));
            world.campaign.recognise(owner(), balance, Amount::ZERO, now).is_ok()
        }
        Act::Round(fate) => {
            world.round(fate);
            true
        }
        Act::Pass(time) => {
            world.pass(time);
            true
        }
        Act::Fee(fee) => {
            world.ledger.fee = fee;
            true
        }
        Act::FeeFirst(first) => {
            world.ledger.fee_first = first;
            true
        }
        Act::Logless(logless) => {
            world.ledger.logless = logless;
            true
        }
        Act::Pause => world.campaign.pause(owner(), now).is_ok() || over(world),
        Act::Resume => world.campaign.resume(owner(), now).is_ok() || over(world),
        Act::Cancel => world.campaign.cancel(owner(), now).is_ok() || over(world),
        Act::Upgrade => {
            world.upgrade();
            true
        }
    };
    if !accepted {
        assert_eq!(world.snapshot(), before, "{act:?} was refused");
    }
    let books = world.campaign.books();
    assert!(books.balanced(), "after {act:?}: {books:?}");
    assert!(books.allocated <= Amount(997 + 501 + 303 + 211 + 300));
}

/// The end may be noticed by a command that is then refused.
fn over(world: &World) -> bool {
    world.campaign.books().stage.is_final()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// I18, and nothing paid twice, for any history without a cancel: and in the end everybody has their allocation.
    #[test]
    fn every_unit_is_accounted_for(acts in prop::collection::vec(arb_act(), 1..80), penalty_to in any::<bool>()) {
        let mut world = World::new(args(penalty_to, false));
        for next in acts {
            act(&mut world, next);
        }
        world.settle();
        world.check();
        // The first attempt may find that the fee has changed.
        for _ in 0..2 {
            if world.campaign.books().stage == Stage::Pending {
                world.deposit(Fate::Fine).unwrap();
            }
        }
        let _ = world.campaign.resume(owner(), world.now);
        world.now = Timestamp(world.now.0.max(START.0 + 100 * DAY));
        for n in (1..9).chain(1..9) {
            let _ = world.claim(n);
        }
        world.settle();
        world.check();
        for view in world.campaign.recipient_views(None, None, world.now) {
            for allocation in &view.allocations {
                let got = allocation.claimed.0 + allocation.forfeited.0;
                // What is left is less than could be claimed: the fee would have eaten it.
                let left = allocation.amount.0 - got;
                prop_assert!(left == 0 || view.allocations.iter().map(|a| a.claimable.0).sum::<u128>() <= world.ledger.fee);
            }
        }
    }

    /// The same with an end, or a cancel: what is left goes back, but for dust.
    #[test]
    fn what_is_left_goes_back(
        acts in prop::collection::vec(arb_act(), 1..60), at in 0..60_usize, penalty_to in any::<bool>(), end in any::<bool>()
    ) {
        let mut world = World::new(args(penalty_to, end));
        world.deposit(Fate::Fine).unwrap();
        for (place, next) in acts.into_iter().enumerate() {
            if place == at {
                act(&mut world, Act::Cancel);
            }
            act(&mut world, next);
        }
        act(&mut world, Act::Cancel);
        world.settle();
        world.check();
        let books = world.campaign.books();
        prop_assert!(books.stage.is_final());
        prop_assert_eq!(books.remaining, Amount::ZERO);
        prop_assert_eq!(books.deposited.0, books.paid.0 + books.fees.0 + books.refunded.0 + books.penalties.0 + books.dust.0);
    }

    /// The sum of claims does not depend on when they are made, nor on upgrades between them.
    #[test]
    fn claims_add_up_whatever_their_order(
        times in prop::collection::vec((0..70 * DAY, 1..5_u8, prop::option::of(1..300_u128)), 0..30)
    ) {
        let mut once = World::funded(args(false, false));
        let mut often = World::funded(args(false, false));
        (once.ledger.fee, often.ledger.fee) = (0, 0);
        let mut times = times;
        times.sort_unstable();
        for (time, n, amount) in times {
            often.now = Timestamp(START.0 + time);
            often.upgrade();
            let _ = often.claim_some(n, amount, Fate::Fine);
        }
        for world in [&mut once, &mut often] {
            world.now = Timestamp(START.0 + 70 * DAY);
            for n in 1..5 {
                let _ = world.claim(n);
            }
            world.check();
        }
        for (n, allocation) in [(1, 499 + 251), (2, 101 + 300), (3, 397 + 211), (4, 250)] {
            prop_assert_eq!((once.received(n), often.received(n)), (allocation, allocation));
        }
    }
}
