//! Whether an answer is true and complete: nothing is missing, changed or reordered.
//!
//! What is checked here stands on a [`CertifiedTip`] alone, which somebody has taken from the network's certificate. No
//! I/O, no clock.
//!
//! The argument, for a topic: an event names index and hash of the topic's previous one. So of the events shown, each
//! vouches for the one before it, and that there is none between. The last one shown stands in the Merkle tree, or it
//! is the topic's last event by the topic map. The first one shown names an event before the span, or none. What lies
//! within the span is then all there is. For the whole log the chain of parents says the same.
//!
//! The topic map may be behind the log, and says nothing of what it does not cover. A question without an end is
//! answered as far as the map goes. One that ends at an index needs a map that reaches it. One that ends by time alone
//! needs a map of the whole log, or an event, the first one not covered or earlier, at which the time is over.

mod prove;

pub use prove::{MAX_PAGE, MAX_PAGE_BYTES, Records, answer};

use crate::codec::{self, CodecError};
use crate::merkle::{verify_consistency, verify_inclusion};
use crate::question::{About, Answer, BadQuestion, Order, Question, Span};
use crate::topic::TopicHead;
use crate::topic_map::MapFault;
use crate::{Event, Hash, LogId, SCHEMA_VERSION, Topic};
use serde_bytes::ByteBuf;

/// The end of the log, as the network has certified it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertifiedTip {
    /// The log.
    pub log: LogId,
    /// How many events it has.
    pub size: u64,
    /// Hash of the last one.
    pub last_hash: Hash,
    /// Root of the Merkle tree over all of them.
    pub root: Hash,
    /// How many events the topic map covers.
    pub topics_size: u64,
    /// Root of the topic map.
    pub topics_root: Hash,
}

/// The end of a log that an auditor remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// How many events it had.
    pub size: u64,
    /// Root of the Merkle tree over them.
    pub root: Hash,
}

/// What an answer has shown to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// The events asked about, the oldest first.
    pub events: Vec<Event>,
    /// How many events were shown in all: of several topics asked for together, those of the rarest.
    pub shown: u64,
    /// What the answer is complete for, as bounds on the index: from the one, up to but not including the other.
    pub complete: (u64, u64),
    /// What is still to be asked about, if the page could not hold all.
    pub rest: Option<Span>,
}

impl Findings {
    /// The digest under a salt of what the answer is complete for and of its events, as the log has it of an audited
    /// question.
    pub fn digest(&self, salt: &Hash) -> Hash {
        let (from, until) = self.complete;
        let hashes: Vec<u8> = self.events.iter().flat_map(|event| event.hash().0).collect();
        Hash::of_fields("cairn.answer", &[salt.as_bytes(), &from.to_be_bytes(), &until.to_be_bytes(), &hashes])
    }
}

