//! The weaknesses W-42 to W-46 of the old version manager, each by its number: what upgrades can have of them.

use super::{delivered, force, last, request};
use crate::recovery::wait_after;
use crate::template::{self, registry};
use crate::tests::life::Whim;
use crate::tests::templates::{SECOND, terms};
use crate::tests::world::{ADMIN, DELAY, OWNER, Word, World, wasm};
use crate::upgrade::{self, MAX_RUNNING, rollout};
use crate::{access, deployment, state};
use cairn_events::topic::Service;
use cairn_events::{Hash, Kind, Principal};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError as Request, FactoryTemporaryError as Temporary};
use cairn_kit::api::upgrade::{Canary, RolloutArgs, RolloutStatus, UpgradeInfo, UpgradeStep};
use cairn_kit::runtime::testing::{run, run_all};
use cairn_kit::runtime::{self, Task};
use candid::Decode;
use ic_management_canister_types::{InstallCodeArgs, UploadChunkArgs};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What a factory does to a contract and asks it, in an upgrade that is confirmed.
const WHOLE: [&str; 15] = [
    "canUpgrade",
    "canister_status",
    "stop_canister",
    "canister_status",
    "list_canister_snapshots",
    "take_canister_snapshot",
    "canister_info",
    "canister_status",
    "install_code",
    "canister_info",
    "start_canister",
    "getContractHealth",
    "canister_info",
    "confirmUpgrade",
    "delete_canister_snapshot",
];
/// Only an upgrade that is taken back has this one.
const RESTORES: &str = "load_canister_snapshot";
/// Rounds, of a call each, that are enough for every wake.
const MAX_ROUNDS: usize = 40;

fn ask(by: Principal, contract: Principal, version: Option<&str>) -> Task<Result<UpgradeInfo, FactoryError>> {
    Box::pin(upgrade::request::<Word>(by, contract, version.map(str::to_owned)))
}

/// The owner wants this version; everything happens that happens by itself.
fn upgraded(world: &World, contract: Principal, version: &str) {
    run(ask(OWNER, contract, Some(version))).unwrap();
    world.wait();
}

fn wake(number: u64) -> Task<()> {
    Box::pin(upgrade::resume::<Word>(number))
}

fn poll(task: &mut Task<()>) -> Poll<()> {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// What was done to contracts, and what they were asked, since this was looked at last.
fn steps(world: &World) -> Vec<&'static str> {
    let calls = std::mem::take(&mut world.model.borrow_mut().calls);
    calls.into_iter().filter(|method| WHOLE.contains(method) || *method == RESTORES).collect()
}

/// The module that the contract runs, which is the one that is recorded.
fn known(world: &World, contract: Principal) -> Hash {
    let recorded = upgrade::policy(contract).unwrap().module_hash;
    assert_eq!(world.runs(contract), Some(recorded), "what is recorded is what runs");
    recorded
}

/// The upgrade has ended as it must: nothing is lost, nothing is left behind.
fn check_end(world: &World, contract: Principal, whim: Whim, what: &str) {
    assert!(last(contract).settled, "{what}: {:?}", world.about(contract));
    assert_eq!(world.model.borrow().last_decision(contract), Some(whim.end()), "{what}: {:?}", world.about(contract));
    world.check();
}

/// There, contracts could be upgraded to what they ran, and to what they had left behind, and "latest" moved backwards.
#[test]
fn w_42_no_upgrade_leads_down() {
    let (world, contract, _) = delivered(Whim::None);
    let newest = world.publish("3.0.0", 9);
    upgraded(&world, contract, "3.0.0");
    run(upgrade::set_auto_update::<Word>(OWNER, contract, true)).unwrap();
    let events = world.about(contract);
    let refuse_all = || {
        for version in [None, Some("1.0.0"), Some("2.0.0"), Some("3.0.0")] {
            for by in [OWNER, contract] {
                let refused = run(ask(by, contract, version));
                let is_refused = matches!(
                    refused,
                    Err(FactoryError::Request(Request::NotUpgradable { .. } | Request::UnknownVersion { .. }))
                );
                assert!(is_refused, "{version:?}: {refused:?}");
            }
        }
    };
    refuse_all();
    let same = force(ADMIN, contract, "3.0.0");
    assert!(matches!(same, Err(FactoryError::Request(Request::NotUpgradable { .. }))), "{same:?}");
    run(registry::withdraw(access::admin(ADMIN).unwrap(), Service::Token, "3.0.0", "a fault was found")).unwrap();
    assert_eq!(deployment::capacity_now().unwrap().version, "2.0.0", "what new contracts get");
    refuse_all();
    let args = RolloutArgs { version: "2.0.0".into(), canary: Canary::Count(1), wave: 1, max_failures: 0 };
    let number = run(rollout::start::<Word>(access::admin(ADMIN).unwrap(), args)).unwrap().number;
    world.wait();
    let end = upgrade::rollout_info(number).unwrap();
    assert_eq!((end.status, end.requested), (RolloutStatus::Finished, 0), "{end:?}");
    assert_eq!(known(&world, contract), newest);
    assert_eq!(world.about(contract), events, "nothing was done");
    world.check();
}

