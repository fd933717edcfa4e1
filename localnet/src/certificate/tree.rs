//! Labelled trees, hashed when needed, and their partial views ("Certificate", "Lookup").

use super::children::Children;
use ic_certification::hash_tree::{Hash, empty, leaf, leaf_hash, pruned};
use std::sync::Arc;

/// A partial view of a tree, as certificates carry it.
pub(crate) type HashTree = ic_certification::HashTree;

/// A tree of labels with values at the leaves. A clone shares everything.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Node(Children),
    Leaf(Arc<[u8]>),
}

impl Tree {
    /// A node with these children.
    pub(crate) fn node<L: AsRef<[u8]>>(children: impl IntoIterator<Item = (L, Tree)>) -> Self {
        let mut node = Children::default();
        for (label, tree) in children {
            node.insert(label.as_ref(), tree);
        }
        Self::Node(node)
    }

    /// A leaf.
    pub(crate) fn leaf(value: impl Into<Arc<[u8]>>) -> Self {
        Self::Leaf(value.into())
    }

    /// The root hash.
    pub(crate) fn digest(&self) -> Hash {
        match self {
            Self::Leaf(value) => leaf_hash(value),
            Self::Node(children) => children.digest(),
        }
    }

    /// The view that proves what is, or is not, at the given paths; everything else is pruned.
    pub(crate) fn reveal(&self, paths: &[&[Vec<u8>]]) -> HashTree {
        if paths.is_empty() {
            return pruned(self.digest());
        }
        if paths.iter().any(|path| path.is_empty()) {
            return self.whole();
        }
        match self {
            Self::Node(children) => children.reveal(paths),
            // A path that goes on below a leaf is proven absent by the leaf.
            Self::Leaf(_) => self.whole(),
        }
    }

    /// The view that shows everything.
    pub(super) fn whole(&self) -> HashTree {
        match self {
            Self::Leaf(value) => leaf(value.to_vec()),
            Self::Node(children) => children.whole().unwrap_or_else(empty),
        }
    }
}
