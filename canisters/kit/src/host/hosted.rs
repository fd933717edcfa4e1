//! One projection: the rows that serve, those that may take over, and where both stand.

mod rebuild;

use super::rows::Rows;
use crate::api::audit::{EventPage, EventQuery, Filter, MAX_PAGE, Order};
use crate::api::host::{ProjectionStatus, RebuildOutcome};
use crate::stable::{Memory, Slot};
use crate::{journal, runtime};
use cairn_events::{Topic, codec};
use cairn_projections::{Checkpoint, Definition, FeedFault, Tables};
use rebuild::{Digest, Rebuild};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The stable memories of one projection.
pub struct Memories {
    /// Where it stands.
    pub state: Memory,
    /// One set of rows.
    pub rows: Memory,
    /// The other one.
    pub spare: Memory,
}

/// Which set of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those that answers come from.
    Serving,
    /// Those that are being made anew.
    Rebuilt,
}

/// Where the projection stands; outlives upgrades.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    #[serde(rename = "v")]
    version: u32,
    /// Whether the second set of rows serves.
    #[serde(rename = "s")]
    swapped: bool,
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    checkpoint: Option<Checkpoint>,
    #[serde(rename = "r", skip_serializing_if = "Option::is_none", default)]
    rebuild: Option<Rebuild>,
    #[serde(rename = "o", skip_serializing_if = "Option::is_none", default)]
    outcome: Option<RebuildOutcome>,
}

/// A projection and its host's view of it.
pub struct Hosted {
    definition: Definition,
    slot: Slot<State>,
    state: State,
    rows: [Rows; 2],
    /// Digests being computed, of the serving and of the rebuilt rows.
    digesters: Option<[Digest; 2]>,
    feed_length: u64,
    asked_at: u64,
    parked: Option<String>,
    problem: Option<String>,
    interruptions: u32,
}

/// Why a page cannot be taken.
enum Unfit {
    /// It is not of the log that was followed so far.
    Contradiction(String),
    /// It cannot be understood.
    Unknown(String),
}

impl From<FeedFault> for Unfit {
    fn from(fault: FeedFault) -> Self {
        let problem = fault.to_string();
        match fault {
            FeedFault::UnknownSchema { .. } => Unfit::Unknown(problem),
            FeedFault::Foreign { .. } | FeedFault::Gap { .. } | FeedFault::Fork { .. } => Unfit::Contradiction(problem),
        }
    }
}

/// Instructions after which a message makes room for the next one.
const SLICE: u64 = 1_000_000_000;
/// Rows between two looks at the instruction counter.
const STRIDE: usize = 100;
/// After so many traps at one place the projection is parked.
const MAX_INTERRUPTIONS: u32 = 5;

impl Hosted {
    /// The projection in its memories.
    pub fn open(definition: Definition, memories: Memories) -> Self {
        let slot = Slot::open(memories.state);
        let mut hosted = Hosted {
            definition,
            state: slot.get(),
            slot,
            rows: [Rows::open(memories.rows), Rows::open(memories.spare)],
            digesters: None,
            feed_length: 0,
            asked_at: 0,
            parked: None,
            problem: None,
            interruptions: 0,
        };
        hosted.meet_version();
        hosted
    }

    /// Rows of another version of the logic must be made anew; an unfinished rebuild by another version is useless.
    fn meet_version(&mut self) {
        let version = self.definition.version;
        if self.state.checkpoint.is_none() && self.state.rebuild.is_none() {
            self.state.version = version;
            self.save();
        }
        let building = self.state.rebuild.as_ref().map_or(self.state.version, |rebuild| rebuild.version);
        if building != version {
            self.begin_rebuild(runtime::id(), runtime::now());
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.definition.name
    }

    /// The rows that serve.
    pub fn serving(&self) -> &dyn Tables {
        let [first, second] = &self.rows;
        if self.state.swapped { second } else { first }
    }

    fn rebuilt(&self) -> &dyn Tables {
        let [first, second] = &self.rows;
        if self.state.swapped { first } else { second }
    }

    fn rows_mut(&mut self, side: Side) -> &mut Rows {
        let [first, second] = &mut self.rows;
        if self.state.swapped == (side == Side::Serving) { second } else { first }
    }

    /// The last event that the serving rows reflect.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.state.checkpoint
    }

    fn save(&self) {
        self.slot.set(&self.state);
    }

    fn position(&self, side: Side) -> Option<Checkpoint> {
        match side {
            Side::Serving => self.state.checkpoint,
            Side::Rebuilt => self.state.rebuild.as_ref().and_then(|rebuild| rebuild.checkpoint),
        }
    }

    /// The question to the log for the next events of `side`, if it wants any.
    pub fn question(&self, side: Side) -> Option<EventQuery> {
        let applied = self.position(side).map_or(0, |checkpoint| checkpoint.sequence);
        let wanted = match (side, &self.state.rebuild) {
            (Side::Serving, _) if self.parked.is_some() => 0,
            // Both sets stand still while they are compared, and until the outcome is in the log.
            (Side::Serving, _) if self.is_comparing() => 0,
            // Other logic made these rows: they serve as they are.
            (Side::Serving, _) if self.state.version != self.definition.version => 0,
            (Side::Serving, _) => u64::from(MAX_PAGE),
            (Side::Rebuilt, Some(_)) if !self.is_comparing() => self.goal().saturating_sub(applied),
            (Side::Rebuilt, _) => 0,
        };
        // After a trap one event at a time, so that the one at fault stands alone.
        let most = if self.interruptions > 0 { 1 } else { u64::from(MAX_PAGE) };
        (wanted > 0).then(|| EventQuery {
            filter: Filter::Topic(Topic::Family(self.definition.family)),
            order: Order::OldestFirst,
            from_time: None,
            until_time: None,
            cursor: Some(applied),
            limit: wanted.min(most) as u32,
        })
    }

