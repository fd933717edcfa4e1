use super::*;
use crate::api::audit::{Appended, AuditTemporaryError, Reserve};
use crate::journal::{append, init, status};
use crate::runtime::testing::{Network, run, run_all};
use crate::runtime::{CallFailure, Task};
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

thread_local! {
    static APPLIED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn apply(event: &Recorded) {
    APPLIED.with_borrow_mut(|applied| applied.push(event.causation.unwrap_or(u64::MAX)));
}

fn applied() -> Vec<u64> {
    APPLIED.with_borrow(Clone::clone)
}

fn fresh_memory() -> Memory {
    MemoryManager::init(DefaultMemoryImpl::default()).get(MemoryId::new(0))
}

fn open(memory: Memory) {
    init(JournalConfig { audit: principal(9), apply, memory });
}

/// A network with a log behind it.
fn network(log: &Rc<RefCell<Log>>) -> Rc<Network> {
    APPLIED.take();
    let network = Network::install();
    let log = Rc::clone(log);
    network.respond(move |request| {
        if request.method != "append" {
            return Err(CallFailure::rejected(3, "no such method"));
        }
        let args = candid::decode_one(&request.args).unwrap();
        let answer = log.borrow_mut().append(&args);
        reply(answer)
    });
    network
}

fn reply(answer: Result<Vec<Receipt>, AuditError>) -> Result<Vec<u8>, CallFailure> {
    let answer = answer.map(|receipts| Appended { receipts, reserve: Reserve::default() });
    Ok(candid::encode_one(answer).unwrap())
}

fn caller(numbers: std::ops::Range<u64>) -> Task<Result<Vec<Receipt>, AppendFailure>> {
    Box::pin(append(numbers.map(numbered).collect()))
}

#[test]
fn concurrent_callers_share_batches() {
    let log = Rc::default();
    let network = network(&log);
    open(fresh_memory());
    let answers = run_all((0..20).map(|n| caller(n * 2..n * 2 + 2)).collect());
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap(), vec![receipt(2 * n), receipt(2 * n + 1)]);
    }
    assert_eq!(applied(), (0..40).collect::<Vec<_>>());
    assert_eq!(network.sent().len(), 2, "the first one alone, the others together");
    assert_eq!(status().next_seq, 41);
}

#[test]
fn one_callers_fault_is_not_the_others() {
    let log = Rc::new(RefCell::new(Log { refuse: Some(5), ..Log::default() }));
    network(&log);
    open(fresh_memory());
    let answers = run_all(vec![caller(0..1), caller(1..3), caller(3..6), caller(6..7)]);
    let refused: Vec<bool> = answers.iter().map(Result::is_err).collect();
    assert_eq!(refused, [false, false, true, false]);
    assert!(matches!(
        &answers[2],
        Err(AppendFailure::Refused(AuditError::Request(AuditRequestError::StreamVersion { position: 2, .. })))
    ));
    assert_eq!(applied(), [0, 1, 2, 6]);
}

#[test]
fn an_unknown_outcome_is_settled_by_the_timer() {
    let log = Rc::new(RefCell::new(Log::default()));
    let network = network(&log);
    let behind = Rc::clone(&log);
    // The log accepts, but its reply is lost; then it is silent for a while.
    network.answer(move |request| {
        behind.borrow_mut().append(&candid::decode_one(&request.args).unwrap()).unwrap();
        Err(CallFailure::rejected(6, "timeout"))
    });
    network.answer(|_| Err(CallFailure::rejected(2, "queue full")));
    let memory = fresh_memory();
    open(memory.clone());
    assert_eq!(run(caller(0..2)), Err(AppendFailure::Pending));
    assert_eq!(network.advance(Duration::from_secs(1)), 1, "in vain");
    assert_eq!((applied(), status().in_flight), (vec![], 2), "not executed this time; in doubt all the same");
    // New code takes over.
    open(memory);
    network.advance(Duration::from_millis(1));
    assert_eq!((applied(), status().in_flight), (vec![0, 1], 0));
    assert_eq!(run(caller(2..3)).unwrap(), vec![receipt(2)]);
    assert_eq!(log.borrow().accepted, [0, 1, 2]);
}

#[test]
fn what_is_not_sent_is_not_accepted() {
    let log = Rc::new(RefCell::new(Log::default()));
    let network = network(&log);
    open(fresh_memory());
    network.answer(|_| Err(CallFailure::unsent("no cycles")));
    assert!(matches!(run(caller(0..1)), Err(AppendFailure::NotReady(_))));
    network.answer(|_| reply(Err(AuditError::Temporary(AuditTemporaryError::NotReady))));
    assert!(matches!(run(caller(1..2)), Err(AppendFailure::NotReady(_))));
    assert_eq!(run(caller(2..3)).unwrap(), vec![receipt(0)]);
    assert_eq!((applied(), status().in_flight, status().waiting), (vec![2], 0, 0));
}

#[test]
fn a_trapped_callback_is_made_up_for() {
    let log = Rc::new(RefCell::new(Log::default()));
    let network = network(&log);
    open(fresh_memory());
    // The future is dropped between the log's acceptance and the reply, as the cleanup after a trap does.
    let mut trapped = caller(0..2);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(trapped.as_mut().poll(&mut context).is_pending());
    drop(trapped);
    assert_eq!((applied(), status().in_flight), (vec![], 2));
    assert_eq!(run(caller(2..3)).unwrap(), vec![receipt(2)], "the next caller clears the way first");
    assert_eq!((applied(), log.borrow().accepted.clone()), (vec![0, 1, 2], vec![0, 1, 2]));
    assert_eq!(network.sent().len(), 3);
}

#[test]
fn retries_back_off() {
    let network = Network::install();
    APPLIED.take();
    network.respond(|_| Err(CallFailure::rejected(5, "trapped")));
    open(fresh_memory());
    assert_eq!(run(caller(0..1)), Err(AppendFailure::Pending));
    network.advance(Duration::from_secs(3600));
    let attempts = network.sent().len();
    assert!((60..75).contains(&attempts), "{attempts} attempts in an hour");
}
