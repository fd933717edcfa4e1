//! The search for public contracts by the beginning of their names, in either case.

use super::shelf::Listed;
use crate::Tables;
use crate::key::{Key, Moment};
use crate::table::{MAX_PAGE, Table};
use cairn_events::Principal;
use cairn_events::topic::Service;
use candid::CandidType;
use serde::Deserialize;

/// Bytes of the longest beginning that can be searched for.
pub const MAX_PREFIX: usize = 16;
/// Bytes of a name that decide its place among names.
const MAX_INDEXED: usize = 32;

/// Public contracts by name.
const NAMES: Table<(Service, (Folded, Moment)), Principal> = Table::new(10);
/// How many of them begin how.
const BEGINNINGS: Table<(Service, Folded), u64> = Table::new(11);

/// The beginning of a text as it is compared: lower-case, without leading spaces and control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Folded {
    bytes: [u8; MAX_INDEXED],
    length: usize,
}

impl Folded {
    /// As much of `text` as fits; whole characters.
    pub fn of(text: &str) -> Self {
        let mut folded = Folded { bytes: [0; MAX_INDEXED], length: 0 };
        let kept = text.chars().filter(|it| !it.is_control()).skip_while(|it| it.is_whitespace());
        for character in kept.flat_map(char::to_lowercase) {
            let end = folded.length + character.len_utf8();
            let Some(room) = folded.bytes.get_mut(folded.length..end) else { break };
            character.encode_utf8(room);
            folded.length = end;
        }
        folded
    }

    fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Everything that it begins with and that can be searched for, from nothing on.
    fn beginnings(self) -> impl Iterator<Item = Folded> {
        let ends = move |end: &usize| self.as_str().is_char_boundary(*end);
        (0..=self.length.min(MAX_PREFIX)).filter(ends).map(move |length| {
            let mut beginning = Folded { bytes: [0; MAX_INDEXED], length };
            beginning.bytes.iter_mut().zip(self.bytes).take(length).for_each(|(to, from)| *to = from);
            beginning
        })
    }
}

/// The bytes and a zero, which none of them is.
impl Key for Folded {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_str().as_bytes());
        bytes.push(0);
    }
}

/// What names are to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix(Folded);

impl Prefix {
    /// `None` if it is longer than [`MAX_PREFIX`].
    pub fn new(text: &str) -> Option<Self> {
        // What is longer has too many characters, whichever they are.
        if text.len() > 4 * MAX_PREFIX {
            return None;
        }
        let folded = Folded::of(text);
        (folded.length <= MAX_PREFIX).then_some(Prefix(folded))
    }
}

/// The bytes alone: what keys begin with.
impl Key for Prefix {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.0.as_str().as_bytes());
    }
}

/// A place among names.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct NameCursor {
    /// The beginning of a name, in lower case.
    pub name: String,
    /// Among contracts of the same name: when it was registered.
    pub at: Moment,
}

/// Where a name stands: in the list of a service, among others of the same name by the time of registration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    service: Service,
    name: Folded,
    at: Moment,
}

impl Entry {
    /// The entry of a contract of this name, registered at that moment.
    pub fn of(service: Service, name: &str, at: Moment) -> Self {
        Entry { service, name: Folded::of(name), at }
    }

    fn key(&self) -> (Service, (Folded, Moment)) {
        (self.service, (self.name, self.at))
    }

    fn cursor(&self) -> NameCursor {
        NameCursor { name: self.name.as_str().to_owned(), at: self.at }
    }
}

/// Has `contract` found under its name.
pub(super) fn add(tables: &mut dyn Tables, entry: Entry, contract: Principal) {
    NAMES.put(tables, &entry.key(), &contract);
    for beginning in entry.name.beginnings() {
        BEGINNINGS.upsert(tables, &(entry.service, beginning), |count| *count += 1);
    }
}

/// Has the contract of this entry not found any more.
pub(super) fn remove(tables: &mut dyn Tables, entry: Entry) {
    NAMES.remove(tables, &entry.key());
    for beginning in entry.name.beginnings() {
        let key = (entry.service, beginning);
        match BEGINNINGS.get(tables, &key).unwrap_or_default() {
            0 | 1 => BEGINNINGS.remove(tables, &key),
            count => BEGINNINGS.put(tables, &key, &(count - 1)),
        }
    }
}

/// At most `limit` (1 to [`MAX_PAGE`]) public contracts of `service` whose names begin with `prefix`, in the order of
/// their names, after `cursor`. `entry` tells the entry of each.
pub(super) fn find<R>(
    tables: &dyn Tables,
    (service, prefix): (Service, Prefix),
    cursor: Option<&NameCursor>,
    limit: usize,
    view: impl Fn(Principal) -> Option<(Entry, R)>,
) -> Listed<R, NameCursor> {
    let limit = limit.clamp(1, MAX_PAGE);
    let after = cursor.map(|cursor| Entry::of(service, &cursor.name, cursor.at).key());
    let mut found = NAMES.within(tables, &(service, prefix), after.as_ref(), limit + 1);
    let more = found.len() > limit;
    found.truncate(limit);
    let rows: Vec<(Entry, R)> = found.into_iter().filter_map(view).collect();
    let next = rows.last().filter(|_| more).map(|(entry, _)| entry.cursor());
    let total = BEGINNINGS.get(tables, &(service, prefix.0)).unwrap_or_default();
    Listed { rows: rows.into_iter().map(|(_, row)| row).collect(), next, total }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_in_lower_case_and_up_to_a_length() {
        let folded = |text: &str| Folded::of(text).as_str().to_owned();
        assert_eq!(folded("\u{0} \tCairn\u{0} of STONES"), "cairn of stones");
        assert_eq!(folded("ΟΔΟΣ"), "οδοσ", "no letter depends on its neighbours");
        assert_eq!(folded(&"Ä".repeat(40)), "ä".repeat(16), "whole characters");
        assert_eq!(Folded::of(&folded("İstanbul")), Folded::of("İstanbul"), "folding again changes nothing");
        let all: Vec<String> = Folded::of("äb").beginnings().map(|beginning| beginning.as_str().to_owned()).collect();
        assert_eq!(all, ["", "ä", "äb"]);
        assert_eq!(Folded::of(&"x".repeat(40)).beginnings().count(), MAX_PREFIX + 1);
    }

    #[test]
    fn a_prefix_is_bounded() {
        assert!(Prefix::new("").is_some());
        assert!(Prefix::new(&"X".repeat(MAX_PREFIX)).is_some());
        assert!(Prefix::new(&"X".repeat(MAX_PREFIX + 1)).is_none());
        assert!(Prefix::new(&" ".repeat(1_000)).is_none());
    }
}
