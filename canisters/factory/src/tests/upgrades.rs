//! Upgrades against the model: whatever is made to fail, the contract runs one known version, and has forgotten nothing.

mod weaknesses;

use super::life::{Life, Whim};
use super::templates::SECOND;
use super::world::{ADMIN, BACKEND, DELAY, OWNER, Word, World, module};
use crate::upgrade::{self, MAX_RUNNING};
use crate::{access, callback, state};
use cairn_events::payload::{Consent, ForceProposed, Notification};
use cairn_events::{Hash, Kind, Principal};
use cairn_kit::api::factory::{
    CallbackError, FactoryError, FactoryRequestError as Request, FactoryTemporaryError as Temporary,
    NumberedNotification,
};
use cairn_kit::api::upgrade::{ForcedUpgrade, UpgradeInfo, UpgradeStep};
use cairn_kit::runtime::Task;
use cairn_kit::runtime::testing::{run, run_all};
use proptest::prelude::*;
use std::future::Future;
use std::task::{Context, Waker};

type Reply = Result<UpgradeInfo, FactoryError>;

/// A delivered contract, and a version that it does not run yet.
pub fn delivered(whim: Whim) -> (World, Principal, Hash) {
    let world = World::ready();
    let contract = world.create(&world.dispatch(1, "word")).unwrap().contract;
    world.wait();
    let newer = world.publish("2.0.0", 8);
    world.life(contract, |life| life.whim = whim);
    (world, contract, newer)
}

impl World {
    pub fn life<T>(&self, contract: Principal, look: impl FnOnce(&mut Life) -> T) -> T {
        look(&mut self.model.borrow_mut().canisters.get_mut(&contract).unwrap().life)
    }

    pub fn runs(&self, contract: Principal) -> Option<Hash> {
        self.model.borrow().canisters[&contract].module
    }

    pub fn about(&self, contract: Principal) -> Vec<Kind> {
        self.model.borrow().kinds_about(contract)
    }
}

pub fn request(contract: Principal) -> Reply {
    run(upgrade::request::<Word>(OWNER, contract, Some("2.0.0".into())))
}

fn force(admin: Principal, contract: Principal, version: &str) -> Result<ForcedUpgrade, FactoryError> {
    run(upgrade::force(access::admin(admin)?, contract, version.to_owned()))
}

pub fn last(contract: Principal) -> UpgradeInfo {
    upgrade::page(Some(contract), None, None).unwrap().upgrades.remove(0)
}

#[test]
fn an_upgrade_is_confirmed_and_leaves_nothing_behind() {
    let (world, contract, newer) = delivered(Whim::None);
    let asked = request(contract).unwrap();
    assert_eq!((asked.step, asked.consent, asked.forced), (UpgradeStep::Queued, Consent::Owner, false));
    assert_eq!(request(contract).unwrap().number, asked.number, "the same again");
    world.wait();
    assert_eq!(world.runs(contract), Some(newer));
    use Kind::*;
    let story = [UpgradeRequested, UpgradeIntended, SnapshotTaken, UpgradeInstalled, UpgradeConfirmed, UpgradeSettled];
    assert!(world.about(contract).ends_with(&story), "{:?}", world.about(contract));
    assert_eq!(last(contract).step, UpgradeStep::Confirmed);
    assert!(last(contract).settled);
    let again = request(contract);
    assert!(matches!(again, Err(FactoryError::Request(Request::NotUpgradable { .. }))), "it runs it: {again:?}");
    world.check();
}

#[test]
fn every_contract_ends_as_it_must() {
    for whim in Whim::ALL {
        std::thread::spawn(move || {
            let (world, contract, newer) = delivered(whim);
            let before = world.runs(contract);
            request(contract).unwrap();
            world.wait();
            let end = last(contract);
            assert!(end.settled, "{whim:?}: {end:?}");
            assert_eq!(world.model.borrow().last_decision(contract), Some(whim.end()), "{whim:?}");
            assert_eq!(world.runs(contract), if whim == Whim::None { Some(newer) } else { before }, "{whim:?}");
            if matches!(whim, Whim::Refuses | Whim::Silent | Whim::Dry) {
                let calls = world.model.borrow().calls.clone();
                assert!(!calls.contains(&"stop_canister"), "{whim:?}: it was left alone");
            }
            assert_eq!(end.reason.is_some(), whim != Whim::None);
            world.check();
        })
        .join()
        .unwrap();
    }
}

