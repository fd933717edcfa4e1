//! Typed tables, and the lists in order of time that point into them.

use crate::key::{Key, Moment};
use crate::tables::{MAX_KEY, Order, Tables};
use cairn_events::codec;
use candid::CandidType;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use std::ops::Bound;

/// Most rows in a page.
pub const MAX_PAGE: usize = 100;

/// What rows can be.
pub trait Stored: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

impl<R: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Stored for R {}

/// A table: rows of type `R` under keys of type `K`, stored as [`codec`] encodes them.
pub struct Table<K, R> {
    number: u8,
    types: PhantomData<fn(K) -> R>,
}

impl<K: Key, R: Stored> Table<K, R> {
    /// The table of this number: unique within its projection, and for ever.
    pub const fn new(number: u8) -> Self {
        Table { number, types: PhantomData }
    }

    /// The row under `key`.
    pub fn get(&self, tables: &dyn Tables, key: &K) -> Option<R> {
        let key = self.key(key);
        match tables.content(&key).and_then(|content| content.downcast_ref::<R>()) {
            Some(row) => Some(row.clone()),
            None => codec::decode_trusted(&tables.get(&key)?).ok(),
        }
    }

    /// Sets the row under `key`.
    pub fn put(&self, tables: &mut dyn Tables, key: &K, row: &R) {
        tables.put(self.key(key), row);
    }

    /// Drops the row under `key`.
    pub fn remove(&self, tables: &mut dyn Tables, key: &K) {
        tables.remove(&self.key(key));
    }

    /// Changes the row under `key`, if there is one, and returns what `change` does.
    pub fn update<T>(&self, tables: &mut dyn Tables, key: &K, change: impl FnOnce(&mut R) -> T) -> Option<T> {
        self.change(tables, key, change).ok()
    }

    /// Changes the row under `key`, beginning with `first` if there is none, and returns what `change` does.
    pub fn upsert_from<T>(&self, tables: &mut dyn Tables, key: &K, first: R, change: impl FnOnce(&mut R) -> T) -> T {
        self.change(tables, key, change).unwrap_or_else(|change| {
            let mut row = first;
            let changed = change(&mut row);
            self.put(tables, key, &row);
            changed
        })
    }

    /// Changes the row under `key`, where it lies if it is kept as it is; `change` comes back if there is none.
    fn change<T, C: FnOnce(&mut R) -> T>(&self, tables: &mut dyn Tables, key: &K, change: C) -> Result<T, C> {
        let key = self.key(key);
        if let Some(row) = tables.content_mut(&key).and_then(|content| content.downcast_mut()) {
            return Ok(change(row));
        }
        let stored = tables.get(&key).and_then(|row| codec::decode_trusted(&row).ok());
        let Some(mut row) = stored else { return Err(change) };
        let changed = change(&mut row);
        tables.put(key, &row);
        Ok(changed)
    }

    /// The rows from `from` (inclusive) to `to` (exclusive), at most `limit` of them.
    pub fn range(&self, tables: &dyn Tables, from: &K, to: &K, limit: usize) -> Vec<R> {
        let (from, to) = (self.key(from), self.key(to));
        let rows = tables.scan(Bound::Included(&from), Bound::Excluded(&to), Order::Ascending, limit.min(MAX_PAGE));
        rows.iter().filter_map(|(_, row)| codec::decode_trusted(row).ok()).collect()
    }

    /// The rows whose keys begin as `part` does, in order, at most `limit` of them; from the one after `after` on, whether
    /// there is a row of that key or not.
    pub(crate) fn within(&self, tables: &dyn Tables, part: &impl Key, after: Option<&K>, limit: usize) -> Vec<R> {
        let part = self.key(part);
        let after = after.map(|after| self.key(after)).filter(|after| *after >= part);
        let from = after.as_deref().map_or(Bound::Included(part.as_slice()), Bound::Excluded);
        let to = successor(&part);
        let to = to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let rows = tables.scan(from, to, Order::Ascending, limit);
        rows.iter().filter_map(|(_, row)| codec::decode_trusted(row).ok()).collect()
    }

