//! Rollouts against the model.

use super::life::Whim;
use super::world::{ADMIN, OWNER, Word, World};
use crate::upgrade::{self, rollout};
use crate::{access, state};
use cairn_events::{Hash, Kind, Principal};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError as Request};
use cairn_kit::api::upgrade::{Canary, RolloutArgs, RolloutInfo, RolloutStatus};
use cairn_kit::runtime::testing::run;
use std::time::Duration;

/// Contracts that take part, the oldest first.
fn participants(count: u8) -> (World, Vec<Principal>) {
    let world = World::ready();
    let deliver = |number| {
        let contract = world.create(&world.dispatch(number, "word")).unwrap().contract;
        world.network.advance(Duration::from_secs(1));
        run(upgrade::set_auto_update::<Word>(OWNER, contract, true)).unwrap();
        contract
    };
    let contracts = (1..=count).map(deliver).collect();
    (world, contracts)
}

fn args(canary: Canary, wave: u32, max_failures: u16) -> RolloutArgs {
    RolloutArgs { version: "2.0.0".into(), canary, wave, max_failures }
}

fn start(args: RolloutArgs) -> Result<RolloutInfo, FactoryError> {
    run(rollout::start::<Word>(access::admin(ADMIN).unwrap(), args))
}

fn resume(number: u64) -> Result<RolloutInfo, FactoryError> {
    run(rollout::resume::<Word>(access::admin(ADMIN).unwrap(), number))
}

fn count_running(world: &World, contracts: &[Principal], module: Hash) -> usize {
    contracts.iter().filter(|contract| world.runs(**contract) == Some(module)).count()
}

#[test]
fn a_rollout_over_two_hundred_contracts_stops_by_itself_and_goes_on_when_told() {
    let (world, contracts) = participants(200);
    let newer = world.publish("2.0.0", 8);
    let mut sorted = contracts.clone();
    sorted.sort();
    for failing in sorted.iter().skip(7).step_by(20) {
        world.life(*failing, |life| life.whim = Whim::Sick);
    }
    let started = start(args(Canary::Share(1_000), 60, 400)).unwrap();
    assert_eq!((started.canary, started.status), (20, RolloutStatus::Running));
    world.wait();
    let stopped = upgrade::rollout_info(started.number).unwrap();
    assert_eq!(stopped.status, RolloutStatus::Stopped, "{stopped:?}");
    assert_eq!((stopped.requested, stopped.failed), (20, 1), "one of twenty is more than 4 percent");
    assert_eq!(stopped.succeeded + stopped.open, 19, "what had not begun is held up");
    assert_eq!(count_running(&world, &contracts, newer) as u64, stopped.succeeded);
    world.wait();
    assert_eq!(upgrade::rollout_info(started.number).unwrap(), stopped, "and it stays so");
    assert_eq!(world.count_kind(Kind::RolloutChanged), 1);
    let mut told = 0;
    let end = loop {
        let now = upgrade::rollout_info(started.number).unwrap();
        if now.status == RolloutStatus::Finished {
            break now;
        }
        assert_eq!(now.status, RolloutStatus::Stopped);
        resume(started.number).unwrap();
        told += 1;
        assert!(told < 20);
        for _ in 0..6 {
            world.wait();
        }
    };
    assert!(told >= 2, "5 percent are always more than 4");
    assert_eq!((end.requested, end.succeeded, end.failed, end.open), (200, 190, 10, 0), "{end:?}");
    assert_eq!(count_running(&world, &contracts, newer), 190);
    assert!(resume(started.number).is_err(), "it is over");
    world.check();
}

#[test]
fn a_rollout_without_failures_runs_through() {
    let (world, contracts) = participants(12);
    let newer = world.publish("2.0.0", 8);
    world.life(contracts[3], |life| life.whim = Whim::Refuses);
    run(upgrade::set_auto_update::<Word>(OWNER, contracts[5], false)).unwrap();
    let started = start(args(Canary::Count(2), 4, 0)).unwrap();
    world.wait();
    let end = upgrade::rollout_info(started.number).unwrap();
    assert_eq!(
        (end.status, end.requested, end.succeeded, end.skipped),
        (RolloutStatus::Finished, 11, 10, 1),
        "{end:?}"
    );
    assert_eq!(count_running(&world, &contracts, newer), 10);
    assert_ne!(world.runs(contracts[5]), Some(newer), "who does not take part is left alone");
    assert_eq!(upgrade::rollouts(None, None).unwrap().rollouts, vec![end]);
    world.check();
}

#[test]
fn a_rollout_is_held_up_and_another_one_takes_its_place() {
    let (world, contracts) = participants(6);
    let newer = world.publish("2.0.0", 8);
    let admin = access::admin(ADMIN).unwrap();
    let first = start(args(Canary::Count(2), 2, 0)).unwrap();
    assert!(matches!(start(args(Canary::Count(1), 1, 0)), Err(FactoryError::Temporary(_))), "one at a time");
    run(rollout::pause(admin, first.number)).unwrap();
    run(rollout::pause(admin, first.number)).unwrap();
    world.wait();
    let held = upgrade::rollout_info(first.number).unwrap();
    assert_eq!((held.status, held.succeeded), (RolloutStatus::Paused, 0), "{held:?}");
    resume(first.number).unwrap();
    run(rollout::pause(admin, first.number)).unwrap();
    world.publish("3.0.0", 9);
    let second = start(RolloutArgs { version: "3.0.0".into(), ..args(Canary::Share(10_000), 5, 0) }).unwrap();
    world.wait();
    assert_eq!(upgrade::rollout_info(first.number).unwrap().status, RolloutStatus::Finished);
    let end = upgrade::rollout_info(second.number).unwrap();
    assert_eq!(end.status, RolloutStatus::Finished, "{end:?}");
    assert_eq!(count_running(&world, &contracts, newer), 0);
    assert_eq!(state::read(|state| state.open_upgrade_count()), 0);
    world.check();
}

#[test]
fn rollouts_have_bounds() {
    let (world, _) = participants(1);
    world.publish("2.0.0", 8);
    for bad in [
        args(Canary::Count(0), 1, 0),
        args(Canary::Count(501), 1, 0),
        args(Canary::Share(0), 1, 0),
        args(Canary::Share(10_001), 1, 0),
        args(Canary::Count(1), 0, 0),
        args(Canary::Count(1), 501, 0),
        args(Canary::Count(1), 1, 10_001),
    ] {
        assert!(matches!(start(bad), Err(FactoryError::Request(Request::OutOfBounds { .. }))));
    }
    let unknown = start(RolloutArgs { version: "9".into(), ..args(Canary::Count(1), 1, 0) });
    assert!(matches!(unknown, Err(FactoryError::Request(Request::UnknownVersion { .. }))));
    assert!(resume(77).is_err() && upgrade::rollout_info(77).is_err());
    assert_eq!(world.count_kind(Kind::RolloutStarted), 0);
    world.wait();
    world.check();
}
