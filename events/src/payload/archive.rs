//! Facts about archives: canisters that keep the bodies of old events. What proves them never leaves the log.

use super::Reason;
use crate::Hash;
use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

/// An admin said when the log moves bodies of events to archives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct ArchivingConfigured {
    /// Whether it does.
    pub enabled: bool,
    /// How many events it keeps whole at least.
    pub keep: u64,
    /// How many events it moves at a time.
    pub range: u64,
    /// How many bytes of bodies an archive takes.
    pub capacity: u64,
    /// Cycles that a new archive is given.
    pub cycles: u64,
    /// SHA-256 of the module that a new archive runs.
    pub module_hash: Hash,
}

/// A canister is about to be created, to be the archive of this number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveIntended {
    /// Archives are numbered from 0. An attempt that was not resolved has used its number up.
    pub number: u64,
    /// Index of the first event that it will have.
    pub from: u64,
    /// Cycles that it is given.
    pub cycles: u64,
    /// SHA-256 of the module that it will run.
    pub module_hash: Hash,
}

/// The archive is there, empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveCreated {
    /// Its number.
    pub number: u64,
    /// The canister. The log is its one controller.
    pub archive: Principal,
    /// SHA-256 of the module in it, as the network says.
    pub module_hash: Hash,
}

/// The creation failed, or its reply was lost: at most one empty canister is. The log tries no other until an admin
/// configures archiving anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveUnresolved {
    /// The number that the archive would have had.
    pub number: u64,
    /// What is known.
    pub reason: Reason,
}

/// An archive has the bodies of the events `from..until`: it said their digest in a call that every node executed. The
/// log has them no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeMoved {
    /// The archive.
    pub archive: Principal,
    /// The first event,
    pub from: u64,
    /// and the first one after the last.
    pub until: u64,
    /// [`range_digest`] of the bodies.
    pub digest: Hash,
}

/// The digest of encoded events from index `from` on.
pub fn range_digest<'a>(from: u64, bodies: impl IntoIterator<Item = &'a [u8]>) -> Hash {
    let from = from.to_be_bytes();
    let mut parts = vec![from.as_slice()];
    for body in bodies {
        parts.push(body);
    }
    Hash::of_fields("cairn.range", &parts)
}
