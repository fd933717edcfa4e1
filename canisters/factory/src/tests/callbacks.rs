use super::world::{OWNER, Word, World};
use crate::callback::{BUDGET, EPOCH_BUDGET, MAX_MOVES, MAX_SPAN, notify};
use crate::state::tests::fold;
use crate::{role, state};
use cairn_events::payload::{CallbackQuarantined, ContractObserved, Movement, Notification, Role, RoleAnswer};
use cairn_events::{Amount, Hash, Kind, Payload, Principal};
use cairn_kit::api::factory::{CallbackError, NotificationsAccepted, NumberedNotification};
use cairn_kit::runtime::Task;
use cairn_kit::runtime::testing::{run, run_all};
use std::time::Duration;

type Reply = Result<NotificationsAccepted, CallbackError>;

fn delivered() -> (World, Principal) {
    let world = World::ready();
    let contract = world.create(&world.dispatch(1, "word")).unwrap().contract;
    world.wait();
    (world, contract)
}

/// Who holds something as of that number.
fn holder(sequence: u64) -> Principal {
    Principal::from_slice(&sequence.to_be_bytes())
}

fn batch(numbers: std::ops::RangeInclusive<u64>) -> Vec<NumberedNotification> {
    numbers
        .map(|sequence| NumberedNotification { sequence, notification: Notification::HolderAdded(holder(sequence)) })
        .collect()
}

fn say(contract: Principal, numbers: std::ops::RangeInclusive<u64>) -> Reply {
    run(notify::<Word>(contract, contract, 1, batch(numbers)))
}

fn through(number: u64) -> Reply {
    Ok(NotificationsAccepted { accepted_through: number })
}

#[test]
fn notifications_are_taken_in_order_and_once() {
    let (world, contract) = delivered();
    assert_eq!(say(contract, 1..=3), through(3));
    assert_eq!(say(contract, 1..=3), through(3), "a repetition is acknowledged");
    assert_eq!(say(contract, 2..=5), through(5), "an overlap adds what is new");
    assert_eq!(say(contract, 8..=9), Err(CallbackError::Gap { expected: 6 }));
    let mut other = batch(4..=4);
    other[0].notification = Notification::DeploymentComplete;
    assert_eq!(
        run(notify::<Word>(contract, contract, 1, other)),
        Err(CallbackError::Conflict { sequence: 4, expected: 6 })
    );
    assert_eq!(say(contract, 0..=1), Err(CallbackError::Conflict { sequence: 0, expected: 6 }));
    for found in [0, 2] {
        let reply = run(notify::<Word>(contract, contract, found, batch(6..=6)));
        assert_eq!(reply, Err(CallbackError::OtherEpoch { expected: 1, found }));
    }
    assert_eq!(world.count_kind(Kind::CallbackAccepted), 5);
    world.check();
}

#[test]
fn strangers_are_refused() {
    let (world, contract) = delivered();
    let pooled = *world.folded().pool.first().unwrap();
    for stranger in [OWNER, Principal::anonymous(), pooled] {
        let reply = run(notify::<Word>(stranger, stranger, 1, batch(1..=1)));
        assert_eq!(reply, Err(CallbackError::NotDeployedHere));
    }
    let reply = run(notify::<Word>(contract, OWNER, 1, batch(1..=1)));
    assert_eq!(reply, Err(CallbackError::ContractMismatch));
    assert_eq!(
        run(notify::<Word>(contract, contract, 1, vec![])),
        Err(CallbackError::BatchSize { found: 0, max: 100 })
    );
    assert_eq!(say(contract, 1..=101), Err(CallbackError::BatchSize { found: 101, max: 100 }));
    assert_eq!(world.count_kind(Kind::CallbackAccepted), 0);
}

#[test]
fn a_budget_holds_for_an_hour() {
    let (world, contract) = delivered();
    let hundreds = u64::from(BUDGET) / 100;
    world.network.advance(Duration::from_secs(3_600));
    for hundred in 0..hundreds {
        assert_eq!(say(contract, hundred * 100 + 1..=hundred * 100 + 100), through(hundred * 100 + 100));
    }
    let next = u64::from(BUDGET) + 1;
    assert!(matches!(say(contract, next..=next), Err(CallbackError::BudgetExhausted { retry_at: Some(_) })));
    assert_eq!(say(contract, next - 1..=next - 1), through(next - 1), "repetitions are free");
    world.network.advance(Duration::from_secs(3_600));
    assert_eq!(say(contract, next..=next), through(next));
    world.check();
}

