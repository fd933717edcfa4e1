//! The link from the events to the network's root key.

use crate::{Failure, FormatError, Freshness, Policy, cbor};
use cairn_events::answer::CertifiedTip;
use cairn_events::moment::both;
use cairn_events::value::leb128;
use cairn_events::{Hash, LogId, Principal, Timestamp};
use ic_certificate_verification::VerifyCertificate;
use ic_certification::{Certificate, HashTree, LookupResult, SubtreeLookupResult};

/// How far the network's clock may be ahead of ours, in seconds, where age matters.
const MAX_AHEAD: u64 = 300;

/// Why a certificate does not vouch for a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// The canister's tree lacks an entry.
    #[error("the canister's tree has no {0}")]
    Missing(&'static str),
    /// The canister's tree says something else than the events or the policy.
    #[error("{label} is {certified}, not {computed}")]
    Differs {
        /// Which entry.
        label: &'static str,
        /// What the tree says, in hexadecimal.
        certified: String,
        /// What it should be, in hexadecimal.
        computed: String,
    },
    /// The certificate is about another tree.
    #[error("the certified data is {certified}, the canister's tree has root {computed}")]
    Root {
        /// What the network certified, in hexadecimal.
        certified: String,
        /// The root of the tree in the file, in hexadecimal.
        computed: String,
    },
    /// The certificate does not say when it was made.
    #[error("it has no readable time")]
    Time,
    /// The certificate is older than the events.
    #[error("made at {}, before the last event at {}", both(certified_at), both(end))]
    BeforeLastEvent {
        /// When the certificate was made.
        certified_at: Timestamp,
        /// When the last event was accepted.
        end: Timestamp,
    },
    /// The certificate is of a time that is not yet.
    #[error("made at {}, and it is only {}", both(certified_at), both(now))]
    Future {
        /// When the certificate was made.
        certified_at: Timestamp,
        /// The present, as the verifier was told.
        now: Timestamp,
    },
    /// Not signed by the network.
    #[error("not the network's: {0}")]
    Signature(String),
}

/// What the network has certified, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certified {
    /// The end of the log.
    pub tip: CertifiedTip,
    /// When the certificate was made: nothing is said of later.
    pub at: Timestamp,
}

/// Takes the end of the log out of the canister's labelled tree and the network's certificate of it.
///
/// # Errors
/// [`Failure`]: the certificate is not the network's, not about this canister, or not about this tree.
pub fn open(hash_tree: &[u8], certificate: &[u8], policy: &Policy) -> Result<Certified, Failure> {
    let malformed = |section| move |error| FormatError::Cbor { section, error };
    let tree = cbor::hash_tree(hash_tree).map_err(malformed("hash tree"))?;
    let certificate = cbor::certificate(certificate).map_err(malformed("certificate"))?;
    check_certified_data(&certificate, &tree, policy)?;
    let at = check_signature(&certificate, policy)?;
    check_age(at, policy)?;
    let tip = tip(&tree)?;
    if tip.log != policy.log {
        let (found, named) = (tip.log, policy.log);
        return Err(Failure::Policy(format!("the network certified log {found}, the policy names {named}")));
    }
    Ok(Certified { tip, at })
}

fn tip(tree: &HashTree) -> Result<CertifiedTip, CertificateFault> {
    let bytes = |label| match tree.lookup_path([label]) {
        LookupResult::Found(bytes) => Ok(bytes),
        _ => Err(CertificateFault::Missing(label)),
    };
    let hash = |label| Hash::from_slice(bytes(label)?).ok_or(CertificateFault::Missing(label));
    let number = |label| read_leb128(bytes(label)?).ok_or(CertificateFault::Missing(label));
    let tip = CertifiedTip {
        log: LogId(hash("log_id")?),
        size: number("merkle_size")?,
        last_hash: hash("last_block_hash")?,
        root: hash("merkle_root")?,
        topics_size: number("topics_size")?,
        topics_root: hash("topics_root")?,
    };
    let last = number("last_block_index")?;
    match tip.size.checked_sub(1) {
        Some(index) if index == last => Ok(tip),
        index => Err(CertificateFault::differs("last_block_index", &leb128(last), &leb128(index.unwrap_or_default()))),
    }
}

impl CertificateFault {
    fn differs(label: &'static str, certified: &[u8], computed: &[u8]) -> Self {
        CertificateFault::Differs { label, certified: hex::encode(certified), computed: hex::encode(computed) }
    }
}

/// What the network has certified must be what the events give.
pub fn compare(certified: &CertifiedTip, computed: &CertifiedTip) -> Result<(), CertificateFault> {
    let number = |of: fn(&CertifiedTip) -> u64| [leb128(of(certified)), leb128(of(computed))];
    let hash = |of: fn(&CertifiedTip) -> Hash| [of(certified).0.to_vec(), of(computed).0.to_vec()];
    let pairs = [
        ("last_block_hash", hash(|tip| tip.last_hash)),
        ("merkle_size", number(|tip| tip.size)),
        ("merkle_root", hash(|tip| tip.root)),
        ("topics_size", number(|tip| tip.topics_size)),
        ("topics_root", hash(|tip| tip.topics_root)),
    ];
    match pairs.iter().find(|(_, [certified, computed])| certified != computed) {
        Some((label, [certified, computed])) => Err(CertificateFault::differs(label, certified, computed)),
        None => Ok(()),
    }
}

