//! Cycles against the model.

use super::world::{ADMIN, BACKEND, OWNER, World};
use crate::resources::{self, MIN_TOP_UP, look, of_contract, turn};
use crate::{deployment, pool, state};
use cairn_events::{Kind, Principal};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError as Request, FactoryTemporaryError as Temporary};
use cairn_kit::api::upgrade::ToppedUp;
use cairn_kit::runtime::testing::run;
use std::cell::Cell;
use std::future::Future;
use std::task::{Context, Waker};

fn delivered() -> (World, Principal) {
    let world = World::ready();
    let contract = world.create(&world.dispatch(1, "word")).unwrap().contract;
    world.wait();
    (world, contract)
}

/// A deposit, and how much was taken of what was attached.
fn top_up(contract: Principal, attached: u128) -> (Result<ToppedUp, FactoryError>, u128) {
    let taken = Cell::new(0);
    let accept = |cycles| {
        taken.set(cycles);
        cycles
    };
    let reply = run(resources::top_up(BACKEND, contract, attached, accept));
    (reply, taken.get())
}

#[test]
fn anyone_tops_a_contract_up() {
    let (world, contract) = delivered();
    let (reply, taken) = top_up(contract, 20_000_000_000);
    assert_eq!((reply.unwrap().cycles, taken), (20_000_000_000, 20_000_000_000));
    assert_eq!(world.life(contract, |life| life.deposited), 20_000_000_000);
    assert_eq!((world.count_kind(Kind::TopUpIntended), world.count_kind(Kind::ContractToppedUp)), (1, 1));
    world.check();
}

#[test]
fn what_is_not_deposited_is_not_taken() {
    let (world, contract) = delivered();
    let events = world.model.borrow().events.len();
    let unknown = Err(FactoryError::Request(Request::UnknownContract { contract: OWNER }));
    assert_eq!(top_up(OWNER, 20_000_000_000), (unknown, 0));
    for attached in [0, u128::from(MIN_TOP_UP) - 1, u128::MAX] {
        let (reply, taken) = top_up(contract, attached);
        assert!(matches!(reply, Err(FactoryError::Request(Request::Cycles { .. }))), "{reply:?}");
        assert_eq!(taken, 0);
    }
    // As many as the model's factory has, which would leave it nothing.
    let (reply, taken) = top_up(contract, 1_000_000_000_000);
    assert!(matches!(reply, Err(FactoryError::Temporary(Temporary::CyclesLow { .. }))), "{reply:?}");
    assert_eq!((taken, world.model.borrow().events.len()), (0, events));
    world.model.borrow_mut().faults.push(("deposit_cycles", 5, false));
    let (reply, taken) = top_up(contract, 20_000_000_000);
    assert!(reply.is_err());
    assert_eq!((taken, world.count_kind(Kind::TopUpUnresolved)), (0, 1));
    let (reply, taken) = top_up(contract, 20_000_000_000);
    assert!(reply.is_ok() && taken > 0, "the next one is made");
    world.check();
}

#[test]
fn a_deposit_whose_reply_is_lost_is_closed() {
    for rounds in 1..12 {
        std::thread::spawn(move || {
            let (world, contract) = delivered();
            let mut deposit = Box::pin(resources::top_up(BACKEND, contract, 20_000_000_000, |cycles| cycles));
            for _ in 0..rounds {
                if deposit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    break;
                }
            }
            drop(deposit);
            world.upgrade();
            world.wait();
            let intended = world.count_kind(Kind::TopUpIntended);
            assert_eq!(intended, world.count_kind(Kind::TopUpUnresolved) + world.count_kind(Kind::ContractToppedUp));
            assert!(top_up(contract, 20_000_000_000).0.is_ok());
            world.check();
        })
        .join()
        .unwrap();
    }
}

#[test]
fn owners_see_what_their_contract_has() {
    let (_world, contract) = delivered();
    for caller in [OWNER, contract, ADMIN] {
        let resources = run(of_contract(caller, contract)).unwrap();
        assert_eq!((resources.cycles, resources.frozen_below), (1_000_000_000_000_u64.into(), 10_u64.into()));
    }
    for stranger in [BACKEND, Principal::anonymous()] {
        let refused = FactoryError::Request(Request::Unauthorized { caller: stranger });
        assert_eq!(run(of_contract(stranger, contract)), Err(refused));
    }
}

/// Nobody who asks for a contract chooses what it costs the factory.
#[test]
fn every_contract_gets_the_cycles_that_the_factory_was_set_up_with() {
    let (world, _) = delivered();
    let creations: Vec<u128> =
        world.network.sent().iter().filter(|call| call.method == "create_canister").map(|call| call.cycles).collect();
    assert_eq!(creations, vec![1_000_000; 3]);
    let deposits = world.network.sent().iter().filter(|call| call.cycles > 0).count();
    assert_eq!(deposits, creations.len(), "nothing else costs cycles");
}

#[test]
fn a_factory_that_cannot_afford_it_takes_no_order() {
    let world = World::ready();
    let capacity = |cycles| state::read(|state| deployment::capacity(state, cycles));
    assert!(capacity(5_000).is_ok());
    let low = Temporary::CyclesLow { balance: 4_999, required: 5_000 };
    assert_eq!(capacity(4_999), Err(FactoryError::Temporary(low)));
    world.create(&world.dispatch(1, "word")).unwrap();
    let next = |cycles| state::read(|state| pool::next(state, cycles));
    assert_eq!(next(1_005_000), pool::Next::Rest, "nor does it make canisters ahead");
    assert!(matches!(next(1_000_000_000_000), pool::Next::Create(1_000_000)));
    world.wait();
    world.check();
}

#[test]
fn low_cycles_are_told_once_per_crossing() {
    let world = World::ready();
    let (floor, enough) = (1_005_000, 2_005_000);
    let kinds = || (world.count_kind(Kind::CyclesLow), world.count_kind(Kind::CyclesRestored));
    let see = |cycles| run(look(cycles));
    see(floor);
    assert_eq!(kinds(), (0, 0));
    [floor - 1, 3, floor, enough - 1].into_iter().for_each(see);
    assert_eq!(kinds(), (1, 0), "said once; a little more is not enough");
    assert!(state::read(|state| state.is_low_on_cycles()));
    [enough, floor, enough].into_iter().for_each(see);
    assert_eq!(kinds(), (1, 1));
    see(0);
    assert_eq!(kinds(), (2, 1));
    assert!(state::read(|state| turn(state, 0)).is_none());
    world.wait();
    assert_eq!(kinds(), (2, 2), "the model's factory has enough");
    world.check();
}