    fn key(&self, key: &impl Key) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_KEY);
        bytes.push(self.number);
        key.write(&mut bytes);
        bytes
    }
}

impl<A: Key, B: Key, R: Stored> Table<(A, B), R> {
    /// The rows whose key begins with `part`, at most `limit` of them.
    pub fn under(&self, tables: &dyn Tables, part: &A, limit: usize) -> Vec<R> {
        self.within(tables, part, None, limit)
    }

    /// As [`Table::under`], from the row after the one under `part` and `after` on.
    pub fn under_after(&self, tables: &dyn Tables, part: A, after: Option<B>, limit: usize) -> Vec<R>
    where
        A: Copy,
    {
        let after = after.map(|after| (part, after));
        self.within(tables, &part, after.as_ref(), limit)
    }
}

/// The lowest key above all that begin with `prefix`, if there is one.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut successor = prefix.get(..=last)?.to_vec();
    if let Some(byte) = successor.last_mut() {
        *byte += 1;
    }
    Some(successor)
}

impl<K: Key, R: Stored + Default> Table<K, R> {
    /// As [`Table::upsert_from`], beginning with the default row.
    pub fn upsert<T>(&self, tables: &mut dyn Tables, key: &K, change: impl FnOnce(&mut R) -> T) -> T {
        self.upsert_from(tables, key, R::default(), change)
    }
}

/// A page of rows. The host that answers with it adds the checkpoint that it reflects.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Page<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// Where the next page begins; absent if this is the last one.
    pub next: Option<Moment>,
}

impl<R> Page<R> {
    /// The first `limit` of `found`; one more than these is the beginning of the next page.
    pub(crate) fn of(mut found: Vec<(Moment, R)>, limit: usize) -> Page<R> {
        let next = found.get(limit).map(|(moment, _)| *moment);
        found.truncate(limit);
        Page { rows: found.into_iter().map(|(_, row)| row).collect(), next }
    }

    /// The same page with every row seen through `view`; rows that it does not yield are left out.
    pub fn filter_map<V>(self, view: impl FnMut(R) -> Option<V>) -> Page<V> {
        Page { rows: self.rows.into_iter().filter_map(view).collect(), next: self.next }
    }
}

/// Lists in order of time, one per scope `S`, of references of type `K`.
pub struct Timeline<S, K> {
    entries: Table<(S, Moment), K>,
}

impl<S: Key + Copy, K: Stored> Timeline<S, K> {
    /// The timeline that is table `number`.
    pub const fn new(number: u8) -> Self {
        Timeline { entries: Table::new(number) }
    }

    /// Adds a reference to the list of `scope`.
    pub fn add(&self, tables: &mut dyn Tables, scope: S, moment: Moment, reference: &K) {
        self.entries.put(tables, &(scope, moment), reference);
    }

    /// Takes the reference of that moment out of the list of `scope`.
    pub fn remove(&self, tables: &mut dyn Tables, scope: S, moment: Moment) {
        self.entries.remove(tables, &(scope, moment));
    }

    /// At most `limit` (1 to [`MAX_PAGE`]) references of `scope`, the newest first, from `cursor` (a page's `next`) on.
    pub fn page(&self, tables: &dyn Tables, scope: S, cursor: Option<Moment>, limit: usize) -> Page<K> {
        let limit = limit.clamp(1, MAX_PAGE);
        Page::of(self.newest(tables, scope, cursor, limit + 1), limit)
    }