/// Every call of an upgrade, rejected once with every code, before or after it had its effect.
#[test]
fn every_rejected_call_is_got_over() {
    for whim in [Whim::None, Whim::Traps, Whim::Sick, Whim::Hangs] {
        for (code, after) in [(1, false), (2, false), (5, false), (6, false), (6, true)] {
            let mut position = 0;
            while std::thread::spawn(move || one_rejection(whim, position, code, after)).join().unwrap() {
                position += 1;
            }
            assert!(position >= 8, "{whim:?}: {position} calls");
        }
    }
}

/// Whether there was a call at that position.
fn one_rejection(whim: Whim, position: usize, code: u32, after: bool) -> bool {
    let (world, contract, newer) = delivered(whim);
    let asked = request(contract).unwrap();
    world.model.borrow_mut().strike = Some((position, code, after));
    run(upgrade::resume::<Word>(asked.number));
    let struck = world.model.borrow_mut().strike.take().is_none();
    world.wait();
    let what = format!("{whim:?} {position} {code} {after}: {:?}", world.about(contract));
    assert!(last(contract).settled, "{what}");
    if whim == Whim::None && world.runs(contract) != Some(newer) {
        let end = world.model.borrow().last_decision(contract);
        assert!(matches!(end, Some(Kind::UpgradeAbandoned | Kind::UpgradeRolledBack)), "{what}");
    }
    world.check();
    struck
}

/// The driver is dropped at every point where it waits, as by a trap in a callback or by an upgrade of the factory; then
/// timers alone finish it.
#[test]
fn every_point_of_interruption_is_got_over() {
    for whim in [Whim::None, Whim::Refuses, Whim::Traps, Whim::Sick, Whim::Mute] {
        for upgraded in [false, true] {
            let mut rounds = 0;
            while std::thread::spawn(move || one_interruption(whim, rounds, upgraded)).join().unwrap() {
                rounds += 1;
            }
            assert!(rounds >= 2, "{whim:?}: {rounds}");
        }
    }
}

/// Whether the driver was still at it after so many rounds.
fn one_interruption(whim: Whim, rounds: usize, upgraded: bool) -> bool {
    let (world, contract, _) = delivered(whim);
    let asked = request(contract).unwrap();
    let mut step = Box::pin(upgrade::resume::<Word>(asked.number));
    let poll = |_| step.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
    let interrupted = (0..=rounds).all(poll);
    drop(step);
    if upgraded {
        world.upgrade();
    }
    world.wait();
    assert!(last(contract).settled, "{whim:?} after {rounds} rounds: {:?}", world.about(contract));
    assert_eq!(world.model.borrow().last_decision(contract), Some(whim.end()), "{whim:?} after {rounds} rounds");
    world.check();
    interrupted
}

/// The owner, who is a controller, interferes at every point.
#[test]
fn an_owner_who_takes_over_is_left_alone() {
    for rounds in 0..40 {
        std::thread::spawn(move || {
            let (world, contract, _) = delivered(Whim::None);
            let asked = request(contract).unwrap();
            let mut step = Box::pin(upgrade::resume::<Word>(asked.number));
            let poll = |_| step.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
            let _ = (0..=rounds).all(poll);
            drop(step);
            let other = Hash([0x0f; 32]);
            {
                let mut model = world.model.borrow_mut();
                let hosted = model.canisters.get_mut(&contract).unwrap();
                hosted.controllers = vec![OWNER];
                hosted.module = Some(other);
                (hosted.life.stopped, hosted.life.quarantined) = (false, false);
            }
            world.wait();
            assert!(last(contract).settled, "{rounds}: {:?}", world.about(contract));
            assert_eq!(world.runs(contract), Some(other), "{rounds}");
            assert_eq!(state::read(|state| state.open_upgrade_count()), 0);
        })
        .join()
        .unwrap();
    }
}

