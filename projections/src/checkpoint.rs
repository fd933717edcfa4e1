//! Up to where a projection has followed its feed, and the check that a feed has no gap.

use cairn_events::verify::Rehashed;
use cairn_events::{Event, Family, Hash, SCHEMA_VERSION, Topic};
use candid::CandidType;
use serde::{Deserialize, Serialize};

/// The last event that tables reflect. Tables that reflect none have no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Checkpoint {
    /// How many events of the family were applied.
    pub sequence: u64,
    /// Index of the last one.
    pub index: u64,
    /// Hash of the last one.
    pub hash: Hash,
}

/// What is wrong with the next event of a feed. It must not be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum FeedFault {
    /// Its schema is not known here: the projection must wait for new code.
    UnknownSchema {
        /// The event.
        index: u64,
        /// Its schema.
        schema: u16,
    },
    /// It is not of the family.
    Foreign {
        /// The event.
        index: u64,
    },
    /// Events are missing, or come again.
    Gap {
        /// The event.
        index: u64,
        /// Its number in the family.
        found: u64,
        /// The number that is next.
        expected: u64,
    },
    /// It follows another event than the last one applied: the log is not the log that was followed so far.
    Fork {
        /// The event.
        index: u64,
    },
}

impl std::fmt::Display for FeedFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FeedFault::UnknownSchema { index, schema } => {
                write!(f, "event {index}: schema version {schema} is unknown")
            }
            FeedFault::Foreign { index } => write!(f, "event {index} is not of the family"),
            FeedFault::Gap { index, found, expected } => {
                write!(f, "event {index} is number {found} of the family, expected number {expected}")
            }
            FeedFault::Fork { index } => write!(f, "event {index} does not follow the last event applied"),
        }
    }
}

impl std::error::Error for FeedFault {}

impl Checkpoint {
    /// The checkpoint after `event`, if it is the next one of `family` after `last`: a constant-time check, since every
    /// event links to its predecessor in the family by number, index and hash.
    ///
    /// # Errors
    /// [`FeedFault`] if the event is not the next one; `last` stands.
    pub fn follow(last: Option<&Checkpoint>, event: &Event, family: Family) -> Result<Checkpoint, FeedFault> {
        let sequence = number(last, event, &Topic::of(event), family)?;
        Ok(Checkpoint { sequence, index: event.index, hash: event.hash() })
    }

    /// As [`Checkpoint::follow`], for an event that has been hashed.
    ///
    /// # Errors
    /// As [`Checkpoint::follow`].
    pub fn follow_rehashed(
        last: Option<&Checkpoint>,
        rehashed: &Rehashed,
        family: Family,
    ) -> Result<Checkpoint, FeedFault> {
        let event = rehashed.event();
        let sequence = number(last, event, rehashed.topics(), family)?;
        Ok(Checkpoint { sequence, index: event.index, hash: rehashed.hash() })
    }
}

/// The number of `event` in the feed of `family`, if it is the one after `last`.
fn number(last: Option<&Checkpoint>, event: &Event, topics: &[Topic], family: Family) -> Result<u64, FeedFault> {
    let index = event.index;
    if event.schema != SCHEMA_VERSION {
        return Err(FeedFault::UnknownSchema { index, schema: event.schema });
    }
    let place = topics.iter().position(|topic| *topic == Topic::Family(family));
    let link = place.filter(|_| topics.len() == event.links.len()).and_then(|place| event.links.get(place));
    let link = link.ok_or(FeedFault::Foreign { index })?;
    let expected = last.map_or(1, |last| last.sequence.saturating_add(1));
    if link.sequence != expected {
        return Err(FeedFault::Gap { index, found: link.sequence, expected });
    }
    if link.previous != last.map(|last| (last.index, last.hash)) || last.is_some_and(|last| index <= last.index) {
        return Err(FeedFault::Fork { index });
    }
    Ok(expected)
}
