//! The interface of the audit canister.

pub use cairn_events::answer::{MAX_PAGE, MAX_PAGE_BYTES};
pub use cairn_events::question::Order;

use super::InternalError;
use super::archive::ArchivedBodies;
use cairn_events::codec::{self, CodecError};
use cairn_events::payload::ArchivingConfigured;
use cairn_events::question::BadQuestion;
use cairn_events::topic::TopicHead;
use cairn_events::{Expected, Hash, LogId, Opening, Principal, Receipt, Stream, Submission, Topic, WriterRole};
use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

/// Install argument of the audit canister.
#[derive(Clone, Debug, CandidType, Deserialize)]
pub struct AuditInit {
    /// The one canister that may ever write money kinds: the backend.
    pub money_writer: Principal,
}

/// A submission on the wire: the payload travels in its stored encoding.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct WireSubmission {
    /// The stream version insisted on.
    pub expected: Expected,
    /// On whose behalf.
    pub actor: Principal,
    /// The business process.
    pub correlation: Option<Hash>,
    /// Index of the causing event.
    pub causation: Option<u64>,
    /// The payload, as [`codec::encode_payload`] writes it.
    pub payload: ByteBuf,
    /// Openings of the commitments in the payload.
    pub openings: Vec<Opening>,
}

impl From<&Submission> for WireSubmission {
    fn from(submission: &Submission) -> Self {
        WireSubmission {
            expected: submission.expected,
            actor: submission.actor,
            correlation: submission.correlation,
            causation: submission.causation,
            payload: ByteBuf::from(codec::encode_payload(&submission.payload)),
            openings: submission.openings.clone(),
        }
    }
}

impl TryFrom<WireSubmission> for Submission {
    type Error = CodecError;

    fn try_from(wire: WireSubmission) -> Result<Self, CodecError> {
        Ok(Submission {
            expected: wire.expected,
            actor: wire.actor,
            correlation: wire.correlation,
            causation: wire.causation,
            payload: codec::decode_payload(&wire.payload)?,
            openings: wire.openings,
        })
    }
}

/// Argument of `append`: an atomic batch, numbered by the writer from `first_seq` without gaps.
///
/// If all of it was accepted before, with the same content, the first reply's receipts are returned again.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct AppendArgs {
    /// The writer's number of the first submission.
    pub first_seq: u64,
    /// The events to be.
    pub submissions: Vec<WireSubmission>,
}

/// An event that the caller has seen in the log. Its hash commits to all events before it: a log that has this event has
/// those, too. Given with a call, it is looked for before anything else: [`AuditRequestError::OtherLog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Seen {
    /// Its index.
    pub index: u64,
    /// Its hash.
    pub hash: Hash,
}

/// Most submissions in a batch.
pub const MAX_BATCH: usize = 100;
/// Most bytes of encoded payloads and openings in a batch.
pub const MAX_BATCH_BYTES: usize = 1_000_000;

/// Reply of `append`.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Appended {
    /// One receipt per submission.
    pub receipts: Vec<Receipt>,
    /// What the log can still promise.
    pub reserve: Reserve,
}

/// What the log holds back so that every open intent finds room for its outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, CandidType, Deserialize)]
pub struct Reserve {
    /// Intents without outcome.
    pub open_intents: u64,
    /// How many more intents would be accepted now.
    pub intents_left: u64,
}

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

/// What `askAudited` has put into the log. The proof is fetched by `getAnswer`, with the span narrowed to what the answer
/// is complete for; `cairn_events::answer::Findings::digest` of what that proves is `answer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct AuditedQuestion {
    /// Index of the event.
    pub event: u64,
    /// The salt of both digests. Whoever knows it can tell what was asked; the log shows the digests only.
    pub salt: Hash,
    /// Digest of the question.
    pub question: Hash,
    /// Digest of the answer.
    pub answer: Hash,
    /// How many events the answer has.
    pub count: u64,
    /// The index from which on the answer is complete,
    pub complete_from: u64,
    /// and the one before which it is.
    pub complete_until: u64,
}

