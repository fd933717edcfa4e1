//! The oracle of every indexed query: a scan of all events.

use super::reads::is_in;
use super::*;
use cairn_events::answer;
use cairn_events::question::{About, Question, Span};
use cairn_events::{Stream, Topic};
use std::collections::BTreeSet;

/// Asserts that every topic and stream of the log, and one of each that it has not, is found as a scan finds it. The
/// topic map covers the log.
pub fn assert_scanned(bench: &Bench) {
    let events = bench.events();
    let mut topics: BTreeSet<Topic> = events.iter().flat_map(Topic::of).collect();
    topics.insert(Topic::Party(id(77)));
    let mut streams: BTreeSet<Stream> = events.iter().map(|event| event.stream).collect();
    streams.insert(stream(77));
    let filters = topics.iter().map(|topic| Filter::Topic(*topic)).chain(streams.into_iter().map(Filter::Stream));
    filters.for_each(|filter| assert_pages(bench, &events, &filter));
    let topics: Vec<Topic> = topics.into_iter().collect();
    assert_answers(bench, &events, &About::Everything);
    topics.iter().for_each(|topic| assert_answers(bench, &events, &About::Topics(vec![*topic])));
    topics.windows(2).for_each(|pair| assert_answers(bench, &events, &About::Topics(pair.to_vec())));
}

fn middle(events: &[Event]) -> u64 {
    events[events.len() / 2].timestamp.0
}

fn assert_pages(bench: &Bench, events: &[Event], filter: &Filter) {
    for (from_time, until_time) in [(None, None), (Some(middle(events)), None), (None, Some(middle(events)))] {
        let in_time = |event: &&Event| {
            from_time.is_none_or(|from| from <= event.timestamp.0)
                && until_time.is_none_or(|until| event.timestamp.0 < until)
        };
        let mut expected: Vec<Event> =
            events.iter().filter(|event| is_in(filter, event)).filter(in_time).cloned().collect();
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let found = bench.all(EventQuery { from_time, until_time, ..query(filter.clone(), order) });
            assert_eq!(found, expected, "{filter:?} {order:?} {from_time:?} {until_time:?}");
            expected.reverse();
        }
    }
}

fn assert_answers(bench: &Bench, events: &[Event], about: &About) {
    let third = events.len() as u64 / 3;
    let spans = [
        (Span::default(), Order::OldestFirst),
        (Span { from: third, until: Some(2 * third), ..Span::default() }, Order::NewestFirst),
        (Span { from_time: Some(middle(events)), ..Span::default() }, Order::OldestFirst),
    ];
    for (span, order) in spans {
        let fits = |event: &&Event| {
            about.includes(event)
                && !span.begins_after(event.index, event.timestamp)
                && !span.ends_before(event.index, event.timestamp)
        };
        let expected: Vec<Event> = events.iter().filter(fits).cloned().collect();
        let question = Question { about: about.clone(), span, order, limit: 20, since: None };
        assert_eq!(answered(bench, question), expected, "{about:?} {span:?} {order:?}");
    }
}

/// All events of a question, page by page, each of which holds; from the oldest on.
fn answered(bench: &Bench, mut question: Question) -> Vec<Event> {
    let tip = bench.certified_tip();
    let mut events = Vec::new();
    loop {
        let answer = bench.answer(&question);
        let findings = answer::verify(&question, &answer, &tip, None).expect("it holds");
        match question.order {
            Order::OldestFirst => events.extend(findings.events),
            Order::NewestFirst => events = findings.events.into_iter().chain(events).collect(),
        }
        match findings.rest {
            Some(rest) => question.span = rest,
            None => return events,
        }
    }
}
