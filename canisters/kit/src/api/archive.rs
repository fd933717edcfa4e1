//! The interface of archives: canisters that keep the bodies of old events for the log.

use cairn_events::{LogId, Principal};
use candid::{CandidType, Deserialize};

/// Most events in a range that is moved at a time.
pub const MAX_RANGE_EVENTS: u64 = 2_000;
/// Most bytes of bodies in such a range, the first one aside.
pub const MAX_RANGE_BYTES: u64 = 1_000_000;

/// Install argument of an archive. The log is who installs it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ArchiveInit {
    /// The log's id.
    pub log: LogId,
    /// Index of the first event that it will have.
    pub from: u64,
}

/// Events whose bodies an archive has.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ArchivedBodies {
    /// The archive; its method `getBodies` gives them.
    pub archive: Principal,
    /// The events.
    pub indices: Vec<u64>,
}

/// What an archive has: the bodies of the events `from..until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Holdings {
    /// The log.
    pub log: LogId,
    /// The log's canister, the only one that may write.
    pub audit: Principal,
    /// The first event,
    pub from: u64,
    /// and the first one after the last.
    pub until: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

/// Why an archive refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum ArchiveError {
    /// The request must be mended. Nothing was changed.
    #[error(transparent)]
    Request(ArchiveRequestError),
    /// Another attempt may succeed; what was taken of a range is taken.
    #[error(transparent)]
    Temporary(ArchiveTemporaryError),
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum ArchiveRequestError {
    /// Not the log.
    #[error("{caller} may not call this")]
    Unauthorized {
        /// Who called.
        caller: Principal,
    },
    /// Bodies would be missing in between.
    #[error("bodies from {found} on leave a gap; the next is {expected}")]
    Gap {
        /// The index that is next.
        expected: u64,
        /// The index that came.
        found: u64,
    },
    /// There is another body of this event, or this one is empty.
    #[error("event {index} has another body here, or none was sent")]
    Conflict {
        /// The event.
        index: u64,
    },
    /// An event that is not here, or a range that is none.
    #[error("{found} is out of bounds: {from} to {until}")]
    OutOfBounds {
        /// What was asked for.
        found: u64,
        /// The first event here,
        from: u64,
        /// and the first one after the last.
        until: u64,
    },
    /// Too many events at a time.
    #[error("{found} events or bytes at a time, at most {max}")]
    TooMany {
        /// How many.
        found: u64,
        /// How many there may be.
        max: u64,
    },
}

/// Why an archive cannot do it right now.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum ArchiveTemporaryError {
    /// The network gives no more memory.
    #[error("no more memory")]
    NoMemory,
}
