//! What is to be told and what became of it: a pure state machine over stable memory.

use super::subject::{Subject, Subjects};
use crate::api::factory::{CallbackError, NotificationsAccepted, NumberedNotification};
use crate::stable::{Cbor, Memory};
use cairn_events::payload::{ContractStatus, Notification, Role};
use cairn_events::{Principal, Timestamp};
use ic_stable_structures::{BTreeMap, Cell, Storable};
use serde::{Deserialize, Serialize};

/// Notifications in one batch.
const MAX_BATCH: usize = 100;
/// Of those, facts: changes are not to wait for ever behind them.
const MAX_FACTS_IN_BATCH: usize = 60;
/// Of those, changes that facts leave room for, however many wait.
const MIN_CHANGES_IN_BATCH: u64 = 20;
/// Of those, facts and changes that a report of everything leaves room for: it may take many hours.
const MAX_BESIDE_REPORT: u64 = 50;
/// Facts that wait to be numbered. What comes on top is lost, and counted: whoever makes it come cannot fill the memory.
pub(super) const MAX_FACTS: u64 = 1_000;
/// Waiting time after the first failure, in nanoseconds; it doubles with each further one.
const MIN_BACKOFF: u64 = 30 * 1_000_000_000;
/// The longest waiting time that we choose ourselves.
const MAX_BACKOFF: u64 = 60 * 60 * 1_000_000_000;
/// The longest waiting time that a factory may impose.
const MAX_IMPOSED: u64 = 24 * 60 * 60 * 1_000_000_000;
/// Bytes kept of an error's text.
const MAX_ERROR_BYTES: usize = 200;

/// Counters and back-off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutboxState {
    /// Who is told, if anybody.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub factory: Option<Principal>,
    /// The epoch in which notifications are numbered, given by the factory.
    #[serde(rename = "g")]
    pub epoch: u64,
    /// The number the next notification gets.
    #[serde(rename = "n")]
    pub next_sequence: u64,
    /// Whether `DeploymentComplete` has been numbered in this epoch, or there is nobody to tell.
    #[serde(rename = "d")]
    pub announced: bool,
    /// Whether the visibility was ever told: then it is part of a report of everything.
    #[serde(rename = "v", default)]
    pub tells_visibility: bool,
    /// Whether the status was ever told.
    #[serde(rename = "s", default)]
    pub tells_status: bool,
    /// How far a report of everything is; `None` if none is under way.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub resync: Option<Resync>,
    /// The last subject numbered from among the changes: the next batch goes on after it, so none is left behind.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<serde_bytes::ByteBuf>,
    /// The number of the next fact.
    #[serde(rename = "x")]
    pub next_fact: u64,
    /// Facts that were lost, because too many waited.
    #[serde(rename = "l")]
    pub lost: u64,
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

/// A report of everyone who ever had a role, in order: what remains when sequence numbers no longer agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resync {
    /// The last one reported.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub last: Option<(Role, Principal)>,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The factory answered.
    Answered(Result<NotificationsAccepted, CallbackError>),
    /// No answer, or none that can be read: the batch may or may not have been accepted, so it is sent again.
    Unknown(String),
}

/// Where an outbox lies.
pub struct Memories {
    /// Counters and back-off.
    pub state: Memory,
    /// What has changed and is not numbered.
    pub changes: Memory,
    /// What is numbered and not acknowledged.
    pub numbered: Memory,
    /// Facts that are not numbered.
    pub facts: Memory,
}

/// What is to be told, and what was told and is not acknowledged.
pub struct Outbox {
    state: Cell<Cbor<OutboxState>, Memory>,
    /// What may differ from what was last numbered, with what was numbered.
    changes: BTreeMap<Subject, Cbor<Notification>, Memory>,
    numbered: BTreeMap<u64, Cbor<Notification>, Memory>,
    facts: BTreeMap<u64, Cbor<Notification>, Memory>,
}

impl Outbox {
    /// Opens the outbox, or begins an empty one that tells nobody.
    pub fn open(memories: Memories) -> Self {
        let silent = OutboxState { next_sequence: 1, announced: true, ..OutboxState::default() };
        Outbox {
            state: Cell::init(memories.state, Cbor(silent)),
            changes: BTreeMap::init(memories.changes),
            numbered: BTreeMap::init(memories.numbered),
            facts: BTreeMap::init(memories.facts),
        }
    }

