//! Answers of the log are those of the records that it was made of, and they hold.

use super::*;
use crate::log::{MAX_LAG, Parked};
use cairn_events::answer;
use cairn_events::question::{About, BadQuestion, Question, Span};
use cairn_events::testing::TestRecords;
use cairn_events::topic_map;
use cairn_events::{Family, Topic};
use cairn_kit::api::audit::AuditTemporaryError;
use std::collections::BTreeSet;
use std::ops::Range;

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
    let mut spans = spans.map(|(from, until)| Span { from, until, ..Span::default() }).to_vec();
    let last = records.events().last().expect("an event").timestamp.0;
    spans.push(Span { until_time: Some(last), ..Span::default() });
    for about in abouts {
        for span in spans.clone() {
            for order in [Order::OldestFirst, Order::NewestFirst] {
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
fn a_time_that_goes_on_beyond_the_map_is_not_answered_yet() {
    let mut bench = bench();
    bench.cover(100);
    bench.append(BACKEND, &[requested(7).exactly(0)]).expect("accepted");
    let (tip, events) = (bench.certified_tip(), bench.events());
    let (covered, size) = (tip.topics_size, tip.size);
    let now = events[covered as usize].timestamp.0;
    for topic in [Topic::Party(id(ALICE)), Topic::Party(id(77)), Topic::Deployment(deployment(2))] {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let [open, past, present] = [None, Some(now), Some(now + 1)].map(|until_time| {
                let span = Span { until_time, ..Span::default() };
                Question { order, limit: 500, ..question(About::Topics(vec![topic]), span) }
            });
            let found = answer::verify(&past, &bench.answer(&past), &tip, None).expect("it holds");
            let fits = |event: &&Event| event.timestamp.0 < now && Topic::of(event).contains(&topic);
            let expected: Vec<Event> = events.iter().filter(fits).cloned().collect();
            assert_eq!((found.events, found.complete, found.rest), (expected, (0, covered), None));
            let lagging = AuditTemporaryError::Lagging { covered, size };
            assert_eq!(bench.log.answer(&present, &Fetched::new()), Err(AuditError::Temporary(lagging)));
            // Nor is it believed to be all, should somebody say so.
            let behind = answer::Untrue::Behind { complete: covered, asked: size };
            assert_eq!(answer::verify(&present, &bench.answer(&open), &tip, None), Err(behind));
            assert!(answer::verify(&open, &bench.answer(&open), &tip, None).is_ok());
        }
    }
    bench.cover(100);
    let span = Span { until_time: Some(now + 1), ..Span::default() };
    let whole = Question { limit: 500, ..question(About::Topics(vec![Topic::Party(id(ALICE))]), span) };
    let found = answer::verify(&whole, &bench.answer(&whole), &bench.certified_tip(), None).expect("it holds");
    assert_eq!((found.events.last(), found.complete), (events.last(), (0, size)));
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
    bench.memories[9].borrow_mut().clear();
    bench.reopen();
    assert_eq!(bench.log.tip().expect("a tip").topics_root, topic_map::empty_root());
    let quota = bench.quota.replace(0);
    assert_eq!(bench.log.advance_topics(100), Err(Parked::Memory));
    bench.quota.set(quota);
    bench.cover(100);
    assert_eq!(bench.log.tip().expect("a tip").topics_root, root);
}

/// Has the log, whose map stands still, take on events until it takes no more.
fn fill(bench: &mut Bench) {
    let mut accepted = 0;
    let refusal = loop {
        match bench.append(BACKEND, &vec![requested(1); 100]) {
            Ok(_) => accepted += 100,
            Err(refusal) => break refusal,
        }
    };
    assert!((MAX_LAG..MAX_LAG + 200).contains(&accepted), "{accepted} accepted");
    assert!(matches!(refusal, AuditError::Temporary(AuditTemporaryError::Lagging { .. })));
}

#[test]
fn a_log_that_cannot_prove_takes_on_nothing_new() {
    let mut bench = Bench::new();
    fill(&mut bench);
    bench.cover(1_000);
    bench.append(BACKEND, &[requested(1)]).expect("accepted again");
}

#[test]
fn an_event_that_cannot_be_read_parks_the_map_and_not_the_log() {
    let mut bench = bench();
    bench.cover(100);
    let covered = bench.log.counters().events;
    let batch = [requested(7).exactly(0), intended(7, Payload::PaymentIntended).exactly(1)];
    bench.append(BACKEND, &batch).expect("accepted");
    let poison = covered + 1;
    let [begin, end] =
        [covered, poison].map(|index| bench.log.columns.record(index).expect("a record").events_end as usize);
    let body = bench.memories[3].borrow()[begin..end].to_vec();
    bench.memories[3].borrow_mut()[begin..end].fill(0xff);
    let image = bench.image();
    for most in [100, 2, 512] {
        assert_eq!(bench.log.advance_topics(most), Err(Parked::Event(poison)));
        assert!(bench.image() == image && bench.log.lag() == 2, "something was taken");
    }
    fill(&mut bench);
    bench.append(BACKEND, &[settled(7, Payload::PaymentCaptured)]).expect("what was begun comes to its end");
    assert_eq!(bench.log.advance_topics(1), Ok(bench.log.counters().events - poison), "the one before it");
    assert_eq!(bench.log.advance_topics(512), Err(Parked::Event(poison)));
    bench.memories[3].borrow_mut()[begin..end].copy_from_slice(&body);
    bench.cover(512);
    // As a map is that never failed.
    bench.verify();
}

#[test]
fn a_map_that_cannot_be_read_stays_as_it_is() {
    /// Where a fork has the number of its left side; 0 is none.
    fn left(fork: usize) -> Range<usize> {
        let begin = 32 + 41 * fork + 1;
        begin..begin + 4
    }
    let mut bench = bench();
    bench.cover(100);
    let covered = bench.log.counters().events;
    let topics: BTreeSet<Topic> = bench.events().iter().flat_map(Topic::of).collect();
    let forks = topics.len() - 1;
    bench.append(BACKEND, &[requested(7).exactly(0)]).expect("accepted");
    let mut parked = 0;
    // From so many forks on, each is spoiled: fewer and fewer, until those that are needed are whole.
    for first in 0..=forks {
        let whole = bench.memories[9].borrow().clone();
        (first..forks).for_each(|fork| bench.memories[9].borrow_mut()[left(fork)].fill(0));
        let image = bench.image();
        let taken = bench.log.advance_topics(100);
        assert!(taken.is_ok() || bench.image() == image, "something was taken");
        (first..forks).for_each(|fork| bench.memories[9].borrow_mut()[left(fork)].copy_from_slice(&whole[left(fork)]));
        match taken {
            Ok(left) => {
                assert_eq!(left, 0);
                break;
            }
            Err(problem) => assert_eq!(problem, Parked::Event(covered)),
        }
        parked += 1;
    }
    assert!(parked > 1, "every way through the map was whole");
    assert_eq!(bench.log.lag(), 0);
    bench.verify();
}
