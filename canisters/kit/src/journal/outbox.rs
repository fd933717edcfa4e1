//! The state machine of the journal: pure, so that every interleaving of callers, answers, traps and upgrades can be tried.

use super::alarm::{Alarm, ends, is_fork};
use super::batch::{Batch, Group, StoredBatch, Ticket, UnreadableBatch};
use super::blame::{blame, failure};
use super::{AppendFailure, Recorded};
use crate::api::audit::{AuditError, AuditRequestError, MAX_BATCH, MAX_BATCH_BYTES, Seen};
use cairn_events::{Hash, Payload, Principal, Receipt, Submission};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Most submissions that wait to be sent.
const MAX_WAITING: usize = 1000;
/// Most bytes of them.
const MAX_WAITING_BYTES: usize = 4_000_000;

/// What a caller gets.
pub type Answer = Result<Vec<Receipt>, AppendFailure>;

/// The part of the outbox that outlives upgrades.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredOutbox {
    /// How many submissions are accepted and applied.
    #[serde(rename = "n")]
    applied: u64,
    /// Index and timestamp of the last accepted event.
    #[serde(rename = "l", skip_serializing_if = "Option::is_none", default)]
    last: Option<(u64, u64)>,
    /// The batch without a definite answer.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none", default)]
    batch: Option<StoredBatch>,
    /// Instructions of an upgrade that the log does not know yet.
    #[serde(rename = "u", skip_serializing_if = "Option::is_none", default)]
    upgrade: Option<u64>,
    /// Index and hash of the last event of the log that is known, whoever wrote it.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none", default)]
    seen: Option<(u64, Hash)>,
    /// Why nothing goes on.
    #[serde(rename = "a", skip_serializing_if = "Option::is_none", default)]
    alarm: Option<Alarm>,
}

/// Submissions on their way: first waiting, then in flight, then answered.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    applied: u64,
    last: Option<(u64, u64)>,
    upgrade: Option<u64>,
    seen: Option<Seen>,
    alarm: Option<Alarm>,
    in_flight: Option<Batch>,
    waiting: VecDeque<Group>,
    answers: BTreeMap<Ticket, Answer>,
    tickets: Ticket,
}

/// What the log answered makes no sense after what it answered before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{receipts} receipts from index {first:?} on, for {submissions} submissions after index {last:?}")]
pub struct Contradiction {
    receipts: usize,
    first: Option<u64>,
    submissions: usize,
    last: Option<u64>,
}

impl Outbox {
    /// The outbox as stable memory holds it; nobody waits any more.
    ///
    /// # Errors
    /// [`UnreadableBatch`] if other code wrote it.
    pub fn load(stored: &StoredOutbox) -> Result<Self, UnreadableBatch> {
        Ok(Outbox {
            applied: stored.applied,
            last: stored.last,
            upgrade: stored.upgrade,
            seen: stored.seen.map(|(index, hash)| Seen { index, hash }),
            alarm: stored.alarm.clone(),
            in_flight: stored.batch.as_ref().map(Batch::load).transpose()?,
            ..Outbox::default()
        })
    }

    /// What must be in stable memory before the message ends.
    pub fn store(&self) -> StoredOutbox {
        StoredOutbox {
            applied: self.applied,
            last: self.last,
            batch: self.in_flight.as_ref().map(Batch::store),
            upgrade: self.upgrade,
            seen: self.seen.map(|seen| (seen.index, seen.hash)),
            alarm: self.alarm.clone(),
        }
    }

    /// Takes a caller's submissions.
    ///
    /// # Errors
    /// [`AppendFailure`] if they are too many, for a batch or for now.
    pub fn enqueue(&mut self, submissions: Vec<Submission>) -> Result<Ticket, AppendFailure> {
        let is_end = || submissions.iter().all(|submission| ends(&submission.payload));
        if self.alarm.as_ref().is_some_and(|alarm| !(alarm.is_acknowledged() && is_end())) {
            return Err(AppendFailure::NotReady("the fork alarm is raised: it was rolled back or replaced"));
        }
        let group = Group::new(self.tickets, submissions);
        if !group.fits_alone() {
            return Err(AppendFailure::Refused(too_large(&group)));
        }
        let bytes: usize = self.waiting.iter().map(Group::bytes).sum();
        if self.waiting() + group.len() > MAX_WAITING || bytes + group.bytes() > MAX_WAITING_BYTES {
            return Err(AppendFailure::NotReady("too much is waiting"));
        }
        self.waiting.push_back(group);
        self.tickets += 1;
        Ok(self.tickets - 1)
    }