    /// Applies a page to `side`; whether there is more to ask for.
    pub fn take(&mut self, side: Side, page: &EventPage) -> bool {
        self.asked_at = runtime::now();
        self.problem = None;
        let mut position = self.position(side);
        let begin = position;
        let mut outcome = Ok(());
        let mut settled = self.settle(side);
        for bytes in &page.events {
            if !settled {
                break;
            }
            match self.apply(side, position.as_ref(), bytes) {
                Ok(next) => position = Some(next),
                Err(fault) => outcome = Err(fault),
            }
            settled = self.settle(side);
            if outcome.is_err() || runtime::instructions() > SLICE {
                break;
            }
        }
        self.interruptions = 0;
        self.feed_length = page.topic_head.map_or(0, |head| head.count);
        match (side, &mut self.state.rebuild) {
            (Side::Serving, _) => self.state.checkpoint = position,
            (Side::Rebuilt, Some(rebuild)) => rebuild.checkpoint = position,
            (Side::Rebuilt, None) => {}
        }
        if position != begin {
            self.save();
        }
        if let Err(unfit) = outcome.and_then(|()| meet_head(position, page)) {
            self.give_up(side, unfit);
            return false;
        }
        let advanced = position != begin && position.is_some_and(|position| position.sequence < self.feed_length);
        advanced || !settled
    }

    /// Does what the last event has left to be done on `side`, as far as this message goes; whether nothing is left.
    pub(super) fn settle(&mut self, side: Side) -> bool {
        let settle = self.definition.settle;
        while !settle(self.rows_mut(side), STRIDE) {
            if runtime::instructions() > SLICE {
                return false;
            }
        }
        true
    }

    fn apply(&mut self, side: Side, last: Option<&Checkpoint>, bytes: &[u8]) -> Result<Checkpoint, Unfit> {
        let after = last.map_or(0, |last| last.sequence);
        let unknown = |error| Unfit::Unknown(format!("the event after number {after}: {error}"));
        let event = codec::decode_event(bytes).map_err(unknown)?;
        let next = Checkpoint::follow(last, &event, self.definition.family)?;
        (self.definition.begin)(self.rows_mut(side), &event);
        Ok(next)
    }

    /// The serving rows stop where they are; rows being rebuilt are of no use. A log that contradicts itself is an alarm
    /// for the whole canister.
    fn give_up(&mut self, side: Side, unfit: Unfit) {
        match (side, unfit) {
            (Side::Serving, Unfit::Unknown(problem)) => self.parked = Some(problem),
            (Side::Rebuilt, Unfit::Unknown(problem)) => self.abandon_rebuild(problem),
            (side, Unfit::Contradiction(problem)) => {
                journal::contradicted(problem.clone());
                if side == Side::Rebuilt {
                    self.abandon_rebuild(problem);
                }
            }
        }
    }

    /// Why the serving rows stay where they are, if they do.
    pub fn halted(&self) -> Option<String> {
        self.parked.clone().or_else(journal::alarm)
    }

    /// Notes that the log could not be asked.
    pub fn failed(&mut self, problem: String) {
        self.problem = Some(problem);
    }

    /// Notes that applying a page trapped.
    pub fn interrupted(&mut self, side: Side) {
        self.interruptions += 1;
        if self.interruptions > MAX_INTERRUPTIONS {
            let after = self.position(side).map_or(0, |position| position.sequence);
            let problem = format!("it trapped {MAX_INTERRUPTIONS} times after number {after} of its feed");
            self.give_up(side, Unfit::Unknown(problem));
        }
    }

    /// How it stands.
    pub fn status(&self) -> ProjectionStatus {
        ProjectionStatus {
            name: self.definition.name.to_owned(),
            version: self.state.version,
            checkpoint: self.state.checkpoint,
            feed_length: self.feed_length,
            asked_at: self.asked_at,
            parked: self.halted(),
            problem: self.problem.clone(),
            rebuild: self.rebuild_status(),
            last_rebuild: self.state.outcome,
        }
    }
}

/// Compares where we stand with the end of the feed: one that is shorter, or ends otherwise, is not the one we followed.
fn meet_head(position: Option<Checkpoint>, page: &EventPage) -> Result<(), Unfit> {
    let Some(position) = position else { return Ok(()) };
    let met = page.topic_head.is_some_and(|head| match head.count.cmp(&position.sequence) {
        Ordering::Less => false,
        Ordering::Equal => (head.index, head.hash) == (position.index, position.hash),
        Ordering::Greater => true,
    });
    let problem = || format!("the log has no event {} with hash {}", position.index, position.hash);
    if met { Ok(()) } else { Err(Unfit::Contradiction(problem())) }
}
