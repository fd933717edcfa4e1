//! The first thing that is wrong with what was shown, and the exit code that says so.

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

impl Failure {
    /// How `cairn verify` ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Malformed(_) => Exit::Malformed,
            Failure::Log(_) | Failure::Row { .. } | Failure::Answer(_) | Failure::Bundle(_) => Exit::Log,
            Failure::Certificate(_) => Exit::Certificate,
            Failure::Page { failure, .. } => failure.exit(),
            Failure::Stale { .. } => Exit::Stale,
            Failure::Policy(_) => Exit::Policy,
        }
    }
}

/// How a command of `cairn` ends. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything is in order.
    Fine = 0,
    /// The command line is wrong.
    Usage = 1,
    /// A file is unreadable, or malformed.
    Malformed = 2,
    /// The events are not a log, or an answer is not true, or not complete.
    Log = 3,
    /// The certificate does not vouch for what is shown.
    Certificate = 4,
    /// The file is about another log than the policy.
    Policy = 5,
    /// The platform could not be run, or did not do what it should.
    Platform = 6,
    /// Certified longer ago than the policy allows.
    Stale = 7,
    /// The network was not reached, or its audit canister refused.
    Network = 8,
    /// Two logs are not of one history.
    Fork = 9,
}
