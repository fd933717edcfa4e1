//! The certified tree over the tip, in the form ICRC-3 prescribes.

use super::Tip;
use cairn_events::codec;
use cairn_events::value::leb128;
use ic_certification::{HashTree, empty, fork, labeled, leaf};

/// The tree: the hash of the last block and its index in LEB128, empty for an empty log.
fn tree(tip: Option<Tip>) -> HashTree {
    match tip {
        None => empty(),
        Some(Tip { index, hash }) => fork(
            labeled("last_block_hash", leaf(hash.as_bytes().to_vec())),
            labeled("last_block_index", leaf(leb128(index.0))),
        ),
    }
}

/// What the canister certifies.
pub fn certified_root(tip: Option<Tip>) -> [u8; 32] {
    tree(tip).digest()
}

/// The tag that says: this is CBOR (RFC 8949, 3.4.6).
const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];

/// The tree as CBOR, with the self-describing tag.
pub fn encode_tree(tip: Option<Tip>) -> Vec<u8> {
    [SELF_DESCRIBED.as_slice(), &codec::encode(&tree(tip))].concat()
}
