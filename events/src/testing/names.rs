//! What a log knows of its events, as their compact form leaves it out.

use crate::codec::compact::{Known, Numbers};
use crate::{Event, Hash, Principal, Stream};
use std::collections::BTreeMap;

/// Streams and principals under numbers, in the order in which they were first asked for; and hashes.
#[derive(Clone, Debug, Default)]
pub struct TestNames {
    /// The hashes of events.
    pub hashes: BTreeMap<u64, Hash>,
    /// The streams.
    pub streams: Vec<Stream>,
    /// Those who act and write.
    pub principals: Vec<Principal>,
}

impl TestNames {
    /// The numbers of an event's names, which are known from now on.
    pub fn of(&mut self, event: &Event) -> Numbers {
        Numbers {
            stream: number(&mut self.streams, event.stream),
            actor: number(&mut self.principals, event.actor),
            source: number(&mut self.principals, event.source),
        }
    }
}

/// The number of `name`, which is known from now on.
fn number<T: PartialEq>(names: &mut Vec<T>, name: T) -> u32 {
    let known = names.iter().position(|known| *known == name);
    let at = known.unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    });
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Known for TestNames {
    fn hash(&self, index: u64) -> Option<Hash> {
        self.hashes.get(&index).copied()
    }

    fn stream(&self, number: u32) -> Option<Stream> {
        self.streams.get(usize::try_from(number).ok()?).copied()
    }

    fn principal(&self, number: u32) -> Option<Principal> {
        self.principals.get(usize::try_from(number).ok()?).copied()
    }
}
