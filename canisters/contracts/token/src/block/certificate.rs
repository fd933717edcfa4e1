//! The certified tree over the tip, in the form ICRC-3 prescribes.

use super::Tip;
use cairn_events::value::leb128;
use ic_certification::{HashTree, empty, fork, labeled, leaf};
use serde::Serialize;

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

/// The tree as CBOR, with the self-describing tag.
///
/// # Errors
/// Never in practice; the encoder can fail.
pub fn encode_tree(tip: Option<Tip>) -> Result<Vec<u8>, serde_cbor::Error> {
    let mut bytes = Vec::new();
    let mut serializer = serde_cbor::Serializer::new(&mut bytes);
    serializer.self_describe()?;
    tree(tip).serialize(&mut serializer)?;
    Ok(bytes)
}
