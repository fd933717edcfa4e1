//! Answers of the log are those of the records that it was made of, and they hold.

use super::*;
use cairn_events::answer;
use cairn_events::question::{About, BadQuestion, Question, Span};
use cairn_events::testing::TestRecords;
use cairn_events::topic_map;
use cairn_events::{Family, Topic};
use cairn_kit::api::audit::AuditTemporaryError;

fn question(about: About, span: Span) -> Question {
    Question { about, span, order: Order::OldestFirst, limit: 5, since: None }
}

/// Six deployments, each as far as it got.
fn bench() -> Bench {
    let mut bench = Bench::new();
    for n in 1..=6 {
        let batch = [
            requested(n).exactly(0),
            intended(n, Payload::PaymentIntended).exactly(1),
            settled(n, Payload::PaymentCaptured),
            dispatched(n).exactly(3),
        ];
        bench.append(BACKEND, &batch).expect("accepted");
        if n % 2 == 0 {
            bench.append(FACTORY, &[committed(n).exactly(4)]).expect("accepted");
        }
    }
    bench
}

#[test]
fn the_log_answers_as_its_records_do() {
    let mut bench = bench();
    bench.cover(4);
    bench.append(BACKEND, &[requested(7).exactly(0)]).expect("accepted");
    let tip = bench.certified_tip();
    assert_eq!(tip.topics_size, tip.size - 1);
    let records = TestRecords::from_events(bench.events(), tip.topics_size);
    assert_eq!(records.tip(), Some(tip));
    let topics = [
        Topic::Family(Family::Money),
        Topic::Party(id(ALICE)),
        Topic::Party(id(77)),
        Topic::Deployment(deployment(2)),
        Topic::Deployment(deployment(7)),
    ];
    let mut abouts: Vec<About> = topics.iter().map(|topic| About::Topics(vec![*topic])).collect();
    abouts.extend([About::Everything, About::Topics(topics[..2].to_vec())]);
    let spans = [(0, None), (3, None), (4, Some(9)), (tip.topics_size, None), (9, Some(9))];
    for about in abouts {
        for (from, until) in spans {
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let span = Span { from, until, ..Span::default() };
                let question = Question { order, since: Some(tip.size), ..question(about.clone(), span) };
                let found = bench.log.answer(&question, &Fetched::new()).expect("an answer");
                assert_eq!(Some(&found), answer::answer(&records, &question).as_ref(), "{question:?}");
                let remembered = answer::Remembered { size: tip.size, root: tip.root };
                answer::verify(&question, &found, &tip, Some(&remembered)).expect("the answer holds");
            }
        }
    }
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let mut bench = bench();
    bench.cover(100);
    bench.append(BACKEND, &[requested(7).exactly(0)]).expect("accepted");
    let size = bench.log.counters().events;
    let refusal = |question: &Question| bench.log.answer(question, &Fetched::new()).expect_err("refused");
    let until = |until| Span { until: Some(until), ..Span::default() };
    let topic = || About::Topics(vec![Topic::Party(id(ALICE))]);
    let none = question(About::Topics(Vec::new()), Span::default());
    let problem = BadQuestion::Topics { found: 0, max: 4 };
    assert_eq!(refusal(&none), AuditError::Request(AuditRequestError::Question { problem }));
    assert!(matches!(
        request_error(refusal(&question(About::Everything, until(size + 1)))),
        AuditRequestError::OutOfBounds { bound, .. } if bound == size
    ));
    let since = Question { since: Some(size + 1), ..question(About::Everything, Span::default()) };
    assert!(matches!(request_error(refusal(&since)), AuditRequestError::OutOfBounds { .. }));
    let lagging = AuditTemporaryError::Lagging { covered: size - 1, size };
    assert_eq!(refusal(&question(topic(), until(size))), AuditError::Temporary(lagging));
    let answer = |bench: &Bench, until| bench.log.answer(&question(topic(), until), &Fetched::new());
    assert!(answer(&bench, until(size - 1)).is_ok());
    assert!(answer(&Bench::before_genesis(), Span::default()).is_err());
}

#[test]
fn the_map_survives_upgrades_and_want_of_memory() {
    let mut bench = bench();
    assert_eq!(bench.log.advance_topics(3), Ok(bench.log.counters().events - 3));
    let tip = bench.log.tip();
    bench.reopen();
    assert_eq!(bench.log.tip(), tip);
    bench.cover(7);
    let root = bench.log.tip().expect("a tip").topics_root;
    bench.verify();

    // A log from before the map begins with an empty one.
    for memory in [9, 10] {
        bench.memories[memory].borrow_mut().clear();
    }
    bench.reopen();
    assert_eq!(bench.log.tip().expect("a tip").topics_root, topic_map::empty_root());
    let quota = bench.quota.replace(0);
    assert_eq!(bench.log.advance_topics(100), Err(crate::log::Parked::Memory));
    bench.quota.set(quota);
    bench.cover(100);
    assert_eq!(bench.log.tip().expect("a tip").topics_root, root);
}

#[test]
fn a_log_that_cannot_prove_takes_on_nothing_new() {
    let mut bench = Bench::new();
    let mut n = 0_u64;
    let refusal = loop {
        let batch: Vec<Submission> = (0..100).map(|_| requested(1)).collect();
        match bench.append(BACKEND, &batch) {
            Ok(_) => n += 100,
            Err(refusal) => break refusal,
        }
    };
    assert!((crate::log::MAX_LAG..crate::log::MAX_LAG + 200).contains(&n), "{n} accepted");
    assert!(matches!(refusal, AuditError::Temporary(AuditTemporaryError::Lagging { .. })));
    bench.cover(1_000);
    bench.append(BACKEND, &[requested(1)]).expect("accepted again");
}
