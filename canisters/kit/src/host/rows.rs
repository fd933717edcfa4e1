//! The rows of a projection in stable memory.

use crate::stable::Memory;
use cairn_projections::tables::{MAX_KEY, Row, is_empty_range};
use cairn_projections::{Order, Tables};
use ic_stable_structures::StableBTreeMap;
use ic_stable_structures::storable::{Bound as Size, Storable};
use std::borrow::Cow;
use std::ops::Bound;

/// A key: at most [`MAX_KEY`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(Vec<u8>);

impl Storable for Key {
    const BOUND: Size = Size::Bounded { max_size: MAX_KEY as u32, is_fixed_size: false };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.0)
    }

    fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        Key(bytes.into_owned())
    }
}

/// One set of rows.
pub struct Rows(StableBTreeMap<Key, Vec<u8>, Memory>);

impl Rows {
    /// The rows in `memory`.
    pub fn open(memory: Memory) -> Self {
        Rows(StableBTreeMap::init(memory))
    }

    /// Forgets all rows, at a cost that does not depend on their number.
    pub fn clear(&mut self) {
        self.0.clear_new();
    }
}

impl Tables for Rows {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.0.get(&Key(key.to_vec())).map(Cow::Owned)
    }

    fn insert(&mut self, key: Vec<u8>, row: Vec<u8>) {
        self.0.insert(Key(key), row);
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.remove(&Key(key.to_vec()));
    }

    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, order: Order, limit: usize) -> Vec<Row> {
        if is_empty_range(from, to) {
            return Vec::new();
        }
        let key = |bytes: &[u8]| Key(bytes.to_vec());
        let entries = self.0.range((from.map(key), to.map(key)));
        match order {
            Order::Ascending => entries.take(limit).map(|entry| (entry.key().0.clone(), entry.value())).collect(),
            Order::Descending => {
                entries.rev().take(limit).map(|entry| (entry.key().0.clone(), entry.value())).collect()
            }
        }
    }
}