    /// The batch to send next: the one without a definite answer, or a new one of those who wait the longest. None while
    /// the fork alarm is raised.
    pub fn prepare(&mut self) -> Option<&Batch> {
        if self.is_halted() {
            return None;
        }
        match &mut self.in_flight {
            Some(batch) => batch.insist_on(self.seen),
            None => self.in_flight = Batch::gather(self.applied + 1, &mut self.waiting, self.seen),
        }
        self.in_flight.as_ref()
    }

    /// The batch was accepted: what is to be applied now, in order.
    ///
    /// # Errors
    /// [`Contradiction`]: the batch stays, and nothing is accepted any more.
    pub fn accepted(&mut self, receipts: &[Receipt]) -> Result<Vec<Recorded>, Contradiction> {
        let Some(batch) = self.in_flight.take() else { return Ok(Vec::new()) };
        if let Err(contradiction) = self.check(&batch, receipts) {
            self.in_flight = Some(batch);
            self.raise(contradiction.to_string());
            return Err(contradiction);
        }
        let recorded = batch.recorded(receipts);
        self.applied += recorded.len() as u64;
        if let Some(receipt) = receipts.last() {
            self.last = Some((receipt.index, receipt.timestamp.0));
            self.saw(Seen { index: receipt.index, hash: receipt.hash });
        }
        if recorded.iter().any(|recorded| ends(&recorded.payload)) {
            self.alarm = None;
        }
        if recorded.iter().any(|recorded| self.reports_upgrade(&recorded.payload)) {
            self.upgrade = None;
        }
        let mut receipts = receipts.iter().copied();
        for group in batch.groups {
            let answer = receipts.by_ref().take(group.len()).collect();
            self.answer(&group, Ok(answer));
        }
        Ok(recorded)
    }

    fn check(&self, batch: &Batch, receipts: &[Receipt]) -> Result<(), Contradiction> {
        let mut last = self.last.map(|(index, _)| index);
        let ascending =
            receipts.iter().all(|receipt| last.replace(receipt.index).is_none_or(|last| last < receipt.index));
        let known = receipts.iter().all(|receipt| !self.contradicts(Seen { index: receipt.index, hash: receipt.hash }));
        if ascending && known && receipts.len() == batch.len() {
            return Ok(());
        }
        Err(Contradiction {
            receipts: receipts.len(),
            first: receipts.first().map(|receipt| receipt.index),
            submissions: batch.len(),
            last: self.last.map(|(index, _)| index),
        })
    }

    /// The batch was refused, so nothing of it was accepted: whoever is to blame is told, the others stay in flight. If
    /// it is not the log that is known, that says nothing about the one that is.
    pub fn refused(&mut self, error: &AuditError) {
        if self.meet(error) {
            return;
        }
        let Some(batch) = self.in_flight.take() else { return };
        let (position, blamed) = blame(&batch, error);
        let mut rest = Vec::new();
        for (number, group) in batch.groups.into_iter().enumerate() {
            if blamed.contains(&number) {
                self.answer(&group, Err(failure(error, position)));
            } else {
                rest.push(group);
            }
        }
        if !rest.is_empty() {
            self.in_flight = Some(Batch::new(batch.first_seq, rest, self.seen));
        }
    }

    /// The batch was certainly not executed this time. Unless an earlier attempt is in doubt, everybody is told so.
    pub fn unexecuted(&mut self) {
        match self.in_flight.take_if(|batch| !batch.doubtful) {
            Some(batch) => {
                for group in &batch.groups {
                    self.answer(group, Err(UNREACHABLE));
                }
                self.dismiss();
            }
            None => self.doubt(),
        }
    }

    /// Nobody knows whether the batch was accepted: it stays, to be sent again unchanged; nobody has to wait for that.
    pub fn doubt(&mut self) {
        if let Some(batch) = &mut self.in_flight {
            batch.doubtful = true;
            let tickets: Vec<Ticket> = batch.groups.iter_mut().filter_map(|group| group.ticket.take()).collect();
            self.answers.extend(tickets.into_iter().map(|ticket| (ticket, Err(AppendFailure::Pending))));
        }
        self.dismiss();
    }

    /// The callback that would have settled the batch trapped: it is in doubt, but others may settle it at once.
    pub fn interrupted(&mut self) {
        if let Some(batch) = &mut self.in_flight {
            batch.doubtful = true;
        }
    }

    /// Takes notice of an event that the log has: the alarm is raised if another one was there before. Whether anything
    /// is to be kept.
    pub fn saw(&mut self, seen: Seen) -> bool {
        if self.contradicts(seen) {
            self.raise(format!("event {} is another one than before", seen.index));
            return true;
        }
        let news = self.seen.is_none_or(|known| known.index < seen.index);
        if news {
            self.seen = Some(seen);
        }
        news
    }

    fn contradicts(&self, seen: Seen) -> bool {
        self.seen.is_some_and(|known| known.index == seen.index && known.hash != seen.hash)
    }

