//! Questions to the audit canister as compiled wasm: answers hold against the network's root key, and only true ones.

#![allow(clippy::unwrap_used, reason = "a test that fails here says enough")]

use cairn::verify::{Answered, Failure, Policy, verify_answer};
use cairn_events::answer::Remembered;
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_events::{Event, Family, Payload, Principal, Topic};
use cairn_kit::api::audit::{AuditError, AuditTemporaryError, Tip};
use cairn_tests::log_fixture::{LogFixture, callback, person};
use cairn_tests::page;
use localnet::Fault;
use std::time::Duration;

/// Most bytes of an answer that are not events and not the certificate.
const RECEIPT: usize = 4 * 1024;

fn ask(log: &mut LogFixture, question: &Question) -> Answer {
    let answer: Result<Answer, AuditError> =
        log.net.query(log.audit, Principal::anonymous(), "getAnswer", (question,)).unwrap();
    answer.unwrap()
}

fn tip(log: &mut LogFixture) -> Tip {
    let tip: Result<Tip, AuditError> = log.net.query(log.audit, Principal::anonymous(), "getTip", ()).unwrap();
    tip.unwrap()
}

fn policy(log: &mut LogFixture) -> Policy {
    Policy::new(&log.net.root_key(), &log.audit.to_text(), &tip(log).log.to_string()).unwrap()
}

/// Every page, each verified by itself.
fn all(log: &mut LogFixture, question: Question) -> Vec<Event> {
    let (policy, mut question, mut events) = (policy(log), question, Vec::new());
    loop {
        let answer = ask(log, &question);
        let Answered { findings, .. } = verify_answer(&question, &answer, &policy, None).unwrap();
        let proof = candid::encode_one(Answer { certificate: Vec::new(), events: Vec::new(), ..answer }).unwrap();
        assert!(proof.len() < RECEIPT, "{} bytes", proof.len());
        events.extend(findings.events);
        match findings.rest {
            Some(rest) => question.span = rest,
            None => return events,
        }
    }
}

fn question(about: About, span: Span) -> Question {
    Question { about, span, order: Order::OldestFirst, limit: 20, since: None }
}

#[test]
fn every_question_is_answered_completely() {
    let mut log = LogFixture::begin(41).unwrap();
    log.grow_callbacks(1, 700).unwrap();
    log.net.advance(Duration::from_secs(60));
    log.grow_callbacks(700, 900).unwrap();
    log.net.run_until_idle(20);
    let everything = all(&mut log, question(About::Everything, Span::default()));
    assert_eq!(everything.len() as u64, tip(&mut log).size);
    assert_eq!(tip(&mut log).topics_size, tip(&mut log).size);
    let Payload::CallbackAccepted(busy) = callback(log.factory, 7).payload else { unreachable!() };
    let half = everything[everything.len() / 2].clone();
    let topics = [
        vec![Topic::Contract(busy.contract)],
        vec![Topic::Family(Family::Contracts), Topic::Contract(busy.contract)],
        vec![Topic::Family(Family::Platform)],
        vec![Topic::Contract(person(12))],
    ];
    let spans = [
        Span::default(),
        Span { from: 100, until: Some(800), ..Span::default() },
        Span { from_time: Some(half.timestamp.0), ..Span::default() },
        Span { until_time: Some(half.timestamp.0), ..Span::default() },
    ];
    for topics in topics {
        for span in spans {
            let about = About::Topics(topics.clone());
            let fits = |event: &&Event| {
                about.includes(event)
                    && !span.begins_after(event.index, event.timestamp)
                    && !span.ends_before(event.index, event.timestamp)
            };
            let expected: Vec<Event> = everything.iter().filter(fits).cloned().collect();
            assert_eq!(all(&mut log, question(about.clone(), span)), expected, "{about:?} {span:?}");
        }
    }
}

/// What `/health` says.
fn health(log: &mut LogFixture) -> (u16, String) {
    page::get(&mut log.net, log.audit, "/health").unwrap()
}