fn check_certified_data(certificate: &Certificate, tree: &HashTree, policy: &Policy) -> Result<(), Failure> {
    let path: [&[u8]; 3] = [b"canister", policy.canister.as_slice(), b"certified_data"];
    let LookupResult::Found(certified) = certificate.tree.lookup_path(path) else {
        let canister = policy.canister;
        return Err(Failure::Policy(format!("the certificate does not speak about canister {canister}")));
    };
    let computed = tree.digest();
    if certified != computed {
        let (certified, computed) = (hex::encode(certified), hex::encode(computed));
        return Err(CertificateFault::Root { certified, computed }.into());
    }
    Ok(())
}

/// The age, if the policy minds it.
fn check_age(certified_at: Timestamp, policy: &Policy) -> Result<(), Failure> {
    let Some(Freshness { seconds, now }) = policy.freshness else { return Ok(()) };
    let nanoseconds = |seconds: u64| u128::from(seconds) * 1_000_000_000;
    let (certified, present) = (u128::from(certified_at.0), u128::from(now.0));
    if certified > present + nanoseconds(MAX_AHEAD) {
        return Err(CertificateFault::Future { certified_at, now }.into());
    }
    if certified + nanoseconds(seconds) < present {
        return Err(Failure::Stale { certified_at, now, seconds });
    }
    Ok(())
}

/// The signature, against the policy's root key. The certificate's own time stands in for the present: what is
/// shown is about the time at which it was made, and the policy says how old it may be.
fn check_signature(certificate: &Certificate, policy: &Policy) -> Result<Timestamp, CertificateFault> {
    let LookupResult::Found(time) = certificate.tree.lookup_path(["time"]) else {
        return Err(CertificateFault::Time);
    };
    let made_at = read_leb128(time).ok_or(CertificateFault::Time)?;
    check_delegation(certificate, policy.canister)?;
    certificate
        .verify(policy.canister.as_slice(), &policy.root_key, &u128::from(made_at), &0)
        .map_err(|error| CertificateFault::Signature(error.to_string()))?;
    Ok(Timestamp(made_at))
}

/// A subnet signs for the canisters that the root has given to it, and for no others. The public check lets a delegation
/// pass that names none at all, and panics at ids that are too long; this one comes before it.
fn check_delegation(certificate: &Certificate, canister: Principal) -> Result<(), CertificateFault> {
    let Some(delegation) = &certificate.delegation else { return Ok(()) };
    let refused = |why: &str| CertificateFault::Signature(format!("its delegation {why}"));
    let told = cbor::certificate(&delegation.certificate).map_err(|_| refused("is unreadable"))?.tree;
    let ranges = ranges(&told, &delegation.subnet_id).ok_or_else(|| refused("names no canisters"))?;
    if ranges.iter().any(|(first, last)| (first..=last).contains(&&canister)) {
        return Ok(());
    }
    Err(refused(&format!("does not extend to canister {canister}")))
}

/// The canisters of a subnet, first and last of each range, from both places where they may stand. `None` if they stand
/// in neither, or cannot be read.
fn ranges(told: &HashTree, subnet: &[u8]) -> Option<Vec<(Principal, Principal)>> {
    let SubtreeLookupResult::Found(shards) = told.lookup_subtree([b"canister_ranges".as_slice(), subnet]) else {
        let LookupResult::Found(all) = told.lookup_path([b"subnet".as_slice(), subnet, b"canister_ranges"]) else {
            return None;
        };
        return cbor::ranges(all).ok();
    };
    let mut ranges = Vec::new();
    for path in shards.list_paths() {
        let LookupResult::Found(shard) = shards.lookup_path(path.iter().map(|label| label.as_bytes())) else {
            return None;
        };
        ranges.extend(cbor::ranges(shard).ok()?);
    }
    Some(ranges)
}

/// Reads the shortest unsigned LEB128 form of a number, all of it.
fn read_leb128(bytes: &[u8]) -> Option<u64> {
    if bytes.len() > 10 {
        return None;
    }
    let value = bytes.iter().rev().fold(0_u128, |value, byte| value << 7 | u128::from(byte & 0x7f));
    let value = u64::try_from(value).ok()?;
    (leb128(value) == bytes).then_some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may fail
mod tests {
    use super::*;

    /// The time, certified by a subnet of the public network in November 2025, with delegation and ranges in shards: from
    /// `src/agent/agent_test/ivg37_time.bin` of the crate `ic-agent` 0.49.3 (Apache-2.0).
    const CERTIFICATE: &str = include_str!("../tests/mainnet/time.certificate");
    const ROOT_KEY: &str = include_str!("../tests/mainnet/root_key");
    const CANISTER: &str = "ivg37-qiaaa-aaaab-aaaga-cai";

    fn check(bytes: &[u8], canister: &str) -> Result<Timestamp, Failure> {
        let policy = Policy::new(ROOT_KEY.trim().as_bytes(), canister, &"00".repeat(32)).unwrap();
        assert!(policy.is_public_network());
        let certificate =
            cbor::certificate(bytes).map_err(|error| FormatError::Cbor { section: "the certificate", error })?;
        Ok(check_signature(&certificate, &policy)?)
    }

    #[test]
    fn a_subnet_of_the_public_network_speaks_for_its_canisters() {
        let bytes = hex::decode(CERTIFICATE.trim()).unwrap();
        assert_eq!(check(&bytes, CANISTER), Ok(Timestamp(1_763_796_896_688_941_908)));
        let outside = "its delegation does not extend to canister rdmx6-jaaaa-aaaaa-aaadq-cai".to_owned();
        let refused = CertificateFault::Signature(outside);
        assert_eq!(check(&bytes, "rdmx6-jaaaa-aaaaa-aaadq-cai"), Err(refused.into()));
        for position in (0..bytes.len()).step_by(13) {
            let mut flipped = bytes.clone();
            flipped[position] ^= 1 << (position % 8);
            assert!(check(&flipped, CANISTER).is_err(), "byte {position}");
        }
    }
}
