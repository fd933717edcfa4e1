//! Pages, proofs, openings.

use super::*;
use cairn_events::question::BadQuestion;
use cairn_events::{Family, Topic, merkle};
use cairn_kit::api::audit::{MAX_PAGE, MAX_PAGE_BYTES, Seen};

fn bench_with_many() -> Bench {
    let mut bench = Bench::new();
    for n in 1..=20 {
        bench
            .append(BACKEND, &[requested(n).exactly(0), intended(n, Payload::PaymentIntended).exactly(1)])
            .expect("ok");
        if n % 3 == 0 {
            bench.append(BACKEND, &[settled(n - 1, Payload::PaymentCaptured)]).expect("ok");
        }
    }
    bench
}

fn filters() -> Vec<Filter> {
    vec![
        Filter::All,
        Filter::Topic(Topic::Family(Family::Money)),
        Filter::Topic(Topic::Family(Family::Platform)),
        Filter::Topic(Topic::Party(id(ALICE))),
        Filter::Topic(Topic::Party(id(STRANGER))),
        Filter::Topic(Topic::Party(id(BOB))),
        Filter::Topic(Topic::Deployment(deployment(5))),
        Filter::Stream(stream(5)),
        Filter::Stream(stream(77)),
        Filter::Stream(Stream::Log),
    ]
}

pub fn is_in(filter: &Filter, event: &Event) -> bool {
    match filter {
        Filter::All => true,
        Filter::Stream(stream) => event.stream == *stream,
        Filter::Topic(topic) => Topic::of(event).contains(topic),
    }
}

#[test]
fn every_filter_gives_what_a_scan_gives() {
    let bench = bench_with_many();
    let events = bench.events();
    let times = [0, events[5].timestamp.0, events[30].timestamp.0, events[30].timestamp.0 + 1, u64::MAX];
    for filter in filters() {
        let spans = times.iter().flat_map(|from| times.iter().map(move |until| (*from, *until)));
        for (from, until) in spans.filter(|(from, until)| from <= until) {
            let mut expected: Vec<Event> = events
                .iter()
                .filter(|event| is_in(&filter, event) && (from..until).contains(&event.timestamp.0))
                .cloned()
                .collect();
            let (from_time, until_time) = (Some(from), Some(until));
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let found = bench.all(EventQuery { from_time, until_time, ..query(filter.clone(), order) });
                assert_eq!(found, expected, "{filter:?} {order:?} {from}..{until}");
                expected.reverse();
            }
        }
    }
}

#[test]
fn a_topic_answer_is_chained_by_its_links_to_its_head() {
    let bench = bench_with_many();
    for filter in filters() {
        let Filter::Topic(topic) = filter else { continue };
        let page = bench.log.page(&query(filter.clone(), Order::OldestFirst)).expect("a page");
        let events = bench.all(query(filter, Order::OldestFirst));
        let mut head = None;
        for event in &events {
            let place = Topic::of(event).iter().position(|other| *other == topic).expect("of the topic");
            assert_eq!(event.links[place], cairn_events::Link::after(head.as_ref()));
            let count = event.links[place].sequence;
            head = Some(cairn_events::topic::TopicHead { count, index: event.index, hash: event.hash() });
        }
        assert_eq!(page.topic_head, head);
        assert_eq!(page.log_length, bench.log.counters().events);
    }
}

#[test]
fn pages_are_bounded_by_count_and_bytes() {
    let mut bench = Bench::new();
    for _ in 0..6 {
        bench.append(BACKEND, &vec![requested(1); 100]).expect("accepted");
    }
    let ask = |limit, cursor| {
        let query = EventQuery { limit, cursor, ..query(Filter::Stream(stream(1)), Order::OldestFirst) };
        bench.log.page(&query)
    };
    let page = ask(u32::MAX, None).expect("a page");
    assert_eq!((page.events.len(), page.next), (MAX_PAGE as usize, Some(u64::from(MAX_PAGE))));
    let rest = ask(u32::MAX, page.next).expect("a page");
    assert_eq!((rest.events.len(), rest.next), (100, None));
    assert_eq!(ask(10, Some(600)).expect("a page").events.len(), 0);
    let refusal = request_error(ask(0, None).expect_err("refused"));
    assert!(matches!(refusal, AuditRequestError::OutOfBounds { found: 0, .. }));

    let heavy = requested_with(2, DeploymentRequested::MAX_ARGS, None);
    for _ in 0..3 {
        bench.append(BACKEND, &vec![heavy.clone(); 20]).expect("accepted");
    }
    let page = bench.log.page(&EventQuery { limit: 500, ..query(Filter::Stream(stream(2)), Order::NewestFirst) });
    let page = page.expect("a page");
    let bytes: usize = page.events.iter().map(|event| event.len()).sum();
    assert!(bytes <= MAX_PAGE_BYTES && bytes > MAX_PAGE_BYTES - 40_000);
    assert_eq!(page.next, Some(59 - page.events.len() as u64));
}

