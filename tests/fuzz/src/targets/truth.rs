//! A log and what is true of it: what answers are held against.

use crate::sample::{Claim, der, key};
use cairn_events::answer::{Findings, Remembered};
use cairn_events::question::{About, Order, Question, Span};
use cairn_events::testing::{TestLog, TestRecords, principal, story};
use cairn_events::{Event, Family, Topic};
use cairn_verifier::Policy;

/// A log, and what an auditor trusts of it.
pub struct Truth {
    pub log: TestLog,
    pub policy: Policy,
    /// The ends that it had, by its size.
    ends: Vec<Remembered>,
}

impl Truth {
    pub fn new() -> Truth {
        let log = story(7, 3);
        let policy = Policy { root_key: der(&key(1)), canister: log.canister, log: log.id, freshness: None };
        let mut tree = cairn_events::merkle::Frontier::default();
        let mut ends = vec![Remembered { size: 0, root: tree.root() }];
        for event in &log.events {
            tree.push(&event.hash());
            ends.push(Remembered { size: tree.size(), root: tree.root() });
        }
        Truth { log, policy, ends }
    }

    /// The end that the log had at this size.
    pub fn end(&self, size: u64) -> Option<&Remembered> {
        self.ends.get(usize::try_from(size).ok()?)
    }

    pub fn records(&self) -> TestRecords {
        TestRecords::of(&self.log, self.log.events.len(), self.log.events.len())
    }

    pub fn claim(&self) -> Claim {
        Claim::of(&self.log)
    }

    /// The question for nothing but the log's end.
    pub fn end_of_log() -> Question {
        let (about, span, order) = (About::Everything, Span::default(), Order::OldestFirst);
        Question { about, span, order, limit: 0, since: None }
    }

    /// Questions of every sort.
    pub fn questions(&self) -> Vec<Question> {
        let some = &self.log.events[self.log.events.len() / 2];
        let money = Topic::Family(Family::Money);
        let abouts = [
            About::Everything,
            About::Topics(vec![money]),
            About::Topics(vec![money, *Topic::of(some).last().unwrap()]),
            About::Topics(vec![Topic::Party(principal(987))]),
        ];
        let spans = [
            Span::default(),
            Span { from: 5, until: Some(12), ..Span::default() },
            Span { from_time: Some(some.timestamp.0), until_time: Some(u64::MAX), ..Span::default() },
        ];
        let mut questions = Vec::new();
        for (about, span) in abouts.iter().flat_map(|about| spans.map(|span| (about.clone(), span))) {
            for (order, limit, since) in
                [(Order::OldestFirst, 4, None), (Order::NewestFirst, 3, Some(7)), (Order::OldestFirst, 0, Some(9))]
            {
                questions.push(Question { about: about.clone(), span, order, limit, since });
            }
        }
        questions
    }

    /// What a search of the whole log finds between two indices.
    pub fn search(&self, about: &About, span: &Span, (from, until): (u64, u64)) -> impl Iterator<Item = &Event> {
        self.log.events.iter().filter(move |event| {
            (from..until).contains(&event.index)
                && about.includes(event)
                && !span.begins_after(event.index, event.timestamp)
                && !span.ends_before(event.index, event.timestamp)
        })
    }

    /// That what was found is what a search finds.
    pub fn check(&self, question: &Question, findings: &Findings) -> Result<(), String> {
        let true_ones = self.search(&question.about, &question.span, findings.complete);
        if question.limit == 0 || findings.events.iter().eq(true_ones) {
            return Ok(());
        }
        Err(format!("a false answer to {question:?}: complete for {:?}", findings.complete))
    }
}
