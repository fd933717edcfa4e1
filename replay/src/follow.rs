//! What a follower of a feed remembers, and the check that what comes continues it.
//!
//! Each answer proves that it is complete, and that the log has only grown since the end remembered. Beside that, in
//! constant time per event, the feed's own links are checked: what comes next names what came last.

use cairn_events::answer::{CertifiedTip, MAX_PAGE, Remembered};
use cairn_events::question::{About, Order, Question, Span};
use cairn_events::{Event, Hash, LogId, Timestamp, Topic};
use serde::{Deserialize, Serialize};

/// What can be followed: everything, or one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed(Option<Topic>);

impl Feed {
    /// The feed of what is asked about, if it is one.
    pub fn of(about: &About) -> Option<Feed> {
        match about {
            About::Everything => Some(Feed(None)),
            About::Topics(topics) => match topics.as_slice() {
                [topic] => Some(Feed(Some(*topic))),
                _ => None,
            },
        }
    }

    /// What to ask about.
    pub fn about(&self) -> About {
        self.0.map_or(About::Everything, |topic| About::Topics(vec![topic]))
    }

    /// The place of `event` in the feed, and the event before it there.
    fn link(&self, event: &Event) -> Option<(u64, Option<(u64, Hash)>)> {
        match &self.0 {
            None => Some((event.index.checked_add(1)?, event.index.checked_sub(1).zip(event.parent))),
            Some(topic) => {
                let place = Topic::of(event).iter().position(|other| other == topic)?;
                event.links.get(place).map(|link| (link.sequence, link.previous))
            }
        }
    }
}

/// An event that does not continue what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// It is not of the feed.
    #[error("event {0} is not of the feed")]
    Foreign(u64),
    /// Events are missing, or come again.
    #[error("event {index} is number {found} of the feed, expected number {expected}")]
    Gap {
        /// The event.
        index: u64,
        /// Its number in the feed.
        found: u64,
        /// The number that is next.
        expected: u64,
    },
    /// It follows another event than the last one seen.
    #[error("event {0} does not follow on the last one seen")]
    Fork(u64),
}

/// What remembers one feed, or one log, is of no use for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it remembers another {0}")]
pub struct OtherFeed(&'static str);

/// A hash in hexadecimal. Another text is not read: what is damaged must not pass for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digits(pub Hash);

impl TryFrom<String> for Digits {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Hash::from_hex(&text).map(Digits).ok_or_else(|| format!("{text:?} is no hash"))
    }
}

impl From<Digits> for String {
    fn from(Digits(hash): Digits) -> String {
        hash.to_string()
    }
}

/// What was seen of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Of which log.
    pub log: String,
    /// The feed, by its topic's key in hexadecimal; none for everything.
    pub topic: Option<String>,
    /// Everything of the feed before this index was seen.
    pub next: u64,
    /// How many events the log had, of which `root` is the Merkle root.
    pub size: u64,
    /// See `size`; none as long as nothing was seen.
    pub root: Option<Digits>,
    /// When the network certified that, in nanoseconds since 1970.
    #[serde(default)]
    pub certified_at: u64,
    /// The last event seen: its number in the feed, its index, its hash.
    pub last: Option<(u64, u64, Digits)>,
}

impl Seen {
    /// Nothing, of what there is from index `from` on.
    pub fn nothing(log: LogId, feed: &Feed, from: u64) -> Seen {
        Seen { log: log.to_string(), topic: key(feed), next: from, size: 0, root: None, certified_at: 0, last: None }
    }

    /// Whether this is about that log and feed.
    ///
    /// # Errors
    /// [`OtherFeed`].
    pub fn check(&self, log: LogId, feed: &Feed) -> Result<(), OtherFeed> {
        if self.log != log.to_string() {
            return Err(OtherFeed("log"));
        }
        if self.topic != key(feed) {
            return Err(OtherFeed("feed"));
        }
        Ok(())
    }

    /// The end of the log that must not be contradicted.
    pub fn end(&self) -> Option<Remembered> {
        self.root.map(|Digits(root)| Remembered { size: self.size, root })
    }

    /// What to ask next.
    pub fn question(&self, feed: &Feed) -> Question {
        let span = Span { from: self.next, ..Span::default() };
        let since = self.end().map(|end| end.size);
        Question { about: feed.about(), span, order: Order::OldestFirst, limit: MAX_PAGE, since }
    }

    /// Takes in the next event of the feed.
    ///
    /// # Errors
    /// [`Break`] if it is not the next one.
    pub fn take(&mut self, feed: &Feed, event: &Event) -> Result<(), Break> {
        let index = event.index;
        let (sequence, previous) = feed.link(event).ok_or(Break::Foreign(index))?;
        if let Some((last, last_index, Digits(last_hash))) = self.last {
            let expected = last.saturating_add(1);
            if sequence != expected {
                return Err(Break::Gap { index, found: sequence, expected });
            }
            if previous != Some((last_index, last_hash)) {
                return Err(Break::Fork(index));
            }
        }
        self.last = Some((sequence, index, Digits(event.hash())));
        Ok(())
    }

    /// Everything before `until` was seen, of a log with this end, `certified_at`.
    pub fn reach(&mut self, until: u64, tip: &CertifiedTip, certified_at: Timestamp) {
        self.next = self.next.max(until);
        (self.size, self.certified_at) = (tip.size, certified_at.0);
        self.root = Some(Digits(tip.root));
    }
}

fn key(feed: &Feed) -> Option<String> {
    feed.0.map(|topic| hex::encode(topic.key()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may fail

    use super::*;
    use cairn_events::Family;
    use cairn_events::testing::story;

    #[test]
    fn what_continues_is_taken_and_nothing_else() {
        let log = story(4, 6);
        for feed in [Feed(None), Feed(Some(Topic::Family(Family::Money)))] {
            let events: Vec<&Event> = log.events.iter().filter(|event| feed.about().includes(event)).collect();
            let mut seen = Seen::nothing(log.id, &feed, 0);
            for (position, event) in events.iter().enumerate() {
                if let Some(skipped) = events.get(position + 1).filter(|_| position > 0) {
                    assert!(matches!(seen.clone().take(&feed, skipped), Err(Break::Gap { .. })));
                }
                if position > 0 {
                    let mut other = (*event).clone();
                    other.links.iter_mut().for_each(|link| link.previous = Some((0, Hash([1; 32]))));
                    other.parent = Some(Hash([1; 32]));
                    assert_eq!(seen.clone().take(&feed, &other), Err(Break::Fork(other.index)));
                }
                seen.take(&feed, event).unwrap();
                assert!(matches!(seen.clone().take(&feed, event), Err(Break::Gap { .. })), "it comes again");
            }
            let kept: Seen = serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
            assert_eq!(kept, seen);
            let digits = seen.last.unwrap().2.0.to_string();
            let damaged = serde_json::to_string(&seen).unwrap().replace(&digits, &digits.replace(['a', '7'], "g"));
            assert!(serde_json::from_str::<Seen>(&damaged).is_err(), "{damaged}");
        }
        let (all, money) = (Feed(None), Feed(Some(Topic::Family(Family::Money))));
        let mut seen = Seen::nothing(log.id, &money, 0);
        let foreign = log.events.iter().find(|event| !money.about().includes(event)).unwrap();
        assert_eq!(seen.take(&money, foreign), Err(Break::Foreign(foreign.index)));
        assert!(seen.check(log.id, &money).is_ok());
        assert_eq!(seen.check(log.id, &all), Err(OtherFeed("feed")));
        assert_eq!(seen.check(LogId(Hash([1; 32])), &money), Err(OtherFeed("log")));
    }
}
