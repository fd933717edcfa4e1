//! A topic map in the heap.

use super::{Changed, Fork, MapLeaf, Node, Nodes, Place, Store, update};
use crate::Hash;
use crate::topic::TopicHead;
use std::collections::BTreeMap;

/// A topic map in the heap.
#[derive(Clone, Debug, Default)]
pub struct HeapMap {
    root: Option<Node>,
    forks: Vec<Fork>,
    leaves: Vec<MapLeaf>,
    numbers: BTreeMap<Place, u32>,
}

impl Nodes for HeapMap {
    fn root(&self) -> Option<Node> {
        self.root
    }

    fn fork(&self, number: u32) -> Option<Fork> {
        self.forks.get(number as usize).copied()
    }

    fn place(&self, leaf: u32) -> Option<Place> {
        self.leaves.get(leaf as usize).map(|leaf| leaf.place)
    }

    fn head(&self, leaf: u32) -> Option<TopicHead> {
        self.leaves.get(leaf as usize).map(|leaf| leaf.head)
    }
}

impl Store for HeapMap {
    fn set_root(&mut self, node: Node) {
        self.root = Some(node);
    }

    fn set_fork(&mut self, number: u32, fork: &Fork) {
        if let Some(place) = self.forks.get_mut(number as usize) {
            *place = *fork;
        }
    }

    fn push_fork(&mut self, fork: &Fork) -> Option<u32> {
        self.forks.push(*fork);
        u32::try_from(self.forks.len() - 1).ok()
    }
}

impl HeapMap {
    /// Sets heads, and takes them into the map in one go; the new root. `None` beyond 2^32 topics.
    pub fn set(&mut self, heads: impl IntoIterator<Item = (Place, TopicHead)>) -> Option<Hash> {
        let mut changed = BTreeMap::new();
        for (place, head) in heads {
            let next = self.leaves.len() as u32;
            let leaf = *self.numbers.entry(place).or_insert(next);
            let is_new = leaf == next;
            match self.leaves.get_mut(leaf as usize) {
                Some(leaf) => leaf.head = head,
                None => self.leaves.push(MapLeaf { place, head }),
            }
            changed.entry(place).or_insert(Changed { place, leaf, is_new });
        }
        update(self, changed.into_values().collect())
    }
}
