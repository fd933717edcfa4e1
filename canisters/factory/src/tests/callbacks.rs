use super::world::{OWNER, Word, World};
use crate::callback::{BUDGET, notify};
use cairn_events::payload::Notification;
use cairn_events::{Kind, Principal};
use cairn_kit::api::factory::{CallbackError, NotificationsAccepted, NumberedNotification};
use cairn_kit::runtime::testing::{run, run_all};
use std::time::Duration;

type Reply = Result<NotificationsAccepted, CallbackError>;

fn delivered() -> (World, Principal) {
    let world = World::ready();
    let contract = world.create(&world.dispatch(1, "word")).unwrap().contract;
    world.wait();
    (world, contract)
}

fn batch(numbers: std::ops::RangeInclusive<u64>) -> Vec<NumberedNotification> {
    let holder = |sequence: u64| Principal::from_slice(&sequence.to_be_bytes());
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
    assert_eq!(run(notify::<Word>(contract, contract, 1, other)), Err(CallbackError::Conflict { sequence: 4 }));
    assert_eq!(say(contract, 0..=1), Err(CallbackError::Conflict { sequence: 0 }));
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
