//! Keys: how what a row is about becomes bytes whose order is the order of what they stand for.

use cairn_events::payload::Role;
use cairn_events::topic::Service;
use cairn_events::{DeploymentId, Event, Timestamp};
use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

/// Something that rows are found under. No encoding is a prefix of another one of the same type, so that parts can be
/// joined into longer keys without ambiguity.
pub trait Key {
    /// Appends the key's bytes.
    fn write(&self, bytes: &mut Vec<u8>);
}

/// The place of an event, and of what it made, in time: the order in which rows are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub struct Moment {
    /// The event's timestamp, in nanoseconds.
    pub time: Timestamp,
    /// The event's index in the log.
    pub index: u64,
}

impl Moment {
    /// When `event` was accepted.
    pub fn of(event: &Event) -> Self {
        Moment { time: event.timestamp, index: event.index }
    }

    /// Reads the moment that `key` ends with.
    pub(crate) fn at_end_of(key: &[u8]) -> Option<Moment> {
        let (rest, index) = key.split_last_chunk::<8>()?;
        let (_, time) = rest.split_last_chunk::<8>()?;
        Some(Moment { time: Timestamp(u64::from_be_bytes(*time)), index: u64::from_be_bytes(*index) })
    }
}

impl Key for Moment {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.time.0.write(bytes);
        self.index.write(bytes);
    }
}

impl Key for () {
    fn write(&self, _: &mut Vec<u8>) {}
}

impl Key for u8 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(*self);
    }
}

impl Key for u64 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_be_bytes());
    }
}

impl Key for DeploymentId {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.0.as_bytes());
    }
}

/// Length and bytes: principals have at most 29.
impl Key for Principal {
    fn write(&self, bytes: &mut Vec<u8>) {
        let principal = self.as_slice();
        bytes.push(u8::try_from(principal.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(principal);
    }
}

impl Key for Service {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(*self as u8);
    }
}

impl Key for Role {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(*self as u8);
    }
}

impl Key for bool {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(*self));
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
    }
}
