//! What is to be told and what became of it: a pure state machine over stable memory.

use super::wire::{Accepted, CallbackError, Notification, Numbered};
use crate::ledger::Accounts;
use crate::memory::{self, Memories, Memory};
use cairn_events::{Timestamp, codec};
use candid::Principal;
use ic_stable_structures::storable::Bound;
use ic_stable_structures::{BTreeMap, Cell, Storable};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Notifications in one batch.
const MAX_BATCH: usize = 100;
/// Waiting time after the first failure, in nanoseconds; it doubles with each further one.
const MIN_BACKOFF: u64 = 30 * 1_000_000_000;
/// The longest waiting time that we choose ourselves.
const MAX_BACKOFF: u64 = 60 * 60 * 1_000_000_000;
/// The longest waiting time that a factory may impose.
const MAX_IMPOSED: u64 = 24 * 60 * 60 * 1_000_000_000;
/// Bytes kept of an error's text.
const MAX_ERROR_BYTES: usize = 200;

/// Counters and back-off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxState {
    /// The number the next notification gets.
    #[serde(rename = "n")]
    pub next_sequence: u64,
    /// Whether `DeploymentComplete` has been numbered in this epoch, or there is nobody to tell.
    #[serde(rename = "d")]
    pub announced: bool,
    /// How far a report of all owners is; `None` if none is under way.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub resync: Option<Resync>,
    /// The last owner numbered from among the changes: the next batch goes on after it, so none is left behind.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Principal>,
    /// Failures since the last success.
    #[serde(rename = "f")]
    pub failures: u32,
    /// No attempt before this time.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub wait_until: Option<Timestamp>,
    /// What the last failure was.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// A report of every owner there ever was, in key order: what remains when sequence numbers no longer agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resync {
    /// The last owner reported.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Principal>,
}

impl Default for OutboxState {
    fn default() -> Self {
        OutboxState {
            next_sequence: 1,
            announced: true,
            resync: None,
            cursor: None,
            failures: 0,
            wait_until: None,
            last_error: None,
        }
    }
}

impl Storable for OutboxState {
    const BOUND: Bound = Bound::Unbounded;

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(codec::encode(self))
    }
    fn into_bytes(self) -> Vec<u8> {
        self.to_bytes().into_owned()
    }
    fn from_bytes(bytes: Cow<[u8]>) -> Self {
        codec::decode_trusted(&bytes).unwrap_or_default()
    }
}

/// A notification as stored: CBOR.
struct StoredNotification(Option<Notification>);

impl Storable for StoredNotification {
    const BOUND: Bound = Bound::Unbounded;

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(codec::encode(&self.0))
    }
    fn into_bytes(self) -> Vec<u8> {
        self.to_bytes().into_owned()
    }
    fn from_bytes(bytes: Cow<[u8]>) -> Self {
        StoredNotification(codec::decode_trusted(&bytes).ok().flatten())
    }
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The factory answered.
    Answered(Result<Accepted, CallbackError>),
    /// No answer, or none that can be read: the batch may or may not have been accepted, so it is sent again.
    Unknown(String),
}

/// Holder changes and numbered notifications.
pub struct Outbox {
    state: Cell<OutboxState, Memory>,
    /// Owners whose holding may differ from what was last numbered, with what was numbered.
    changes: BTreeMap<Principal, bool, Memory>,
    numbered: BTreeMap<u64, StoredNotification, Memory>,
}

impl Outbox {
    /// Opens the outbox, or begins an empty one.
    pub fn open(memories: &Memories) -> Self {
        Outbox {
            state: Cell::init(memories.get(memory::OUTBOX), OutboxState::default()),
            changes: BTreeMap::init(memories.get(memory::OUTBOX_CHANGES)),
            numbered: BTreeMap::init(memories.get(memory::OUTBOX_NUMBERED)),
        }
    }

    /// Begins the first epoch: `DeploymentComplete` is due if there is anybody to tell.
    pub fn begin(&mut self, notified: bool) {
        self.state.set(OutboxState { announced: !notified, ..OutboxState::default() });
    }

    /// Begins another epoch: everything is reported anew, numbered from 1.
    pub fn begin_epoch(&mut self) {
        self.restart(1);
    }

