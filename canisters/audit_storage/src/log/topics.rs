//! The topic map of this log, in stable memory: a projection of the events, a little behind them.
//!
//! A leaf is a thread, under the thread's number. Threads are ahead of the map: what a leaf says, count and index as of
//! the events covered, is read off the thread's postings. Forks are records in the order in which they came to be.

use super::columns::Columns;
use super::key::Key;
use super::postings::Postings;
use super::threads::{Head, ThreadId, Threads};
use crate::region::Region;
use cairn_events::topic::TopicHead;
use cairn_events::topic_map::{self, Changed, Fork, MapProof, Node, Nodes, Place, Store};
use cairn_events::{Hash, Topic};
use ic_stable_structures::Memory;
use std::collections::BTreeMap;

/// Bytes before the forks: events covered, forks, root.
const HEADER: u64 = 32;
/// Bytes of a fork: bit, two sides, hash.
const FORK: u64 = 41;

// Where the header has what.
const COVERED: u64 = 0;
const FORKS: u64 = 8;
const ROOT: u64 = 12;

/// Tells the number of a fork from that of a leaf, which is never 0. There are fewer of either.
const IS_FORK: u32 = 1 << 31;

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

/// What the map is about.
pub struct Records<'a, M> {
    /// The threads.
    pub threads: &'a Threads<M>,
    /// Which events they have.
    pub postings: &'a Postings<M>,
    /// The events.
    pub columns: &'a Columns<M>,
}

impl<M: Memory> Records<'_, M> {
    /// How many of the first `covered` events a thread of this head has, and which is the last of them.
    fn head_at(&self, head: &Head, covered: u64) -> Option<(u64, u64)> {
        if head.count > 0 && head.last < covered {
            return Some((head.count, head.last));
        }
        // Of the thread's events, at most as many are not covered as of all.
        let mut indices = self.postings.reader(head);
        let (mut within, mut beyond) = (head.count.saturating_sub(self.columns.len() - covered), head.count);
        while within < beyond {
            let middle = within + (beyond - within) / 2;
            if indices.get(middle)? < covered {
                within = middle + 1;
            } else {
                beyond = middle;
            }
        }
        Some((within, indices.get(within.checked_sub(1)?)?))
    }
}

/// Forks, and how far they reach.
pub struct Topics<M> {
    forks: Region<M>,
    covered: u64,
    fork_count: u32,
    root_node: Option<Node>,
    root: Hash,
}

impl<M: Memory> Topics<M> {
    /// The map in this memory. Its root is known once [`Topics::restore`] has looked at it.
    pub fn open(forks: M) -> Self {
        let forks = Region::new(forks);
        let (covered, fork_count, root_node) = if forks.holds(HEADER) {
            (forks.u64(COVERED), forks.u32(FORKS), node_of(forks.u32(ROOT)))
        } else {
            (0, 0, None)
        };
        Topics { forks, covered, fork_count, root_node, root: topic_map::empty_root() }
    }

    /// Whether the memory is as long as it must be, for a log of so many events.
    pub fn is_whole(&self, events: u64) -> bool {
        // There is nothing before the first events are covered.
        self.covered == 0 || self.covered <= events && self.forks.holds(self.forks_end(0))
    }

    /// Reads the root again, as after an upgrade.
    pub fn restore(&mut self, records: Records<'_, M>) -> bool {
        let Some(root) = topic_map::root(&self.view(records)) else { return false };
        self.root = root;
        true
    }

    /// How many events the map covers.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// Bytes taken.
    pub fn bytes(&self) -> u64 {
        self.forks_end(0)
    }

    /// The map's root.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// How many events of a thread of this head the map covers.
    pub fn count(&self, head: &Head, records: &Records<'_, M>) -> u64 {
        records.head_at(head, self.covered).map_or(0, |(count, _)| count)
    }

    /// What the map says of `topic`.
    pub fn prove(&self, topic: &Topic, records: Records<'_, M>) -> Option<MapProof> {
        topic_map::prove(&self.view(records), &Place::of(topic))
    }

    /// Takes the next events into the map, at most `most`; how many are left.
    ///
    /// # Errors
    /// [`Parked`]; the map still covers what it covered, and nothing of it has changed.
    pub fn advance(&mut self, most: u64, records: Records<'_, M>) -> Result<u64, Parked> {
        let length = records.columns.len();
        let end = length.min(self.covered.saturating_add(most));
        let leaves = self.changing(end, &records)?;
        if !self.forks.ensure(self.forks_end(leaves.len() as u64)) {
            return Err(Parked::Memory);
        }
        let changed = leaves.iter().map(|(leaf, changing)| changing.at(*leaf, end, &records)).collect();
        let view = View { covered: end, ..self.view(records) };
        let (fork_count, root_node) = (self.fork_count, self.root_node);
        let mut drafted = Drafted { view, leaves, forks: BTreeMap::new(), fork_count, root_node };
        let root = topic_map::update(&mut drafted, changed).ok_or(Parked::Event(self.covered))?;
        let Drafted { forks, fork_count, root_node, .. } = drafted;
        for (number, fork) in forks {
            self.forks.write(HEADER + FORK * u64::from(number), &fork_bytes(&fork));
        }
        (self.fork_count, self.root_node) = (fork_count, root_node);
        (self.root, self.covered) = (root, end);
        self.save();
        Ok(length - end)
    }

