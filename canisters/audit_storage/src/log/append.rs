//! Accepting batches.

use super::key::Key;
use super::reserve::Means;
use super::staging::Staging;
use super::{Log, broken, check};
use cairn_events::codec::{self, CodecError};
use cairn_events::{Event, Principal, Receipt, Submission};
use cairn_kit::api::audit::{AppendArgs, Appended, AuditError, AuditRequestError, WireSubmission, Writer};
use ic_stable_structures::Memory;

/// Bytes of a decoder's complaint that are passed on.
const MAX_DETAIL: usize = 120;

impl<M: Memory> Log<M> {
    /// Accepts a batch of `caller`, all of it or nothing. A batch that was accepted before gets its first receipts.
    ///
    /// # Errors
    /// [`AuditError`]; nothing has changed then.
    pub fn append(&mut self, caller: Principal, args: AppendArgs, means: &Means) -> Result<Appended, AuditError> {
        self.id()?;
        let writer = self.writer(caller)?;
        check::check_batch(&args).map_err(AuditError::Request)?;
        let receipts = match self.repeated(&writer, &args)? {
            Some(receipts) => receipts,
            None => {
                let decoded =
                    args.submissions.into_iter().zip(0..).map(|(wire, position)| decode(position, wire, &writer));
                let submissions = decoded.collect::<Result<_, _>>().map_err(AuditError::Request)?;
                self.accept(&writer, submissions, means)?
            }
        };
        Ok(Appended { receipts, reserve: self.reserve(means) })
    }

    /// Accepts decoded submissions as the writer's next.
    pub(super) fn accept(
        &mut self,
        writer: &Writer,
        submissions: Vec<Submission>,
        means: &Means,
    ) -> Result<Vec<Receipt>, AuditError> {
        let id = self.who.begun.map(|begun| begun.log).ok_or_else(|| broken("the log has no id"))?;
        let mut staging = Staging::new(self, id, *writer, means);
        for submission in submissions {
            staging.admit(submission)?;
        }
        let ready = staging.build(means)?;
        let receipts = ready.receipts.clone();
        self.write_batch(ready);
        Ok(receipts)
    }

    /// The receipts of a batch all of whose numbers were used before, for the same content. `None` for a new batch.
    fn repeated(&self, writer: &Writer, args: &AppendArgs) -> Result<Option<Vec<Receipt>>, AuditError> {
        let (first, next) = (args.first_seq, writer.next_seq);
        if first == next {
            return Ok(None);
        }
        if first == 0 || first > next {
            return Err(AuditError::Request(AuditRequestError::SequenceGap { found: first, expected: next }));
        }
        let head = self.thread(&Key::source(writer.writer));
        let mut indices = self.postings.reader(&head);
        let mut receipts = Vec::with_capacity(args.submissions.len());
        for (seq, wire) in (first..).zip(&args.submissions) {
            // The writer's n-th event is at position n - 1; beyond `next` there is none: the batch overlaps in part.
            let Some(index) = indices.get(seq - 1) else { return Err(self.reused(first, &mut indices)) };
            let event = self.event(index)?;
            if !is_content_of(wire, &event) {
                return Err(AuditError::Request(AuditRequestError::SequenceReused { seq, index }));
            }
            receipts.push(self.receipt(&event)?);
        }
        Ok(Some(receipts))
    }

    fn reused(&self, seq: u64, indices: &mut super::postings::Reader<'_, M>) -> AuditError {
        match indices.get(seq - 1) {
            Some(index) => AuditError::Request(AuditRequestError::SequenceReused { seq, index }),
            None => broken("a writer's event is missing"),
        }
    }

    fn receipt(&self, event: &Event) -> Result<Receipt, AuditError> {
        let hash = self.columns.hash(event.index).ok_or_else(|| broken("an event's hash is missing"))?;
        let Event { index, stream_version, timestamp, .. } = *event;
        Ok(Receipt { index, hash, stream_version, timestamp })
    }
}

/// Whether `event` is what `wire` became. Openings need no comparison: the payload's commitments bind them.
fn is_content_of(wire: &WireSubmission, event: &Event) -> bool {
    wire.actor == event.actor
        && wire.correlation == event.correlation
        && wire.causation == event.causation
        && wire.payload == codec::encode_payload(&event.payload)
}

/// Reads a submission, and checks what it alone tells.
fn decode(position: u32, wire: WireSubmission, writer: &Writer) -> Result<Submission, AuditRequestError> {
    let bytes = wire.payload.len();
    check::check_size(position, bytes, check::max_payload())?;
    let submission = Submission::try_from(wire).map_err(|error| malformed(position, &error))?;
    let kind = submission.payload.kind();
    check::check_kind(position, kind, writer.role)?;
    check::check_bounds(position, &submission.payload, bytes)?;
    Ok(submission)
}

fn malformed(position: u32, error: &CodecError) -> AuditRequestError {
    let mut detail = error.to_string();
    let end = (0..=MAX_DETAIL.min(detail.len())).rev().find(|end| detail.is_char_boundary(*end));
    detail.truncate(end.unwrap_or_default());
    AuditRequestError::Malformed { position, detail }
}
