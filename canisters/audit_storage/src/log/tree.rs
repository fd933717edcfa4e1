//! The Merkle tree over the events, its nodes in stable memory; leaves, and the nodes right above them, follow from the
//! hashes of the events.

use super::columns::Columns;
use crate::region::Region;
use cairn_events::{Hash, merkle};
use ic_stable_structures::Memory;

/// Bytes of a node.
pub const NODE: u64 = 32;

/// The lowest level that is kept: half of all inner nodes are below, and two leaves make each of them.
const KEPT: u32 = 2;

/// The nodes of complete subtrees from level [`KEPT`] on, in the order in which they become complete.
pub struct Tree<M> {
    nodes: Region<M>,
    size: u64,
}

/// How many nodes are kept of a tree of `size` leaves.
fn kept_count(size: u64) -> u64 {
    merkle::node_count(size) - size - size / 2
}

/// The nodes with their leaves.
struct Whole<'a, M> {
    tree: &'a Tree<M>,
    columns: &'a Columns<M>,
}

impl<M: Memory> merkle::Nodes for Whole<'_, M> {
    fn node(&self, level: u32, end: u64) -> Option<Hash> {
        if end > self.tree.size {
            return None;
        }
        let last = end.checked_sub(1)?;
        match level {
            0 => self.columns.hash(last).map(|input| merkle::leaf_hash(&input)),
            1 => Some(merkle::node_hash(&self.node(0, last)?, &self.node(0, end)?)),
            _ => Some(Hash(self.tree.nodes.array(NODE * (kept_count(last) + u64::from(level - KEPT))))),
        }
    }
}

impl<M: Memory> Tree<M> {
    /// The tree of `size` leaves in `memory`.
    pub fn open(memory: M, size: u64) -> Self {
        Tree { nodes: Region::new(memory), size }
    }

    /// Whether the memory is as long as it must be.
    pub fn is_whole(&self) -> bool {
        self.nodes.holds(self.bytes())
    }

    /// Bytes taken.
    pub fn bytes(&self) -> u64 {
        NODE * kept_count(self.size)
    }

    /// Makes room for `added` more leaves, and for a node beyond: the first events have none, yet others must not take
    /// the memory in which what follows from them will lie. False if there is no room.
    pub fn ensure(&self, added: u64) -> bool {
        self.nodes.ensure(NODE * (kept_count(self.size + added) + 1))
    }

    /// Takes the next event of the columns as a leaf. The room was ensured.
    pub fn push(&mut self, columns: &Columns<M>) {
        let pushed = columns.hash(self.size).and_then(|input| merkle::append(self.size, &input, &self.of(columns)));
        // The event and the nodes before it are all there, so there is an answer.
        let bytes: Vec<u8> = pushed.iter().flatten().skip(KEPT as usize).flat_map(|node| node.0).collect();
        self.nodes.write(self.bytes(), &bytes);
        self.size += 1;
    }

    /// The root of the first `size` leaves, if there are so many.
    pub fn root(&self, size: u64, columns: &Columns<M>) -> Option<Hash> {
        if size > self.size { None } else { merkle::root(size, &self.of(columns)) }
    }

    /// The path that proves leaf `index` among the first `size`.
    pub fn inclusion(&self, index: u64, size: u64, columns: &Columns<M>) -> Option<Vec<Hash>> {
        if size > self.size { None } else { merkle::inclusion_proof(index, size, &self.of(columns)) }
    }

    /// The path that proves that the first `size` leaves begin with the first `old`.
    pub fn consistency(&self, old: u64, size: u64, columns: &Columns<M>) -> Option<Vec<Hash>> {
        if size > self.size { None } else { merkle::consistency_proof(old, size, &self.of(columns)) }
    }

    fn of<'a>(&'a self, columns: &'a Columns<M>) -> Whole<'a, M> {
        Whole { tree: self, columns }
    }
}
