//! The topic map: the last event of every topic, under one root.
//!
//! A binary radix tree with path compression (Morrison, PATRICIA, 1968) over the SHA-256 digests of the topics' keys;
//! each node commits to all below it. A leaf is a topic with its [`TopicHead`]. A fork names the bit in which its sides
//! differ; every digest has one place, so the way of a topic through the forks ends at its own leaf, or at that of
//! another topic, and then there is none. Digests keep the tree flat, whatever people choose as keys.
//!
//! As in [`crate::merkle`], the nodes lie wherever a [`Store`] keeps them.

mod heap;

pub use heap::HeapMap;

use crate::topic::TopicHead;
use crate::{Hash, Topic};
use candid::CandidType;
use serde::{Deserialize, Serialize};

/// Begins the hashed form of a topic's key. The Merkle tree has 0 and 1.
const KEY: u8 = 2;
/// Begins the hashed form of a leaf.
const LEAF: u8 = 3;
/// Begins the hashed form of a fork.
const FORK: u8 = 4;

/// The most forks on a way: one per bit of a digest.
const MAX_FORKS: usize = 256;

/// A topic's place in the map: the digest of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, CandidType)]
#[serde(transparent)]
pub struct Place(pub Hash);

impl Place {
    /// The place of a topic.
    pub fn of(topic: &Topic) -> Place {
        Place::of_key(&topic.key())
    }

    /// The place of the topic with this [`Topic::key`].
    pub fn of_key(key: &[u8]) -> Place {
        Place(Hash::of(&[&[KEY], key]))
    }

    /// Whether it lies to the right of a fork in `bit`, counted from the most significant one.
    fn is_right_at(&self, bit: u8) -> bool {
        let byte = self.0.0.get(usize::from(bit / 8)).copied().unwrap_or_default();
        byte >> (7 - bit % 8) & 1 == 1
    }

    /// The first bit in which two places differ.
    fn first_difference(&self, other: &Place) -> Option<u8> {
        let mut differing = self.0.0.iter().zip(other.0.0).map(|(one, other)| one ^ other).zip(0_u8..);
        let (bits, byte) = differing.find(|(bits, _)| *bits != 0)?;
        Some(8 * byte + bits.leading_zeros() as u8)
    }
}

/// The root of the empty map.
pub fn empty_root() -> Hash {
    Hash::of(&[&[FORK]])
}

/// The hash of a leaf.
pub fn leaf_hash(place: &Place, head: &TopicHead) -> Hash {
    Hash::of(&[&[LEAF], &place.0.0, &head.count.to_be_bytes(), &head.index.to_be_bytes(), &head.hash.0])
}

/// The hash of a fork.
pub fn fork_hash(bit: u8, left: &Hash, right: &Hash) -> Hash {
    Hash::of(&[&[FORK, bit], &left.0, &right.0])
}

/// A node, by its number among its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// Two sides.
    Fork(u32),
    /// A topic.
    Leaf(u32),
}

/// Two sides that agree in all bits before `bit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The first bit in which the sides differ.
    pub bit: u8,
    /// Where it is 0.
    pub left: Node,
    /// Where it is 1.
    pub right: Node,
    /// [`fork_hash`].
    pub hash: Hash,
}

impl Fork {
    fn side(&self, place: &Place) -> Node {
        if place.is_right_at(self.bit) { self.right } else { self.left }
    }

    fn other_side(&self, place: &Place) -> Node {
        if place.is_right_at(self.bit) { self.left } else { self.right }
    }

    fn set_side(&mut self, place: &Place, node: Node) {
        *(if place.is_right_at(self.bit) { &mut self.right } else { &mut self.left }) = node;
    }
}

/// Read access to the nodes. Whoever keeps them sets the heads of leaves, and numbers them.
pub trait Nodes {
    /// The topmost node; none in an empty map.
    fn root(&self) -> Option<Node>;
    /// A fork.
    fn fork(&self, number: u32) -> Option<Fork>;
    /// The place of a leaf.
    fn place(&self, leaf: u32) -> Option<Place>;
    /// The head of a leaf.
    fn head(&self, leaf: u32) -> Option<TopicHead>;
}

/// Where the map is kept.
pub trait Store: Nodes {
    /// Changes the topmost node.
    fn set_root(&mut self, node: Node);
    /// Changes a fork.
    fn set_fork(&mut self, number: u32, fork: &Fork);
    /// Adds a fork; its number, if there is room.
    fn push_fork(&mut self, fork: &Fork) -> Option<u32>;
}

/// A leaf that is new or whose head has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// Its place.
    pub place: Place,
    /// Its number.
    pub leaf: u32,
    /// Whether the map does not have it yet.
    pub is_new: bool,
}

/// Takes leaves that are new or have changed into the map, and gives the new root: each node on their ways is hashed
/// once. `None` if the store does not hold what it should, or has no room.
pub fn update(store: &mut impl Store, mut changed: Vec<Changed>) -> Option<Hash> {
    changed.sort_unstable();
    for Changed { place, leaf, .. } in changed.iter().filter(|changed| changed.is_new) {
        insert(store, place, *leaf)?;
    }
    match store.root() {
        Some(root) => rehash(store, root, &changed),
        None => Some(empty_root()),
    }
}