    /// The last event of the log that is known.
    pub fn seen(&self) -> Option<Seen> {
        self.seen
    }

    /// Takes notice of a refusal; whether it raises the alarm.
    pub fn meet(&mut self, error: &AuditError) -> bool {
        let is_fork = is_fork(error, self.seen.is_some(), self.applied > 0);
        if is_fork {
            self.raise(error.to_string());
        }
        is_fork
    }

    /// The log is not the one that is known. Nobody is told that his submissions were refused: it may be that the right
    /// log has them.
    pub fn raise(&mut self, problem: String) {
        if self.alarm.as_ref().is_none_or(Alarm::is_acknowledged) {
            self.alarm = Some(Alarm::raised(problem));
        }
        self.doubt();
    }

    /// An admin wants to go on, now that the log has shown the last event known.
    pub fn acknowledge(&mut self, by: Principal) {
        if let (Some(alarm), Some(seen)) = (&mut self.alarm, self.seen) {
            alarm.acknowledge(by, seen);
        }
    }

    /// The event that ends the alarm, if an admin wants that and nobody is about to tell the log.
    pub fn end_of_alarm(&self) -> Option<Submission> {
        let end = self.alarm.as_ref().and_then(Alarm::end);
        end.filter(|_| !self.payloads().any(ends))
    }

    /// Why nothing goes on, if the alarm is raised.
    pub fn alarm(&self) -> Option<&Alarm> {
        self.alarm.as_ref()
    }

    /// Whether nothing is to be sent.
    fn is_halted(&self) -> bool {
        self.alarm.as_ref().is_some_and(|alarm| !alarm.is_acknowledged())
    }

    fn dismiss(&mut self) {
        for group in std::mem::take(&mut self.waiting) {
            self.answer(&group, Err(UNREACHABLE));
        }
    }

    fn answer(&mut self, group: &Group, answer: Answer) {
        if let Some(ticket) = group.ticket {
            self.answers.insert(ticket, answer);
        }
    }

    /// The caller's answer, once.
    pub fn take_answer(&mut self, ticket: Ticket) -> Option<Answer> {
        self.answers.remove(&ticket)
    }

    /// The caller does not wait any longer. What it is to be told: its submissions are withdrawn, or under way.
    pub fn leave(&mut self, ticket: Ticket) -> AppendFailure {
        self.answers.remove(&ticket);
        let waiting = self.waiting.len();
        self.waiting.retain(|group| group.ticket != Some(ticket));
        for group in self.in_flight.iter_mut().flat_map(|batch| &mut batch.groups) {
            group.ticket = group.ticket.filter(|held| *held != ticket);
        }
        if self.waiting.len() < waiting { UNREACHABLE } else { AppendFailure::Pending }
    }

    /// Notes an upgrade that the log is to know.
    pub fn owe_upgrade(&mut self, instructions: u64) {
        self.upgrade = Some(instructions);
    }

    /// The upgrade that nobody has told the log yet, and nobody is about to.
    pub fn upgrade_to_report(&self) -> Option<u64> {
        let reported = self.payloads().any(|payload| self.reports_upgrade(payload));
        self.upgrade.filter(|_| !reported && self.alarm.is_none())
    }

    /// The payloads on their way: in flight, then waiting.
    pub fn payloads(&self) -> impl Iterator<Item = &Payload> {
        let groups = self.in_flight.iter().flat_map(|batch| &batch.groups).chain(&self.waiting);
        groups.flat_map(Group::payloads)
    }

    fn reports_upgrade(&self, payload: &Payload) -> bool {
        matches!(payload, Payload::CanisterUpgraded(upgraded) if Some(upgraded.instructions) == self.upgrade)
    }

    /// Whether there is something that a timer must see to.
    pub fn needs_timer(&self) -> bool {
        let wanted = self.in_flight.is_some() || self.upgrade_to_report().is_some() || self.end_of_alarm().is_some();
        wanted && !self.is_halted()
    }

    /// Submissions that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.iter().map(Group::len).sum()
    }

    /// Submissions without a definite answer.
    pub fn in_flight(&self) -> usize {
        self.in_flight.as_ref().map_or(0, Batch::len)
    }

    /// How many submissions are accepted and applied.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// Index and timestamp of the last accepted event.
    pub fn last(&self) -> Option<(u64, u64)> {
        self.last
    }
}

const UNREACHABLE: AppendFailure = AppendFailure::NotReady("it cannot be reached");

fn too_large(group: &Group) -> AuditError {
    AuditError::Request(AuditRequestError::BatchSize {
        submissions: group.len() as u64,
        bytes: group.bytes() as u64,
        max_submissions: MAX_BATCH as u64,
        max_bytes: MAX_BATCH_BYTES as u64,
    })
}
