//! What others do while something is under way: owners, who are controllers, people, and whoever pays.

use super::life::Whim;
use super::templates::{SECOND, terms};
use super::upgrades::{delivered, last, request};
use super::world::{ADMIN, BACKEND, DELAY, OWNER, Word, World, wasm};
use crate::resources::{self, MAX_PER_HOUR};
use crate::template::registry;
use crate::upgrade::{self, MAX_RUNNING, rollout};
use crate::{access, state};
use cairn_events::payload::Notification;
use cairn_events::topic::Service;
use cairn_events::{Hash, Kind, Payload, Principal};
use cairn_kit::api::factory::{FactoryError, FactoryTemporaryError as Temporary, NumberedNotification};
use cairn_kit::api::upgrade::{Canary, RolloutArgs, RolloutStatus};
use cairn_kit::runtime::testing::run;
use std::future::Future;
use std::task::{Context, Waker};
use std::time::Duration;

/// Drives the contract's upgrade and does `meddle` whenever it waits, as long as that says so; then lets it come to rest.
fn meddle(world: &World, number: u64, mut meddle: impl FnMut() -> bool) {
    let mut step = Box::pin(upgrade::resume::<Word>(number));
    while step.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() && meddle() {}
    drop(step);
    world.wait();
}

#[test]
fn a_contract_that_is_deleted_holds_nothing_up() {
    for rounds in 0..40 {
        std::thread::spawn(move || {
            let (world, contract, _) = delivered(Whim::Sick);
            let asked = request(contract).unwrap();
            let mut left = rounds;
            meddle(&world, asked.number, || {
                left -= i32::from(left > 0);
                left > 0
            });
            world.model.borrow_mut().canisters.remove(&contract);
            run(upgrade::release_control::<Word>(OWNER, contract)).unwrap();
            world.wait();
            assert!(last(contract).settled, "{rounds}: {:?}", world.about(contract));
            assert_eq!(state::read(|state| state.open_upgrade_count()), 0);
            assert!(state::read(|state| state.releases()).is_empty());
        })
        .join()
        .unwrap();
    }
}

#[test]
fn a_snapshot_that_is_deleted_is_not_waited_for() {
    let (world, contract, newer) = delivered(Whim::Sick);
    let asked = request(contract).unwrap();
    meddle(&world, asked.number, || {
        let is_installed = world.runs(contract) == Some(newer);
        if is_installed {
            world.life(contract, |life| life.snapshots.clear());
        }
        !is_installed
    });
    assert_eq!(last(contract).reason.map(|reason| reason.code), Some("snapshot_gone".into()));
    assert!(last(contract).settled);
}

/// The factory is held up, and the owner, a controller, installs the new code himself: what was done since is not forgotten,
/// whatever the code says of itself.
#[test]
fn what_serves_already_is_not_taken_back() {
    for whim in [Whim::None, Whim::Sick] {
        std::thread::spawn(move || {
            let (world, contract, newer) = delivered(whim);
            let asked = request(contract).unwrap();
            meddle(&world, asked.number, || {
                let is_saved = world.about(contract).contains(&Kind::SnapshotTaken);
                if is_saved {
                    let mut model = world.model.borrow_mut();
                    let hosted = model.canisters.get_mut(&contract).unwrap();
                    hosted.module = Some(newer);
                    hosted.life.data.push(b'+');
                    hosted.life.stopped = false;
                    hosted.life.serve();
                }
                !is_saved
            });
            assert_eq!(world.model.borrow().last_decision(contract), Some(Kind::UpgradeConfirmed));
            world.check();
        })
        .join()
        .unwrap();
    }
}

/// Ten contracts cannot be restored, for whatever their owners did to them: the others are upgraded all the same.
#[test]
fn what_cannot_be_brought_to_an_end_keeps_nobody_else_waiting() {
    let world = World::ready();
    let deliver = |number| {
        let contract = world.create(&world.dispatch(number, "word")).unwrap().contract;
        world.wait();
        contract
    };
    let contracts: Vec<Principal> = (1..=MAX_RUNNING as u8 + 1).map(deliver).collect();
    let newer = world.publish("2.0.0", 8);
    let (last, stuck) = contracts.split_last().unwrap();
    world.model.borrow_mut().faults = vec![("load_canister_snapshot", 5, false); 10_000];
    for contract in stuck {
        world.life(*contract, |life| life.whim = Whim::Sick);
        request(*contract).unwrap();
    }
    request(*last).unwrap();
    for _ in 0..4 {
        world.wait();
    }
    assert_eq!(upgrade::page(None, None, None).unwrap().running, MAX_RUNNING as u64);
    assert_eq!(world.runs(*last), Some(newer));
    world.model.borrow_mut().faults.clear();
    for _ in 0..20 {
        world.wait();
    }
    world.check();
}

