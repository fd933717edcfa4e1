//! Answering: from the records of a log to an answer that holds.

use crate::question::{About, Answer, Order, Question, Span};
use crate::topic_map::MapProof;
use crate::{Hash, Timestamp, Topic};
use serde_bytes::ByteBuf;
use std::ops::Range;

/// Most events in an answer.
pub const MAX_PAGE: u32 = 500;
/// Most bytes of events in an answer, the first one aside.
pub const MAX_PAGE_BYTES: usize = 1_500_000;

/// What a log must be able to say of itself. Everything is as of one moment; `None` means that the log is broken, or
/// that there is no such thing.
pub trait Records {
    /// How many events it has.
    fn size(&self) -> u64;
    /// An encoded event.
    fn event(&self, index: u64) -> Option<Vec<u8>>;
    /// When an event was accepted.
    fn timestamp(&self, index: u64) -> Option<Timestamp>;
    /// How many events the topic map covers.
    fn covered(&self) -> u64;
    /// How many events of a topic the topic map covers.
    fn count(&self, topic: &Topic) -> Option<u64>;
    /// The index of a topic's event, by its position in the topic, from 0.
    fn position(&self, topic: &Topic, position: u64) -> Option<u64>;
    /// The path of an event in the Merkle tree of all events.
    fn inclusion(&self, index: u64) -> Option<Vec<Hash>>;
    /// That the log has only grown since it had `since` events.
    fn consistency(&self, since: u64) -> Option<Vec<Hash>>;
    /// What the topic map says of a topic.
    fn map_proof(&self, topic: &Topic) -> Option<MapProof>;
}

/// The answer to a question that can be answered ([`Question::check`]), without tree and certificate. `None` if the
/// records do not hold what they should, or the question remembers a longer log than this.
pub fn answer(records: &impl Records, question: &Question) -> Option<Answer> {
    let mut answer = Answer::default();
    if let Some(since) = question.since {
        answer.consistency = records.consistency(since)?;
    }
    if question.limit == 0 {
        return Some(answer);
    }
    let thread = Thread::choose(records, &question.about)?;
    answer.topic = thread.topic;
    let asked = thread.asked(&question.span)?;
    let page = thread.fill(&mut answer, &asked, question)?;
    // What comes before is named by the first event shown; only its time may have to be seen.
    if page.start == asked.start
        && let Some(before) = asked.start.checked_sub(1)
    {
        let index = thread.index(before)?;
        if index >= question.span.from {
            answer.before = Some(ByteBuf::from(records.event(index)?));
        }
    }
    let after = if page.end < thread.length {
        Some(thread.index(page.end)?)
    } else if let Some(topic) = &thread.topic {
        answer.head = Some(records.map_proof(topic)?);
        end_of_time(records, &question.span)
    } else {
        None
    };
    if let Some(index) = after {
        answer.after = Some(ByteBuf::from(records.event(index)?));
        answer.inclusion = records.inclusion(index)?;
    }
    Some(answer)
}

/// The first event that the topic map does not cover, if a span that ends by time is over there.
fn end_of_time(records: &impl Records, span: &Span) -> Option<u64> {
    let index = records.covered();
    let time = records.timestamp(index)?;
    (span.ends_by_time() && span.ends_before(index, time)).then_some(index)
}

/// The events of one topic, or of the whole log, by position.
struct Thread<'a, R> {
    records: &'a R,
    topic: Option<Topic>,
    length: u64,
}

impl<'a, R: Records> Thread<'a, R> {
    /// The thread to answer from: of several topics, the rarest.
    fn choose(records: &'a R, about: &About) -> Option<Self> {
        let About::Topics(topics) = about else {
            return Some(Thread { records, topic: None, length: records.size() });
        };
        let counted = topics.iter().map(|topic| Some((records.count(topic)?, *topic))).collect::<Option<Vec<_>>>()?;
        let (length, topic) = counted.into_iter().min_by_key(|(count, _)| *count)?;
        Some(Thread { records, topic: Some(topic), length })
    }

    fn index(&self, position: u64) -> Option<u64> {
        match &self.topic {
            None => Some(position),
            Some(topic) => self.records.position(topic, position),
        }
    }

    /// The positions within the span.
    fn asked(&self, span: &Span) -> Option<Range<u64>> {
        let start = self.first(|index, time| !span.begins_after(index, time))?;
        let end = self.first(|index, time| span.ends_before(index, time))?;
        Some(start..end.max(start))
    }

    /// The first position whose event fits; all later ones do.
    fn first(&self, fits: impl Fn(u64, Timestamp) -> bool) -> Option<u64> {
        let (mut begin, mut end) = (0, self.length);
        while begin < end {
            let middle = begin + (end - begin) / 2;
            let index = self.index(middle)?;
            if fits(index, self.records.timestamp(index)?) {
                end = middle;
            } else {
                begin = middle + 1;
            }
        }
        Some(begin)
    }

    /// Fills the page from the end that the question names; the positions that it holds.
    fn fill(&self, answer: &mut Answer, asked: &Range<u64>, question: &Question) -> Option<Range<u64>> {
        let limit = u64::from(question.limit.min(MAX_PAGE));
        let (mut page, mut bytes) = (Vec::new(), 0);
        let mut take = |position: u64| -> Option<bool> {
            let event = self.records.event(self.index(position)?)?;
            bytes += event.len();
            let fits = page.is_empty() || bytes <= MAX_PAGE_BYTES;
            if fits {
                page.push(ByteBuf::from(event));
            }
            Some(fits)
        };
        let most = limit.min(asked.end - asked.start);
        for step in 0..most {
            let position = match question.order {
                Order::OldestFirst => asked.start + step,
                Order::NewestFirst => asked.end - 1 - step,
            };
            if !take(position)? {
                break;
            }
        }
        let taken = page.len() as u64;
        let (page, taken) = match question.order {
            Order::OldestFirst => (page, asked.start..asked.start + taken),
            Order::NewestFirst => (page.into_iter().rev().collect(), asked.end - taken..asked.end),
        };
        answer.events = page;
        Some(taken)
    }
}
