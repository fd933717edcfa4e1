//! The interface of the audit canister.

mod refusal;

pub use cairn_events::answer::{MAX_PAGE, MAX_PAGE_BYTES};
pub use cairn_events::question::Order;
pub use refusal::{AuditError, AuditRequestError, AuditTemporaryError, BadErasure};

use super::archive::ArchivedBodies;
use cairn_events::codec::{self, CodecError};
use cairn_events::payload::ArchivingConfigured;
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