#[test]
fn a_batch_whose_answer_was_lost_is_recorded_once() {
    for after in [false, true] {
        std::thread::spawn(move || {
            let (world, contract) = delivered();
            world.model.borrow_mut().faults.push(("append", 6, after));
            let _ = say(contract, 1..=3);
            world.wait();
            assert_eq!(say(contract, 1..=3), through(3));
            assert_eq!(world.count_kind(Kind::CallbackAccepted), 3);
            world.check();
        })
        .join()
        .unwrap();
    }
}

#[test]
fn concurrent_batches_of_one_contract_do_not_mix() {
    let (world, contract) = delivered();
    let call = || -> cairn_kit::runtime::Task<Reply> { Box::pin(notify::<Word>(contract, contract, 1, batch(1..=3))) };
    let replies = run_all(vec![call(), call()]);
    assert_eq!(replies[0], through(3));
    assert!(matches!(replies[1], Err(CallbackError::TemporarilyUnavailable { .. })));
    assert_eq!(world.count_kind(Kind::CallbackAccepted), 3);
    world.check();
}

fn tell(contract: Principal, sequence: u64, notification: Notification) -> Reply {
    run(notify::<Word>(contract, contract, 1, vec![NumberedNotification { sequence, notification }]))
}

/// The state is the fold of the factory's events, whatever became of the contracts.
fn check_fold(world: &World) {
    assert_eq!(fold(world.model.borrow().own.clone()), world.folded());
}

fn recorded<T>(world: &World, select: impl Fn(&Payload) -> Option<T>) -> Vec<T> {
    world.model.borrow().events.iter().filter_map(|event| select(&event.payload)).collect()
}

#[test]
fn a_gap_is_asked_for_within_a_span() {
    let (world, contract) = delivered();
    assert_eq!(say(contract, 1..=2), through(2));
    let last = 3 + MAX_SPAN;
    assert_eq!(say(contract, last..=last), Err(CallbackError::Gap { expected: 3 }));
    let far = CallbackError::TooFarAhead { expected: 3, found: last + 1, span: MAX_SPAN };
    assert_eq!(say(contract, last + 1..=last + 1), Err(far));
    let furthest = tell(contract, u64::MAX, Notification::DeploymentComplete);
    assert!(matches!(furthest, Err(CallbackError::TooFarAhead { expected: 3, found: u64::MAX, .. })));
    assert_eq!(world.count_kind(Kind::CallbackAccepted), 2);
}

#[test]
fn a_number_used_twice_is_evidence_once() {
    let (world, contract) = delivered();
    assert_eq!(say(contract, 1..=3), through(3));
    let conflict = Err(CallbackError::Conflict { sequence: 2, expected: 4 });
    for other in [holder(8), holder(9), holder(8)] {
        assert_eq!(tell(contract, 2, Notification::HolderAdded(other)), conflict);
    }
    assert_eq!(
        tell(contract, 1, Notification::DeploymentComplete),
        Err(CallbackError::Conflict { sequence: 1, expected: 4 })
    );
    assert_eq!(say(contract, 1..=4), through(4), "what was accepted stands, and it goes on behind it");
    let found = recorded(&world, |payload| match payload {
        Payload::CallbackQuarantined(quarantined) => Some(quarantined.clone()),
        _ => None,
    });
    let accepted = recorded(&world, |payload| match payload {
        Payload::CallbackAccepted(accepted) if accepted.seq == 2 => Some(payload.clone()),
        _ => None,
    });
    let [first, second] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((first.contract, first.epoch, first.seq, second.seq), (contract, 1, 2, 1));
    assert_eq!(first.accepted, accepted[0].to_value().hash(), "the log has what is meant");
    assert!(first.accepted != first.found);
    world.check();
}