/// There, a failure erased the version to go back to, and going back left the wrong one recorded.
#[test]
fn w_43_a_failure_leaves_version_data_and_the_way_back() {
    let (world, contract, second) = delivered(Whim::None);
    let first = known(&world, contract);
    let third = world.publish("3.0.0", 9);
    upgraded(&world, contract, "2.0.0");
    let confirmed = last(contract);
    assert_eq!((confirmed.from, confirmed.to, confirmed.step), (first, second, UpgradeStep::Confirmed));
    for whim in Whim::ALL.into_iter().filter(|whim| *whim != Whim::None) {
        let before = world.life(contract, |life| {
            life.whim = whim;
            life.data.clone()
        });
        upgraded(&world, contract, "3.0.0");
        let failed = last(contract);
        assert_eq!((failed.from, failed.to, failed.settled), (second, third, true), "{whim:?}");
        assert_eq!(known(&world, contract), second, "{whim:?}");
        assert!(world.life(contract, |life| life.data.starts_with(&before)), "{whim:?}");
        let history = upgrade::page(Some(contract), None, None).unwrap().upgrades;
        assert_eq!(history.last(), Some(&confirmed), "{whim:?}: what it ran before stays known");
        check_end(&world, contract, whim, &format!("{whim:?}"));
    }
    // The way back is open still, also after an attempt that failed, and from there the way up again.
    for (whim, module) in [(Whim::Sick, second), (Whim::None, first)] {
        world.life(contract, |life| life.whim = whim);
        force(ADMIN, contract, "1.0.0").unwrap();
        force(SECOND, contract, "1.0.0").unwrap();
        world.wait();
        assert_eq!(known(&world, contract), module, "{whim:?}");
    }
    for (version, module) in [("2.0.0", second), ("3.0.0", third)] {
        upgraded(&world, contract, version);
        assert_eq!(known(&world, contract), module);
    }
    world.check();
}

/// The log is away for some seconds when it is to hear of a step, as while its own code is replaced: what the step
/// names as the way back must be there still when the log hears of it.
#[test]
fn w_43_a_silent_log_loses_no_way_back() {
    for whim in [Whim::None, Whim::Traps, Whim::Sick] {
        let mut heard = 0;
        while std::thread::spawn(move || one_silence(whim, heard)).join().unwrap() {
            heard += 1;
        }
        assert!(heard >= 4, "{whim:?}: {heard} events");
    }
}

/// Whether there was anything more to hear after so many events.
fn one_silence(whim: Whim, heard: usize) -> bool {
    let (world, contract, _) = delivered(whim);
    let mut step = wake(request(contract).unwrap().number);
    let _ = steps(&world);
    let appends = || world.model.borrow().calls.iter().filter(|method| **method == "append").count();
    while appends() < heard {
        assert!(poll(&mut step).is_pending());
    }
    // The driver is back before the event is.
    world.model.borrow_mut().faults = vec![("append", 5, false); 2];
    run(step);
    let is_unheard = world.model.borrow().faults.len() < 2;
    world.wait();
    check_end(&world, contract, whim, &format!("{whim:?}, silent after {heard} events"));
    is_unheard
}

/// There, nothing kept two upgrades of a contract apart.
#[test]
fn w_44_requests_at_once_are_one_upgrade() {
    let (world, contract, newer) = delivered(Whim::None);
    world.publish("3.0.0", 9);
    let asked = [(OWNER, "2.0.0"), (contract, "2.0.0"), (OWNER, "3.0.0")];
    let replies = run_all(asked.into_iter().map(|(by, version)| ask(by, contract, Some(version))).collect());
    let number = replies[0].as_ref().unwrap().number;
    assert_eq!(replies[1].as_ref().unwrap().number, number, "the same is asked for");
    let other = &replies[2];
    assert!(matches!(other, Err(FactoryError::Temporary(Temporary::Interrupted { .. }))), "{other:?}");
    assert_eq!(world.count_kind(Kind::UpgradeRequested), 1);
    world.wait();
    assert_eq!(known(&world, contract), newer);
    check_end(&world, contract, Whim::None, "asked for at once");
}