    /// At most `limit` references of `scope` with their moments, the newest first, from `cursor` on.
    pub(crate) fn newest(
        &self,
        tables: &dyn Tables,
        scope: S,
        cursor: Option<Moment>,
        limit: usize,
    ) -> Vec<(Moment, K)> {
        const LAST: Moment = Moment { time: cairn_events::Timestamp(u64::MAX), index: u64::MAX };
        let (from, to) =
            (self.entries.key(&(scope, Moment::default())), self.entries.key(&(scope, cursor.unwrap_or(LAST))));
        let found = tables.scan(Bound::Included(&from), Bound::Included(&to), Order::Descending, limit);
        let entry = |(key, row): &(Vec<u8>, Vec<u8>)| Some((Moment::at_end_of(key)?, codec::decode_trusted(row).ok()?));
        found.iter().filter_map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryTables;
    use cairn_events::{Principal, Timestamp};

    fn at(index: u64) -> Moment {
        Moment { time: Timestamp(index / 3), index }
    }

    #[test]
    fn a_timeline_is_read_page_by_page_from_its_end() {
        let timeline: Timeline<Principal, u64> = Timeline::new(1);
        let mut tables = MemoryTables::default();
        // Principals of which one begins with the other: their lists stay apart.
        let people = [&[][..], &[1], &[1, 0], &[1, 255], &[255; 29]].map(Principal::from_slice);
        for index in 0..50 {
            people.iter().for_each(|person| timeline.add(&mut tables, *person, at(index), &index));
        }
        for person in people {
            let (mut cursor, mut read) = (None, Vec::new());
            loop {
                let page = timeline.page(&tables, person, cursor, 7);
                read.extend(page.rows);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(read, (0..50).rev().collect::<Vec<_>>());
        }
        assert_eq!(timeline.page(&tables, Principal::from_slice(&[2]), None, 7), Page { rows: vec![], next: None });
        timeline.remove(&mut tables, people[1], at(49));
        assert_eq!(timeline.page(&tables, people[1], None, 1), Page { rows: vec![48], next: Some(at(47)) });
        assert_eq!(timeline.page(&tables, people[1], Some(at(0)), 1), Page { rows: vec![0], next: None });
    }

    #[test]
    fn limits_of_a_page_are_kept() {
        let timeline: Timeline<(), u64> = Timeline::new(1);
        let mut tables = MemoryTables::default();
        (0..200).for_each(|index| timeline.add(&mut tables, (), at(index), &index));
        assert_eq!(timeline.page(&tables, (), None, 0).rows.len(), 1);
        assert_eq!(timeline.page(&tables, (), None, usize::MAX).rows.len(), MAX_PAGE);
    }

    #[test]
    fn a_row_is_changed_as_it_is_or_as_bytes_and_in_no_clone() {
        let table: Table<u64, u64> = Table::new(7);
        let mut tables = MemoryTables::default();
        let add = |row: &mut u64| {
            *row += 5;
            *row
        };
        assert_eq!(table.update(&mut tables, &1, add), None);
        assert!(tables.is_empty(), "nothing to change");
        assert_eq!(table.upsert_from(&mut tables, &1, 2, add), 7);
        let before = tables.clone();
        assert_eq!(table.upsert(&mut tables, &1, add), 12);
        assert_eq!((table.get(&before, &1), table.get(&tables, &1)), (Some(7), Some(12)));
        tables.insert(table.key(&1_u64), codec::encode(&20_u64));
        assert_eq!(table.update(&mut tables, &1, add), Some(25));
        assert_eq!(table.get(&tables, &1), Some(25));
    }

    #[test]
    fn the_rows_under_a_part_are_its_own() {
        let table: Table<(u8, u64), u64> = Table::new(7);
        let mut tables = MemoryTables::default();
        for part in [0, 1, 254, 255] {
            (0..5).for_each(|n| table.put(&mut tables, &(part, n), &(u64::from(part) * 10 + n)));
        }
        assert_eq!(table.under(&tables, &255, 100), vec![2550, 2551, 2552, 2553, 2554]);
        assert_eq!(table.under(&tables, &1, 2), vec![10, 11]);
        assert_eq!(table.range(&tables, &(1, 3), &(254, 1), 100), vec![13, 14, 2540]);
        assert_eq!(table.range(&tables, &(254, 1), &(1, 3), 100), Vec::<u64>::new(), "an empty range");
        assert_eq!(successor(&[7, 255]), Some(vec![8]));
        assert_eq!(successor(&[255, 255]), None);
    }
}
