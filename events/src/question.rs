//! What an auditor asks of the log, and what the audit canister answers: every answer carries its own proof.
//!
//! An answer is about an interval of the log, and [`crate::answer`] tells whether it is complete for it. Answers of any
//! length come in pages; each is complete for a part of what was asked, and says what to ask for next.

use crate::topic_map::MapProof;
use crate::{Event, Hash, Timestamp, Topic, codec};
use candid::CandidType;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Question {
    /// Which events.
    #[serde(rename = "about")]
    pub about: About,
    /// Within which part of the log.
    #[serde(rename = "span")]
    pub span: Span,
    /// From which end a page begins, if one page cannot hold all.
    #[serde(rename = "order")]
    pub order: Order,
    /// Most events in a page; 0 for the proof of the log's end alone.
    #[serde(rename = "limit")]
    pub limit: u32,
    /// The size of a log that the auditor remembers: the answer proves that the log has only grown since.
    #[serde(rename = "since")]
    pub since: Option<u64>,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, CandidType, thiserror::Error)]
pub enum BadQuestion {
    /// Too many topics, or none.
    #[error("{found} topics are asked about together; at least 1, at most {max}")]
    Topics {
        /// How many.
        found: u64,
        /// How many may be.
        max: u64,
    },
    /// It ends before it begins.
    #[error("the span ends at {until}, before it begins at {from}")]
    Reversed {
        /// Where it begins, index or time.
        from: u64,
        /// Where it ends.
        until: u64,
    },
}

impl Question {
    /// The topics that it names.
    pub fn topics(&self) -> &[Topic] {
        match &self.about {
            About::Everything => &[],
            About::Topics(topics) => topics,
        }
    }

    /// Its digest under a salt, as the log has it of an audited question.
    pub fn digest(&self, salt: &Hash) -> Hash {
        Hash::of_fields("cairn.question", &[salt.as_bytes(), &codec::encode(self)])
    }

    /// What it is about, for everyone to read: public topics by name, others by their kind.
    pub fn scope(&self) -> String {
        let name = |topic: &Topic| match topic {
            Topic::Family(family) => format!("family/{family:?}").to_lowercase(),
            Topic::Party(_) => "party".to_owned(),
            Topic::Contract(contract) => format!("contract/{contract}"),
            Topic::Deployment(deployment) => format!("deployment/{deployment}"),
            Topic::Service(service) => format!("service/{}", service.name()),
        };
        match &self.about {
            About::Everything => "everything".to_owned(),
            About::Topics(topics) => topics.iter().map(name).collect::<Vec<_>>().join(" "),
        }
    }

    /// Whether it can be answered.
    ///
    /// # Errors
    /// [`BadQuestion`].
    pub fn check(&self) -> Result<(), BadQuestion> {
        if let About::Topics(topics) = &self.about
            && !(1..=About::MAX_TOPICS).contains(&topics.len())
        {
            return Err(BadQuestion::Topics { found: topics.len() as u64, max: About::MAX_TOPICS as u64 });
        }
        let Span { from, until, from_time, until_time } = self.span;
        for (from, until) in [(Some(from), until), (from_time, until_time)] {
            if let (Some(from), Some(until)) = (from, until)
                && until < from
            {
                return Err(BadQuestion::Reversed { from, until });
            }
        }
        Ok(())
    }
}

/// Which events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum About {
    /// All of them.
    #[serde(rename = "everything")]
    Everything,
    /// Those that have every one of these topics, at least one and at most [`About::MAX_TOPICS`].
    #[serde(rename = "topics")]
    Topics(Vec<Topic>),
}

impl About {
    /// The most topics that can be asked for together.
    pub const MAX_TOPICS: usize = 4;

    /// Whether it is about this event.
    pub fn includes(&self, event: &Event) -> bool {
        match self {
            About::Everything => true,
            About::Topics(topics) => {
                let has = Topic::of(event);
                topics.iter().all(|topic| has.contains(topic))
            }
        }
    }
}

/// A part of the log: what meets all four bounds. Timestamps never decrease, so that it is an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Span {
    /// Events of this index or later.
    #[serde(rename = "from")]
    pub from: u64,
    /// Events before this index; without it, all that there are.
    #[serde(rename = "until")]
    pub until: Option<u64>,
    /// Events at this time (nanoseconds since 1970) or later.
    #[serde(rename = "from_time")]
    pub from_time: Option<u64>,
    /// Events before this time.
    #[serde(rename = "until_time")]
    pub until_time: Option<u64>,
}

impl Span {
    /// How many events a log must have to answer for it by index.
    pub fn reaches(&self) -> u64 {
        self.until.unwrap_or(self.from)
    }

    /// Whether it ends by time alone: at which index, only an event can show.
    pub fn ends_by_time(&self) -> bool {
        self.until.is_none() && self.until_time.is_some()
    }

    /// Whether it begins after the event of this index and time.
    pub fn begins_after(&self, index: u64, time: Timestamp) -> bool {
        index < self.from || self.from_time.is_some_and(|from| time.0 < from)
    }

    /// Whether it ends before the event of this index and time.
    pub fn ends_before(&self, index: u64, time: Timestamp) -> bool {
        self.until.is_some_and(|until| index >= until) || self.until_time.is_some_and(|until| time.0 >= until)
    }
}

/// From which end a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum Order {
    /// From the first one on.
    #[serde(rename = "oldest_first")]
    OldestFirst,
    /// From the last one back.
    #[serde(rename = "newest_first")]
    NewestFirst,
}

/// An answer with its proof.
///
/// `before`, `events` and `after` are the events of one topic (or of the whole log), each linked to the one before it:
/// between any two of them there is no other. The last of them is proven to be in the log, or to be the topic's last.
///
/// A topic's last event is known as far as the topic map goes, which may be a little behind the log. For a span that
/// ends by time alone, `after` then shows that the time is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Answer {
    /// The canister's labelled tree, which names the end of the log ([`crate::answer::CertifiedTip`]).
    #[serde(rename = "hash_tree", with = "serde_bytes")]
    pub hash_tree: Vec<u8>,
    /// The network's certificate of that tree.
    #[serde(rename = "certificate", with = "serde_bytes")]
    pub certificate: Vec<u8>,
    /// The topic whose events these are: of those asked for together, the rarest.
    #[serde(rename = "topic")]
    pub topic: Option<Topic>,
    /// The event before those of the page, if its time has to be seen.
    #[serde(rename = "before")]
    pub before: Option<ByteBuf>,
    /// The events within the span, the oldest first, as [`crate::codec::encode_event`] writes them.
    #[serde(rename = "events")]
    pub events: Vec<ByteBuf>,
    /// The event after those of the page, if there is one. Beside `head`, by which the topic has none: an event of the
    /// log, the first one that the topic map does not cover, at which the time asked about is over.
    #[serde(rename = "after")]
    pub after: Option<ByteBuf>,
    /// The path of `after` in the Merkle tree.
    #[serde(rename = "inclusion")]
    pub inclusion: Vec<Hash>,
    /// What the topic map says of the topic, if no event comes after those of the page.
    #[serde(rename = "head")]
    pub head: Option<MapProof>,
    /// That the log of the size remembered has only grown.
    #[serde(rename = "consistency")]
    pub consistency: Vec<Hash>,
}
