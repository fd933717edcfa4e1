use super::histories::index;
use super::world::{ADMIN, BACKEND, OWNER, Word, World};
use crate::callback::notify;
use crate::index::shown;
use crate::role::{self, MAX_BY_PERSON};
use crate::state::{self, Claim};
use crate::upgrade;
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

#[test]
fn a_private_contract_is_shown_to_those_concerned() {
    let (world, contract) = delivered();
    tell(contract, 1, Notification::SignerAdded(PERSON));
    let sees = |who| shown::<Word>(&index(&world), who, contract).is_some();
    let people = [PERSON, OWNER, contract, BACKEND, Principal::anonymous()];
    assert_eq!(people.map(&sees), [true; 5], "it is public");
    tell(contract, 2, Notification::VisibilityChanged(false));
    assert_eq!(people.map(&sees), [true, true, true, false, false]);
    world.check();
}

/// No index follows the log of the model: it shows the contract to nobody.
#[test]
fn upgrades_are_told_to_those_who_may_see_the_contract() {
    let (world, contract) = delivered();
    world.publish("2.0.0", 8);
    run(upgrade::request::<Word>(OWNER, contract, Some("2.0.0".into()))).unwrap();
    for asker in [OWNER, contract, ADMIN] {
        for asked in [None, Some(contract)] {
            let page = upgrade::page_for::<Word>(asker, asked, None, Some(1)).unwrap();
            assert_eq!((page.upgrades.len(), Ok(page)), (1, upgrade::page(asked, None, Some(1))));
        }
        let policy = upgrade::policy_for::<Word>(asker, contract);
        assert!(policy.as_ref().is_ok_and(|policy| policy.owner == OWNER), "{policy:?}");
    }
    for stranger in [PERSON, BACKEND, Principal::anonymous()] {
        let page = |asked| upgrade::page_for::<Word>(stranger, asked, None, Some(1)).unwrap();
        assert_eq!(page(Some(contract)), page(Some(PERSON)), "as if it did not exist");
        assert_eq!(page(None).upgrades, Vec::new());
        for contract in [contract, PERSON] {
            let unknown = FactoryError::Request(Request::UnknownContract { contract });
            assert_eq!(upgrade::policy_for::<Word>(stranger, contract), Err(unknown));
        }
    }
    world.wait();
    world.check();
}

#[test]
fn pages_of_upgrades_go_on_behind_what_is_not_shown() {
    let (world, first) = delivered();
    let second = world.create(&world.dispatch(2, "word")).unwrap().contract;
    world.wait();
    world.publish("2.0.0", 8);
    let request = |contract| run(upgrade::request::<Word>(OWNER, contract, Some("2.0.0".into()))).unwrap().number;
    let (own, newer) = (request(first), request(second));
    let (mut cursor, mut pages) = (None, Vec::new());
    loop {
        let page = upgrade::page_for::<Word>(first, None, cursor, Some(1)).unwrap();
        pages.push(page.upgrades.iter().map(|upgrade| upgrade.number).collect::<Vec<u64>>());
        let Some(next) = page.next else { break };
        assert!(cursor.replace(next).is_none_or(|before| next < before), "it goes on");
    }
    assert!(newer > own);
    assert_eq!(pages, [vec![], vec![own], vec![]]);
    world.wait();
    world.check();
}