#[test]
fn a_map_that_is_behind_is_seen_and_catches_up() {
    let mut log = LogFixture::begin(44).unwrap();
    log.grow_callbacks(1, 30).unwrap();
    log.net.run_until_idle(20);
    let slice = || Fault::trap().method("cairn_timer");
    // Between the two, somebody looks twice: the first time it may still be on its way.
    for occurrence in [1, 4] {
        log.net.inject(slice().callee(log.audit).occurrence(occurrence));
    }
    log.grow_callbacks(30, 40).unwrap();
    log.net.run_until_idle(20);
    let behind = tip(&mut log);
    assert!(behind.topics_size < behind.size);
    // What is asked about a topic is complete as far as the map goes, and says so.
    let family = || About::Topics(vec![Topic::Family(Family::Contracts)]);
    let found = all(&mut log, question(family(), Span::default()));
    assert!(found.iter().all(|event| event.index < behind.topics_size));
    // So is what was asked about a time that is over by then; of a later one, there is no answer yet.
    let everything = all(&mut log, question(About::Everything, Span::default()));
    let next = everything.iter().find(|event| event.index == behind.topics_size).unwrap().timestamp.0;
    let during = |until_time| Span { until_time: Some(until_time), ..Span::default() };
    let expect = |span: &Span| -> Vec<Event> {
        let fits = |event: &&Event| family().includes(event) && !span.ends_before(event.index, event.timestamp);
        everything.iter().filter(fits).cloned().collect()
    };
    let past = all(&mut log, question(family(), during(next)));
    assert!(!past.is_empty() && past == expect(&during(next)));
    for span in [Span { until: Some(behind.size), ..Span::default() }, during(next + 1)] {
        let whole = Question { limit: 500, ..question(family(), span) };
        let refused: Result<Answer, AuditError> =
            log.net.query(log.audit, Principal::anonymous(), "getAnswer", (whole,)).unwrap();
        let (covered, size) = (behind.topics_size, behind.size);
        assert_eq!(refused, Err(AuditError::Temporary(AuditTemporaryError::Lagging { covered, size })));
    }
    let mut seen = false;
    for _ in 0..40 {
        log.net.advance(Duration::from_secs(10));
        log.net.run_until_idle(20);
        let (status, text) = health(&mut log);
        seen |= status != 200 && text.contains("topic map");
    }
    assert!(seen, "nobody could see it");
    assert_eq!((tip(&mut log).topics_size, health(&mut log).0), (behind.size, 200));
    let present = all(&mut log, question(family(), during(next + 1)));
    assert!(present.len() > past.len() && present == expect(&during(next + 1)));
}

#[test]
fn an_answer_holds_for_its_own_log_and_time_only() {
    let mut log = LogFixture::begin(42).unwrap();
    log.grow_callbacks(1, 60).unwrap();
    log.net.run_until_idle(20);
    let about = About::Topics(vec![Topic::Family(Family::Contracts)]);
    let asked = question(about, Span::default());
    let (old_policy, old_tip, old) = (policy(&mut log), tip(&mut log), ask(&mut log, &asked));
    verify_answer(&asked, &old, &old_policy, None).unwrap();

    // The log goes on, over an upgrade: it proves that it has only grown.
    log.grow_callbacks(60, 130).unwrap();
    let wasm = cairn::artifacts::wasm("audit_storage").unwrap();
    log.net.upgrade(log.audit, log.admin, &wasm, candid::encode_args(()).unwrap()).unwrap();
    log.net.run_until_idle(20);
    let remembered = Remembered { size: old_tip.size, root: old_tip.root };
    let grown = Question { since: Some(old_tip.size), ..asked.clone() };
    let new = ask(&mut log, &grown);
    let answered = verify_answer(&grown, &new, &old_policy, Some(&remembered)).unwrap();
    assert_eq!(answered.tip.size, tip(&mut log).size);
    let other = Remembered { root: answered.tip.root, ..remembered };
    assert!(matches!(verify_answer(&grown, &new, &old_policy, Some(&other)), Err(Failure::Answer(_))));

    // What was proven then does not fit the end of the log now.
    let mixed = Answer { certificate: new.certificate.clone(), hash_tree: new.hash_tree.clone(), ..old.clone() };
    assert!(matches!(verify_answer(&asked, &mixed, &old_policy, None), Err(Failure::Answer(_))));
    let mixed = Answer { hash_tree: new.hash_tree, ..old.clone() };
    assert!(matches!(verify_answer(&asked, &mixed, &old_policy, None), Err(Failure::Certificate(_))));

    // Another network, another log.
    let mut another = LogFixture::begin(43).unwrap();
    another.grow_callbacks(1, 60).unwrap();
    another.net.run_until_idle(20);
    let foreign = ask(&mut another, &asked);
    verify_answer(&asked, &foreign, &policy(&mut another), None).unwrap();
    assert!(verify_answer(&asked, &foreign, &old_policy, None).is_err());
}
