//! The Merkle tree over the events, its nodes in stable memory.

use crate::region::Region;
use cairn_events::{Hash, merkle};
use ic_stable_structures::Memory;

/// Bytes of a node.
pub const NODE: u64 = 32;

/// The nodes of a tree of `size` leaves.
pub struct Tree<M> {
    nodes: Region<M>,
    size: u64,
}

impl<M: Memory> merkle::Nodes for Tree<M> {
    fn node(&self, position: u64) -> Option<Hash> {
        (position < merkle::node_count(self.size)).then(|| Hash(self.nodes.array(NODE * position)))
    }
}

impl<M: Memory> Tree<M> {
    /// The tree of `size` leaves in `memory`.
    pub fn open(memory: M, size: u64) -> Self {
        Tree { nodes: Region::new(memory), size }
    }

    /// Whether the memory is as long as it must be.
    pub fn is_whole(&self) -> bool {
        self.nodes.holds(NODE * merkle::node_count(self.size))
    }

    /// Bytes taken.
    pub fn bytes(&self) -> u64 {
        NODE * merkle::node_count(self.size)
    }

    /// Makes room for `added` more leaves; false if there is none.
    pub fn ensure(&self, added: u64) -> bool {
        self.nodes.ensure(NODE * merkle::node_count(self.size + added))
    }

    /// Adds the event of this hash as a leaf. The room was ensured.
    pub fn push(&mut self, input: &Hash) {
        // The nodes of `size` leaves are all there, so there is an answer.
        let pushed = merkle::append(self.size, input, self).unwrap_or_default();
        let bytes: Vec<u8> = pushed.iter().flat_map(|node| node.0).collect();
        self.nodes.write(NODE * merkle::node_count(self.size), &bytes);
        self.size += 1;
    }

    /// The root of the first `size` leaves, if there are so many.
    pub fn root(&self, size: u64) -> Option<Hash> {
        if size > self.size { None } else { merkle::root(size, self) }
    }

    /// The path that proves leaf `index` among the first `size`.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if size > self.size { None } else { merkle::inclusion_proof(index, size, self) }
    }

    /// The path that proves that the first `size` leaves begin with the first `old`.
    pub fn consistency(&self, old: u64, size: u64) -> Option<Vec<Hash>> {
        if size > self.size { None } else { merkle::consistency_proof(old, size, self) }
    }
}
