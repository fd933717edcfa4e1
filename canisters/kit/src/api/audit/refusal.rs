//! Why the audit canister refuses: what is wrong, with the values, and whether another attempt may succeed.

use crate::api::InternalError;
use crate::api::archive::ArchivedBodies;
use cairn_events::question::BadQuestion;
use cairn_events::{Hash, Principal, Stream, Topic};
use candid::{CandidType, Deserialize};

/// Why the audit canister refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum AuditError {
    /// The request must be mended.
    #[error(transparent)]
    Request(AuditRequestError),
    /// Another attempt may succeed.
    #[error(transparent)]
    Temporary(AuditTemporaryError),
    /// Something is wrong on our side.
    #[error(transparent)]
    Internal(InternalError),
}

/// What is wrong with a request. `position` counts the batch's submissions from 0.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum AuditRequestError {
    /// The caller may not do this.
    #[error("{caller} may not call this")]
    Unauthorized {
        /// Who called.
        caller: Principal,
    },
    /// The event that the caller has seen is not in this log: it was rolled back, or another one stands in its place.
    #[error("event {index}, as it was seen before, is not in this log of {size} events")]
    OtherLog {
        /// The event that was seen.
        index: u64,
        /// How many events this log has.
        size: u64,
    },
    /// The caller is not a registered writer.
    #[error("{caller} is no registered writer")]
    NotAWriter {
        /// Who called.
        caller: Principal,
    },
    /// Another canister holds that role, or this canister another role.
    #[error("{writer} cannot be registered: {conflict}")]
    WriterConflict {
        /// Who was to be registered.
        writer: Principal,
        /// What stands against it.
        conflict: String,
    },
    /// The batch is empty or too large.
    #[error(
        "batch of {submissions} submissions and {bytes} bytes; at least 1, at most {max_submissions} and {max_bytes}"
    )]
    BatchSize {
        /// How many came.
        submissions: u64,
        /// How many bytes came.
        bytes: u64,
        /// How many may come.
        max_submissions: u64,
        /// How many bytes may come.
        max_bytes: u64,
    },
    /// The writer's numbering would get a gap.
    #[error("sequence number {found} leaves a gap; the next is {expected}")]
    SequenceGap {
        /// The number that came.
        found: u64,
        /// The number that is next.
        expected: u64,
    },
    /// The number was used before, for something else.
    #[error("sequence number {seq} was used for other content (event {index})")]
    SequenceReused {
        /// The number.
        seq: u64,
        /// The event that has it.
        index: u64,
    },
    /// A submission is not decodable: unknown kind, not canonical, or not CBOR at all.
    #[error("submission {position} is malformed: {detail}")]
    Malformed {
        /// Which submission.
        position: u32,
        /// What is wrong, shortened.
        detail: String,
    },
    /// The writer's role does not allow the kind.
    #[error("submission {position}: kind {kind} is not allowed to the caller")]
    KindNotAllowed {
        /// Which submission.
        position: u32,
        /// Its kind.
        kind: String,
    },
    /// A text, list or blob exceeds its bound, or the event its kind's size.
    #[error("submission {position}: {bytes} bytes, or a field, exceed the bound; at most {max}")]
    TooLarge {
        /// Which submission.
        position: u32,
        /// Its encoded size.
        bytes: u64,
        /// The most for its kind.
        max: u64,
    },
    /// The stream has another version than the one insisted on.
    #[error("submission {position}: stream {stream} has version {actual}, expected {expected}")]
    StreamVersion {
        /// Which submission.
        position: u32,
        /// Its stream.
        stream: Stream,
        /// The version insisted on.
        expected: u64,
        /// The version it has.
        actual: u64,
    },
    /// An intent, and what decides a delivery, must insist on an exact version; the effect must be neither intended
    /// already nor decided.
    #[error("submission {position}: an exact stream version is needed, and an effect neither intended nor decided")]
    IntentConflict {
        /// Which submission.
        position: u32,
    },
    /// The cause is not an earlier event.
    #[error("submission {position}: causing event {causation} does not exist")]
    Causation {
        /// Which submission.
        position: u32,
        /// The index given.
        causation: u64,
    },
    /// An opening belongs to no commitment of the payload, or is too large.
    #[error("submission {position}: an opening does not fit the payload")]
    Opening {
        /// Which submission.
        position: u32,
    },
    /// An opening cannot be erased.
    #[error("submission {position}: {problem}")]
    Erasure {
        /// Which submission.
        position: u32,
        /// What stands against it.
        problem: BadErasure,
    },
    /// The opening is gone, for everyone.
    #[error("the opening of event {index} was erased by event {event}")]
    Erased {
        /// The event with the commitment.
        index: u64,
        /// The event that says so.
        event: u64,
    },
    /// The events of a person are gathered for that person, for auditors and for admins: whoever asks needs an identity.
    #[error(
        "the events of {topic:?} are for that person, auditors and admins; {caller} is none of them: use an identity"
    )]
    Private {
        /// Who must not be asked about.
        topic: Topic,
        /// Who called; perhaps nobody.
        caller: Principal,
    },
    /// The question has no answer.
    #[error("{problem}")]
    Question {
        /// What is wrong with it.
        problem: BadQuestion,
    },
    /// Some of the events lie in archives: `getWholeEvents` and `getWholeAnswer` fetch them there.
    #[error("some of the events lie in archives: ask for the whole")]
    Archived {
        /// Which, and where; the first ones, if there are many.
        bodies: Vec<ArchivedBodies>,
    },
    /// This module was not uploaded last.
    #[error("module {module_hash} is not here: upload it first")]
    UnknownModule {
        /// The SHA-256 that was named, or that the upload has.
        module_hash: Hash,
    },
    /// An argument of a read is out of bounds.
    #[error("{what} is {found}, out of bounds ({bound})")]
    OutOfBounds {
        /// Which argument.
        what: String,
        /// What came.
        found: u64,
        /// What may come.
        bound: u64,
    },
}