    /// Begins the first epoch: `DeploymentComplete` is due if there is anybody to tell.
    pub fn begin(&mut self, factory: Option<Principal>, epoch: u64) {
        let announced = factory.is_none();
        self.set(OutboxState { factory, epoch, next_sequence: 1, announced, ..OutboxState::default() });
    }

    /// Begins another epoch, if it is a later one: everything is told anew, numbered from 1.
    pub fn begin_epoch(&mut self, epoch: u64) {
        if epoch > self.state().epoch {
            self.set(OutboxState { epoch, ..self.state().clone() });
            self.restart(1);
        }
    }

    /// Counters and back-off.
    pub fn state(&self) -> &OutboxState {
        &self.state.get().0
    }

    fn set(&mut self, state: OutboxState) {
        self.state.set(Cbor(state));
    }

    /// Who is told, if anybody.
    pub fn factory(&self) -> Option<Principal> {
        self.state().factory
    }

    /// Changes and facts that are not numbered.
    pub fn pending(&self) -> u64 {
        self.changes.len().saturating_add(self.facts.len())
    }

    /// Notifications that are not acknowledged.
    pub fn unacknowledged(&self) -> u64 {
        self.numbered.len()
    }

    /// The last number that the factory has acknowledged, 0 at first.
    pub fn acknowledged_through(&self) -> u64 {
        let first_open = self.numbered.first_key_value().map(|(sequence, _)| sequence);
        first_open.unwrap_or(self.state().next_sequence).saturating_sub(1)
    }

    /// Whether there is anything to send, now or after a waiting time.
    pub fn has_work(&self) -> bool {
        let state = self.state();
        let waits = !self.numbered.is_empty() || !self.changes.is_empty() || !self.facts.is_empty();
        state.factory.is_some() && (waits || !state.announced || state.resync.is_some())
    }

    /// Nanoseconds until the next attempt is due, `None` if there is nothing to send.
    pub fn due_in(&self, now: Timestamp) -> Option<u64> {
        let wait_until = self.state().wait_until.unwrap_or_default();
        self.has_work().then(|| wait_until.0.saturating_sub(now.0))
    }

    /// Notes that `who` has `role` now, or has it no more. Only to be called when that has changed.
    pub fn role_changed(&mut self, role: Role, who: Principal, has: bool) {
        self.changed(Subject::Role(role, who), Notification::of_role(role, who, !has), || {
            Notification::of_role(role, who, has)
        });
    }

    /// Notes that strangers may see the contract listed now, or may not any more. Only to be called when that has changed.
    pub fn visibility_changed(&mut self, public: bool) {
        if !self.state().tells_visibility && self.factory().is_some() {
            self.set(OutboxState { tells_visibility: true, ..self.state().clone() });
        }
        let told = Notification::VisibilityChanged(!public);
        self.changed(Subject::Visibility, told, || Notification::VisibilityChanged(public));
    }

    /// Notes where the contract stands now. A new contract is active until it says otherwise.
    pub fn status_changed(&mut self, before: ContractStatus, after: ContractStatus) {
        if before == after {
            return;
        }
        if !self.state().tells_status && self.factory().is_some() {
            self.set(OutboxState { tells_status: true, ..self.state().clone() });
        }
        self.changed(Subject::Status, Notification::StatusChanged(before), || Notification::StatusChanged(after));
    }

    /// Back to what was last numbered means: nothing to tell.
    fn changed(&mut self, subject: Subject, before: Notification, after: impl FnOnce() -> Notification) {
        if self.factory().is_none() {
            return;
        }
        match self.changes.get(&subject) {
            Some(Cbor(told)) if told == after() => {
                self.changes.remove(&subject);
            }
            Some(_) => {}
            None => {
                self.changes.insert(subject, Cbor(before));
            }
        }
    }

    /// Notes something that is told once, such as a proposal.
    pub fn fact(&mut self, fact: Notification) {
        if self.factory().is_none() {
            return;
        }
        let mut state = self.state().clone();
        if self.facts.len() < MAX_FACTS {
            self.facts.insert(state.next_fact, Cbor(fact));
            state.next_fact = state.next_fact.saturating_add(1);
        } else {
            state.lost = state.lost.saturating_add(1);
        }
        self.set(state);
    }