    /// Counters and back-off.
    pub fn state(&self) -> &OutboxState {
        self.state.get()
    }

    /// Owners whose change is not numbered.
    pub fn pending(&self) -> u64 {
        self.changes.len()
    }

    /// Notifications that are not acknowledged.
    pub fn unacknowledged(&self) -> u64 {
        self.numbered.len()
    }

    /// The last number that the factory has acknowledged, 0 at first.
    pub fn acknowledged_through(&self) -> u64 {
        let first_open = self.numbered.first_key_value().map(|(sequence, _)| sequence);
        first_open.unwrap_or(self.state.get().next_sequence).saturating_sub(1)
    }

    /// Whether there is anything to send, now or after a waiting time.
    pub fn has_work(&self) -> bool {
        let state = self.state.get();
        !self.numbered.is_empty() || !self.changes.is_empty() || !state.announced || state.resync.is_some()
    }

    /// Nanoseconds until the next attempt is due, `None` if there is nothing to send.
    pub fn due_in(&self, now: Timestamp) -> Option<u64> {
        let wait_until = self.state.get().wait_until.unwrap_or_default();
        self.has_work().then(|| wait_until.0.saturating_sub(now.0))
    }

    /// Notes that `owner` began (`holds`) or ceased to hold tokens. Back to what was last numbered means: nothing to tell.
    pub fn holder_changed(&mut self, owner: Principal, holds: bool) {
        match self.changes.get(&owner) {
            Some(told) if told == holds => {
                self.changes.remove(&owner);
            }
            Some(_) => {}
            None => {
                self.changes.insert(owner, !holds);
            }
        }
    }

    /// The batch to send: what is unacknowledged, or else what has gathered, numbered now.
    pub fn next_batch(&mut self, accounts: &Accounts) -> Vec<Numbered> {
        if self.numbered.is_empty() {
            self.number_next(accounts);
        }
        self.numbered
            .iter()
            .take(MAX_BATCH)
            .map_while(|row| row.value().0.map(|notification| Numbered { sequence: *row.key(), notification }))
            .collect()
    }

    fn number_next(&mut self, accounts: &Accounts) {
        let mut state = self.state.get().clone();
        let mut batch = Vec::new();
        if !state.announced {
            state.announced = true;
            batch.push(Notification::DeploymentComplete);
        }
        if let Some(resync) = state.resync.take() {
            let room = MAX_BATCH.saturating_sub(batch.len());
            let owners = accounts.owners_after(resync.last, room);
            if owners.len() == room {
                state.resync = Some(Resync { last: owners.last().map(|(owner, _)| *owner) });
            }
            batch.extend(owners.into_iter().map(|(owner, holds)| self.tell(owner, holds)));
        }
        let changed = self.changed_after(state.cursor, MAX_BATCH.saturating_sub(batch.len()));
        state.cursor = changed.last().copied();
        batch.extend(changed.into_iter().map(|owner| self.tell(owner, accounts.holds(&owner))));

        for notification in batch {
            self.numbered.insert(state.next_sequence, StoredNotification(Some(notification)));
            state.next_sequence = state.next_sequence.saturating_add(1);
        }
        self.state.set(state);
    }

    /// The notification of an owner's present state; with it the owner has no change left to tell.
    fn tell(&mut self, owner: Principal, holds: bool) -> Notification {
        self.changes.remove(&owner);
        if holds { Notification::HolderAdded(owner) } else { Notification::HolderRemoved(owner) }
    }

