//! What the network certifies: the root of a small labelled tree about the end of the log.
//!
//! ICRC-3 fixes the labels `last_block_hash` and `last_block_index`; ours (log id, root and size of Merkle tree and topic map) stand beside
//! them, all in the order of their bytes. An empty log has the empty tree.

use cairn_events::{codec, value::leb128};
use cairn_kit::api::audit::Tip;
use ic_certification::HashTree;
use ic_certification::hash_tree::{empty, fork, label, leaf};

/// The tag by which CBOR describes itself (RFC 8949, 3.4.6).
const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];

/// The labelled tree about the end of the log.
pub fn tree(tip: Option<&Tip>) -> HashTree {
    let Some(tip) = tip else { return empty() };
    let entry = |name: &str, content: Vec<u8>| label::<Vec<u8>, _, _>(name, leaf(content));
    let index = tip.size.saturating_sub(1);
    fork(
        fork(entry("last_block_hash", tip.last_hash.0.to_vec()), entry("last_block_index", leb128(index))),
        fork(
            entry("log_id", tip.log.0.0.to_vec()),
            fork(
                fork(entry("merkle_root", tip.root.0.to_vec()), entry("merkle_size", leb128(tip.size))),
                fork(entry("topics_root", tip.topics_root.0.to_vec()), entry("topics_size", leb128(tip.topics_size))),
            ),
        ),
    )
}

/// The tree as ICRC-3 serves it.
pub fn encode(tree: &HashTree) -> Vec<u8> {
    let mut bytes = SELF_DESCRIBED.to_vec();
    bytes.extend_from_slice(&codec::encode(tree));
    bytes
}
