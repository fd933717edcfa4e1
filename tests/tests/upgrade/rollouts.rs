//! Versions that are rolled out to many tokens.

use crate::standin::StandIn;
use crate::yard::{SECOND, Yard, edition, owner};
use cairn_events::{Hash, Principal};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError as Request};
use cairn_kit::api::upgrade::{Canary, RolloutArgs, RolloutInfo, RolloutStatus};

/// These contracts take part.
fn take_part(yard: &mut Yard, contracts: &[Principal]) {
    for contract in contracts {
        let () = yard.call(owner(), "setAutoUpdate", (*contract, true)).unwrap();
    }
}

/// An admin does something about rollouts.
fn decide(yard: &mut Yard, method: &str, args: impl candid::utils::ArgumentEncoder) -> RolloutInfo {
    let [admin, _] = yard.factory.admins;
    yard.call(admin, method, args).unwrap()
}

fn rollout(yard: &mut Yard, number: u64) -> RolloutInfo {
    let factory = yard.factory;
    factory.ask(yard.net(), "getRollout", (number,))
}

/// How many contracts run this module.
fn count(yard: &Yard, module: Hash) -> u64 {
    yard.contracts.iter().filter(|contract| yard.runs(**contract) == Some(module)).count() as u64
}

#[test]
fn a_version_is_rolled_out_to_those_who_take_part() {
    let mut yard = Yard::open(4, 5);
    let contracts = yard.contracts.clone();
    take_part(&mut yard, &contracts[1..]);
    let args = RolloutArgs { version: SECOND.into(), canary: Canary::Count(1), wave: 2, max_failures: 0 };
    let stranger: Result<RolloutInfo, FactoryError> = yard.call(owner(), "startRollout", (&args,));
    assert_eq!(stranger, Err(FactoryError::Request(Request::Unauthorized { caller: owner() })));
    let number = decide(&mut yard, "startRollout", (&args,)).number;
    yard.settle(4);
    let end = rollout(&mut yard, number);
    assert_eq!((end.status, end.succeeded), (RolloutStatus::Finished, 4), "{end:?}");
    assert_eq!(yard.runs(contracts[0]), Some(yard.first));
    assert_eq!(count(&yard, yard.second), 4);
    yard.check();
}

/// In three of twelve contracts the new code cannot be installed. Two of them together are too many.
#[test]
fn a_rollout_stops_by_itself_and_goes_on_when_told() {
    let mut yard = Yard::open(11, 12);
    let mut line = yard.contracts.clone();
    line.sort();
    take_part(&mut yard, &line);
    let failing = [line[3], line[4], line[9]];
    let third = yard.release("3.0.0", &StandIn::well().trapping_in(&failing).module());
    let args = RolloutArgs { version: "3.0.0".into(), canary: Canary::Count(2), wave: 4, max_failures: 2_500 };
    let number = decide(&mut yard, "startRollout", (args,)).number;
    yard.settle(4);
    let stopped = rollout(&mut yard, number);
    assert_eq!((stopped.status, stopped.requested, stopped.failed), (RolloutStatus::Stopped, 6, 2), "{stopped:?}");
    assert_eq!(stopped.reason.as_ref().map(|reason| reason.code.as_str()), Some("failures"));
    assert_eq!(count(&yard, third), stopped.succeeded);
    yard.settle(2);
    assert_eq!(rollout(&mut yard, number), stopped, "and it stays so");
    assert!(line[6..].iter().all(|contract| yard.runs(*contract) == Some(yard.first)));

    let resumed = decide(&mut yard, "resumeRollout", (number,));
    assert_eq!(resumed.status, RolloutStatus::Running);
    yard.settle(6);
    let end = rollout(&mut yard, number);
    assert_eq!(end.status, RolloutStatus::Finished, "{end:?}");
    assert_eq!((end.requested, end.succeeded, end.failed, end.open), (12, 9, 3, 0), "{end:?}");
    assert!(failing.iter().all(|contract| yard.runs(*contract) == Some(yard.first)));
    assert_eq!(count(&yard, third), 9);
    assert_eq!(yard.violations(), Vec::<String>::new());

    // All of them are tokens again with a later version, and know everything.
    let fourth = yard.release("4.0.0", &edition("fourth"));
    let args = RolloutArgs { version: "4.0.0".into(), canary: Canary::Share(10_000), wave: 1, max_failures: 0 };
    let number = decide(&mut yard, "startRollout", (args,)).number;
    yard.settle(6);
    let end = rollout(&mut yard, number);
    assert_eq!((end.status, end.succeeded), (RolloutStatus::Finished, 12), "{end:?}");
    assert_eq!(count(&yard, fourth), 12);
    yard.check();
}

/// Every twentieth of two hundred cannot be upgraded, which is more than is allowed: told to go on again and again, the
/// rollout ends with all others upgraded.
#[test]
fn a_rollout_over_two_hundred_stops_by_itself_and_goes_on_when_told() {
    let mut yard = Yard::open(13, 200);
    let mut line = yard.contracts.clone();
    line.sort();
    take_part(&mut yard, &line);
    let failing: Vec<Principal> = line.iter().copied().skip(7).step_by(20).collect();
    let third = yard.release("3.0.0", &StandIn::well().trapping_in(&failing).module());
    let args = RolloutArgs { version: "3.0.0".into(), canary: Canary::Share(1_000), wave: 60, max_failures: 400 };
    let number = decide(&mut yard, "startRollout", (args,)).number;
    yard.settle(20);
    let stopped = rollout(&mut yard, number);
    assert_eq!((stopped.status, stopped.requested, stopped.failed), (RolloutStatus::Stopped, 20, 1), "{stopped:?}");
    assert_eq!(count(&yard, third), stopped.succeeded);
    yard.settle(5);
    assert_eq!(rollout(&mut yard, number), stopped, "and it stays so");

    let mut told = 0;
    let end = loop {
        let now = rollout(&mut yard, number);
        if now.status == RolloutStatus::Finished {
            break now;
        }
        assert!(now.status == RolloutStatus::Stopped && told < 20, "{now:?}, told {told} times");
        decide(&mut yard, "resumeRollout", (number,));
        told += 1;
        yard.settle(60);
    };
    assert!(told > 1, "five percent are always more than four");
    assert_eq!((end.requested, end.succeeded, end.failed, end.open), (200, 190, 10, 0), "{end:?}");
    assert_eq!(count(&yard, third), 190);
    assert!(failing.iter().all(|contract| yard.runs(*contract) == Some(yard.first)));
    assert_eq!(yard.violations(), Vec::<String>::new());
}

#[test]
fn a_rollout_is_held_up_until_an_admin_lets_it_go_on() {
    let mut yard = Yard::open(12, 4);
    let contracts = yard.contracts.clone();
    take_part(&mut yard, &contracts);
    let args = RolloutArgs { version: SECOND.into(), canary: Canary::Count(1), wave: 3, max_failures: 0 };
    let number = decide(&mut yard, "startRollout", (args,)).number;
    assert_eq!(decide(&mut yard, "pauseRollout", (number,)).status, RolloutStatus::Paused);
    yard.settle(3);
    let held = rollout(&mut yard, number);
    assert_eq!(held.status, RolloutStatus::Paused);
    assert!(held.requested <= 1 && count(&yard, yard.second) <= 1, "no more than had begun: {held:?}");
    assert_eq!(decide(&mut yard, "resumeRollout", (number,)).status, RolloutStatus::Running);
    yard.settle(4);
    let end = rollout(&mut yard, number);
    assert_eq!((end.status, end.succeeded), (RolloutStatus::Finished, 4), "{end:?}");
    yard.check();
}
