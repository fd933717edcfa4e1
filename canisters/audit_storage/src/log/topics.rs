//! The topic map of this log, in stable memory: a projection of the events, a little behind them.
//!
//! A leaf is a thread, under the thread's number; leaves have their part of the map's state (count and index as of the
//! events covered), since threads themselves are ahead. Forks are records in the order in which they came to be.

use super::columns::Columns;
use super::key::Key;
use super::threads::{ThreadId, Threads};
use crate::region::Region;
use cairn_events::topic::TopicHead;
use cairn_events::topic_map::{self, Fork, MapProof, Node, Nodes, Place, Store};
use cairn_events::{Hash, Topic};
use ic_stable_structures::Memory;
use std::collections::BTreeMap;

/// Bytes before the forks: events covered, forks, root.
const HEADER: u64 = 32;
/// Bytes of a fork: bit, two sides, hash.
const FORK: u64 = 43;
/// Bytes of a leaf: count, index.
const LEAF: u64 = 16;

// Where the header has what.
const COVERED: u64 = 0;
const FORKS: u64 = 8;
const ROOT: u64 = 12;

// The kinds of nodes as stored.
const IS_FORK: u8 = 1;
const IS_LEAF: u8 = 2;

/// Why the map cannot go on. The log itself is not affected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Parked {
    /// The network gives no more memory. Another attempt may succeed.
    #[error("no memory for the topic map")]
    Memory,
    /// An event, or the map itself, cannot be read.
    #[error("the topic map cannot take event {0}")]
    Event(u64),
}

/// Forks and leaves.
pub struct Topics<M> {
    forks: Region<M>,
    leaves: Region<M>,
    covered: u64,
    fork_count: u32,
    root_node: Option<Node>,
    root: Hash,
}

impl<M: Memory> Topics<M> {
    /// The map in these memories. Its root is known once [`Topics::check`] has looked at it.
    pub fn open(forks: M, leaves: M) -> Self {
        let (forks, leaves) = (Region::new(forks), Region::new(leaves));
        let (covered, fork_count, root_node) = if forks.holds(HEADER) {
            (forks.u64(COVERED), forks.u32(FORKS), node_of(forks.array(ROOT)))
        } else {
            (0, 0, None)
        };
        Topics { forks, leaves, covered, fork_count, root_node, root: topic_map::empty_root() }
    }

    /// Whether the memories are as long as they must be, for a log of so many events.
    pub fn is_whole(&self, events: u64) -> bool {
        // There is nothing before the first events are covered.
        self.covered == 0 || self.covered <= events && self.forks.holds(self.forks_end(0)) && self.leaves.holds(LEAF)
    }

    /// Reads the root again, as after an upgrade.
    pub fn restore(&mut self, threads: &Threads<M>, columns: &Columns<M>) -> bool {
        let view = View { topics: &*self, threads, columns };
        let Some(root) = topic_map::root(&view) else { return false };
        self.root = root;
        true
    }

    /// How many events the map covers.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// Bytes taken.
    pub fn bytes(&self) -> u64 {
        self.forks_end(0) + LEAF * (u64::from(self.fork_count) + 1)
    }

    /// The map's root.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// How many events of a thread the map covers.
    pub fn count(&self, thread: ThreadId) -> u64 {
        self.leaf(thread).map_or(0, |(count, _)| count)
    }

    /// What the map says of `topic`.
    pub fn prove(&self, topic: &Topic, threads: &Threads<M>, columns: &Columns<M>) -> Option<MapProof> {
        topic_map::prove(&View { topics: self, threads, columns }, &Place::of(topic))
    }

    /// Takes the next events into the map, at most `most`; how many are left.
    ///
    /// # Errors
    /// [`Parked`]; the map still covers what it covered, and nothing of it has changed.
    pub fn advance(&mut self, most: u64, threads: &Threads<M>, columns: &Columns<M>) -> Result<u64, Parked> {
        let end = columns.len().min(self.covered.saturating_add(most));
        let changes = self.changes(end, threads, columns)?;
        if !self.ensure(threads.count(), changes.len() as u64) {
            return Err(Parked::Memory);
        }
        let changed = changes.iter().map(|(thread, change)| (change.place, *thread)).collect();
        let (fork_count, root_node) = (self.fork_count, self.root_node);
        let draft = Draft { leaves: changes, forks: BTreeMap::new(), fork_count, root_node };
        let mut drafted = Drafted { map: View { topics: &*self, threads, columns }, draft };
        let root = topic_map::update(&mut drafted, changed).ok_or(Parked::Event(self.covered))?;
        let Drafted { draft, .. } = drafted;
        self.write(draft);
        (self.root, self.covered) = (root, end);
        self.save();
        Ok(columns.len() - end)
    }

    /// What becomes of the leaves of all topics that the events up to `end` have.
    fn changes(
        &self,
        end: u64,
        threads: &Threads<M>,
        columns: &Columns<M>,
    ) -> Result<BTreeMap<ThreadId, Change>, Parked> {
        let mut changes = BTreeMap::new();
        for index in self.covered..end {
            let (actor, payload) = columns.content(index).and_then(Result::ok).ok_or(Parked::Event(index))?;
            for topic in Topic::derive(actor, &payload) {
                let (thread, _) = threads.find(&Key::topic(&topic)).ok_or(Parked::Event(index))?;
                let change = changes.entry(thread).or_insert_with(|| {
                    let count = self.count(thread);
                    Change { place: Place::of(&topic), count, index }
                });
                (change.count, change.index) = (change.count + 1, index);
            }
        }
        Ok(changes)
    }

