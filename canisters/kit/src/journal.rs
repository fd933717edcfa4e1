//! A writer's way into the log: the only way in which a canister's decision state changes.
//!
//! Callers hand in submissions and get receipts. In between, the submissions of several callers travel together (group
//! commit), one batch at a time, kept in stable memory until the log has given a definite answer. When it has accepted,
//! the canister's `apply` sees every event exactly once, in the order of its own numbering, in the very message that
//! empties the outbox: a trap there leaves the batch where it was, and sending it again changes nothing.
//!
//! A canister calls [`init`] in its `init` and `post_upgrade`, [`upgraded`] at the end of `post_upgrade`, and
//! [`append`] wherever something is decided.

mod alarm;
mod batch;
mod blame;
mod courier;
mod outbox;

use crate::access::Admin;
use crate::api::audit::{AuditError, Seen};
use crate::stable::Memory;
use cairn_events::{Hash, Payload, Principal, Receipt, Submission};

/// An event of this canister that the log has accepted: what `apply` folds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Index, hash, stream version, time.
    pub receipt: Receipt,
    /// This canister's number of it, from 1 without gaps.
    pub source_seq: u64,
    /// On whose behalf.
    pub actor: Principal,
    /// The business process.
    pub correlation: Option<Hash>,
    /// Index of the causing event.
    pub causation: Option<u64>,
    /// What happened.
    pub payload: Payload,
}

/// What the journal needs to know of its canister.
pub struct JournalConfig {
    /// The log.
    pub audit: Principal,
    /// Folds an accepted event into the canister's state. Total: it neither fails nor traps nor calls back into the journal.
    pub apply: fn(&Recorded),
    /// A memory of its own.
    pub memory: Memory,
}

/// Why there are no receipts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendFailure {
    /// The log refused these submissions; none of them was accepted, nor will be.
    #[error(transparent)]
    Refused(#[from] AuditError),
    /// They were sent, and the outcome is not known yet: they may still be accepted, and then applied. Whoever acts on
    /// them must go on from the state, later.
    #[error("sent to the log, without an answer yet")]
    Pending,
    /// None of them was accepted, nor will be: the log cannot be reached, or too much is waiting. Try again later.
    #[error("the log cannot take it now: {0}")]
    NotReady(&'static str),
}

/// Where the journal stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalStatus {
    /// Submissions that wait to be sent.
    pub waiting: u64,
    /// Submissions sent, or about to be, without a definite answer.
    pub in_flight: u64,
    /// The number that the next submission gets; all before it are accepted and applied.
    pub next_seq: u64,
    /// Index of this canister's last accepted event.
    pub last_index: Option<u64>,
    /// When that was accepted, in nanoseconds.
    pub last_accepted: u64,
    /// Attempts without a definite answer since the upgrade.
    pub failures: u64,
    /// Batches refused since the upgrade.
    pub refusals: u64,
    /// The last failure or refusal.
    pub last_problem: Option<String>,
    /// Why nothing is sent or taken any more, if the fork alarm is raised: the log is not the one that is known.
    pub alarm: Option<String>,
}

/// Why the fork alarm does not end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unacknowledged {
    /// The log is not the one that is known.
    #[error("the log is not the one that is known here: {0}")]
    Refused(AuditError),
    /// The log does not answer.
    #[error("the log does not answer: {0}")]
    Silent(String),
    /// The log shows what is known; the event that says so is on its way, and ends the alarm.
    #[error("the event that ends the alarm is on its way")]
    Pending,
}

/// Opens the journal and, if the outbox is not empty, arms its timer. In `init` and in `post_upgrade`, after the
/// canister's own state is open. Traps if the memory holds what this code cannot read.
pub fn init(config: JournalConfig) {
    courier::open(config);
}

/// Appends `submissions` atomically: one receipt each, in order, after `apply` has seen them.
///
/// Callers prove who they are before they come here; this waits for other messages of the canister, so what was checked
/// before must be checked again after it, or be insisted on by an exact stream version.
///
/// # Errors
/// [`AppendFailure`]: refused, unknown, or not sent.
pub async fn append(submissions: Vec<Submission>) -> Result<Vec<Receipt>, AppendFailure> {
    courier::append(submissions).await
}

/// Sends what is in the outbox now, without waiting for the timer.
pub async fn flush() {
    courier::flush().await;
}

/// Whether submissions that `wanted` picks are on their way to the log. What they decide is not known yet, and whoever
/// might decide otherwise must wait.
pub fn holds(wanted: impl Fn(&Payload) -> bool) -> bool {
    courier::holds(wanted)
}

/// Why nothing may be done on the outside, if the fork alarm is raised. Whoever has an effect looks here before.
pub fn alarm() -> Option<String> {
    courier::alarm()
}

/// The last event of the log that is known: to be shown with questions to the log.
pub fn seen() -> Option<Seen> {
    courier::seen()
}

/// Takes notice of an event that the log has, as an answer told. Raises the fork alarm if another one was there before.
pub fn saw(seen: Seen) {
    courier::saw(seen);
}

/// Takes notice of the log's refusal to answer. Raises the fork alarm if it is not the log that is known.
pub fn meet(error: &AuditError) {
    courier::meet(error);
}

/// Raises the fork alarm: what the log says contradicts what it said before.
pub fn contradicted(problem: String) {
    courier::contradicted(problem);
}

/// Whether the log is still the one that is known, as it says in this moment. Whoever resumes an effect that was intended
/// earlier asks before; who has just appended has asked.
pub async fn confirm() -> bool {
    alarm().is_none() && courier::look().await.is_ok() && alarm().is_none()
}

/// Ends the fork alarm, once the log shows the last event that is known: the log records that, and by whom. Does nothing
/// if no alarm is raised.
///
/// # Errors
/// [`Unacknowledged`]: it stays.
pub async fn acknowledge(admin: Admin) -> Result<(), Unacknowledged> {
    courier::acknowledge(admin.principal()).await
}

/// Where the journal stands; for metrics and health.
pub fn status() -> JournalStatus {
    courier::status()
}

/// Has it recorded that the canister was upgraded, its hook taking so many `instructions`; at the end of `post_upgrade`.
/// Kept until the log has it.
pub fn upgraded(instructions: u64) {
    courier::owe_upgrade(instructions);
}

#[cfg(test)]
mod tests;