    /// The leaves of all topics that the events up to `end` have.
    fn changing(&self, end: u64, records: &Records<'_, M>) -> Result<BTreeMap<ThreadId, Changing>, Parked> {
        let mut leaves = BTreeMap::new();
        for index in self.covered..end {
            let content = records.columns.content(index, records.threads);
            let (actor, payload) = content.and_then(Result::ok).ok_or(Parked::Event(index))?;
            for topic in Topic::derive(actor, &payload) {
                let (leaf, head) = records.threads.find(&Key::topic(&topic)).ok_or(Parked::Event(index))?;
                let changing =
                    leaves.entry(leaf).or_insert_with(|| Changing { place: Place::of(&topic), head, gained: 0 });
                changing.gained += 1;
            }
        }
        Ok(leaves)
    }

    fn view<'a>(&'a self, records: Records<'a, M>) -> View<'a, M> {
        View { topics: self, records, covered: self.covered }
    }

    fn forks_end(&self, added: u64) -> u64 {
        HEADER + FORK * (u64::from(self.fork_count) + added)
    }

    fn save(&self) {
        let mut header = [0; HEADER as usize];
        let root = self.root_node.map_or(0, node_number).to_le_bytes();
        let parts = self.covered.to_le_bytes().into_iter().chain(self.fork_count.to_le_bytes()).chain(root);
        header.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        self.forks.write(0, &header);
    }
}

/// A leaf that changes.
struct Changing {
    place: Place,
    head: Head,
    /// How many of the events that are taken into the map it has.
    gained: u64,
}

impl Changing {
    fn at<M: Memory>(&self, leaf: ThreadId, covered: u64, records: &Records<'_, M>) -> Changed {
        let count = records.head_at(&self.head, covered).map_or(0, |(count, _)| count);
        Changed { place: self.place, leaf, is_new: count == self.gained }
    }
}

/// The map as of so many events.
struct View<'a, M> {
    topics: &'a Topics<M>,
    records: Records<'a, M>,
    covered: u64,
}

impl<M: Memory> View<'_, M> {
    fn head_of(&self, head: &Head) -> Option<TopicHead> {
        let (count, index) = self.records.head_at(head, self.covered)?;
        Some(TopicHead { count, index, hash: self.records.columns.hash(index)? })
    }
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
        let [left, right] = [left, right].map(|side| node_of(u32::from_le_bytes(*side)));
        Some(Fork { bit: *bit, left: left?, right: right?, hash: Hash::from_slice(hash)? })
    }

    fn place(&self, leaf: u32) -> Option<Place> {
        self.records.threads.key(leaf).map(|key| Place::of_key(key.as_bytes()))
    }

    fn head(&self, leaf: u32) -> Option<TopicHead> {
        self.records.threads.get(leaf).and_then(|(_, head)| self.head_of(&head))
    }
}

/// The map as it will be. As long as something may be missing, nothing is written.
struct Drafted<'a, M> {
    /// The forks as they are, the leaves as they will be.
    view: View<'a, M>,
    /// The leaves that change.
    leaves: BTreeMap<ThreadId, Changing>,
    /// The forks that change.
    forks: BTreeMap<u32, Fork>,
    fork_count: u32,
    root_node: Option<Node>,
}

impl<M: Memory> Nodes for Drafted<'_, M> {
    fn root(&self) -> Option<Node> {
        self.root_node
    }

    fn fork(&self, number: u32) -> Option<Fork> {
        self.forks.get(&number).copied().or_else(|| self.view.fork(number))
    }

    fn place(&self, leaf: u32) -> Option<Place> {
        self.leaves.get(&leaf).map(|changing| changing.place).or_else(|| self.view.place(leaf))
    }

    fn head(&self, leaf: u32) -> Option<TopicHead> {
        match self.leaves.get(&leaf) {
            Some(changing) => self.view.head_of(&changing.head),
            None => self.view.head(leaf),
        }
    }
}

impl<M: Memory> Store for Drafted<'_, M> {
    fn set_root(&mut self, node: Node) {
        self.root_node = Some(node);
    }

    fn set_fork(&mut self, number: u32, fork: &Fork) {
        self.forks.insert(number, *fork);
    }

    fn push_fork(&mut self, fork: &Fork) -> Option<u32> {
        let number = self.fork_count;
        self.fork_count = number.checked_add(1).filter(|count| *count < IS_FORK)?;
        self.set_fork(number, fork);
        Some(number)
    }
}

fn fork_bytes(fork: &Fork) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FORK as usize);
    bytes.push(fork.bit);
    bytes.extend([fork.left, fork.right].into_iter().flat_map(|side| node_number(side).to_le_bytes()));
    bytes.extend_from_slice(&fork.hash.0);
    bytes
}

fn node_number(node: Node) -> u32 {
    match node {
        Node::Fork(number) => number | IS_FORK,
        Node::Leaf(number) => number,
    }
}

fn node_of(number: u32) -> Option<Node> {
    match number {
        0 => None,
        _ if number & IS_FORK != 0 => Some(Node::Fork(number & !IS_FORK)),
        _ => Some(Node::Leaf(number)),
    }
}