#[test]
fn evidence_is_within_the_budget() {
    let (world, contract) = delivered();
    world.network.advance(Duration::from_secs(3_600));
    for hundred in 0..u64::from(BUDGET) / 100 {
        assert_eq!(say(contract, hundred * 100 + 1..=hundred * 100 + 100), through(hundred * 100 + 100));
    }
    let conflict = CallbackError::Conflict { sequence: 1, expected: u64::from(BUDGET) + 1 };
    assert_eq!(tell(contract, 1, Notification::DeploymentComplete), Err(conflict.clone()));
    assert_eq!(world.count_kind(Kind::CallbackQuarantined), 0);
    world.network.advance(Duration::from_secs(3_600));
    assert_eq!(tell(contract, 1, Notification::DeploymentComplete), Err(conflict));
    assert_eq!(world.count_kind(Kind::CallbackQuarantined), 1);
    world.check();
}

#[test]
fn evidence_whose_receipt_was_lost_is_recorded_once() {
    for after in [false, true] {
        std::thread::spawn(move || {
            let (world, contract) = delivered();
            assert_eq!(say(contract, 1..=1), through(1));
            world.model.borrow_mut().faults.push(("append", 6, after));
            let _ = tell(contract, 1, Notification::DeploymentComplete);
            world.wait();
            let conflict = CallbackError::Conflict { sequence: 1, expected: 2 };
            assert_eq!(tell(contract, 1, Notification::DeploymentComplete), Err(conflict));
            assert_eq!(world.count_kind(Kind::CallbackQuarantined), 1);
            world.check();
        })
        .join()
        .unwrap();
    }
}

#[test]
fn an_epoch_has_a_budget_too() {
    let (_world, contract) = delivered();
    assert_eq!(say(contract, 1..=1), through(1));
    state::change(|state| state.spend_epoch(contract, 1, EPOCH_BUDGET - 1));
    assert_eq!(say(contract, 2..=3), Err(CallbackError::BudgetExhausted { retry_at: None }));
    assert_eq!(say(contract, 2..=2), through(2));
    assert_eq!(say(contract, 3..=3), Err(CallbackError::BudgetExhausted { retry_at: None }));
    assert_eq!(say(contract, 1..=2), through(2), "repetitions are free");
    // What another epoch has spent is not held against this one.
    state::change(|state| state.spend_epoch(contract, 2, EPOCH_BUDGET));
    assert_eq!(say(contract, 3..=3), through(3));
}

#[test]
fn what_moves_many_is_seldom() {
    let (world, contract) = delivered();
    world.network.advance(Duration::from_secs(3_600));
    for sequence in 1..=u64::from(MAX_MOVES) {
        let public = sequence % 2 == 0;
        assert_eq!(tell(contract, sequence, Notification::VisibilityChanged(public)), through(sequence));
    }
    let next = u64::from(MAX_MOVES) + 1;
    let refused = tell(contract, next, Notification::VisibilityChanged(true));
    assert!(matches!(refused, Err(CallbackError::BudgetExhausted { retry_at: Some(_) })), "{refused:?}");
    assert_eq!(say(contract, next..=next), through(next), "others are not");
    world.network.advance(Duration::from_secs(3_600));
    assert_eq!(tell(contract, next + 1, Notification::VisibilityChanged(true)), through(next + 1));
    world.check();
}

#[test]
fn what_lacks_its_parts_is_refused() {
    let (world, contract) = delivered();
    let movement = Movement { token: None, from: None, to: None, amount: Amount(1) };
    for notification in [Notification::Transfer(movement), Notification::Mint(movement), Notification::Burn(movement)] {
        assert_eq!(tell(contract, 1, notification), Err(CallbackError::NotOfThisKind { sequence: 1 }));
    }
    assert_eq!(world.count_kind(Kind::CallbackAccepted), 0);
}

fn observations(world: &World) -> Vec<ContractObserved> {
    recorded(world, |payload| match payload {
        Payload::ContractObserved(observed) => Some(observed.clone()),
        _ => None,
    })
}