#[test]
fn strangers_and_impossible_requests_are_refused() {
    let (world, contract, _) = delivered(Whim::None);
    let events = world.model.borrow().events.len();
    let unauthorized = |caller| FactoryError::Request(Request::Unauthorized { caller });
    for stranger in [BACKEND, ADMIN, Principal::anonymous()] {
        assert_eq!(run(upgrade::request::<Word>(stranger, contract, None)), Err(unauthorized(stranger)));
        assert_eq!(run(upgrade::set_auto_update::<Word>(stranger, contract, true)), Err(unauthorized(stranger)));
        assert_eq!(run(upgrade::release_control::<Word>(stranger, contract)), Err(unauthorized(stranger)));
    }
    assert_eq!(
        run(upgrade::release_control::<Word>(contract, contract)),
        Err(unauthorized(contract)),
        "only its owner"
    );
    assert_eq!(run(upgrade::cancel::<Word>(BACKEND, contract)), Err(unauthorized(BACKEND)));
    assert!(access::admin(OWNER).is_err(), "owners force nothing");
    let unknown = |contract| FactoryError::Request(Request::UnknownContract { contract });
    let pooled = *world.folded().pool.first().unwrap();
    for nothing in [OWNER, pooled] {
        assert_eq!(run(upgrade::request::<Word>(OWNER, nothing, None)), Err(unknown(nothing)));
    }
    let version = FactoryError::Request(Request::UnknownVersion { version: "9".into() });
    assert_eq!(run(upgrade::request::<Word>(OWNER, contract, Some("9".into()))), Err(version));
    let same = run(upgrade::request::<Word>(OWNER, contract, Some("1.0.0".into())));
    assert!(matches!(same, Err(FactoryError::Request(Request::NotUpgradable { .. }))), "{same:?}");
    let none = FactoryError::Request(Request::NoUpgradeWaits { contract });
    assert_eq!(run(upgrade::cancel::<Word>(OWNER, contract)), Err(none));
    assert_eq!(world.model.borrow().events.len(), events, "nothing was recorded");
    world.check();
}

#[test]
fn two_admins_go_back_to_an_earlier_version() {
    let (world, contract, newer) = delivered(Whim::None);
    request(contract).unwrap();
    world.wait();
    let back = run(upgrade::request::<Word>(OWNER, contract, Some("1.0.0".into())));
    assert!(matches!(back, Err(FactoryError::Request(Request::NotUpgradable { .. }))), "{back:?}");
    world.life(contract, |life| life.whim = Whim::Refuses);
    let proposed = force(ADMIN, contract, "1.0.0").unwrap();
    assert!(matches!(&proposed, ForcedUpgrade::Proposed(proposal) if proposal.by == ADMIN), "{proposed:?}");
    world.wait();
    assert_eq!(world.runs(contract), Some(newer), "one person alone forces nothing");
    let Ok(ForcedUpgrade::Requested(forced)) = force(SECOND, contract, "1.0.0") else { panic!("two did") };
    assert_eq!((forced.consent, forced.forced), (Consent::Admin, true));
    world.wait();
    assert_eq!(world.runs(contract), Some(Hash::of(&[&module()])));
    world.check();
}

/// Whoever took one admin's identity, or is a controller, forces nothing: not by repeating, not with an admin made up for
/// it, not with the word that another admin gave for another version or long ago.
#[test]
fn an_upgrade_is_forced_by_two_persons_within_a_day() {
    const NEW: Principal = Principal::from_slice(&[0xae]);
    let (world, contract, _) = delivered(Whim::None);
    world.publish("3.0.0", 9);
    // Nor does one of them begin, for ADMIN to agree.
    world.network.control(OWNER);
    run(access::grant(access::admin(ADMIN).unwrap(), NEW)).unwrap();
    for first in [OWNER, NEW] {
        let alone = force(first, contract, "2.0.0");
        assert!(matches!(&alone, Ok(ForcedUpgrade::Proposed(proposal)) if proposal.by == first));
        assert_eq!(force(first, contract, "2.0.0"), alone);
    }
    assert_eq!(world.count_kind(Kind::ForceProposed), 2, "once each");
    let proposed = force(ADMIN, contract, "2.0.0").unwrap();
    assert_eq!(force(ADMIN, contract, "2.0.0"), Ok(proposed.clone()));
    let ForcedUpgrade::Proposed(proposal) = proposed else { panic!("by one") };
    assert_eq!(proposal.by, ADMIN);
    assert_eq!(upgrade::policy(contract).unwrap().force, Some(proposal));
    let by_nobody = FactoryError::Request(Request::NotByName { person: OWNER });
    assert_eq!(force(OWNER, contract, "2.0.0"), Err(by_nobody.clone()));
    assert_eq!(force(OWNER, contract, "3.0.0"), Err(by_nobody), "what stands is not put aside");
    let early = force(NEW, contract, "2.0.0");
    assert!(matches!(early, Err(FactoryError::Temporary(Temporary::TooEarly { .. }))), "{early:?}");
    let other = force(SECOND, contract, "3.0.0");
    assert!(matches!(other, Ok(ForcedUpgrade::Proposed(proposal)) if proposal.by == SECOND));
    world.network.advance(std::time::Duration::from_nanos(ForceProposed::VALID));
    let late = force(ADMIN, contract, "3.0.0");
    assert!(matches!(late, Ok(ForcedUpgrade::Proposed(proposal)) if proposal.by == ADMIN));
    world.wait();
    assert!(!world.about(contract).contains(&Kind::UpgradeRequested), "{:?}", world.about(contract));
    // Whoever is turned out has no word any more.
    run(access::revoke(OWNER, ADMIN)).unwrap();
    let alone = force(SECOND, contract, "3.0.0");
    assert!(matches!(alone, Ok(ForcedUpgrade::Proposed(proposal)) if proposal.by == SECOND));
    assert!(matches!(force(NEW, contract, "3.0.0"), Ok(ForcedUpgrade::Requested(_))));
    world.wait();
    assert_eq!(upgrade::policy(contract).unwrap().force, None);
    world.check();
}