/// Why an opening cannot be erased.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum BadErasure {
    /// The actor is neither concerned nor an admin.
    #[error("{actor} is neither concerned nor an admin")]
    NotConcerned {
        /// On whose behalf it was to be erased.
        actor: Principal,
    },
    /// There is no such opening.
    #[error("event {index} has no such opening")]
    NoOpening {
        /// The event named.
        index: u64,
    },
    /// It was erased before.
    #[error("it was erased by event {event}")]
    Erased {
        /// The event that says so.
        event: u64,
    },
}

/// Why the audit canister cannot accept right now.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum AuditTemporaryError {
    /// The log has no genesis yet: the network's randomness is on its way.
    #[error("the log has not begun yet")]
    NotReady,
    /// No new intents: what is left is reserved for outcomes.
    #[error("no new intents: {open_intents} open, reserve exhausted")]
    ReserveExhausted {
        /// Intents without outcome.
        open_intents: u64,
    },
    /// The caller has asked too often through the log.
    #[error("at most {most} audited questions a minute; the next one from {retry_at} on")]
    TooManyQuestions {
        /// How many are taken in a minute.
        most: u32,
        /// When the next one is, in nanoseconds.
        retry_at: u64,
    },
    /// An archive is being made; what it is made from cannot be changed now.
    #[error("an archive is being created")]
    Archiving,
    /// An archive did not answer.
    #[error("archive {archive} did not answer: {detail}")]
    ArchiveSilent {
        /// Which.
        archive: Principal,
        /// What happened, shortened.
        detail: String,
    },
    /// The topic map is too far behind; it catches up by itself, within seconds.
    #[error("the topic map covers {covered} of {size} events: too few for this")]
    Lagging {
        /// Events that the map covers.
        covered: u64,
        /// Events that the log has.
        size: u64,
    },
}
