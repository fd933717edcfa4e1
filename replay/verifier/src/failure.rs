//! The first thing that is wrong with what was shown.

use crate::{BundleFault, CertificateFault, FormatError};
use cairn_events::Timestamp;
use cairn_events::answer::Untrue;
use cairn_events::moment::both;
use cairn_events::verify::Violation;

/// The first thing wrong with an export, an answer or a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Not an export, or not in its one encoding.
    #[error("malformed: {0}")]
    Malformed(#[from] FormatError),
    /// The events are not a log.
    #[error("{0}")]
    Log(#[from] Violation),
    /// A line of an export in text says something else than the event in it, or proves nothing.
    #[error("line {line} does not say what its event says")]
    Row {
        /// Which one, from 1.
        line: usize,
    },
    /// The certificate does not vouch for the events.
    #[error("certificate: {0}")]
    Certificate(#[from] CertificateFault),
    /// An answer does not hold.
    #[error("{0}")]
    Answer(#[from] Untrue),
    /// Pages that are not one answer.
    #[error("{0}")]
    Bundle(#[from] BundleFault),
    /// A page of a bundle does not hold.
    #[error("page {page}: {failure}")]
    Page {
        /// Which one, from 0.
        page: usize,
        /// The first thing wrong with it.
        failure: Box<Failure>,
    },
    /// Certified longer ago than the policy allows.
    #[error(
        "certified at {}; at {} the policy wants what is at most {seconds} seconds old",
        both(certified_at),
        both(now)
    )]
    Stale {
        /// When the network certified it.
        certified_at: Timestamp,
        /// The present, as the verifier was told.
        now: Timestamp,
        /// What the policy allows.
        seconds: u64,
    },
    /// In itself perhaps whole, but not what the policy names.
    #[error("{0}")]
    Policy(String),
}