/// The end of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Tip {
    /// The log.
    pub log: LogId,
    /// How many events it has.
    pub size: u64,
    /// Hash of the last event.
    pub last_hash: Hash,
    /// Root of the tree over all events.
    pub root: Hash,
    /// Timestamp of the last event.
    pub timestamp: u64,
    /// How many events the topic map covers.
    pub topics_size: u64,
    /// Root of the topic map.
    pub topics_root: Hash,
}

impl Tip {
    /// The last event; none of a log without any.
    pub fn last(&self) -> Option<Seen> {
        self.size.checked_sub(1).map(|index| Seen { index, hash: self.last_hash })
    }
}

/// Which events to read.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum Filter {
    /// All of them.
    #[serde(rename = "all")]
    All,
    /// Those of a stream.
    #[serde(rename = "stream")]
    Stream(Stream),
    /// Those of a topic.
    #[serde(rename = "topic")]
    Topic(Topic),
}

/// Argument of `getEvents`.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct EventQuery {
    /// Which events.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Only events at this time (nanoseconds) or later.
    pub from_time: Option<u64>,
    /// Only events before this time.
    pub until_time: Option<u64>,
    /// Where to go on: a page's `next`. The position within the filter (0 for its first event), whatever the order.
    pub cursor: Option<u64>,
    /// Most events in the page; capped by [`MAX_PAGE`] and by bytes.
    pub limit: u32,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct EventPage {
    /// The events, in the order asked for, as [`codec::encode_event`] writes them; empty where an archive has the body.
    pub events: Vec<ByteBuf>,
    /// The events that are empty here, in the order of the page: their bodies are for [`EventPage::fill`].
    pub archived: Option<Vec<ArchivedBodies>>,
    /// The cursor of the next page, if there is more.
    pub next: Option<u64>,
    /// How many events the log has: the answer is complete up to there.
    pub log_length: u64,
    /// The last event of the topic asked for.
    pub topic_head: Option<TopicHead>,
    /// The last event of the log.
    pub last: Option<Seen>,
}

impl EventPage {
    /// Puts `bodies` where events are empty, in the order of `archived`; whether there was one for each.
    pub fn fill(&mut self, bodies: impl IntoIterator<Item = ByteBuf>) -> bool {
        self.archived = None;
        let mut bodies = bodies.into_iter().filter(|body| !body.is_empty());
        for event in self.events.iter_mut().filter(|event| event.is_empty()) {
            match bodies.next() {
                Some(body) => *event = body,
                None => return false,
            }
        }
        bodies.next().is_none()
    }
}

/// How the log's archiving stands.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ArchivingStatus {
    /// What an admin said last.
    pub settings: Option<ArchivingConfigured>,
    /// The archives, in the order of what they have.
    pub archives: Vec<ArchiveRange>,
    /// The first event whose body the log has itself.
    pub kept_from: u64,
    /// What is being done, or why nothing is.
    pub step: String,
    /// Why the last attempt failed, since the upgrade.
    pub problem: Option<String>,
}

/// What an archive has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ArchiveRange {
    /// The archive.
    pub archive: Principal,
    /// The first event,
    pub from: u64,
    /// and the first one after the last.
    pub until: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

/// A registered writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Writer {
    /// The canister.
    pub writer: Principal,
    /// What it may write.
    pub role: WriterRole,
    /// The number its next event must have.
    pub next_seq: u64,
}

/// An inclusion or consistency proof (RFC 9162).
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Proof {
    /// The path, from the leaf upwards.
    pub path: Vec<Hash>,
    /// The tree's size.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
}

/// What ICRC-3 calls the tip certificate.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct TipCertificate {
    /// The network's certificate of this canister's certified data.
    pub certificate: ByteBuf,
    /// The labelled tree whose root is that data.
    pub hash_tree: ByteBuf,
}