/// What an admin says while the log is told that they are one no more would come after that; what they said before falls.
#[test]
fn who_is_being_revoked_forces_nothing() {
    let (world, contract, _) = delivered(Whim::None);
    world.publish("3.0.0", 9);
    world.network.control(OWNER);
    let revoke = |admin| -> Task<_> { Box::pin(access::revoke(OWNER, admin)) };
    let say = |admin: Principal, version: &'static str| -> Task<_> {
        let forced = async move { upgrade::force(access::admin(admin)?, contract, version.to_owned()).await };
        Box::pin(async move { forced.await.map(|_| ()) })
    };
    force(ADMIN, contract, "2.0.0").unwrap();
    let busy = || Err(FactoryError::Temporary(Temporary::Busy));
    assert_eq!(run_all(vec![revoke(SECOND), say(SECOND, "2.0.0")]), vec![Ok(()), busy()]);
    run(access::grant(access::admin(ADMIN).unwrap(), SECOND)).unwrap();
    world.network.advance(std::time::Duration::from_secs(DELAY));
    assert_eq!(run_all(vec![say(ADMIN, "3.0.0"), revoke(ADMIN)]), vec![Ok(()), Ok(())]);
    let alone = force(SECOND, contract, "3.0.0");
    assert!(matches!(alone, Ok(ForcedUpgrade::Proposed(proposal)) if proposal.by == SECOND));
    world.wait();
    assert!(!world.about(contract).contains(&Kind::UpgradeRequested));
    world.check();
}

#[test]
fn a_request_can_be_withdrawn_until_its_turn_comes() {
    let (world, contract, _) = delivered(Whim::None);
    request(contract).unwrap();
    run(upgrade::cancel::<Word>(OWNER, contract)).unwrap();
    world.wait();
    assert_eq!(last(contract).reason.map(|reason| reason.code), Some("cancelled".into()));
    assert!(!world.about(contract).contains(&Kind::UpgradeIntended));
    assert!(request(contract).is_ok());
    world.wait();
    assert!(run(upgrade::cancel::<Word>(OWNER, contract)).is_err());
    world.check();
}

#[test]
fn owners_cannot_fill_the_log() {
    let (world, contract, _) = delivered(Whim::None);
    let toggled =
        (0..100).take_while(|n| run(upgrade::set_auto_update::<Word>(OWNER, contract, n % 2 == 0)).is_ok()).count();
    assert_eq!(toggled as u32, 20);
    assert!(matches!(request(contract), Err(FactoryError::Temporary(_))));
    world.network.advance(std::time::Duration::from_secs(86_400));
    assert!(request(contract).is_ok());
    world.wait();
    world.check();
}

/// Callbacks of the code before are not taken for those of the code after.
#[test]
fn an_upgrade_begins_a_new_epoch() {
    for whim in [Whim::None, Whim::Sick] {
        std::thread::spawn(move || {
            let (world, contract, _) = delivered(whim);
            let say = |epoch, sequence| {
                let batch = vec![NumberedNotification { sequence, notification: Notification::DeploymentComplete }];
                run(callback::notify::<Word>(contract, contract, epoch, batch))
            };
            say(1, 1).unwrap();
            request(contract).unwrap();
            world.wait();
            assert_eq!(say(1, 2), Err(CallbackError::OtherEpoch { expected: 2, found: 1 }));
            assert_eq!(say(2, 1).map(|accepted| accepted.accepted_through), Ok(1));
            world.check();
        })
        .join()
        .unwrap();
    }
}

