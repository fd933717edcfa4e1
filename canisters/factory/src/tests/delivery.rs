use super::world::{ADMIN, OWNER, Word, World, backend, module};
use crate::{access, deployment, state};
use cairn_events::{Hash, Kind, Principal};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError as Request, FactoryTemporaryError as Temporary};
use cairn_kit::runtime::testing::{run, run_all};
use serde_bytes::ByteBuf;
use std::future::Future;
use std::task::{Context, Poll, Waker};

#[test]
fn a_contract_is_delivered_once_and_then_handed_over() {
    let world = World::ready();
    let args = world.dispatch(1, "word");
    let delivered = world.create(&args).unwrap();
    assert_eq!(delivered.module_hash, Hash::of(&[&module()]));
    assert_eq!(world.count(Kind::ContractRegistered, args.deployment), 0, "the reply does not wait for that");
    world.wait();
    world.check();
    assert_eq!(world.create(&args), Ok(delivered));
    world.upgrade();
    assert_eq!(world.create(&args), Ok(delivered));
    assert_eq!(world.folded().pool.len(), 2, "the pool is full again");
    world.check();
}

#[test]
fn the_same_deployment_with_anything_else_is_a_conflict() {
    let world = World::ready();
    let args = world.dispatch(1, "word");
    world.create(&args).unwrap();
    let mut other = args.clone();
    other.args = ByteBuf::from("other");
    let conflict = Err(FactoryError::Request(Request::DeploymentConflict { deployment: args.deployment }));
    assert_eq!(world.create(&other), conflict);
    assert_eq!(run(deployment::create::<Word>(backend(), ADMIN, args)), conflict);
    world.wait();
    assert_eq!(world.count_kind(Kind::Refused), 2, "refusals to the backend are recorded");
    world.check();
}

#[test]
fn strangers_and_bad_requests_leave_no_trace_in_the_state() {
    let world = World::ready();
    let before = world.folded();
    let args = world.dispatch(1, "word");
    for stranger in [OWNER, ADMIN, Principal::anonymous()] {
        let refused = Err(FactoryError::Request(Request::Unauthorized { caller: stranger }));
        assert_eq!(access::backend(stranger), refused);
    }
    let mut wrong = args.clone();
    wrong.template = Some(Hash([9; 32]));
    assert!(matches!(world.create(&wrong), Err(FactoryError::Request(Request::TemplateMismatch { .. }))));
    let mut wrong = args.clone();
    wrong.args = ByteBuf::from([0xff]);
    assert!(matches!(world.create(&wrong), Err(FactoryError::Request(Request::InvalidArgs { .. }))));
    let mut wrong = args.clone();
    wrong.args = ByteBuf::from(vec![b'x'; 129]);
    assert!(matches!(world.create(&wrong), Err(FactoryError::Request(Request::InvalidArgs { .. }))), "name");
    let mut wrong = args.clone();
    wrong.args = ByteBuf::from(vec![b'x'; 36_001]);
    assert!(matches!(world.create(&wrong), Err(FactoryError::Request(Request::OutOfBounds { .. }))));
    let mut wrong = args.clone();
    wrong.service = cairn_events::topic::Service::Dao;
    assert!(matches!(world.create(&wrong), Err(FactoryError::Request(Request::WrongService { .. }))));
    let nobody = run(deployment::create::<Word>(backend(), Principal::anonymous(), args));
    assert!(matches!(nobody, Err(FactoryError::Request(Request::InvalidArgs { .. }))));
    assert_eq!(world.folded(), before);
    assert_eq!(state::read(|state| state.open_count()), 0);
}

#[test]
fn an_empty_pool_is_temporary() {
    let world = World::ready();
    for number in 1..=2 {
        world.create(&world.dispatch(number, "word")).unwrap();
    }
    let args = world.dispatch(3, "word");
    assert_eq!(world.create(&args), Err(FactoryError::Temporary(Temporary::PoolEmpty)));
    world.wait();
    world.create(&args).unwrap();
    world.wait();
    world.check();
}

#[test]
fn an_abandoned_deployment_is_never_delivered() {
    let world = World::ready();
    let args = world.dispatch(1, "word");
    world.abandon(&args);
    let abandoned = Err(FactoryError::Request(Request::Abandoned { deployment: args.deployment }));
    assert_eq!(world.create(&args), abandoned);
    world.wait();
    assert_eq!(world.create(&args), abandoned);
    world.check();
    assert_eq!(world.count(Kind::ContractReclaimed, args.deployment), 1);
    // The canister serves again, in a new epoch.
    for number in 2..=3 {
        world.create(&world.dispatch(number, "again")).unwrap();
    }
    world.wait();
    world.check();
    assert!(world.folded().canisters.values().any(|canister| canister.epoch == 2));
}

#[test]
fn code_that_refuses_its_arguments_is_a_definite_failure() {
    let world = World::ready();
    let args = world.dispatch(1, "trap");
    assert!(matches!(world.create(&args), Err(FactoryError::Request(Request::InstallFailed { .. }))));
    world.wait();
    world.check();
    assert_eq!(world.count(Kind::InstallFailed, args.deployment), 1);
}

