//! The Merkle tree of RFC 9162 over the event hashes.
//!
//! Of the nodes only the roots of complete subtrees are kept: each is computed once, when its last leaf comes, and never
//! changes. Appending is O(1) amortized, proofs are O(log n) reads. Sources: RFC 9162, sections 2.1.1 to 2.1.5.

use crate::Hash;

/// Read access to the roots of complete subtrees.
pub trait Nodes {
    /// The root of the `2^level` leaves that end with leaf `end - 1`, if there is such a subtree.
    fn node(&self, level: u32, end: u64) -> Option<Hash>;
}

/// All nodes in the order in which they become complete: leaf `n` stands at `2n - popcount(n)`, followed by the nodes
/// that it completes.
impl Nodes for Vec<Hash> {
    fn node(&self, level: u32, end: u64) -> Option<Hash> {
        self.get(usize::try_from(node_count(end.checked_sub(1)?) + u64::from(level)).ok()?).copied()
    }
}

/// The hash of a leaf whose input is `input`.
pub fn leaf_hash(input: &Hash) -> Hash {
    Hash::of(&[&[0], &input.0])
}

/// The hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash::of(&[&[1], &left.0, &right.0])
}

/// The root of the empty tree.
pub fn empty_root() -> Hash {
    Hash::of(&[])
}

/// How many complete subtrees a tree of `size` leaves has, its leaves included.
pub fn node_count(size: u64) -> u64 {
    2 * size - u64::from(size.count_ones())
}

/// The roots of the subtrees that are complete when `input` becomes leaf `size`: the leaf, and one per level above it.
/// `None` if `nodes` are not those of a tree of that size.
pub fn append(size: u64, input: &Hash, nodes: &impl Nodes) -> Option<Vec<Hash>> {
    let mut node = leaf_hash(input);
    let mut pushed = vec![node];
    for level in 0..(size + 1).trailing_zeros() {
        let left = nodes.node(level, size + 1 - (1 << level))?;
        node = node_hash(&left, &node);
        pushed.push(node);
    }
    Some(pushed)
}

/// The root of the leaves `[begin, end)` of a larger tree, as RFC 9162's MTH(D[begin:end]) for the ranges that occur.
fn subtree(begin: u64, end: u64, nodes: &impl Nodes) -> Option<Hash> {
    let size = end - begin;
    if size.is_power_of_two() && begin.is_multiple_of(size) {
        return nodes.node(size.trailing_zeros(), end);
    }
    let split = begin + split(size);
    Some(node_hash(&subtree(begin, split, nodes)?, &subtree(split, end, nodes)?))
}

/// The largest power of two smaller than `size`, for `size > 1`.
fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// The root of the first `size` leaves.
pub fn root(size: u64, nodes: &impl Nodes) -> Option<Hash> {
    if size == 0 { Some(empty_root()) } else { subtree(0, size, nodes) }
}

/// The path that proves leaf `index` in the tree of `size` leaves, from the leaf upwards.
pub fn inclusion_proof(index: u64, size: u64, nodes: &impl Nodes) -> Option<Vec<Hash>> {
    if index >= size {
        return None;
    }
    let (mut begin, mut end, mut path) = (0, size, Vec::new());
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(subtree(middle, end, nodes)?);
            end = middle;
        } else {
            path.push(subtree(begin, middle, nodes)?);
            begin = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// Whether `path` proves that `input` is leaf `index` of the tree of `size` leaves with this `root` (RFC 9162, 2.1.3.2).
#[must_use]
pub fn verify_inclusion(input: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut fnode, mut snode, mut hash) = (index, size - 1, leaf_hash(input));
    for sibling in path {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            hash = node_hash(sibling, &hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    snode == 0 && hash == *root
}

/// The proof that the tree of `size` leaves extends the tree of `old` leaves.
pub fn consistency_proof(old: u64, size: u64, nodes: &impl Nodes) -> Option<Vec<Hash>> {
    if old > size {
        return None;
    }
    let mut path = Vec::new();
    if old == 0 || old == size {
        return Some(path);
    }
    let (mut begin, mut end, mut whole) = (0, size, true);
    while old != end {
        let middle = begin + split(end - begin);
        if old <= middle {
            path.push(subtree(middle, end, nodes)?);
            end = middle;
        } else {
            path.push(subtree(begin, middle, nodes)?);
            begin = middle;
            whole = false;
        }
    }
    if !whole {
        path.push(subtree(begin, end, nodes)?);
    }
    path.reverse();
    Some(path)
}

/// Whether `path` proves that the tree (`size`, `root`) extends the tree (`old`, `old_root`) (RFC 9162, 2.1.4.2).
#[must_use]
pub fn verify_consistency(old: u64, old_root: &Hash, size: u64, root: &Hash, path: &[Hash]) -> bool {
    if old > size {
        return false;
    }
    if old == size {
        return path.is_empty() && old_root == root;
    }
    if old == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    let mut siblings = path.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { siblings.next() };
    let Some(first) = first else { return false };
    let (mut fnode, mut snode) = (old - 1, size - 1);
    while fnode & 1 == 1 {
        fnode >>= 1;
        snode >>= 1;
    }
    let (mut from_old, mut from_new) = (*first, *first);
    for sibling in siblings {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, sibling);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    snode == 0 && from_old == *old_root && from_new == *root
}

/// A tree of which only the roots of its complete subtrees are kept: enough to append and to know the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// The largest subtree first: one per bit of the size.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, input: &Hash) {
        let mut node = leaf_hash(input);
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root of all leaves so far.
    pub fn root(&self) -> Hash {
        self.peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
    }
}

#[cfg(test)]
mod tests;