/// Stopped and saved before anything is installed, and each step once, however many take the upgrade up at once.
#[test]
fn w_44_wakes_at_once_do_every_step_once() {
    for together in [true, false] {
        std::thread::spawn(move || {
            let (world, contract, _) = delivered(Whim::None);
            let number = request(contract).unwrap().number;
            let _ = steps(&world);
            if together {
                run_all((0..3).map(|_| wake(number)).collect());
            } else {
                let mut first = wake(number);
                while poll(&mut first).is_pending() {
                    assert!(poll(&mut wake(number)).is_ready(), "a second one leaves it alone");
                }
            }
            assert_eq!(steps(&world), WHOLE);
            check_end(&world, contract, Whim::None, "taken up at once");
        })
        .join()
        .unwrap();
    }
}

/// Whoever works on a contract is interrupted: the next one takes the upgrade up at once.
#[test]
fn w_44_an_interruption_leaves_no_lock() {
    for whim in [Whim::None, Whim::Traps, Whim::Sick] {
        let mut rounds = 0;
        while std::thread::spawn(move || one_interruption(whim, rounds)).join().unwrap() {
            rounds += 1;
        }
        assert!(rounds >= 10, "{whim:?}: {rounds}");
    }
}

/// Whether the driver was still at it after so many rounds.
fn one_interruption(whim: Whim, rounds: usize) -> bool {
    let (world, contract, _) = delivered(whim);
    let number = request(contract).unwrap().number;
    let _ = steps(&world);
    let mut first = wake(number);
    let interrupted = (0..=rounds).all(|_| poll(&mut first).is_pending());
    assert!(!(interrupted && state::read(upgrade::due).contains(&number)), "it is being worked on");
    drop(first);
    assert_eq!(state::read(upgrade::due).contains(&number), interrupted, "it is free again");
    run(wake(number));
    world.wait();
    check_end(&world, contract, whim, &format!("{whim:?}, interrupted after {rounds} rounds"));
    // What was installed is seen, not installed again.
    if whim != Whim::Traps {
        assert_eq!(steps(&world).iter().filter(|method| **method == "install_code").count(), 1, "{whim:?} {rounds}");
    }
    interrupted
}

/// There, the state travelled as an argument, read beforehand: what happened between was forgotten.
#[test]
fn w_44_what_a_contract_does_until_it_is_stopped_is_kept() {
    for whim in [Whim::None, Whim::Sick] {
        std::thread::spawn(move || {
            let (world, contract, _) = delivered(whim);
            let mut step = wake(request(contract).unwrap().number);
            let mut served = 0;
            while poll(&mut step).is_pending() {
                world.life(contract, |life| {
                    if !life.stopped && !life.quarantined {
                        life.serve();
                        served += 1;
                    }
                });
            }
            assert!(served > 3, "it was at work all the time");
            check_end(&world, contract, whim, &format!("{whim:?}, serving"));
            let sent = world.network.sent();
            let code = sent.iter().rfind(|call| call.method == "install_code").unwrap();
            let argument = Decode!(&code.args, InstallCodeArgs).unwrap().arg;
            assert_eq!(argument, b"DIDL\0\0", "no state travels: it stays where it is");
        })
        .join()
        .unwrap();
    }
}

/// There, a failure left the module's chunks in the contract, at its expense.
#[test]
fn w_44_a_failure_leaves_no_chunks_in_the_contract() {
    let (world, contract, _) = delivered(Whim::Traps);
    let large = world.upload(ADMIN, &wasm(&[9; 2_000_000]));
    run(registry::propose::<Word>(access::admin(ADMIN).unwrap(), terms("3.0.0", large))).unwrap();
    run(registry::confirm(access::admin(SECOND).unwrap(), "3.0.0", large)).unwrap();
    world.network.advance(Duration::from_secs(DELAY));
    run(registry::publish(access::admin(ADMIN).unwrap(), Service::Token, "3.0.0", large)).unwrap();
    upgraded(&world, contract, "3.0.0");
    check_end(&world, contract, Whim::Traps, "large");
    world.life(contract, |life| life.whim = Whim::None);
    upgraded(&world, contract, "3.0.0");
    assert_eq!(known(&world, contract), large);
    let sent = world.network.sent();
    let uploads = sent.iter().filter(|call| call.method == "upload_chunk");
    let stores: Vec<_> = uploads.map(|call| Decode!(&call.args, UploadChunkArgs).unwrap().canister_id).collect();
    assert_eq!(stores, vec![runtime::id(); template::parts(large).len()], "in the factory's store, each part once");
    check_end(&world, contract, Whim::None, "large");
}

/// There, a message waited for the clock, which stands still in it. Here, whatever fails and for however long, the
/// message ends, and a timer brings the next attempt.
#[test]
fn w_45_every_wake_ends_and_a_timer_brings_the_next() {
    for method in WHOLE.into_iter().chain([RESTORES]) {
        for code in [2, 6] {
            std::thread::spawn(move || one_stubborn_call(method, code)).join().unwrap();
        }
    }
}