#[test]
fn a_contract_of_unknown_code_is_seen_as_such_before_it_gives_roles() {
    let (world, contract) = delivered();
    assert_eq!(say(contract, 1..=2), through(2));
    assert_eq!(observations(&world), vec![], "it is as it was delivered");
    let set =
        |change: fn(&mut super::world::Hosted)| change(world.model.borrow_mut().canisters.get_mut(&contract).unwrap());

    set(|hosted| hosted.module = Some(Hash([9; 32])));
    assert_eq!(tell(contract, 3, Notification::HolderRemoved(holder(1))), through(3));
    assert_eq!(observations(&world), vec![], "who takes a role is believed");
    assert_eq!(say(contract, 4..=4), through(4));
    assert_eq!(say(contract, 5..=5), through(5));
    let seen = observations(&world);
    let [foreign] = seen.as_slice() else { panic!("once: {seen:?}") };
    assert_eq!((foreign.contract, foreign.module_hash, foreign.known), (contract, Some(Hash([9; 32])), false));
    check_fold(&world);

    let template = world.folded().jobs.values().next().unwrap().template;
    world.model.borrow_mut().canisters.get_mut(&contract).unwrap().module = Some(template);
    assert_eq!(say(contract, 6..=6), through(6));
    assert!(observations(&world).last().unwrap().known);

    for controllers in [vec![OWNER], vec![OWNER, cairn_kit::runtime::id(), holder(7)], vec![]] {
        world.model.borrow_mut().canisters.get_mut(&contract).unwrap().controllers = controllers.clone();
        let sequence = observations(&world).len() as u64 + 5;
        assert_eq!(say(contract, sequence..=sequence), through(sequence));
        let last = observations(&world).last().unwrap().clone();
        assert!(!last.known && last.controllers.len() == controllers.len());
    }
    let order: Vec<Kind> = world.model.borrow().own.iter().map(|event| event.payload.kind()).collect();
    assert_eq!(order.last(), Some(&Kind::CallbackAccepted));
    assert_eq!(order.iter().rev().nth(1), Some(&Kind::ContractObserved), "it is known of before the role");
    check_fold(&world);
}

#[test]
fn a_contract_that_cannot_be_looked_at_gives_no_roles() {
    let (world, contract) = delivered();
    world.model.borrow_mut().faults.push(("canister_info", 2, false));
    assert!(matches!(say(contract, 1..=1), Err(CallbackError::TemporarilyUnavailable { .. })));
    assert_eq!(world.count_kind(Kind::CallbackAccepted), 0);
    assert_eq!(say(contract, 1..=1), through(1));
    world.check();
}

#[test]
fn an_answer_in_between_does_not_hold_a_contract_up() {
    let (world, contract) = delivered();
    assert_eq!(say(contract, 1..=1), through(1));
    let telling: Task<Reply> = Box::pin(notify::<Word>(contract, contract, 1, batch(1..=3)));
    let answering: Task<Reply> = Box::pin(async move {
        role::answer(holder(1), contract, Role::Holder, RoleAnswer::Hidden).await.unwrap();
        through(0)
    });
    assert_eq!(run_all(vec![telling, answering]), vec![through(3), through(0)]);
    assert_eq!((world.count_kind(Kind::CallbackAccepted), world.count_kind(Kind::RoleAnswered)), (3, 1));
    world.check();
}

#[test]
fn hashes_of_evidence_are_those_of_the_contents() {
    let (world, contract) = delivered();
    assert_eq!(say(contract, 1..=1), through(1));
    let _ = tell(contract, 1, Notification::HolderRemoved(holder(1)));
    let found = recorded(&world, |payload| match payload {
        Payload::CallbackQuarantined(CallbackQuarantined { found, .. }) => Some(*found),
        _ => None,
    });
    let content = cairn_events::payload::CallbackAccepted {
        contract,
        epoch: 1,
        seq: 1,
        notification: Notification::HolderRemoved(holder(1)),
    };
    assert_eq!(found, vec![Payload::CallbackAccepted(content).to_value().hash()]);
}

/// The endpoints run in canisters only, and no contract has participants or members yet: so their definitions are read.
/// Each makes the notification that it is called by.
#[test]
fn every_endpoint_is_named_after_its_notification() {
    let source = include_str!("../callback/endpoints.rs");
    let (_, definitions) = source.split_once("$crate::notifications! { $kind;").unwrap();
    let mut names = Vec::new();
    for definition in definitions.split(';') {
        let Some((_, named)) = definition.split_once("\"notify") else { continue };
        let (name, made) = named.split_once('"').unwrap();
        let (_, made) = made.split_once(')').unwrap();
        let notification = made.split('(').next().unwrap().trim();
        assert_eq!(name, notification, "notify{name}");
        names.push(name);
    }
    assert_eq!(names.len(), 19, "{names:?}");
}