    /// Up to `limit` changed owners from the one after `cursor`, going on at the beginning: whoever changes to and fro
    /// all the time cannot keep others waiting.
    fn changed_after(&self, cursor: Option<Principal>, limit: usize) -> Vec<Principal> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        match cursor {
            None => self.changes.keys().take(limit).collect(),
            Some(cursor) => {
                let later = self.changes.keys_range((Excluded(cursor), Unbounded));
                let earlier = self.changes.keys_range((Unbounded, Included(cursor)));
                later.chain(earlier).take(limit).collect()
            }
        }
    }

    /// Draws the consequences of what became of a batch.
    pub fn settle(&mut self, outcome: Outcome, now: Timestamp) {
        match outcome {
            Outcome::Answered(Ok(Accepted { accepted_through })) => self.accepted(accepted_through, now),
            Outcome::Answered(Err(CallbackError::Gap { expected })) => self.gap(expected, now),
            Outcome::Answered(Err(error @ CallbackError::Conflict { .. })) => {
                // It knows other things under our numbers, as after the loading of a snapshot. What comes after ours is
                // either new to it or answered by the number it expects.
                self.restart(self.state.get().next_sequence);
                self.failed(&describe(&error), None, now);
            }
            Outcome::Answered(Err(CallbackError::BudgetExhausted { retry_at: Some(at) })) => {
                let at = at.clamp(now.0.saturating_add(MIN_BACKOFF), now.0.saturating_add(MAX_IMPOSED));
                self.failed("budget exhausted", Some(Timestamp(at)), now);
            }
            Outcome::Answered(Err(error)) => self.failed(&describe(&error), None, now),
            Outcome::Unknown(error) => self.failed(&error, None, now),
        }
    }

    fn accepted(&mut self, through: u64, now: Timestamp) {
        let Some(first) = self.numbered.first_key_value().map(|(sequence, _)| sequence) else { return };
        if through < first {
            return self.failed("nothing of the batch was accepted", None, now);
        }
        if through >= self.state.get().next_sequence {
            // It has accepted numbers that we never gave: our numbering is behind, as after the loading of a snapshot.
            return self.gap(through.saturating_add(1), now);
        }
        self.drop_numbered_before(through.saturating_add(1));
        self.state.set(OutboxState { failures: 0, wait_until: None, last_error: None, ..self.state.get().clone() });
    }

    /// The factory expects another number. If it is one we hold, what comes before it is acknowledged and the rest is
    /// sent again; otherwise the two have lost each other, and everything is reported anew from that number on.
    fn gap(&mut self, expected: u64, now: Timestamp) {
        let first = self.numbered.first_key_value().map(|(sequence, _)| sequence);
        if first.is_some_and(|first| first <= expected) && expected <= self.state.get().next_sequence {
            self.drop_numbered_before(expected);
        } else {
            self.restart(expected);
        }
        self.failed(&describe(&CallbackError::Gap { expected }), None, now);
    }

    fn restart(&mut self, sequence: u64) {
        self.numbered.clear_new();
        self.state.set(OutboxState {
            next_sequence: sequence,
            announced: false,
            resync: Some(Resync { last: None }),
            ..OutboxState::default()
        });
    }

    fn drop_numbered_before(&mut self, sequence: u64) {
        while let Some((first, _)) = self.numbered.first_key_value().filter(|(first, _)| *first < sequence) {
            self.numbered.remove(&first);
        }
    }

    fn failed(&mut self, error: &str, retry_at: Option<Timestamp>, now: Timestamp) {
        let state = self.state.get().clone();
        let backoff = MIN_BACKOFF.checked_shl(state.failures.min(16)).unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF);
        self.state.set(OutboxState {
            failures: state.failures.saturating_add(1),
            wait_until: Some(retry_at.unwrap_or(Timestamp(now.0.saturating_add(backoff)))),
            last_error: Some(shorten(error)),
            ..state
        });
    }
}

fn describe(error: &CallbackError) -> String {
    match error {
        CallbackError::NotDeployedHere => "not deployed here".to_owned(),
        CallbackError::ContractMismatch => "contract mismatch".to_owned(),
        CallbackError::BatchSize { found, max } => format!("a batch of {found}, allowed are {max}"),
        CallbackError::OtherEpoch { expected, found } => format!("epoch {found}, the factory's is {expected}"),
        CallbackError::Conflict { sequence } => format!("{sequence} was accepted with other content"),
        CallbackError::Gap { expected } => format!("gap: {expected} was expected"),
        CallbackError::BudgetExhausted { .. } => "budget exhausted".to_owned(),
        CallbackError::TemporarilyUnavailable { message } => format!("temporarily unavailable: {}", shorten(message)),
    }
}

/// The first bytes of a text that another canister chose.
fn shorten(text: &str) -> String {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MAX_ERROR_BYTES).last();
    text.get(..end.unwrap_or_default()).unwrap_or_default().to_owned()
}