/// Whenever the owner wants the factory out: it is out as soon as nothing is under way, and nothing begins any more.
#[test]
fn control_is_released_at_any_time() {
    for rounds in 0..24 {
        std::thread::spawn(move || {
            let (world, contract, newer) = delivered(Whim::None);
            let asked = request(contract).unwrap();
            let mut step = Box::pin(upgrade::resume::<Word>(asked.number));
            let poll = |_| step.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
            let _ = (1..=rounds).all(poll);
            drop(step);
            run(upgrade::release_control::<Word>(OWNER, contract)).unwrap();
            run(upgrade::release_control::<Word>(OWNER, contract)).unwrap();
            world.wait();
            assert!(upgrade::policy(contract).unwrap().released);
            let has_begun = world.about(contract).contains(&Kind::UpgradeIntended);
            assert_eq!(world.runs(contract) == Some(newer), has_begun, "{rounds}: {:?}", world.about(contract));
            let released = world.about(contract).iter().filter(|kind| **kind == Kind::ControlReleased).count();
            assert_eq!(released, 1);
            for refused in [
                run(upgrade::request::<Word>(OWNER, contract, Some("3.0.0".into()))),
                force(ADMIN, contract, "1.0.0").map(|_| panic!("it is out of control")),
            ] {
                assert!(matches!(refused, Err(FactoryError::Request(Request::NotUpgradable { .. }))), "{refused:?}");
            }
            assert!(run(upgrade::set_auto_update::<Word>(OWNER, contract, true)).is_err());
            world.check();
        })
        .join()
        .unwrap();
    }
}

#[test]
fn requests_wait_in_one_line() {
    let world = World::ready();
    let contracts: Vec<Principal> = (1..=MAX_RUNNING as u8 + 3)
        .map(|number| {
            let contract = world.create(&world.dispatch(number, "word")).unwrap().contract;
            world.wait();
            contract
        })
        .collect();
    world.publish("2.0.0", 8);
    let numbers: Vec<u64> = contracts.iter().map(|contract| request(*contract).unwrap().number).collect();
    assert_eq!(state::read(upgrade::due), numbers[..MAX_RUNNING], "the oldest first, so many at once");
    let page = upgrade::page(None, None, Some(5)).unwrap();
    let newest: Vec<u64> = page.upgrades.iter().map(|upgrade| upgrade.number).collect();
    assert_eq!(newest, numbers.iter().rev().take(5).copied().collect::<Vec<_>>());
    assert_eq!((page.queued, page.running), (numbers.len() as u64, 0));
    let next = upgrade::page(None, page.next, Some(100)).unwrap();
    assert_eq!(next.upgrades.len() + 5, numbers.len());
    assert!(upgrade::page(None, None, Some(101)).is_err());
    world.wait();
    assert!(contracts.iter().all(|contract| last(*contract).step == UpgradeStep::Confirmed));
    world.check();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is asked for, and whatever fails: the state is what the log says, and every contract serves.
    #[test]
    fn random_histories_fold_to_the_state(moves in prop::collection::vec((0u8..10, 0usize..3, 0usize..30), 1..24)) {
        std::thread::spawn(move || history(&moves)).join().unwrap();
    }
}

fn history(moves: &[(u8, usize, usize)]) {
    let world = World::ready();
    let contracts: Vec<Principal> = (1..=3)
        .map(|number| {
            let contract = world.create(&world.dispatch(number, "word")).unwrap().contract;
            world.wait();
            contract
        })
        .collect();
    world.publish("2.0.0", 8);
    for (what, which, number) in moves.iter().copied() {
        let contract = contracts[which];
        let whims = [Whim::None, Whim::Sick, Whim::Traps, Whim::Refuses];
        match what {
            0 | 1 => drop(request(contract)),
            2 => world.life(contract, |life| life.whim = whims[number % whims.len()]),
            3 => world.model.borrow_mut().strike = Some((number, [2, 5, 6][number % 3], number % 3 == 2)),
            4 => drop(run(upgrade::set_auto_update::<Word>(contract, contract, number % 2 == 0))),
            5 => drop(force([ADMIN, SECOND][number / 2 % 2], contract, ["1.0.0", "2.0.0"][number % 2])),
            6 => {
                world.network.advance(std::time::Duration::from_secs(number as u64));
            }
            7 if number > 24 => drop(run(upgrade::release_control::<Word>(OWNER, contract))),
            8 => drop(run(upgrade::cancel::<Word>(contract, contract))),
            _ => world.upgrade(),
        };
    }
    world.model.borrow_mut().strike = None;
    for _ in 0..8 {
        world.wait();
    }
    world.check();
}