/// Gives a leaf its place, unless it has it; hashes are left as they are.
fn insert(store: &mut impl Store, place: &Place, leaf: u32) -> Option<()> {
    let Some(mut node) = store.root() else {
        store.set_root(Node::Leaf(leaf));
        return Some(());
    };
    let mut way = Vec::new();
    let nearest = loop {
        match node {
            Node::Leaf(nearest) => break nearest,
            Node::Fork(number) => {
                let fork = store.fork(number)?;
                way.push((number, fork));
                node = fork.side(place);
            }
        }
    };
    let Some(bit) = place.first_difference(&store.place(nearest)?) else { return Some(()) };
    let above = way.partition_point(|(_, fork)| fork.bit < bit);
    let below = way.get(above).map_or(Node::Leaf(nearest), |(number, _)| Node::Fork(*number));
    let mut added = Fork { bit, left: below, right: below, hash: empty_root() };
    added.set_side(place, Node::Leaf(leaf));
    let added = Node::Fork(store.push_fork(&added)?);
    match above.checked_sub(1).and_then(|last| way.get(last)) {
        None => store.set_root(added),
        Some((number, fork)) => {
            let mut fork = *fork;
            fork.set_side(place, added);
            store.set_fork(*number, &fork);
        }
    }
    Some(())
}

/// Hashes anew what lies above the changed leaves, all of which lie below `node`.
fn rehash(store: &mut impl Store, node: Node, changed: &[Changed]) -> Option<Hash> {
    let Node::Fork(number) = node else {
        // What changed below a leaf is that leaf, or it is missing in the map.
        let is_there = changed.iter().all(|changed| Node::Leaf(changed.leaf) == node);
        return hash(store, node).filter(|_| is_there);
    };
    if changed.is_empty() {
        return hash(store, node);
    }
    let mut fork = store.fork(number)?;
    let (left, right) = changed.split_at(changed.partition_point(|changed| !changed.place.is_right_at(fork.bit)));
    fork.hash = fork_hash(fork.bit, &rehash(store, fork.left, left)?, &rehash(store, fork.right, right)?);
    store.set_fork(number, &fork);
    Some(fork.hash)
}

fn hash(store: &impl Nodes, node: Node) -> Option<Hash> {
    match node {
        Node::Fork(number) => store.fork(number).map(|fork| fork.hash),
        Node::Leaf(leaf) => Some(leaf_hash(&store.place(leaf)?, &store.head(leaf)?)),
    }
}

/// The root of a map.
pub fn root(store: &impl Nodes) -> Option<Hash> {
    store.root().map_or(Some(empty_root()), |node| hash(store, node))
}

/// A proof of what the map says of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct MapProof {
    /// Where the topic's way ends; absent in an empty map.
    #[serde(rename = "l")]
    pub leaf: Option<MapLeaf>,
    /// The forks on the way, from the root.
    #[serde(rename = "f")]
    pub forks: Vec<MapFork>,
}

/// A topic in the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct MapLeaf {
    /// Its place.
    #[serde(rename = "p")]
    pub place: Place,
    /// Its last event.
    #[serde(rename = "h")]
    pub head: TopicHead,
}

/// A fork on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct MapFork {
    /// The bit in which its sides differ.
    #[serde(rename = "b")]
    pub bit: u8,
    /// The hash of the side that the way does not take.
    #[serde(rename = "s")]
    pub sibling: Hash,
}

/// Proves what the map says of the topic at `place`. `None` if the store does not hold what it should.
pub fn prove(store: &impl Nodes, place: &Place) -> Option<MapProof> {
    let Some(mut node) = store.root() else { return Some(MapProof::default()) };
    let mut forks = Vec::new();
    loop {
        match node {
            Node::Leaf(leaf) => {
                let leaf = MapLeaf { place: store.place(leaf)?, head: store.head(leaf)? };
                return Some(MapProof { leaf: Some(leaf), forks });
            }
            Node::Fork(number) => {
                let fork = store.fork(number)?;
                forks.push(MapFork { bit: fork.bit, sibling: hash(store, fork.other_side(place))? });
                node = fork.side(place);
            }
        }
    }
}

/// A proof that proves nothing about the map of this root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapFault {
    /// Not a way through a map: forks are out of order, or its end does not lie on it.
    #[error("not a way through a map")]
    Way,
    /// It leads to another root.
    #[error("the way leads to root {found}, not to {expected}")]
    Root {
        /// Where it leads.
        found: Hash,
        /// The map's root.
        expected: Hash,
    },
}

impl MapProof {
    /// What the map of this root says of `topic`: its last event, or that it has none.
    ///
    /// # Errors
    /// [`MapFault`]: the proof proves nothing.
    pub fn verify(&self, topic: &Topic, root: &Hash) -> Result<Option<TopicHead>, MapFault> {
        let place = Place::of(topic);
        let is_way = self.forks.len() <= MAX_FORKS
            && self.forks.windows(2).all(|pair| matches!(pair, [above, below] if above.bit < below.bit));
        let Some(leaf) = self.leaf else {
            let is_empty = self.forks.is_empty();
            return if is_empty { same(empty_root(), root).map(|()| None) } else { Err(MapFault::Way) };
        };
        let lies_on_way = self.forks.iter().all(|fork| place.is_right_at(fork.bit) == leaf.place.is_right_at(fork.bit));
        if !is_way || !lies_on_way {
            return Err(MapFault::Way);
        }
        let hash = self.forks.iter().rfold(leaf_hash(&leaf.place, &leaf.head), |hash, fork| {
            if place.is_right_at(fork.bit) {
                fork_hash(fork.bit, &fork.sibling, &hash)
            } else {
                fork_hash(fork.bit, &hash, &fork.sibling)
            }
        });
        same(hash, root)?;
        Ok((leaf.place == place).then_some(leaf.head))
    }
}

fn same(found: Hash, expected: &Hash) -> Result<(), MapFault> {
    if found == *expected { Ok(()) } else { Err(MapFault::Root { found, expected: *expected }) }
}
