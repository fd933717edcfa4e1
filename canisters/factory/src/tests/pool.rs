use super::world::World;
use crate::state;
use cairn_events::Kind;
use cairn_kit::runtime;
use std::time::Duration;

#[test]
fn the_pool_fills_itself() {
    let world = World::ready();
    assert_eq!(world.count_kind(Kind::CreationIntended), 2);
    assert_eq!(world.count_kind(Kind::ContractCreated), 2);
    world.check();
    world.wait();
    assert_eq!(world.count_kind(Kind::CreationIntended), 2, "a full pool is left alone");
}

#[test]
fn a_lost_reply_costs_one_empty_canister_at_most() {
    let world = World::begin();
    world.model.borrow_mut().faults.push(("create_canister", 6, true));
    world.wait();
    assert_eq!(world.count_kind(Kind::CreationUnresolved), 1);
    assert_eq!(world.folded().pool.len(), 2);
    assert_eq!(world.model.borrow().canisters.len(), 3);
    world.create(&world.dispatch(1, "word")).unwrap();
    world.wait();
    world.check();
}

#[test]
fn a_creation_that_did_not_happen_is_closed_with_its_reason() {
    let world = World::begin();
    world.model.borrow_mut().faults.push(("create_canister", 2, false));
    world.wait();
    assert_eq!(world.count_kind(Kind::CreationUnresolved), 1);
    assert_eq!(world.model.borrow().canisters.len(), 2);
    world.check();
}

/// The creation is in the log, and the message that was to create is gone.
#[test]
fn an_upgrade_in_the_middle_of_a_creation_shows_as_unknown() {
    for rounds in 0..12 {
        std::thread::spawn(move || {
            let world = World::begin();
            world.network.advance(Duration::ZERO);
            let mut filling = Box::pin(crate::pool::fill());
            for _ in 0..rounds {
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                if std::future::Future::poll(filling.as_mut(), &mut context).is_ready() {
                    break;
                }
            }
            drop(filling);
            world.upgrade();
            world.wait();
            world.check();
            let model = world.model.borrow();
            let unresolved = world.folded().totals.unresolved;
            assert_eq!(world.folded().pool.len(), 2);
            assert!(model.canisters.len() as u64 <= 2 + unresolved, "no canister is lost without a trace");
        })
        .join()
        .unwrap();
    }
}

#[test]
fn the_canister_that_a_creation_yielded_is_recorded_after_an_upgrade() {
    let world = World::ready();
    world.create(&world.dispatch(1, "word")).unwrap();
    world.wait();
    assert_eq!(state::read(|state| state.created()), None);
    assert_eq!(world.folded().totals.created, 3);
    assert!(runtime::cycles() > 0);
    world.check();
}
