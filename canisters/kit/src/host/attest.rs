//! What the network certifies of a host: per projection version, checkpoint and digest, as of the last rebuild.

use super::hosted::Hosted;
use crate::api::host::DigestCertificate;
use crate::runtime;
use cairn_events::codec;
use ic_certification::{HashTree, fork, labeled, leaf};
use serde_bytes::ByteBuf;

/// The CBOR tag that says "this is CBOR", as certificates carry it.
const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];

/// The labelled tree: `projections` / name / CBOR of (version, checkpoint, digest).
pub fn tree(hosted: &[Hosted]) -> HashTree {
    let mut leaves: Vec<(&str, HashTree)> = hosted.iter().filter_map(attestation).collect();
    leaves.sort_by_key(|(name, _)| *name);
    let labelled = leaves.into_iter().map(|(name, leaf)| labeled(name.as_bytes(), leaf));
    labeled(b"projections", labelled.reduce(fork).unwrap_or_else(ic_certification::empty))
}

fn attestation(hosted: &Hosted) -> Option<(&str, HashTree)> {
    let outcome = hosted.outcome()?;
    let content = (outcome.version, outcome.checkpoint, outcome.rebuilt);
    Some((hosted.name(), leaf(codec::encode(&content))))
}

/// The tree under the network's certificate, in a query.
pub fn certificate(tree: &HashTree) -> Option<DigestCertificate> {
    let certificate = ByteBuf::from(runtime::data_certificate()?);
    let mut hash_tree = SELF_DESCRIBED.to_vec();
    hash_tree.extend(codec::encode(tree));
    Some(DigestCertificate { certificate, hash_tree: ByteBuf::from(hash_tree) })
}