    /// The batch to send: what is unacknowledged, or else what has gathered, numbered now.
    pub fn next_batch(&mut self, subjects: &dyn Subjects) -> Vec<NumberedNotification> {
        if self.numbered.is_empty() {
            self.number_next(subjects);
        }
        let batch = self.numbered.iter().take(MAX_BATCH);
        batch.map(|row| NumberedNotification { sequence: *row.key(), notification: row.value().0 }).collect()
    }

    fn number_next(&mut self, subjects: &dyn Subjects) {
        let mut state = self.state().clone();
        let mut batch = Vec::new();
        if !state.announced {
            state.announced = true;
            batch.push(Notification::DeploymentComplete);
        }
        if let Some(resync) = state.resync.take() {
            let beside = self.pending().min(MAX_BESIDE_REPORT) as usize;
            let room = MAX_BATCH.saturating_sub(batch.len()).saturating_sub(beside);
            batch.extend(self.report(&mut state, resync, room, subjects));
        }
        let reserved = self.changes.len().min(MIN_CHANGES_IN_BATCH) as usize;
        let room = MAX_BATCH.saturating_sub(batch.len()).saturating_sub(reserved);
        batch.extend(self.take_facts(room.min(MAX_FACTS_IN_BATCH)));
        let cursor = state.cursor.take().and_then(|key| Subject::read(&key));
        let changed = self.changed_after(cursor, MAX_BATCH.saturating_sub(batch.len()));
        state.cursor = changed.last().map(|last| serde_bytes::ByteBuf::from(last.into_bytes()));
        batch.extend(changed.into_iter().map(|subject| self.tell(subject, subjects)));

        for notification in batch {
            self.numbered.insert(state.next_sequence, Cbor(notification));
            state.next_sequence = state.next_sequence.saturating_add(1);
        }
        self.set(state);
    }

    /// The next part of a report of everything: `room` notifications at most, so many if there is more to come.
    fn report(
        &mut self,
        state: &mut OutboxState,
        resync: Resync,
        room: usize,
        subjects: &dyn Subjects,
    ) -> Vec<Notification> {
        let mut told = Vec::new();
        if resync.last.is_none() {
            let own = [(Subject::Visibility, state.tells_visibility), (Subject::Status, state.tells_status)];
            told.extend(own.into_iter().filter(|(_, tells)| *tells).map(|(subject, _)| subject));
        }
        let room = room.saturating_sub(told.len());
        let people = subjects.roles_after(resync.last, room);
        if people.len() >= room {
            state.resync = Some(Resync { last: people.last().map(|(role, who, _)| (*role, *who)) });
        }
        told.extend(people.into_iter().map(|(role, who, _)| Subject::Role(role, who)));
        told.into_iter().map(|subject| self.tell(subject, subjects)).collect()
    }

    fn take_facts(&mut self, limit: usize) -> Vec<Notification> {
        let mut taken = Vec::new();
        while taken.len() < limit
            && let Some((_, Cbor(fact))) = self.facts.pop_first()
        {
            taken.push(fact);
        }
        taken
    }

    /// The notification of a subject's present state; with it the subject has no change left to tell.
    fn tell(&mut self, subject: Subject, subjects: &dyn Subjects) -> Notification {
        self.changes.remove(&subject);
        subject.standing(subjects)
    }

    /// Up to `limit` changed subjects from the one after `cursor`, going on at the beginning: whoever changes to and fro
    /// all the time cannot keep others waiting.
    fn changed_after(&self, cursor: Option<Subject>, limit: usize) -> Vec<Subject> {
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
        let error = match outcome {
            Outcome::Answered(Ok(NotificationsAccepted { accepted_through })) => {
                return self.accepted(accepted_through, now);
            }
            Outcome::Answered(Err(error)) => error,
            Outcome::Unknown(error) => return self.failed(&error, None, now),
        };
        match error {
            CallbackError::Gap { expected } => return self.gap(expected, now),
            // It knows other things under our numbers, or so few of them that what lies between is not to be told number
            // by number.
            CallbackError::Conflict { expected, .. } | CallbackError::TooFarAhead { expected, .. } => {
                self.restart(expected);
            }
            // Our code was installed, or our memory restored, in an epoch that we have not heard of.
            CallbackError::OtherEpoch { expected, .. } => self.begin_epoch(expected),
            CallbackError::BudgetExhausted { retry_at: Some(at) } => {
                let at = at.clamp(now.0.saturating_add(MIN_BACKOFF), now.0.saturating_add(MAX_IMPOSED));
                return self.failed("budget exhausted", Some(Timestamp(at)), now);
            }
            _ => {}
        }
        self.failed(&error.to_string(), None, now);
    }

