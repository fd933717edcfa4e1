//! What the network certifies: the root of a small labelled tree about the end of the log.
//!
//! ICRC-3 fixes the labels `last_block_hash` and `last_block_index`; ours (log id, root and size of Merkle tree and topic map) stand beside
//! them, all in the order of their bytes. An empty log has the empty tree.

use cairn_events::{Hash, codec, value::leb128};
use cairn_kit::api::audit::Tip;
use ic_certification::HashTree;
use ic_certification::hash_tree::{empty, fork, label, leaf, pruned};

/// The tag by which CBOR describes itself (RFC 8949, 3.4.6).
const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];

/// The labelled tree about the end of the log.
pub fn tree(tip: Option<&Tip>) -> HashTree {
    tip.map_or_else(empty, |tip| joined(block(tip), log_id(tip), merkle(tip), topics(tip)))
}

fn joined(block: HashTree, log_id: HashTree, merkle: HashTree, topics: HashTree) -> HashTree {
    fork(block, fork(log_id, fork(merkle, topics)))
}

fn block(tip: &Tip) -> HashTree {
    let index = leb128(tip.size.saturating_sub(1));
    fork(entry("last_block_hash", tip.last_hash.0.to_vec()), entry("last_block_index", index))
}

fn log_id(tip: &Tip) -> HashTree {
    entry("log_id", tip.log.0.0.to_vec())
}

fn merkle(tip: &Tip) -> HashTree {
    fork(entry("merkle_root", tip.root.0.to_vec()), entry("merkle_size", leb128(tip.size)))
}

fn topics(tip: &Tip) -> HashTree {
    fork(entry("topics_root", tip.topics_root.0.to_vec()), entry("topics_size", leb128(tip.topics_size)))
}

fn entry(name: &str, content: Vec<u8>) -> HashTree {
    label::<Vec<u8>, _, _>(name, leaf(content))
}

/// The digest of [`tree`], time and again: an append leaves the topic map as it was, the topic map all else, and what is
/// as it was is not hashed again.
#[derive(Debug, Default)]
pub struct Digests {
    block: Option<Known>,
    log_id: Option<Known>,
    merkle: Option<Known>,
    topics: Option<Known>,
}

/// The digest of a subtree, and what the subtree is about.
#[derive(Debug)]
struct Known {
    of: (Hash, u64),
    digest: [u8; 32],
}

impl Digests {
    /// Before the first digest.
    pub const fn new() -> Self {
        Digests { block: None, log_id: None, merkle: None, topics: None }
    }

    /// The digest of the tree about this end.
    pub fn digest(&mut self, tip: Option<&Tip>) -> [u8; 32] {
        let Some(tip) = tip else { return tree(None).digest() };
        let whole: HashTree = joined(
            known(&mut self.block, (tip.last_hash, tip.size), || block(tip)),
            known(&mut self.log_id, (tip.log.0, 0), || log_id(tip)),
            known(&mut self.merkle, (tip.root, tip.size), || merkle(tip)),
            known(&mut self.topics, (tip.topics_root, tip.topics_size), || topics(tip)),
        );
        whole.digest()
    }
}

fn known(known: &mut Option<Known>, of: (Hash, u64), subtree: impl FnOnce() -> HashTree) -> HashTree {
    let digest = match known {
        Some(known) if known.of == of => known.digest,
        _ => known.insert(Known { of, digest: subtree().digest() }).digest,
    };
    pruned(digest)
}

/// The tree as ICRC-3 serves it.
pub fn encode(tree: &HashTree) -> Vec<u8> {
    let mut bytes = SELF_DESCRIBED.to_vec();
    bytes.extend_from_slice(&codec::encode(tree));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_events::LogId;

    #[test]
    fn what_is_known_does_not_change_the_digest() {
        let mut tip = Tip {
            log: LogId(Hash([1; 32])),
            size: 7,
            last_hash: Hash([2; 32]),
            root: Hash([3; 32]),
            timestamp: 5,
            topics_size: 6,
            topics_root: Hash([4; 32]),
        };
        let mut digests = Digests::new();
        let changes: [fn(&mut Tip); 7] = [
            |_| (),
            |tip| tip.size += 1,
            |tip| tip.last_hash = Hash([5; 32]),
            |tip| tip.root = Hash([6; 32]),
            |tip| tip.topics_size += 1,
            |tip| tip.topics_root = Hash([7; 32]),
            |tip| tip.log = LogId(Hash([8; 32])),
        ];
        let mut seen = Vec::new();
        for change in changes {
            change(&mut tip);
            let digest = digests.digest(Some(&tip));
            assert_eq!(digest, tree(Some(&tip)).digest());
            assert_eq!(digests.digest(Some(&tip)), digest);
            assert!(!seen.contains(&digest), "every part counts");
            seen.push(digest);
        }
        assert_eq!(digests.digest(None), tree(None).digest());
    }
}