    fn ensure(&self, threads: u32, added: u64) -> bool {
        self.forks.ensure(self.forks_end(added)) && self.leaves.ensure(LEAF * u64::from(threads))
    }

    fn forks_end(&self, added: u64) -> u64 {
        HEADER + FORK * (u64::from(self.fork_count) + added)
    }

    /// Count and index of a leaf; `None` for a thread that the map does not know yet.
    fn leaf(&self, thread: ThreadId) -> Option<(u64, u64)> {
        let at = LEAF * u64::from(thread.checked_sub(1)?);
        if !self.leaves.holds(at + LEAF) {
            return None;
        }
        let count = self.leaves.u64(at);
        (count > 0).then(|| (count, self.leaves.u64(at + 8)))
    }

    /// Writes what changes. The room was ensured.
    fn write(&mut self, Draft { leaves, forks, fork_count, root_node }: Draft) {
        for (thread, Change { count, index, .. }) in leaves {
            let at = LEAF * (u64::from(thread) - 1);
            self.leaves.write(at, [count, index].map(u64::to_le_bytes).as_flattened());
        }
        for (number, fork) in forks {
            self.forks.write(HEADER + FORK * u64::from(number), &fork_bytes(&fork));
        }
        (self.fork_count, self.root_node) = (fork_count, root_node);
    }

    fn save(&self) {
        let mut header = [0; HEADER as usize];
        let root = self.root_node.map(node_bytes).unwrap_or_default();
        let parts = self.covered.to_le_bytes().into_iter().chain(self.fork_count.to_le_bytes()).chain(root);
        header.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        self.forks.write(0, &header);
    }
}

/// A leaf as it will be.
struct Change {
    place: Place,
    count: u64,
    index: u64,
}

/// What becomes of the map.
struct Draft {
    leaves: BTreeMap<ThreadId, Change>,
    forks: BTreeMap<u32, Fork>,
    fork_count: u32,
    root_node: Option<Node>,
}

/// The map with what its leaves stand for.
struct View<'a, M> {
    topics: &'a Topics<M>,
    threads: &'a Threads<M>,
    columns: &'a Columns<M>,
}

impl<M: Memory> Nodes for View<'_, M> {
    fn root(&self) -> Option<Node> {
        self.topics.root_node
    }

    fn fork(&self, number: u32) -> Option<Fork> {
        if number >= self.topics.fork_count {
            return None;
        }
        let bytes: [u8; FORK as usize] = self.topics.forks.array(HEADER + FORK * u64::from(number));
        let (bit, rest) = bytes.split_first()?;
        let (left, rest) = rest.split_first_chunk()?;
        let (right, hash) = rest.split_first_chunk()?;
        Some(Fork { bit: *bit, left: node_of(*left)?, right: node_of(*right)?, hash: Hash::from_slice(hash)? })
    }

    fn place(&self, leaf: u32) -> Option<Place> {
        self.threads.key(leaf).map(|key| Place::of_key(key.as_bytes()))
    }

    fn head(&self, leaf: u32) -> Option<TopicHead> {
        let (count, index) = self.topics.leaf(leaf)?;
        Some(TopicHead { count, index, hash: self.columns.hash(index)? })
    }
}

/// The map as it will be. As long as something may be missing, nothing is written.
struct Drafted<'a, M> {
    map: View<'a, M>,
    draft: Draft,
}

impl<M: Memory> Nodes for Drafted<'_, M> {
    fn root(&self) -> Option<Node> {
        self.draft.root_node
    }

    fn fork(&self, number: u32) -> Option<Fork> {
        self.draft.forks.get(&number).copied().or_else(|| self.map.fork(number))
    }

    fn place(&self, leaf: u32) -> Option<Place> {
        self.draft.leaves.get(&leaf).map(|change| change.place).or_else(|| self.map.place(leaf))
    }

    fn head(&self, leaf: u32) -> Option<TopicHead> {
        match self.draft.leaves.get(&leaf) {
            Some(Change { count, index, .. }) => {
                Some(TopicHead { count: *count, index: *index, hash: self.map.columns.hash(*index)? })
            }
            None => self.map.head(leaf),
        }
    }
}

impl<M: Memory> Store for Drafted<'_, M> {
    fn set_root(&mut self, node: Node) {
        self.draft.root_node = Some(node);
    }

    fn set_fork(&mut self, number: u32, fork: &Fork) {
        self.draft.forks.insert(number, *fork);
    }

    fn push_fork(&mut self, fork: &Fork) -> Option<u32> {
        let number = self.draft.fork_count;
        self.draft.fork_count = number.checked_add(1)?;
        self.set_fork(number, fork);
        Some(number)
    }
}

fn fork_bytes(fork: &Fork) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FORK as usize);
    bytes.push(fork.bit);
    bytes.extend_from_slice(&node_bytes(fork.left));
    bytes.extend_from_slice(&node_bytes(fork.right));
    bytes.extend_from_slice(&fork.hash.0);
    bytes
}

fn node_bytes(node: Node) -> [u8; 5] {
    let (kind, number) = match node {
        Node::Fork(number) => (IS_FORK, number),
        Node::Leaf(number) => (IS_LEAF, number),
    };
    let [a, b, c, d] = number.to_le_bytes();
    [kind, a, b, c, d]
}

fn node_of([kind, number @ ..]: [u8; 5]) -> Option<Node> {
    let number = u32::from_le_bytes(number);
    match kind {
        IS_FORK => Some(Node::Fork(number)),
        IS_LEAF => Some(Node::Leaf(number)),
        _ => None,
    }
}