/// People say what they like of a contract, at any time. No step is done again for that.
#[test]
fn whatever_is_told_meanwhile_no_step_is_repeated() {
    for whim in [Whim::None, Whim::Sick] {
        std::thread::spawn(move || {
            let (world, contract, _) = delivered(whim);
            let mut told = 0;
            let mut tell = || {
                told += 1;
                let notification = Notification::HolderAdded(Principal::from_slice(&[9, told as u8]));
                let batch = vec![NumberedNotification { sequence: told, notification }];
                run(crate::callback::notify::<Word>(contract, contract, 1, batch)).is_ok()
            };
            let asked = request(contract).unwrap();
            world.model.borrow_mut().calls.clear();
            meddle(&world, asked.number, || {
                tell();
                true
            });
            assert!(told > 5);
            let model = world.model.borrow();
            for once in ["canUpgrade", "take_canister_snapshot", "install_code"] {
                assert_eq!(model.calls.iter().filter(|method| **method == once).count(), 1, "{once}");
            }
            assert_eq!(model.last_decision(contract), Some(whim.end()));
            drop(model);
            world.check();
        })
        .join()
        .unwrap();
    }
}

/// What the last steps of the contract's upgrade say of the module that the network showed.
fn observed(world: &World, contract: Principal) -> Vec<(Kind, Option<Hash>)> {
    let model = world.model.borrow();
    let about = model.events.iter().map(|event| &event.payload).filter(|it| it.contract() == Some(contract));
    let observed = about.filter_map(|payload| match payload {
        Payload::RollbackIntended(step) => Some((payload.kind(), step.module_hash)),
        Payload::UpgradeAbandoned(step) => Some((payload.kind(), step.module_hash)),
        Payload::UpgradeSettled(step) => Some((payload.kind(), step.module_hash)),
        _ => None,
    });
    observed.collect()
}

#[test]
fn steps_say_which_module_the_network_showed() {
    for whim in Whim::ALL {
        std::thread::spawn(move || {
            let (world, contract, newer) = delivered(whim);
            let (former, newer) = (world.runs(contract), Some(newer));
            request(contract).unwrap();
            world.wait();
            use Kind::{RollbackIntended, UpgradeAbandoned, UpgradeSettled};
            let expected = match whim {
                Whim::None => vec![(UpgradeSettled, newer)],
                Whim::Sick | Whim::Mute => vec![(RollbackIntended, newer), (UpgradeSettled, former)],
                Whim::Traps | Whim::Hangs => vec![(UpgradeAbandoned, former), (UpgradeSettled, former)],
                Whim::Dry => vec![(UpgradeAbandoned, former)],
                // The network was not asked yet.
                Whim::Refuses | Whim::Silent => vec![(UpgradeAbandoned, None)],
            };
            assert_eq!(observed(&world, contract), expected, "{whim:?}");
        })
        .join()
        .unwrap();
    }
}

/// Once it is saved, the owner installs something else, or takes the contract over.
#[test]
fn what_an_owner_did_is_what_the_last_steps_say() {
    for is_lost in [false, true] {
        std::thread::spawn(move || {
            let (world, contract, _) = delivered(Whim::None);
            let (former, other) = (world.runs(contract), Some(Hash([0x0f; 32])));
            let asked = request(contract).unwrap();
            meddle(&world, asked.number, || {
                let is_saved = world.about(contract).contains(&Kind::SnapshotTaken);
                if is_saved {
                    let mut model = world.model.borrow_mut();
                    let hosted = model.canisters.get_mut(&contract).unwrap();
                    match is_lost {
                        true => hosted.controllers = vec![OWNER],
                        false => hosted.module = other,
                    }
                }
                !is_saved
            });
            let expected = match is_lost {
                true => vec![(Kind::UpgradeAbandoned, former)],
                false => vec![(Kind::UpgradeAbandoned, other), (Kind::UpgradeSettled, other)],
            };
            assert_eq!(observed(&world, contract), expected, "lost: {is_lost}");
        })
        .join()
        .unwrap();
    }
}

fn participant(world: &World, number: u8) -> Principal {
    let contract = world.create(&world.dispatch(number, "word")).unwrap().contract;
    world.wait();
    contract
}

fn take_part(contract: Principal, enabled: bool) {
    run(upgrade::set_auto_update::<Word>(OWNER, contract, enabled)).unwrap();
}

#[test]
fn who_opts_out_in_time_is_left_alone() {
    let world = World::ready();
    let contracts = [participant(&world, 1), participant(&world, 2)];
    contracts.iter().for_each(|contract| take_part(*contract, true));
    let newer = world.publish("2.0.0", 8);
    let admin = access::admin(ADMIN).unwrap();
    let args = RolloutArgs { version: "2.0.0".into(), canary: Canary::Count(2), wave: 2, max_failures: 0 };
    let number = run(rollout::start::<Word>(admin, args)).unwrap().number;
    run(rollout::go_on::<Word>());
    run(rollout::pause(admin, number)).unwrap();
    assert_eq!(upgrade::rollout_info(number).unwrap().requested, 2);
    take_part(contracts[0], false);
    run(rollout::resume::<Word>(admin, number)).unwrap();
    world.wait();
    assert_eq!(last(contracts[0]).reason.map(|reason| reason.code), Some("opted_out".into()));
    assert_eq!(contracts.map(|contract| world.runs(contract) == Some(newer)), [false, true]);
    world.check();
}

