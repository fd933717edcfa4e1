//! What travels together: groups of submissions, each of one caller and atomic, in one batch that is atomic as a whole.

use super::Recorded;
use crate::api::audit::{AppendArgs, MAX_BATCH, MAX_BATCH_BYTES, Seen, WireSubmission};
use cairn_events::codec::CodecError;
use cairn_events::{Class, Payload, Receipt, Submission, codec};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::VecDeque;

/// What a caller is known by while it waits.
pub type Ticket = u64;

/// The submissions of one caller.
#[derive(Clone, Debug)]
pub struct Group {
    /// Who waits for the answer; nobody after an upgrade, or when the caller gave up.
    pub ticket: Option<Ticket>,
    wires: Vec<WireSubmission>,
    payloads: Vec<Payload>,
    bytes: usize,
}

impl Group {
    /// The group of a caller's submissions.
    pub fn new(ticket: Ticket, submissions: Vec<Submission>) -> Self {
        let wires: Vec<WireSubmission> = submissions.iter().map(WireSubmission::from).collect();
        let payloads = submissions.into_iter().map(|submission| submission.payload).collect();
        Group { ticket: Some(ticket), bytes: size(&wires), wires, payloads }
    }

    fn stored(wires: Vec<WireSubmission>) -> Result<Self, CodecError> {
        let payloads = wires.iter().map(|wire| codec::decode_payload(&wire.payload)).collect::<Result<_, _>>()?;
        Ok(Group { ticket: None, bytes: size(&wires), wires, payloads })
    }

    /// How many submissions.
    pub fn len(&self) -> usize {
        self.wires.len()
    }

    /// Bytes of payloads and openings.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a batch can hold it.
    pub fn fits_alone(&self) -> bool {
        self.len() <= MAX_BATCH && self.bytes <= MAX_BATCH_BYTES
    }

    /// Whether it begins an effect: what the log refuses first when its reserve is spent.
    pub fn has_intent(&self) -> bool {
        self.payloads.iter().any(|payload| matches!(payload.kind().class(), Class::Intent(_)))
    }

    /// The payloads, in order.
    pub fn payloads(&self) -> &[Payload] {
        &self.payloads
    }
}

/// Bytes that the log counts: payloads and openings.
fn size(wires: &[WireSubmission]) -> usize {
    let opening = |wire: &WireSubmission| wire.openings.iter().map(|o| o.salt.len() + o.content.len()).sum::<usize>();
    wires.iter().map(|wire| wire.payload.len() + opening(wire)).sum()
}

/// Groups on their way to the log, numbered from `first_seq` in order.
#[derive(Clone, Debug)]
pub struct Batch {
    /// This canister's number of the first submission.
    pub first_seq: u64,
    /// Never empty.
    pub groups: Vec<Group>,
    /// Whether it may have been accepted already: an earlier attempt has no definite answer.
    pub doubtful: bool,
    args: Vec<u8>,
}

/// The stored form of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredBatch {
    /// The arguments of `append`.
    #[serde(rename = "a")]
    args: ByteBuf,
    /// How many submissions each group has.
    #[serde(rename = "g")]
    groups: Vec<u32>,
}

/// A stored batch that this code cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored batch cannot be read: {0}")]
pub struct UnreadableBatch(String);

impl Batch {
    /// The batch of `groups`, for a log that has `seen`.
    pub fn new(first_seq: u64, groups: Vec<Group>, seen: Option<Seen>) -> Self {
        let mut batch = Batch { first_seq, groups, doubtful: false, args: Vec::new() };
        batch.insist_on(seen);
        batch
    }

    /// From now on for a log that has `seen`. The content stays the same.
    pub fn insist_on(&mut self, seen: Option<Seen>) {
        let submissions = self.groups.iter().flat_map(|group| &group.wires).cloned().collect();
        let args = AppendArgs { first_seq: self.first_seq, submissions };
        // Candid of plain data in the heap cannot fail to encode.
        self.args = candid::encode_args((args, seen)).unwrap_or_default();
    }

    /// Takes from the front of `waiting` what fits into one batch.
    pub fn gather(first_seq: u64, waiting: &mut VecDeque<Group>, seen: Option<Seen>) -> Option<Self> {
        let (mut submissions, mut bytes) = (0, 0);
        let mut groups = Vec::new();
        while let Some(group) = waiting
            .pop_front_if(|group| submissions + group.len() <= MAX_BATCH && bytes + group.bytes() <= MAX_BATCH_BYTES)
        {
            submissions += group.len();
            bytes += group.bytes();
            groups.push(group);
        }
        (!groups.is_empty()).then(|| Batch::new(first_seq, groups, seen))
    }

    /// How many submissions.
    pub fn len(&self) -> usize {
        self.groups.iter().map(Group::len).sum()
    }

    /// The arguments of `append`, in Candid.
    pub fn args(&self) -> &[u8] {
        &self.args
    }

    /// The group that holds the submission at `position`, and the submission's position in it.
    pub fn locate(&self, position: usize) -> Option<(usize, usize)> {
        let mut begin = 0;
        for (number, group) in self.groups.iter().enumerate() {
            if position < begin + group.len() {
                return Some((number, position - begin));
            }
            begin += group.len();
        }
        None
    }

    /// The events that the batch became.
    pub fn recorded(&self, receipts: &[Receipt]) -> Vec<Recorded> {
        let contents = self.groups.iter().flat_map(|group| group.wires.iter().zip(&group.payloads));
        let numbered = (self.first_seq..).zip(contents).zip(receipts);
        let record =
            |((source_seq, (wire, payload)), receipt): ((u64, (&WireSubmission, &Payload)), &Receipt)| Recorded {
                receipt: *receipt,
                source_seq,
                actor: wire.actor,
                correlation: wire.correlation,
                causation: wire.causation,
                payload: payload.clone(),
            };
        numbered.map(record).collect()
    }

    /// The form that stable memory holds.
    pub fn store(&self) -> StoredBatch {
        let groups = self.groups.iter().map(|group| group.len() as u32).collect();
        StoredBatch { args: ByteBuf::from(self.args.as_slice()), groups }
    }

    /// The batch of a stored form. It may have been sent before, so it is doubtful.
    ///
    /// # Errors
    /// [`UnreadableBatch`] if other code wrote it.
    pub fn load(stored: &StoredBatch) -> Result<Self, UnreadableBatch> {
        let args: AppendArgs = candid::decode_one(&stored.args).map_err(|error| UnreadableBatch(error.to_string()))?;
        let mut wires = args.submissions.into_iter();
        let mut groups = Vec::with_capacity(stored.groups.len());
        for length in &stored.groups {
            let group: Vec<WireSubmission> = wires.by_ref().take(*length as usize).collect();
            groups.push(Group::stored(group).map_err(|error| UnreadableBatch(error.to_string()))?);
        }
        Ok(Batch { first_seq: args.first_seq, groups, doubtful: true, args: stored.args.to_vec() })
    }
}
