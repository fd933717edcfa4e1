use super::world::{ADMIN, Word, World};
use crate::callback::notify;
use crate::role::{self, MAX_BY_PERSON};
use crate::state::{self, Claim};
use cairn_events::payload::{Notification, Role, RoleAnswer, RoleAnswered};
use cairn_events::{Kind, Payload, Principal};
use cairn_kit::api::factory::{
    FactoryError, FactoryRequestError as Request, FactoryTemporaryError as Temporary, NumberedNotification,
};
use cairn_kit::runtime::testing::{run, run_all};
use std::time::Duration;

const PERSON: Principal = Principal::from_slice(&[7, 7, 7]);

fn delivered() -> (World, Principal) {
    let world = World::ready();
    let contract = world.create(&world.dispatch(1, "word")).unwrap().contract;
    world.wait();
    (world, contract)
}

fn tell(contract: Principal, sequence: u64, notification: Notification) {
    let batch = vec![NumberedNotification { sequence, notification }];
    run(notify::<Word>(contract, contract, 1, batch)).unwrap();
}

fn answer(person: Principal, contract: Principal, answer: RoleAnswer) -> Result<(), FactoryError> {
    run(role::answer(person, contract, Role::Signer, answer))
}

fn claim(contract: Principal) -> Claim {
    state::read(|state| state.callbacks().claim(contract, Role::Signer, PERSON)).unwrap()
}

#[test]
fn people_answer_for_the_roles_that_contracts_give_them() {
    let (world, contract) = delivered();
    tell(contract, 1, Notification::SignerAdded(PERSON));
    for said in [RoleAnswer::Accepted, RoleAnswer::Hidden, RoleAnswer::Shown, RoleAnswer::Hidden] {
        for _ in 0..2 {
            assert_eq!(answer(PERSON, contract, said), Ok(()), "saying it again changes nothing");
        }
    }
    assert_eq!(claim(contract), Claim { held: true, accepted: true, hidden: true });
    let answers: Vec<(Principal, RoleAnswered)> = world
        .model
        .borrow()
        .events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::RoleAnswered(answered) => Some((event.actor, answered.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(answers.len(), 4);
    assert!(answers.iter().all(|(actor, said)| *actor == PERSON && said.contract == contract), "by the person");

    // Whoever hides remains hidden, whatever the contract says.
    tell(contract, 2, Notification::SignerRemoved(PERSON));
    let gone = FactoryError::Request(Request::UnknownRole { contract, person: PERSON });
    assert_eq!(answer(PERSON, contract, RoleAnswer::Accepted), Err(gone));
    tell(contract, 3, Notification::SignerAdded(PERSON));
    assert_eq!(claim(contract), Claim { held: true, accepted: true, hidden: true });
    world.upgrade();
    world.check();
}

#[test]
fn only_those_named_answer() {
    let (world, contract) = delivered();
    let pooled = *world.folded().pool.first().unwrap();
    tell(contract, 1, Notification::ObserverAdded(PERSON));
    for said in RoleAnswer::ALL {
        for person in [PERSON, ADMIN] {
            let unknown = FactoryError::Request(Request::UnknownRole { contract, person });
            assert_eq!(answer(person, contract, said), Err(unknown));
        }
        for contract in [pooled, PERSON] {
            let unknown = FactoryError::Request(Request::UnknownContract { contract });
            assert_eq!(answer(PERSON, contract, said), Err(unknown));
        }
        let nobody = Principal::anonymous();
        let unauthorized = FactoryError::Request(Request::Unauthorized { caller: nobody });
        assert_eq!(answer(nobody, contract, said), Err(unauthorized));
    }
    assert_eq!(world.count_kind(Kind::RoleAnswered), 0);
    world.check();
}

#[test]
fn answers_have_a_quota() {
    let (world, contract) = delivered();
    tell(contract, 1, Notification::SignerAdded(PERSON));
    world.network.advance(Duration::from_secs(3_600));
    for number in 0..MAX_BY_PERSON {
        let said = if number % 2 == 0 { RoleAnswer::Hidden } else { RoleAnswer::Shown };
        assert_eq!(answer(PERSON, contract, said), Ok(()));
    }
    let refused = answer(PERSON, contract, RoleAnswer::Hidden);
    let Err(FactoryError::Temporary(Temporary::QuotaExhausted { retry_at })) = refused else { panic!("{refused:?}") };
    assert_eq!(answer(PERSON, contract, RoleAnswer::Shown), Ok(()), "what is so needs no event");
    world.network.advance(Duration::from_nanos(retry_at - cairn_kit::runtime::now()));
    assert_eq!(answer(PERSON, contract, RoleAnswer::Hidden), Ok(()));
    world.check();
}

#[test]
fn one_answer_at_a_time() {
    let (world, contract) = delivered();
    tell(contract, 1, Notification::SignerAdded(PERSON));
    let call = || -> cairn_kit::runtime::Task<_> {
        Box::pin(role::answer(PERSON, contract, Role::Signer, RoleAnswer::Accepted))
    };
    let replies = run_all(vec![call(), call()]);
    assert_eq!(replies, vec![Ok(()), Err(FactoryError::Temporary(Temporary::Busy))]);
    assert_eq!(world.count_kind(Kind::RoleAnswered), 1);
    world.check();
}
