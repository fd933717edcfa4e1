//! A test log that can answer questions.

use super::TestLog;
use crate::answer::{CertifiedTip, Records};
use crate::topic::TopicHead;
use crate::topic_map::{self, HeapMap, MapProof, Place};
use crate::{Event, Hash, Timestamp, Topic, codec, merkle};
use std::collections::BTreeMap;

/// The first events of a log, with everything that answers need.
#[derive(Clone, Debug, Default)]
pub struct TestRecords {
    events: Vec<Event>,
    nodes: Vec<Hash>,
    topics: BTreeMap<Vec<u8>, Vec<u64>>,
    map: HeapMap,
    topics_size: u64,
}

impl TestRecords {
    /// The first `size` events of `log`; the topic map covers the first `topics_size`.
    pub fn of(log: &TestLog, size: usize, topics_size: usize) -> Self {
        TestRecords::from_events(log.events.iter().take(size).cloned(), topics_size as u64)
    }

    /// A log of these events; the topic map covers the first `topics_size`.
    pub fn from_events(events: impl IntoIterator<Item = Event>, topics_size: u64) -> Self {
        let mut records = TestRecords::default();
        events.into_iter().for_each(|event| records.push(event));
        records.cover(topics_size);
        records
    }

    fn push(&mut self, event: Event) {
        let added = merkle::append(self.events.len() as u64, &event.hash(), &self.nodes).unwrap_or_default();
        self.nodes.extend(added);
        for topic in Topic::of(&event) {
            self.topics.entry(topic.key()).or_default().push(event.index);
        }
        self.events.push(event);
    }

    /// Has the topic map cover the first `size` events.
    fn cover(&mut self, size: u64) {
        self.topics_size = size.min(self.size());
        let head = |indices: &Vec<u64>| {
            let count = indices.partition_point(|index| *index < self.topics_size);
            let index = *indices.get(count.checked_sub(1)?)?;
            Some(TopicHead { count: count as u64, index, hash: self.events.get(index as usize)?.hash() })
        };
        let heads: Vec<_> =
            self.topics.iter().filter_map(|(key, indices)| Some((Place::of_key(key), head(indices)?))).collect();
        self.map.set(heads);
    }

    /// The events.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What the network would certify.
    pub fn tip(&self) -> Option<CertifiedTip> {
        let last = self.events.last()?;
        Some(CertifiedTip {
            log: last.log,
            size: self.size(),
            last_hash: last.hash(),
            root: merkle::root(self.size(), &self.nodes)?,
            topics_size: self.topics_size,
            topics_root: topic_map::root(&self.map)?,
        })
    }
}

impl Records for TestRecords {
    fn size(&self) -> u64 {
        self.events.len() as u64
    }

    fn event(&self, index: u64) -> Option<Vec<u8>> {
        self.events.get(index as usize).map(codec::encode_event)
    }

    fn timestamp(&self, index: u64) -> Option<Timestamp> {
        self.events.get(index as usize).map(|event| event.timestamp)
    }

    fn covered(&self) -> u64 {
        self.topics_size
    }

    fn count(&self, topic: &Topic) -> Option<u64> {
        let indices = self.topics.get(&topic.key());
        Some(indices.map_or(0, |indices| indices.partition_point(|index| *index < self.topics_size) as u64))
    }

    fn position(&self, topic: &Topic, position: u64) -> Option<u64> {
        self.topics.get(&topic.key())?.get(position as usize).copied()
    }

    fn inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        merkle::inclusion_proof(index, self.size(), &self.nodes)
    }

    fn consistency(&self, since: u64) -> Option<Vec<Hash>> {
        merkle::consistency_proof(since, self.size(), &self.nodes)
    }

    fn map_proof(&self, topic: &Topic) -> Option<MapProof> {
        topic_map::prove(&self.map, &Place::of(topic))
    }
}