/// Those that begin to take part behind a rollout, and those that were busy when it came by, have their turn at its end.
#[test]
fn a_rollout_comes_back_for_those_behind_it() {
    let world = World::ready();
    let mut contracts: Vec<Principal> = (1..=4).map(|number| participant(&world, number)).collect();
    contracts.sort();
    contracts[1..].iter().for_each(|contract| take_part(*contract, true));
    let older = world.publish("2.0.0", 8);
    let newer = world.publish("3.0.0", 9);
    // Busy with another upgrade when the rollout begins.
    run(upgrade::request::<Word>(OWNER, contracts[1], Some("2.0.0".into()))).unwrap();
    let args = RolloutArgs { version: "3.0.0".into(), canary: Canary::Count(1), wave: 1, max_failures: 0 };
    let number = run(rollout::start::<Word>(access::admin(ADMIN).unwrap(), args)).unwrap().number;
    run(rollout::go_on::<Word>());
    assert_eq!(upgrade::rollout_info(number).unwrap().requested, 1);
    take_part(contracts[0], true);
    for _ in 0..4 {
        world.wait();
    }
    let end = upgrade::rollout_info(number).unwrap();
    assert_eq!((end.status, end.requested, end.succeeded), (RolloutStatus::Finished, 4, 4), "{end:?}");
    assert!(contracts.iter().all(|contract| world.runs(*contract) == Some(newer)), "not {older}");
    world.check();
}

#[test]
fn deposits_are_events_that_nobody_makes_without_end() {
    let world = World::ready();
    let contract = participant(&world, 1);
    let top_up = || run(resources::top_up(BACKEND, contract, 10_000_000_000, |cycles| cycles));
    assert!((0..MAX_PER_HOUR).all(|_| top_up().is_ok()));
    assert!(matches!(top_up(), Err(FactoryError::Temporary(Temporary::QuotaExhausted { .. }))));
    world.network.advance(Duration::from_secs(3_600));
    assert!(top_up().is_ok());
    let events = world.model.borrow().events.len();
    let hosted = world.model.borrow_mut().canisters.remove(&contract).unwrap();
    assert!(top_up().is_err(), "it is no more");
    assert_eq!(world.model.borrow().events.len(), events, "and nothing is told of it");
    world.model.borrow_mut().canisters.insert(contract, hosted);
    world.check();
}

#[test]
fn deposits_under_way_are_not_spent_twice() {
    let world = World::ready();
    let contracts = [participant(&world, 1), participant(&world, 2)];
    let half = 600_000_000_000;
    let mut first = Box::pin(resources::top_up(BACKEND, contracts[0], half, |cycles| cycles));
    while world.count_kind(Kind::TopUpIntended) == 0 {
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let _ = first.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let second = run(resources::top_up(BACKEND, contracts[1], half, |cycles| cycles));
    assert!(matches!(second, Err(FactoryError::Temporary(Temporary::CyclesLow { .. }))), "{second:?}");
    drop(first);
    world.upgrade();
    world.wait();
    world.check();
}

/// A store full of former versions is emptied, and what it refuses is no refusal of the module.
#[test]
fn large_modules_are_installed_whatever_the_store_of_chunks_holds() {
    let world = World::ready();
    run(access::grant(access::admin(ADMIN).unwrap(), SECOND)).unwrap();
    world.network.advance(Duration::from_secs(DELAY));
    let hash = world.upload(ADMIN, &wasm(&[9; 2_000_000]));
    run(registry::propose::<Word>(access::admin(ADMIN).unwrap(), terms("2.0.0", hash))).unwrap();
    run(registry::confirm(access::admin(SECOND).unwrap(), "2.0.0", hash)).unwrap();
    world.network.advance(Duration::from_secs(DELAY));
    run(registry::publish(access::admin(ADMIN).unwrap(), Service::Token, "2.0.0", hash)).unwrap();
    let former = (0..99_u8).map(|n| (vec![n; 32], vec![n]));
    world.model.borrow_mut().chunks.extend(former);
    world.model.borrow_mut().faults.push(("upload_chunk", 5, false));
    let dispatched = world.dispatch(1, "word");
    assert!(matches!(world.create(&dispatched), Err(FactoryError::Temporary(_))), "not the module's fault");
    world.wait();
    let contract = world.create(&dispatched).unwrap().contract;
    assert_eq!(world.runs(contract), Some(hash));
    let model = world.model.borrow();
    assert_eq!(model.calls.iter().filter(|method| **method == "clear_chunk_store").count(), 1);
    drop(model);
    world.check();
}
