//! Where projections keep their rows: one ordered map of bytes, whatever it lives in.

use cairn_events::codec;
use serde::Serialize;
use std::any::Any;
use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

/// The longest key, in bytes.
pub const MAX_KEY: usize = 64;

/// The order of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the lowest key on.
    Ascending,
    /// From the highest key back.
    Descending,
}

/// A row: its key and its content.
pub type Row = (Vec<u8>, Vec<u8>);

/// What a row holds, as reducers have it.
pub trait Content: Any + Send + Sync {
    /// The bytes of the row.
    fn encode(&self) -> Vec<u8>;
    /// The content, for whoever keeps it as it is.
    fn share(&self) -> Arc<dyn Content>;
}

impl<R: Serialize + Clone + Send + Sync + 'static> Content for R {
    fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    fn share(&self) -> Arc<dyn Content> {
        Arc::new(self.clone())
    }
}

/// The rows of one projection: an ordered map from keys to rows. The first byte of a key is the number of its table,
/// and no key is longer than [`MAX_KEY`].
pub trait Tables {
    /// The row under `key`.
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>>;

    /// Sets the row under `key`.
    fn insert(&mut self, key: Vec<u8>, row: Vec<u8>);

    /// The content of the row under `key`, where it is kept as it is; `None` where bytes are kept.
    fn content(&self, _: &[u8]) -> Option<&dyn Any> {
        None
    }

    /// As [`Tables::content`], to be changed where it is kept.
    fn content_mut(&mut self, _: &[u8]) -> Option<&mut dyn Any> {
        None
    }

    /// Sets the row under `key`, as bytes or as it is.
    fn put(&mut self, key: Vec<u8>, content: &dyn Content) {
        self.insert(key, content.encode());
    }

    /// Drops the row under `key`, if there is one.
    fn remove(&mut self, key: &[u8]);

    /// The first `limit` rows with `from <= key` and a key within `to`, in `order`. An empty range yields nothing.
    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, order: Order, limit: usize) -> Vec<Row>;
}

/// Rows in the heap: for native replays and tests. Each table is a map of its own, under its number: small tables, which
/// change most, are not searched for among the rows of large ones. Reducers' rows are kept as they are, and encoded for
/// whoever wants to see bytes: a replay changes a row many times, and its digest is taken once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryTables(BTreeMap<u8, BTreeMap<HeapKey, HeapRow>>);

/// A key in the heap: in place, not behind a pointer, as keys are compared far more often than anything else is done.
#[derive(Clone, Copy)]
struct HeapKey {
    bytes: [u8; MAX_KEY],
    length: usize,
}

impl HeapKey {
    /// `None` if it is too long for any table.
    fn of(key: &[u8]) -> Option<Self> {
        let mut bytes = [0; MAX_KEY];
        bytes.get_mut(..key.len())?.copy_from_slice(key);
        Some(HeapKey { bytes, length: key.len() })
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Borrow<[u8]> for HeapKey {
    fn borrow(&self) -> &[u8] {
        self.as_slice()
    }
}

impl PartialEq for HeapKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for HeapKey {}

impl PartialOrd for HeapKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for HeapKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl fmt::Debug for HeapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

/// A row in the heap. Rows are what their bytes are.
#[derive(Clone)]
enum HeapRow {
    Bytes(Vec<u8>),
    Content(Arc<dyn Content>),
}

impl HeapRow {
    fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            HeapRow::Bytes(bytes) => Cow::Borrowed(bytes),
            HeapRow::Content(content) => Cow::Owned(content.encode()),
        }
    }
}

impl PartialEq for HeapRow {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for HeapRow {}

impl fmt::Debug for HeapRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().fmt(f)
    }
}

impl MemoryTables {
    /// How many rows there are, in all tables.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every row, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
        self.0.values().flatten().map(|(key, row)| (key.as_slice(), row.bytes()))
    }

    fn row(&self, key: &[u8]) -> Option<&HeapRow> {
        self.0.get(key.first()?)?.get(key)
    }

    fn set(&mut self, key: Vec<u8>, row: HeapRow) {
        if let (Some(number), Some(key)) = (key.first(), HeapKey::of(&key)) {
            self.0.entry(*number).or_default().insert(key, row);
        }
    }
}

impl Tables for MemoryTables {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.row(key).map(HeapRow::bytes)
    }

    fn insert(&mut self, key: Vec<u8>, row: Vec<u8>) {
        self.set(key, HeapRow::Bytes(row));
    }

    fn content(&self, key: &[u8]) -> Option<&dyn Any> {
        match self.row(key)? {
            HeapRow::Bytes(_) => None,
            HeapRow::Content(content) => Some(content.as_ref()),
        }
    }

    fn content_mut(&mut self, key: &[u8]) -> Option<&mut dyn Any> {
        match self.0.get_mut(key.first()?)?.get_mut(key)? {
            HeapRow::Bytes(_) => None,
            HeapRow::Content(content) => {
                // A clone of these tables keeps the row as it was.
                if Arc::get_mut(content).is_none() {
                    *content = content.share();
                }
                Arc::get_mut(content).map(|content| content as &mut dyn Any)
            }
        }
    }

    fn put(&mut self, key: Vec<u8>, content: &dyn Content) {
        self.set(key, HeapRow::Content(content.share()));
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(Entry::Occupied(mut table)) = key.first().map(|number| self.0.entry(*number)) {
            table.get_mut().remove(key);
            if table.get().is_empty() {
                table.remove();
            }
        }
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, order: Order, limit: usize) -> Vec<Row> {
        if is_empty_range(from, to) {
            return Vec::new();
        }
        let (lowest, highest) = (number(from).unwrap_or(u8::MIN), number(to).unwrap_or(u8::MAX));
        let tables = self.0.range(lowest..=highest);
        let rows = tables.flat_map(|(_, table)| table.range::<[u8], _>((from, to)));
        let rows = rows.map(|(key, row)| (key.as_slice().to_vec(), row.bytes().into_owned()));
        match order {
            Order::Ascending => rows.take(limit).collect(),
            Order::Descending => rows.rev().take(limit).collect(),
        }
    }
}

/// The number of the table in which a range begins or ends.
fn number(bound: Bound<&[u8]>) -> Option<u8> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => key.first().copied(),
        Bound::Unbounded => None,
    }
}

/// Whether no key can lie between these bounds. Ordered maps panic on such ranges: ask before.
pub fn is_empty_range(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        vec(0u8..4, 0..4)
    }

    fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
        prop_oneof![Just(Bound::Unbounded), key().prop_map(Bound::Included), key().prop_map(Bound::Excluded)]
    }

    proptest! {
        /// Whatever tables it begins and ends in.
        #[test]
        fn a_range_is_that_of_one_ordered_map(
            rows in btree_map(vec(0u8..4, 1..4), vec(any::<u8>(), 0..3), 0..40),
            from in bound(),
            to in bound(),
            limit in 0usize..20,
        ) {
            let mut tables = MemoryTables::default();
            rows.iter().for_each(|(key, row)| tables.insert(key.clone(), row.clone()));
            let (from, to) = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
            let inside = (!is_empty_range(from, to)).then(|| rows.range::<[u8], _>((from, to)));
            let mut found: Vec<Row> = inside.into_iter().flatten().map(|(key, row)| (key.clone(), row.clone())).collect();
            let first = |found: &[Row]| found.iter().take(limit).cloned().collect::<Vec<_>>();
            prop_assert_eq!(tables.scan(from, to, Order::Ascending, limit), first(&found));
            found.reverse();
            prop_assert_eq!(tables.scan(from, to, Order::Descending, limit), first(&found));
        }
    }
}