#[test]
fn beyond_the_end_there_is_no_page() {
    let bench = bench_with_many();
    let refusal = |asked: EventQuery| request_error(bench.log.page(&asked).expect_err("refused"));
    let orders = [Order::OldestFirst, Order::NewestFirst];
    for all in orders.into_iter().flat_map(|order| filters().into_iter().map(move |filter| query(filter, order))) {
        let length = bench.all(all.clone()).len() as u64;
        for cursor in [length + 1, u64::MAX] {
            let refused = refusal(EventQuery { cursor: Some(cursor), ..all.clone() });
            let what = "cursor".to_owned();
            assert_eq!(refused, AuditRequestError::OutOfBounds { what, found: cursor, bound: length });
        }
        let end = bench.log.page(&EventQuery { cursor: Some(length), ..all.clone() }).expect("a page");
        assert!(all.order == Order::NewestFirst || (end.events.is_empty() && end.next.is_none()));
        let at = |from, until| EventQuery { from_time: Some(from), until_time: Some(until), ..all.clone() };
        let problem = BadQuestion::Reversed { from: 9, until: 8 };
        assert_eq!(refusal(at(9, 8)), AuditRequestError::Question { problem });
        assert!(bench.all(at(9, 9)).is_empty());
    }
}

#[test]
fn newest_first_goes_back_from_the_cursor() {
    let bench = bench_with_many();
    let newest = EventQuery { limit: 3, ..query(Filter::Topic(Topic::Party(id(ALICE))), Order::NewestFirst) };
    let first = bench.log.page(&newest).expect("a page");
    let count = first.topic_head.map(|head| head.count).expect("a head");
    assert_eq!(first.next, Some(count - 4));
    let second = bench.log.page(&EventQuery { cursor: first.next, ..newest }).expect("a page");
    let indices: Vec<u64> = decode(&first).iter().chain(&decode(&second)).map(|event| event.index).collect();
    assert!(indices.len() == 6 && indices.is_sorted_by(|a, b| a > b));
}

#[test]
fn proofs_prove() {
    let bench = bench_with_many();
    let events = bench.events();
    let size = events.len() as u64;
    for index in [0, 1, 17, size - 1] {
        for of in [index + 1, size] {
            let proof = bench.log.inclusion_proof(index, of).expect("a proof");
            assert!(merkle::verify_inclusion(&events[index as usize].hash(), index, of, &proof.path, &proof.root));
        }
    }
    let root = bench.log.tip().expect("a tip").root;
    for old in [1, 16, 33, size] {
        let old_root = bench.log.inclusion_proof(0, old).expect("a proof").root;
        let proof = bench.log.consistency_proof(old, size).expect("a proof");
        assert!(merkle::verify_consistency(old, &old_root, size, &root, &proof.path));
    }
    for refused in [
        bench.log.inclusion_proof(0, size + 1),
        bench.log.inclusion_proof(size, size),
        bench.log.inclusion_proof(u64::MAX, u64::MAX),
        bench.log.consistency_proof(size + 1, size),
        bench.log.consistency_proof(1, size + 1),
    ] {
        assert!(matches!(request_error(refused.expect_err("refused")), AuditRequestError::OutOfBounds { .. }));
    }
}

#[test]
fn an_opening_is_for_its_actor_only_and_stands_in_no_block() {
    let mut bench = Bench::new();
    let commitment = opening().commitment();
    let receipts = bench
        .append(BACKEND, &[requested(1), requested_with(2, 0, Some(commitment)).opened_by(opening()), requested(3)])
        .expect("accepted")
        .receipts;
    let index = receipts[1].index;
    bench.reopen();
    assert_eq!(bench.log.opening(id(ALICE), index, commitment, 0), Ok(Some(opening())));
    assert_eq!(bench.log.opening(id(ALICE), index, Commitment(Hash([0; 32])), 0), Ok(None));
    assert_eq!(bench.log.opening(id(ALICE), receipts[0].index, commitment, 0), Ok(None));
    assert_eq!(bench.log.opening(id(ALICE), receipts[2].index, commitment, 0), Ok(None));
    for other in [id(BOB), id(BACKEND), id(AUDIT), Principal::anonymous()] {
        let refusal = request_error(bench.log.opening(other, index, commitment, 0).expect_err("refused"));
        assert_eq!(refusal, AuditRequestError::Unauthorized { caller: other });
    }
    assert!(bench.log.opening(id(ALICE), 1_000, commitment, 0).is_err());
    let secret = opening().content;
    let public = [
        bench.log.columns.event(index, &bench.log.threads).expect("there"),
        candid::encode_one(bench.log.view(index).expect("there")).unwrap(),
    ];
    assert!(public.iter().all(|bytes| !bytes.windows(secret.len()).any(|window| window == secret)));
}

#[test]
fn a_view_has_the_event() {
    let bench = bench_with_dispatch();
    for event in bench.events() {
        let view = bench.log.view(event.index).expect("a view");
        assert_eq!((view.hash, view.kind.as_str()), (event.hash(), event.payload.kind().btype()));
        assert_eq!(Some(&view.payload), event.to_value().get("tx"));
    }
    assert!(bench.log.view(bench.log.counters().events).is_err());
}

/// Whoever has seen an event finds it, or is told that this is another log.
#[test]
fn what_was_seen_must_be_there() {
    let bench = bench_with_many();
    let events = bench.events();
    let seen = |event: &Event| Some(Seen { index: event.index, hash: event.hash() });
    assert_eq!(bench.log.check_seen(None), Ok(()));
    for event in &events {
        assert_eq!(bench.log.check_seen(seen(event)), Ok(()));
    }
    let size = events.len() as u64;
    let other = |index, hash| {
        let refusal = bench.log.check_seen(Some(Seen { index, hash }));
        assert_eq!(refusal, Err(AuditError::Request(AuditRequestError::OtherLog { index, size })));
    };
    other(3, events[4].hash());
    other(size, events[0].hash());
    other(u64::MAX, events[0].hash());
    let page = bench.log.page(&query(Filter::Stream(Stream::Log), Order::OldestFirst)).expect("a page");
    assert_eq!(page.last, seen(&events[events.len() - 1]), "of the log, not of what was asked for");
}
