//! Where projections keep their rows: one ordered map of bytes, whatever it lives in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

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

/// The rows of one projection: an ordered map from keys to rows. The first byte of a key is the number of its table,
/// and no key is longer than [`MAX_KEY`].
pub trait Tables {
    /// The row under `key`.
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>>;

    /// Sets the row under `key`.
    fn insert(&mut self, key: Vec<u8>, row: Vec<u8>);

    /// Drops the row under `key`, if there is one.
    fn remove(&mut self, key: &[u8]);

    /// The first `limit` rows with `from <= key` and a key within `to`, in `order`. An empty range yields nothing.
    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, order: Order, limit: usize) -> Vec<Row>;
}

/// Rows in the heap: for native replays and tests. Each table is a map of its own, under its number: small tables, which
/// change most, are not searched for among the rows of large ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryTables(BTreeMap<u8, BTreeMap<Vec<u8>, Vec<u8>>>);

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
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.values().flatten().map(|(key, row)| (key.as_slice(), row.as_slice()))
    }
}

impl Tables for MemoryTables {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.0.get(key.first()?)?.get(key).map(|row| Cow::Borrowed(row.as_slice()))
    }

    fn insert(&mut self, key: Vec<u8>, row: Vec<u8>) {
        let Some(number) = key.first() else { return };
        self.0.entry(*number).or_default().insert(key, row);
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
        let rows = self.0.values().flat_map(|table| table.range::<[u8], _>((from, to)));
        let rows = rows.map(|(key, row)| (key.clone(), row.clone()));
        match order {
            Order::Ascending => rows.take(limit).collect(),
            Order::Descending => rows.rev().take(limit).collect(),
        }
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
