//! What hosts of projections tell about them.

use cairn_events::{Hash, Principal};
use cairn_projections::Checkpoint;
use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

/// An answer, and the last event that it reflects.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Reflected<T> {
    /// The answer.
    pub content: T,
    /// The last event applied; absent before the first one.
    pub checkpoint: Option<Checkpoint>,
    /// Why the answer does not follow the log any more, if it does not: it was true at the checkpoint, and may not be now.
    pub halted: Option<String>,
}

/// A hosted projection.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: String,
    /// The version of the logic that made the rows served.
    pub version: u32,
    /// The last event that the rows served reflect.
    pub checkpoint: Option<Checkpoint>,
    /// How many events its feed had when it was last asked for.
    pub feed_length: u64,
    /// When the log was last asked with success, in nanoseconds; 0 if never since the upgrade.
    pub asked_at: u64,
    /// Why it has stopped following the log: new code, or a person, is needed.
    pub parked: Option<String>,
    /// The last call that failed, if the last one did.
    pub problem: Option<String>,
    /// The rebuild under way.
    pub rebuild: Option<RebuildStatus>,
    /// The outcome of the last rebuild.
    pub last_rebuild: Option<RebuildOutcome>,
}

/// A rebuild under way: the rows are made anew beside those that serve.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct RebuildStatus {
    /// Who asked for it.
    pub by: Principal,
    /// When, in nanoseconds.
    pub started_at: u64,
    /// The version of its logic.
    pub version: u32,
    /// How many events it has applied.
    pub applied: u64,
    /// How many it has to apply, as far as is known.
    pub of: u64,
    /// What it does now.
    pub phase: RebuildPhase,
}

/// The phases of a rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum RebuildPhase {
    /// It applies the events from the first one on.
    #[serde(rename = "replaying")]
    Replaying,
    /// Both sets of rows stand at the same event, and their digests are computed.
    #[serde(rename = "comparing")]
    Comparing,
    /// The outcome is on its way into the log; once it is there, the rows are swapped.
    #[serde(rename = "reporting")]
    Reporting,
}

/// How a rebuild ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize, serde::Serialize)]
pub struct RebuildOutcome {
    /// The event that says so.
    #[serde(rename = "event")]
    pub event: u64,
    /// The version of the logic.
    #[serde(rename = "version")]
    pub version: u32,
    /// The last event that both sets of rows reflected.
    #[serde(rename = "checkpoint")]
    pub checkpoint: u64,
    /// Digest of the rows that had served.
    #[serde(rename = "served")]
    pub served: Hash,
    /// Digest of the rows that serve since.
    #[serde(rename = "rebuilt")]
    pub rebuilt: Hash,
}

/// Why no rebuild was begun.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum RebuildError {
    /// No such projection here.
    #[error("no projection {name} is hosted here")]
    NotHosted {
        /// The name asked for.
        name: String,
    },
    /// Another rebuild is under way here.
    #[error("projection {name} is being rebuilt; one at a time")]
    UnderWay {
        /// Which one.
        name: String,
    },
}

/// What the network certifies of a host: the digest of each projection at the end of its last rebuild.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct DigestCertificate {
    /// The network's certificate of this canister's certified data.
    pub certificate: ByteBuf,
    /// The labelled tree whose root is that data: `projections` / name / CBOR of version, checkpoint, digest.
    pub hash_tree: ByteBuf,
}