fn one_stubborn_call(method: &'static str, code: u32) {
    let whim = if method == RESTORES { Whim::Sick } else { Whim::None };
    let (world, contract, _) = delivered(whim);
    let mut first = wake(request(contract).unwrap().number);
    world.model.borrow_mut().faults = vec![(method, code, false); 1_000];
    assert!((0..MAX_ROUNDS).any(|_| poll(&mut first).is_ready()), "{method} {code}: it does not end");
    assert_eq!((last(contract).settled, last(contract).failures), (false, 1), "{method} {code}");
    let _ = steps(&world);
    let instant = Duration::from_nanos(1);
    world.network.advance(wait_after(1) - instant);
    assert_eq!(steps(&world), Vec::<&str>::new(), "{method} {code}: not before its time");
    world.network.advance(instant);
    assert!(steps(&world).contains(&method), "{method} {code}: the timer");
    world.model.borrow_mut().faults.clear();
    world.wait();
    check_end(&world, contract, whim, &format!("{method} {code}"));
}

#[test]
fn w_45_attempts_become_rarer_and_come_to_an_end() {
    let (world, contract, _) = delivered(Whim::Mute);
    run(wake(request(contract).unwrap().number));
    let _ = steps(&world);
    let mut asked = Vec::new();
    for second in 1..=60_u64 {
        world.network.advance(Duration::from_secs(1));
        asked.extend(steps(&world).into_iter().filter(|method| *method == "getContractHealth").map(|_| second));
    }
    let sum = |count: u32| (1..=count).map(|failures| wait_after(failures).as_secs()).sum::<u64>();
    assert_eq!(asked, [sum(1), sum(2), sum(3)], "seconds after the first attempt");
    check_end(&world, contract, Whim::Mute, "mute");
}

/// There, requests were served in the order of a hash.
#[test]
fn w_46_who_comes_first_is_served_first() {
    let world = World::ready();
    let deliver = |number| {
        let contract = world.create(&world.dispatch(number, "word")).unwrap().contract;
        world.wait();
        contract
    };
    let mut contracts: Vec<Principal> = (1..=MAX_RUNNING as u8 + 3).map(deliver).collect();
    world.publish("2.0.0", 8);
    // Neither up nor down.
    contracts.sort();
    contracts.reverse();
    contracts.rotate_left(4);
    contracts.iter().for_each(|contract| drop(request(*contract).unwrap()));
    run_all(state::read(upgrade::due).into_iter().map(wake).collect());
    world.wait();
    let model = world.model.borrow();
    let begun = model.events.iter().filter(|event| event.payload.kind() == Kind::UpgradeIntended);
    assert_eq!(begun.filter_map(|event| event.payload.contract()).collect::<Vec<_>>(), contracts);
    drop(model);
    world.check();
}

/// There, the timer did not know of what was under way, and took it up a second time.
#[test]
fn w_46_what_is_under_way_is_not_begun_again() {
    let (world, contract, newer) = delivered(Whim::None);
    let number = request(contract).unwrap().number;
    let _ = steps(&world);
    let mut step = wake(number);
    while poll(&mut step).is_pending() {
        world.network.advance(Duration::from_secs(60));
        assert!(!state::read(upgrade::due).contains(&number));
        let page = upgrade::page(None, None, None).unwrap();
        let is_stopped = world.life(contract, |life| life.stopped);
        assert!(!is_stopped || (page.queued, page.running) == (0, 1), "it does not wait any more: {page:?}");
    }
    for _ in 0..2 {
        run(wake(number));
        world.wait();
    }
    assert_eq!(steps(&world), WHOLE, "once, and nothing afterwards");
    for once in [Kind::UpgradeRequested, Kind::UpgradeIntended, Kind::UpgradeInstalled, Kind::UpgradeConfirmed] {
        assert_eq!(world.count_kind(once), 1, "{once:?}");
    }
    assert_eq!(known(&world, contract), newer);
    world.check();
}

/// There, only an upgrade of the factory set its timer.
#[test]
fn w_46_a_fresh_factory_works_its_line_off() {
    let (world, contract, newer) = delivered(Whim::None);
    request(contract).unwrap();
    assert_ne!(world.runs(contract), Some(newer));
    world.network.advance(Duration::from_secs(30));
    assert_eq!(last(contract).step, UpgradeStep::Confirmed);
    assert_eq!(known(&world, contract), newer);
    world.wait();
    assert_eq!(world.count_kind(Kind::CanisterUpgraded), 0, "nobody helped");
    world.check();
}