#[test]
fn concurrent_calls_for_one_deployment_are_busy() {
    let world = World::ready();
    let args = world.dispatch(1, "word");
    let call =
        || -> cairn_kit::runtime::Task<_> { Box::pin(deployment::create::<Word>(backend(), OWNER, args.clone())) };
    let replies = run_all(vec![call(), call()]);
    assert!(replies[0].is_ok());
    assert_eq!(replies[1], Err(FactoryError::Temporary(Temporary::Busy)));
    world.wait();
    world.check();
}

#[test]
fn concurrent_deployments_get_a_canister_each() {
    let world = World::ready();
    let calls = (1..=2).map(|number| -> cairn_kit::runtime::Task<_> {
        Box::pin(deployment::create::<Word>(backend(), OWNER, world.dispatch(number, "word")))
    });
    let replies = run_all(calls.collect());
    assert_ne!(replies[0].as_ref().unwrap().contract, replies[1].as_ref().unwrap().contract);
    world.wait();
    world.check();
}

/// Every call that the factory makes on the way, rejected once with every code, before or after it had its effect.
#[test]
fn every_rejected_call_is_got_over() {
    for method in ["append", "install_code", "canister_info", "update_settings", "uninstall_code"] {
        for (code, after) in [(1, false), (2, false), (6, false), (6, true)] {
            for (skip, word, abandon) in
                [(0, "word", false), (1, "word", false), (2, "word", false), (0, "trap", false), (0, "word", true)]
            {
                std::thread::spawn(move || one_rejection(method, code, after, skip, word, abandon)).join().unwrap();
            }
        }
    }
}

fn one_rejection(method: &'static str, code: u32, after: bool, skip: usize, word: &str, abandon: bool) {
    let world = World::ready();
    let args = world.dispatch(1, word);
    if abandon {
        world.abandon(&args);
    }
    // Methods that are never called leave the fault unused, which is no matter.
    world.model.borrow_mut().faults.extend((0..skip).map(|_| ("none", 0, false)).chain([(method, code, after)]));
    let first = world.create(&args);
    world.wait();
    let last = world.create(&args);
    world.wait();
    if let Ok(delivered) = first {
        assert_eq!(last, Ok(delivered), "{method} {code} {after}");
    }
    assert_eq!(last.is_ok(), word == "word" && !abandon, "{method} {code} {after} {last:?}");
    world.check();
}

/// The call is dropped at every point where it waits, as by a trap in the callback; then timers alone finish it.
#[test]
fn every_point_of_interruption_is_got_over() {
    for (word, abandon) in [("word", false), ("trap", false), ("word", true)] {
        for upgrade in [false, true] {
            let mut rounds = 0;
            while std::thread::spawn(move || one_interruption(rounds, upgrade, word, abandon)).join().unwrap() {
                rounds += 1;
            }
            assert!(rounds >= 3, "{rounds}");
        }
    }
}

/// Whether the call was still running after so many rounds.
fn one_interruption(rounds: usize, upgrade: bool, word: &str, abandon: bool) -> bool {
    let world = World::ready();
    let args = world.dispatch(1, word);
    if abandon {
        world.abandon(&args);
    }
    let mut call = Box::pin(deployment::create::<Word>(backend(), OWNER, args.clone()));
    let interrupted =
        (0..=rounds).all(|_| matches!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    drop(call);
    if upgrade {
        world.upgrade();
    }
    world.wait();
    let reply = world.create(&args);
    assert_eq!(reply.is_ok(), word == "word" && !abandon, "after {rounds} rounds: {reply:?}");
    world.wait();
    world.check();
    interrupted
}

/// As above, for what follows the decision: registration, or taking back.
#[test]
fn every_point_of_interruption_afterwards_is_got_over() {
    for word in ["word", "trap"] {
        for rounds in 0..8 {
            std::thread::spawn(move || one_interruption_afterwards(rounds, word)).join().unwrap();
        }
    }
}

fn one_interruption_afterwards(rounds: usize, word: &str) {
    let world = World::ready();
    let args = world.dispatch(1, word);
    let _ = world.create(&args);
    let mut step = Box::pin(deployment::resume::<Word>(args.deployment));
    for _ in 0..rounds {
        if step.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            break;
        }
    }
    drop(step);
    world.upgrade();
    world.wait();
    world.check();
}

#[test]
fn a_job_whose_request_is_lost_fails() {
    let world = World::ready();
    let args = world.dispatch(1, "word");
    world.model.borrow_mut().faults.push(("install_code", 2, false));
    assert!(matches!(world.create(&args), Err(FactoryError::Temporary(_))));
    state::change(|state| state.drop_args(args.deployment));
    world.wait();
    world.check();
    assert_eq!(world.count(Kind::InstallFailed, args.deployment), 1);
}