    fn accepted(&mut self, through: u64, now: Timestamp) {
        let Some(first) = self.numbered.first_key_value().map(|(sequence, _)| sequence) else { return };
        if through < first {
            return self.failed("nothing of the batch was accepted", None, now);
        }
        if through >= self.state().next_sequence {
            // It has accepted numbers that we never gave: our numbering is behind, as after the loading of a snapshot.
            return self.gap(through.saturating_add(1), now);
        }
        self.drop_numbered_before(through.saturating_add(1));
        self.set(OutboxState { failures: 0, wait_until: None, last_error: None, ..self.state().clone() });
    }

    /// The factory expects another number. If it is one we hold, what comes before it is acknowledged and the rest is
    /// sent again; otherwise the two have lost each other, and everything is told anew from that number on.
    fn gap(&mut self, expected: u64, now: Timestamp) {
        let first = self.numbered.first_key_value().map(|(sequence, _)| sequence);
        if first.is_some_and(|first| first <= expected) && expected <= self.state().next_sequence {
            self.drop_numbered_before(expected);
        } else {
            self.restart(expected);
        }
        self.failed(&CallbackError::Gap { expected }.to_string(), None, now);
    }

    /// Everything is told anew, numbered from `sequence`. Facts that were numbered and not acknowledged are told again,
    /// under other numbers: better twice than never.
    fn restart(&mut self, sequence: u64) {
        self.put_facts_back();
        self.numbered.clear_new();
        self.set(OutboxState {
            next_sequence: sequence,
            announced: false,
            resync: Some(Resync { last: None }),
            cursor: None,
            failures: 0,
            wait_until: None,
            last_error: None,
            ..self.state().clone()
        });
    }

    /// Puts the numbered facts before those that wait, in their order. They were taken from below those, so that as many
    /// keys are free there; without them, they would come last.
    fn put_facts_back(&mut self) {
        let numbered = self.numbered.values().map(|Cbor(notification)| notification);
        let facts: Vec<Notification> = numbered.filter(is_fact).collect();
        let (count, next_fact) = (facts.len() as u64, self.state().next_fact);
        let first_waiting = self.facts.first_key_value().map_or(next_fact, |(key, _)| key);
        let start = first_waiting.checked_sub(count).unwrap_or(next_fact);
        for (key, fact) in (start..).zip(facts) {
            self.facts.insert(key, Cbor(fact));
        }
        let next_fact = next_fact.max(start.saturating_add(count));
        self.set(OutboxState { next_fact, ..self.state().clone() });
    }

    fn drop_numbered_before(&mut self, sequence: u64) {
        while let Some((first, _)) = self.numbered.first_key_value().filter(|(first, _)| *first < sequence) {
            self.numbered.remove(&first);
        }
    }

    fn failed(&mut self, error: &str, retry_at: Option<Timestamp>, now: Timestamp) {
        let state = self.state().clone();
        let backoff = MIN_BACKOFF.checked_shl(state.failures.min(16)).unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF);
        self.set(OutboxState {
            failures: state.failures.saturating_add(1),
            wait_until: Some(retry_at.unwrap_or(Timestamp(now.0.saturating_add(backoff)))),
            last_error: Some(shorten(error)),
            ..state
        });
    }
}

/// Whether a notification is told once, other than the first of an epoch.
fn is_fact(notification: &Notification) -> bool {
    Subject::of(notification).is_none() && *notification != Notification::DeploymentComplete
}

/// The first bytes of a text that another canister chose.
fn shorten(text: &str) -> String {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MAX_ERROR_BYTES).last();
    text.get(..end.unwrap_or_default()).unwrap_or_default().to_owned()
}
