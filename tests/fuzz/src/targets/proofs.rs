//! Proofs of the Merkle tree and of the topic map: whoever holds one that is accepted holds the true one.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use cairn_events::answer::Records as _;
use cairn_events::merkle::{append, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
use cairn_events::testing::{TestRecords, principal};
use cairn_events::topic::TopicHead;
use cairn_events::topic_map::MapProof;
use cairn_events::{Hash, Topic, codec};
use serde::{Deserialize, Serialize};

/// Something about the log, with its proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Proof {
    /// An event of ours is the one of this index among the first `size`.
    Inclusion { event: u64, index: u64, size: u64, path: Vec<Hash> },
    /// The first `size` events begin with the first `old`.
    Consistency { old: u64, size: u64, path: Vec<Hash> },
    /// A topic's last event is this, or it has none.
    Map { topic: Topic, proof: MapProof },
}

/// Proofs, in CBOR.
pub struct Proofs {
    truth: Truth,
    records: TestRecords,
    /// The nodes of the Merkle tree.
    nodes: Vec<Hash>,
    /// The root of the topic map.
    topics_root: Hash,
    corpus: Vec<Vec<u8>>,
}

impl Proofs {
    pub fn new() -> Proofs {
        let truth = Truth::new();
        let mut nodes: Vec<Hash> = Vec::new();
        for event in &truth.log.events {
            nodes.extend(append(event.index, &event.hash(), &nodes).unwrap());
        }
        let records = truth.records();
        let topics_root = records.tip().unwrap().topics_root;
        let mut proofs = Proofs { truth, records, nodes, topics_root, corpus: Vec::new() };
        proofs.corpus = proofs.true_ones().iter().map(codec::encode).collect();
        proofs
    }

    fn true_ones(&self) -> Vec<Proof> {
        let all = self.truth.log.events.len() as u64;
        let mut proofs = Vec::new();
        for (one, size) in [(0, 1), (0, 2), (3, 4), (4, 5), (5, 11), (8, 13), (6, all), (all - 1, all)] {
            let path = inclusion_proof(one, size, &self.nodes).unwrap();
            proofs.push(Proof::Inclusion { event: one, index: one, size, path });
            let path = consistency_proof(one, size, &self.nodes).unwrap();
            proofs.push(Proof::Consistency { old: one, size, path });
        }
        let mut topics: Vec<Topic> = self.truth.log.events.iter().flat_map(Topic::of).collect();
        topics.sort_unstable();
        topics.dedup();
        topics.push(Topic::Party(principal(987)));
        let proof = |topic: Topic| Proof::Map { topic, proof: self.records.map_proof(&topic).unwrap() };
        proofs.extend(topics.into_iter().map(proof));
        proofs
    }

    /// The topic's last event, by a search of the log.
    fn head(&self, topic: &Topic) -> Option<TopicHead> {
        let events: Vec<_> = self.truth.log.events.iter().filter(|event| Topic::of(event).contains(topic)).collect();
        let last = events.last()?;
        Some(TopicHead { count: events.len() as u64, index: last.index, hash: last.hash() })
    }

    /// Whether a proof is accepted, and whether it is the true one.
    fn judge(&self, proof: &Proof) -> Option<(bool, bool)> {
        Some(match proof {
            Proof::Inclusion { event, index, size, path } => {
                let claimed = self.truth.log.events.get(usize::try_from(*event).ok()?)?.hash();
                let accepted = verify_inclusion(&claimed, *index, *size, path, &self.truth.end(*size)?.root);
                (accepted, event == index && inclusion_proof(*index, *size, &self.nodes).as_ref() == Some(path))
            }
            Proof::Consistency { old, size, path } => {
                let (begin, end) = (self.truth.end(*old)?.root, self.truth.end(*size)?.root);
                let accepted = verify_consistency(*old, &begin, *size, &end, path);
                (accepted, consistency_proof(*old, *size, &self.nodes).as_ref() == Some(path))
            }
            Proof::Map { topic, proof } => {
                let found = proof.verify(topic, &self.topics_root);
                let is_true = self.records.map_proof(topic).as_ref() == Some(proof);
                (found.is_ok(), is_true && found == Ok(self.head(topic)))
            }
        })
    }
}

impl Target for Proofs {
    fn name(&self) -> &'static str {
        "proof"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Cbor(0)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Ok(proof) = codec::decode_trusted::<Proof>(input) else { return Ok(Verdict::Refused) };
        let Some((accepted, is_true)) = self.judge(&proof) else { return Ok(Verdict::Refused) };
        ensure(accepted == is_true, || format!("accepted: {accepted}, true: {is_true}: {proof:?}"))?;
        Ok(if accepted { Verdict::Accepted } else { Verdict::Refused })
    }
}
