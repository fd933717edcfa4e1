//! Lists that can be read by status, and as strangers see them: newest first, page by page, each page with the count.
//!
//! An entry lies on one shelf of its list: that of its status, and of those who may see it. A page is merged from the
//! shelves that are asked for and hold anything; the counts of all shelves stand in one row.

use crate::Tables;
use crate::key::{Key, Moment};
use crate::table::{MAX_PAGE, Stored, Table, Timeline};
use cairn_events::Principal;
use cairn_events::payload::ContractStatus;
use cairn_events::topic::Service;
use candid::CandidType;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Status and audience of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Shelf(u8);

/// Shelves of a list.
const SHELVES: usize = 2 * ContractStatus::ALL.len();

impl Shelf {
    /// The shelf of contracts of this status that strangers may see, or may not.
    pub fn of(status: ContractStatus, public: bool) -> Shelf {
        let audience = if public { ContractStatus::ALL.len() as u8 } else { 0 };
        Shelf(audience + status as u8)
    }

    /// Whether strangers may see what lies on it.
    pub fn is_public(self) -> bool {
        usize::from(self.0) >= ContractStatus::ALL.len()
    }
}

impl Key for Shelf {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
    }
}

/// The shelf that an entry lies on, in a list of contracts of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub service: Service,
    pub shelf: Shelf,
}

/// What is asked for of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only contracts of this status.
    pub status: Option<ContractStatus>,
    /// Only what strangers may see.
    pub public: bool,
}

impl Filter {
    /// Everything.
    pub const ALL: Filter = Filter { status: None, public: false };
    /// Everything that strangers may see.
    pub const PUBLIC: Filter = Filter { status: None, public: true };

    fn shelves(self) -> impl Iterator<Item = Shelf> {
        let statuses = ContractStatus::ALL.into_iter().filter(move |status| self.status.is_none_or(|it| it == *status));
        statuses.flat_map(move |status| {
            [true, false].into_iter().filter(move |public| *public || !self.public).map(move |p| Shelf::of(status, p))
        })
    }
}

/// How many entries lie on which shelf of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Tally([u64; SHELVES]);

impl Tally {
    fn count(&self, shelf: Shelf) -> u64 {
        self.0.get(usize::from(shelf.0)).copied().unwrap_or_default()
    }

    fn put(&mut self, shelf: Shelf) {
        if let Some(count) = self.0.get_mut(usize::from(shelf.0)) {
            *count = count.saturating_add(1);
        }
    }

    fn take(&mut self, shelf: Shelf) {
        if let Some(count) = self.0.get_mut(usize::from(shelf.0)) {
            *count = count.saturating_sub(1);
        }
    }
}

/// A page of a list, and how long the list is. The host that answers with it adds the checkpoint that it reflects.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Listed<R, C = Moment> {
    /// The rows.
    pub rows: Vec<R>,
    /// Where the next page begins; absent if this is the last one.
    pub next: Option<C>,
    /// How many rows all pages have together.
    pub total: u64,
}

impl<R, C> Listed<R, C> {
    /// The same page with every row seen through `view`; rows that it does not yield are left out.
    pub(super) fn filter_map<V>(self, view: impl FnMut(R) -> Option<V>) -> Listed<V, C> {
        Listed { rows: self.rows.into_iter().filter_map(view).collect(), next: self.next, total: self.total }
    }
}

/// Lists of contracts, one per scope `S`, with entries `E`.
pub(super) struct Shelves<S, E = Principal> {
    entries: Timeline<(S, Shelf), E>,
    tallies: Table<S, Tally>,
}

impl<S: Key + Copy, E: Stored> Shelves<S, E> {
    /// The lists whose entries are table `entries`, and whose counts are table `tallies`.
    pub const fn new(entries: u8, tallies: u8) -> Self {
        Shelves { entries: Timeline::new(entries), tallies: Table::new(tallies) }
    }

    /// Moves the entry of that moment in the list of `scope` from one shelf to another, or writes it anew where it lies:
    /// `None` is outside the list.
    pub fn shift(
        &self,
        tables: &mut dyn Tables,
        scope: S,
        (at, entry): (Moment, E),
        from: Option<Shelf>,
        to: Option<Shelf>,
    ) {
        if let Some(to) = to {
            self.entries.add(tables, (scope, to), at, &entry);
        }
        if from == to {
            return;
        }
        if let Some(from) = from {
            self.entries.remove(tables, (scope, from), at);
        }
        let empty = self.tallies.upsert(tables, &scope, |tally| {
            from.into_iter().for_each(|from| tally.take(from));
            to.into_iter().for_each(|to| tally.put(to));
            *tally == Tally::default()
        });
        if empty {
            self.tallies.remove(tables, &scope);
        }
    }

    /// At most `limit` (1 to [`MAX_PAGE`]) entries of the list of `scope` with their moments, the newest first, from `cursor`
    /// on.
    pub fn page(
        &self,
        tables: &dyn Tables,
        scope: S,
        filter: Filter,
        cursor: Option<Moment>,
        limit: usize,
    ) -> Listed<(Moment, E)> {
        let limit = limit.clamp(1, MAX_PAGE);
        let tally = self.tallies.get(tables, &scope).unwrap_or_default();
        let (mut total, mut found) = (0, Vec::new());
        for shelf in filter.shelves().filter(|shelf| tally.count(*shelf) > 0) {
            total += tally.count(shelf);
            found.extend(self.entries.newest(tables, (scope, shelf), cursor, limit + 1));
        }
        found.sort_unstable_by_key(|(at, _)| Reverse(*at));
        let next = found.get(limit).map(|(at, _)| *at);
        found.truncate(limit);
        Listed { rows: found, next, total }
    }
}
