//! Labelled trees and their partial views ("Certificate", "Lookup").

use ic_certification::hash_tree::{Hash, empty, fork, label, leaf, pruned};
use std::collections::BTreeMap;

/// A partial view of a tree, as certificates carry it.
pub(crate) type HashTree = ic_certification::HashTree;

/// A tree of labels with values at the leaves.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Node(BTreeMap<Vec<u8>, Tree>),
    Leaf(Vec<u8>),
    /// A subtree of which only the hash is at hand: it can be pruned, not revealed.
    Digest(Hash),
}

impl Tree {
    /// A node with these children.
    pub(crate) fn node<L: Into<Vec<u8>>>(children: impl IntoIterator<Item = (L, Tree)>) -> Self {
        Self::Node(children.into_iter().map(|(label, tree)| (label.into(), tree)).collect())
    }

    /// The root hash.
    pub(crate) fn digest(&self) -> Hash {
        self.whole().digest()
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
            Self::Node(children) => {
                let views: Vec<HashTree> = reveal_children(children, paths);
                join(views)
            }
            // A path that ends inside a leaf is proven absent by the leaf.
            Self::Leaf(_) | Self::Digest(_) => self.whole(),
        }
    }

    fn whole(&self) -> HashTree {
        match self {
            Self::Leaf(value) => leaf(value.clone()),
            Self::Digest(digest) => pruned(*digest),
            Self::Node(children) => {
                let views = children.iter().map(|(name, tree)| label(name.clone(), tree.whole()));
                join(views.collect())
            }
        }
    }
}

/// Children on a path are revealed; of an absent one, the labels on both sides of its place.
fn reveal_children(children: &BTreeMap<Vec<u8>, Tree>, paths: &[&[Vec<u8>]]) -> Vec<HashTree> {
    let mut wanted: BTreeMap<&[u8], Vec<&[Vec<u8>]>> = BTreeMap::new();
    for path in paths {
        let Some((first, rest)) = path.split_first() else {
            continue;
        };
        if children.contains_key(first) {
            wanted.entry(first).or_default().push(rest);
        } else {
            let before = children.range::<Vec<u8>, _>(..first).next_back();
            let after = children.range::<Vec<u8>, _>(first..).next();
            for (neighbour, _) in before.into_iter().chain(after) {
                wanted.entry(neighbour).or_default();
            }
        }
    }
    let views = children.iter().map(|(name, tree)| match wanted.get(name.as_slice()) {
        Some(paths) => label(name.clone(), tree.reveal(paths)),
        None => pruned(label::<Vec<u8>, _, _>(name.clone(), pruned(tree.digest())).digest()),
    });
    views.collect()
}

/// A balanced tree of forks; halves of which nothing is revealed become one pruned node.
fn join(mut views: Vec<HashTree>) -> HashTree {
    match views.len() {
        0 => empty(),
        1 => views.pop().unwrap_or_else(empty),
        count => {
            let right = join(views.split_off(count / 2));
            let left = join(views);
            let hidden = is_pruned(&left) && is_pruned(&right);
            let both = fork(left, right);
            if hidden { pruned(both.digest()) } else { both }
        }
    }
}

fn is_pruned(tree: &HashTree) -> bool {
    matches!(tree.as_ref(), ic_certification::HashTreeNode::Pruned(_))
}