/// The first thing wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrue {
    /// The question has no answer.
    #[error(transparent)]
    Question(#[from] BadQuestion),
    /// The answer is to another question.
    #[error("not an answer to this question: {0}")]
    Other(&'static str),
    /// An event is not in its one encoding.
    #[error("event {position} of the answer: {error}")]
    Malformed {
        /// Which of those shown.
        position: usize,
        /// What is wrong with it.
        error: CodecError,
    },
    /// An event of another log, or of an unknown schema.
    #[error("event {index} belongs to log {log}, schema {schema}")]
    Foreign {
        /// Its index.
        index: u64,
        /// Its log.
        log: LogId,
        /// Its schema.
        schema: u16,
    },
    /// An event whose links are not those of its topics, or that does not have the topic.
    #[error("event {index} does not have the topic")]
    Topic {
        /// Its index.
        index: u64,
    },
    /// An event does not follow on the one shown before it: something is missing, changed or reordered.
    #[error("event {index} does not follow on the one shown before it")]
    Link {
        /// Its index.
        index: u64,
    },
    /// An event does not belong where it is shown.
    #[error("event {index} is shown as {shown}, where it is not")]
    Place {
        /// Its index.
        index: u64,
        /// As what.
        shown: &'static str,
    },
    /// Nothing shows that the last event is in the log.
    #[error("event {index} is not proven to be in the log")]
    Inclusion {
        /// Its index.
        index: u64,
    },
    /// The topic map's proof proves nothing.
    #[error("topic map: {0}")]
    Map(#[from] MapFault),
    /// Events may be missing at the end.
    #[error("nothing shows that no event follows on the last one shown")]
    OpenEnd,
    /// Events may be missing at the beginning.
    #[error("nothing shows that no event precedes the first one shown")]
    OpenBeginning,
    /// The answer is from an older state than was asked about. A time that is not shown to be over goes on as long as
    /// the log.
    #[error("complete up to {complete} events only, asked about {asked}")]
    Behind {
        /// How far it is complete.
        complete: u64,
        /// How far it should be.
        asked: u64,
    },
    /// The log is not the one remembered, grown.
    #[error("the log of {size} events does not extend the one of {remembered} that is remembered")]
    Fork {
        /// The size remembered.
        remembered: u64,
        /// The size certified.
        size: u64,
    },
    /// Something that has no part in the proof.
    #[error("the answer holds {0}, which proves nothing")]
    Superfluous(&'static str),
}

/// An event with its hash and its link within the thread asked about.
struct Shown {
    event: Event,
    hash: Hash,
    previous: Option<(u64, Hash)>,
}

impl Shown {
    /// Whether it comes after `span`.
    fn is_after(&self, span: &Span) -> bool {
        span.ends_before(self.event.index, self.event.timestamp)
    }

    /// Whether it follows on `last`, with none of the thread between.
    fn follows(&self, last: &Shown) -> bool {
        self.previous == Some((last.event.index, last.hash)) && last.event.timestamp <= self.event.timestamp
    }
}

/// Checks an answer to `question` against the certified end of the log. `remembered` is the end that the question
/// names as `since`.
///
/// # Errors
/// [`Untrue`]: the first thing wrong. Nothing of the answer may be believed then.
pub fn verify(
    question: &Question,
    answer: &Answer,
    tip: &CertifiedTip,
    remembered: Option<&Remembered>,
) -> Result<Findings, Untrue> {
    question.check()?;
    check_growth(question, answer, tip, remembered)?;
    let thread = Thread::of(question, answer, tip)?;
    if question.limit == 0 {
        return thread.nothing();
    }
    let shown = thread.read()?;
    let end = thread.check_end(&shown)?;
    let begin = thread.check_begin(&shown)?;
    thread.conclude(shown, begin, end)
}

/// That the log extends the one remembered.
fn check_growth(
    question: &Question,
    answer: &Answer,
    tip: &CertifiedTip,
    remembered: Option<&Remembered>,
) -> Result<(), Untrue> {
    match (question.since, remembered) {
        (None, None) if answer.consistency.is_empty() => Ok(()),
        (None, None) => Err(Untrue::Superfluous("a proof of growth")),
        (Some(since), Some(old)) if since == old.size => {
            if verify_consistency(old.size, &old.root, tip.size, &tip.root, &answer.consistency) {
                Ok(())
            } else {
                Err(Untrue::Fork { remembered: old.size, size: tip.size })
            }
        }
        _ => Err(Untrue::Other("the end remembered is not the one asked about")),
    }
}

/// One answer as the events of one thread: a topic, or the whole log.
struct Thread<'a> {
    question: &'a Question,
    answer: &'a Answer,
    tip: &'a CertifiedTip,
    topic: Option<&'a Topic>,
}

/// Where the events shown end.
enum End {
    /// With an event after those asked about.
    After(u64),
    /// With the thread itself, as of so many events.
    Thread(u64),
}

impl<'a> Thread<'a> {
    fn of(question: &'a Question, answer: &'a Answer, tip: &'a CertifiedTip) -> Result<Self, Untrue> {
        let topic = match (&question.about, &answer.topic) {
            (About::Everything, None) => None,
            (About::Topics(topics), Some(topic)) if topics.contains(topic) && topics.len() <= About::MAX_TOPICS => {
                Some(topic)
            }
            (About::Topics(_), None) if question.limit == 0 => None,
            _ => return Err(Untrue::Other("it is about something else")),
        };
        Ok(Thread { question, answer, tip, topic })
    }

    /// The end of the log alone was asked for.
    fn nothing(&self) -> Result<Findings, Untrue> {
        let Answer { before, events, after, inclusion, head, .. } = self.answer;
        if before.is_some() || !events.is_empty() || after.is_some() || !inclusion.is_empty() || head.is_some() {
            return Err(Untrue::Superfluous("events"));
        }
        Ok(Findings { events: Vec::new(), shown: 0, complete: (0, 0), rest: None })
    }

    /// The event of the thread after those of the page.
    fn after(&self) -> Option<&'a ByteBuf> {
        self.answer.after.as_ref().filter(|_| self.answer.head.is_none())
    }

    /// All events shown, each following on the one before it.
    fn read(&self) -> Result<Vec<Shown>, Untrue> {
        let Answer { before, events, .. } = self.answer;
        let mut shown: Vec<Shown> = Vec::with_capacity(events.len() + 2);
        for (position, bytes) in before.iter().chain(events).chain(self.after()).enumerate() {
            let event = codec::decode_event(bytes).map_err(|error| Untrue::Malformed { position, error })?;
            let next = self.show(event)?;
            if shown.last().is_some_and(|last| !next.follows(last)) {
                return Err(Untrue::Link { index: next.event.index });
            }
            shown.push(next);
        }
        self.check_places(&shown)?;
        Ok(shown)
    }

    /// The event is one of the log's.
    fn check_ours(&self, event: &Event) -> Result<(), Untrue> {
        let (index, log, schema) = (event.index, event.log, event.schema);
        if log != self.tip.log || schema != SCHEMA_VERSION || index >= self.tip.size {
            return Err(Untrue::Foreign { index, log, schema });
        }
        Ok(())
    }

    fn show(&self, event: Event) -> Result<Shown, Untrue> {
        self.check_ours(&event)?;
        let (index, topics) = (event.index, Topic::of(&event));
        let previous = match self.topic {
            None => event.parent.zip(index.checked_sub(1)).map(|(hash, index)| (index, hash)),
            Some(topic) => {
                let link = topics.iter().position(|other| other == topic).and_then(|place| event.links.get(place));
                link.ok_or(Untrue::Topic { index })?.previous
            }
        };
        if topics.len() != event.links.len() {
            return Err(Untrue::Topic { index });
        }
        if previous.is_some_and(|(previous, _)| previous >= index) {
            return Err(Untrue::Link { index });
        }
        Ok(Shown { hash: event.hash(), previous, event })
    }

    /// What is shown before, within and after the span lies there.
    fn check_places(&self, shown: &[Shown]) -> Result<(), Untrue> {
        let (before, after) = (usize::from(self.answer.before.is_some()), usize::from(self.after().is_some()));
        let span = &self.question.span;
        let end = shown.len() - after;
        for (position, Shown { event, .. }) in shown.iter().enumerate() {
            let Event { index, timestamp, .. } = *event;
            let (is_before, is_after) = (span.begins_after(index, timestamp), span.ends_before(index, timestamp));
            let (fits, shown) = match position {
                _ if position < before => (is_before, "before the span"),
                _ if position < end => (!is_before && !is_after, "within the span"),
                // Or still within it, if the page is full.
                _ => (!is_before, "after the span"),
            };
            if !fits {
                return Err(Untrue::Place { index, shown });
            }
        }
        Ok(())
    }

    /// The last event shown is in the log, and none that was asked about follows.
    fn check_end(&self, shown: &[Shown]) -> Result<End, Untrue> {
        if let (Some(last), Some(_)) = (shown.last(), self.after()) {
            return self.check_after(last);
        }
        let Answer { after, inclusion, head, .. } = self.answer;
        if after.is_none() && !inclusion.is_empty() {
            return Err(Untrue::Superfluous("a path"));
        }
        let last = shown.last().map(|last| (last.event.index, last.hash));
        let Some(topic) = self.topic else {
            if head.is_some() {
                return Err(Untrue::Superfluous("a topic's head"));
            }
            let end = self.tip.size.checked_sub(1).map(|index| (index, self.tip.last_hash));
            return if last == end || (last.is_none() && self.is_before_span(end)) {
                self.reaches(self.tip.size)
            } else {
                Err(Untrue::OpenEnd)
            };
        };
        let proof = head.as_ref().ok_or(Untrue::OpenEnd)?;
        let head = proof.verify(topic, &self.tip.topics_root)?.map(|TopicHead { index, hash, .. }| (index, hash));
        if last == head || (last.is_none() && self.is_before_span(head)) {
            self.reaches(self.tip.topics_size)
        } else {
            Err(Untrue::OpenEnd)
        }
    }

    /// Whether an event comes before the span by its index alone.
    fn is_before_span(&self, event: Option<(u64, Hash)>) -> bool {
        event.is_none_or(|(index, _)| index < self.question.span.from)
    }

    fn check_after(&self, after: &Shown) -> Result<End, Untrue> {
        let index = after.event.index;
        self.check_included(index, &after.hash)?;
        let cut_short = !after.is_after(&self.question.span);
        if cut_short && (self.question.order == Order::NewestFirst || self.answer.events.is_empty()) {
            return Err(Untrue::OpenEnd);
        }
        Ok(End::After(index))
    }

    fn check_included(&self, index: u64, hash: &Hash) -> Result<(), Untrue> {
        let CertifiedTip { size, root, .. } = self.tip;
        let is_included = verify_inclusion(hash, index, *size, &self.answer.inclusion, root);
        if is_included { Ok(()) } else { Err(Untrue::Inclusion { index }) }
    }

    /// The answer, which is about the first `size` events, reaches as far as the log that was asked about.
    fn reaches(&self, size: u64) -> Result<End, Untrue> {
        let span = &self.question.span;
        let is_over = self.is_over(size)?;
        let asked = if span.ends_by_time() && !is_over { self.tip.size.max(span.from) } else { span.reaches() };
        if asked > size { Err(Untrue::Behind { complete: size, asked }) } else { Ok(End::Thread(size)) }
    }

    /// Whether an event shows that the time asked about is over after the first `size` events. Times never decrease.
    fn is_over(&self, size: u64) -> Result<bool, Untrue> {
        let Answer { before, events, after, .. } = self.answer;
        let Some(bytes) = after else { return Ok(false) };
        let span = &self.question.span;
        if !span.ends_by_time() || size == self.tip.size {
            return Err(Untrue::Superfluous("an event after the topic's last"));
        }
        let position = usize::from(before.is_some()) + events.len();
        let event = codec::decode_event(bytes).map_err(|error| Untrue::Malformed { position, error })?;
        self.check_ours(&event)?;
        let Event { index, timestamp, .. } = event;
        if index > size || !span.ends_before(index, timestamp) {
            return Err(Untrue::Place { index, shown: "the end of the time asked about" });
        }
        self.check_included(index, &event.hash())?;
        Ok(true)
    }

    /// No event that was asked about comes before the first one shown; or the page begins after it: then the index
    /// from which on it is complete.
    fn check_begin(&self, shown: &[Shown]) -> Result<u64, Untrue> {
        let span = &self.question.span;
        let Some(first) = shown.first() else { return Ok(span.from) };
        if self.answer.before.is_some() {
            return Ok(span.from);
        }
        match first.previous {
            None => Ok(span.from),
            Some((index, _)) if index < span.from => Ok(span.from),
            Some((index, _)) if self.question.order == Order::NewestFirst && !self.answer.events.is_empty() => {
                Ok(index + 1)
            }
            Some(_) => Err(Untrue::OpenBeginning),
        }
    }

    fn conclude(&self, shown: Vec<Shown>, begin: u64, end: End) -> Result<Findings, Untrue> {
        let Question { about, span, .. } = self.question;
        let until = match end {
            End::After(index) => span.until.map_or(index, |until| until.min(index)),
            End::Thread(size) => span.until.unwrap_or(size),
        };
        let cut_at_end = matches!(end, End::After(_)) && shown.last().is_some_and(|after| !after.is_after(span));
        let rest = if cut_at_end {
            Some(Span { from: until, ..*span })
        } else if begin > span.from {
            Some(Span { until: Some(begin), ..*span })
        } else {
            None
        };
        let events: Vec<Shown> =
            shown.into_iter().skip(usize::from(self.answer.before.is_some())).take(self.answer.events.len()).collect();
        let count = events.len() as u64;
        let events = events.into_iter().map(|shown| shown.event).filter(|event| about.includes(event)).collect();
        Ok(Findings { events, shown: count, complete: (begin, until), rest })
    }
}
