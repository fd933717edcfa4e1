//! What the log holds back, so that whatever was begun can be brought to its end.
//!
//! An intent that opens new work (a payment, a canister's creation) is accepted only if cycles and stable memory then
//! cover everything that may follow from all open intents, and a floor besides. Facts are accepted down to half that
//! floor. Outcomes, and the intents by which begun work is delivered, released or refunded, are accepted as long as
//! the canister runs at all: their memory was set aside before, as pages that are ours already.

use super::check::is_upgrading;
use super::{columns, postings, threads, tree};
use cairn_events::{Class, Effect, Kind, Topic};
use cairn_kit::api::audit::Reserve;

/// Events that may follow from an open intent: outcome, dispatch, installation, arbiter, release or refund, and so on.
const EVENTS: u64 = 10;
/// Bytes of such an event, at most (see `Kind::max_size`).
const EVENT_BYTES: u64 = 2000;
/// Threads that such an event may begin or lengthen: topics, stream, source.
const EVENT_THREADS: u64 = Topic::MAX as u64 + 2;
/// Bytes of postings per thread and event: the first block, or a share of a large one.
const POSTING_BYTES: u64 = 64;
/// Large blocks of postings that threads common to many deployments may need at once.
const COMMON_BLOCKS: u64 = 32;

/// Cycles to accept one event, with its share of a year's storage, generously.
const EVENT_CYCLES: u128 = 20_000_000;
/// Cycles that are not for new work.
pub const FLOOR_CYCLES: u128 = 100_000_000_000;
/// The network's bound of a canister's stable memory.
const STABLE_MAX: u64 = 500 << 30;
/// Stable memory that is not for new work.
const FLOOR_BYTES: u64 = 1 << 30;

/// How urgently a submission must be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Ends or continues what was begun.
    Continues,
    /// A plain fact.
    Informs,
    /// Begins new work.
    Begins,
}

impl Urgency {
    /// The urgency of an event of this kind, in a stream of these marks.
    pub fn of(kind: Kind, mark: u8) -> Urgency {
        match kind.class() {
            Class::Intent(Effect::Payment | Effect::Creation | Effect::Upgrade | Effect::TopUp) => Urgency::Begins,
            Class::Intent(Effect::Delivery | Effect::Installation | Effect::Refund | Effect::Release)
            | Class::Outcome(_) => Urgency::Continues,
            // The middle of an upgrade: without it a contract would stand still.
            Class::Fact if is_upgrading(mark) && is_step_of_upgrade(kind) => Urgency::Continues,
            Class::Fact => Urgency::Informs,
        }
    }
}

fn is_step_of_upgrade(kind: Kind) -> bool {
    matches!(kind, Kind::SnapshotTaken | Kind::UpgradeInstalled | Kind::RollbackIntended)
}

/// What the platform says about the canister when a batch comes in.
#[derive(Clone, Copy, Debug)]
pub struct Means {
    /// The network's time, in nanoseconds.
    pub now: u64,
    /// Cycles above the freezing threshold.
    pub cycles: u128,
    /// Bytes of stable memory in use.
    pub stable: u64,
}

/// Room to keep in every memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Records, and leaves of the tree.
    pub events: u64,
    /// Bytes of encoded events.
    pub event_bytes: u64,
    /// Bytes of openings.
    pub opening_bytes: u64,
    /// New threads.
    pub threads: u64,
    /// Bytes of postings.
    pub posting_bytes: u64,
}

impl Room {
    /// The room for all that may follow from `open` intents.
    pub fn to_finish(open: u64) -> Room {
        let events = open * EVENTS;
        Room {
            events,
            event_bytes: events * EVENT_BYTES,
            opening_bytes: 0,
            threads: events * EVENT_THREADS,
            posting_bytes: events * EVENT_THREADS * POSTING_BYTES + COMMON_BLOCKS * postings::MAX_BLOCK,
        }
    }

    /// Both rooms together.
    #[must_use]
    pub fn and(self, other: Room) -> Room {
        Room {
            events: self.events + other.events,
            event_bytes: self.event_bytes + other.event_bytes,
            opening_bytes: self.opening_bytes + other.opening_bytes,
            threads: self.threads + other.threads,
            posting_bytes: self.posting_bytes + other.posting_bytes,
        }
    }

    /// All of it in bytes.
    fn bytes(self) -> u64 {
        self.events * (columns::RECORD + tree::NODE)
            + self.event_bytes
            + self.opening_bytes
            + self.threads * (threads::RECORD + threads::BUCKET)
            + self.posting_bytes
    }
}

fn cycles_to_finish(open: u64) -> u128 {
    u128::from(open * EVENTS) * EVENT_CYCLES
}

/// Whether `means` allow a submission of this urgency when `open` intents are open, a new one included.
pub fn allows(means: &Means, urgency: Urgency, open: u64) -> bool {
    let (cycles, bytes) = match urgency {
        Urgency::Continues => return true,
        Urgency::Informs => (FLOOR_CYCLES / 2, FLOOR_BYTES / 2),
        Urgency::Begins => (FLOOR_CYCLES, FLOOR_BYTES),
    };
    means.cycles >= cycles_to_finish(open) + cycles
        && STABLE_MAX.saturating_sub(means.stable) >= Room::to_finish(open).bytes() + bytes
}

/// How many more intents `means` allow when `open` are open.
pub fn left(means: &Means, open: u64) -> Reserve {
    let cycles = means.cycles.saturating_sub(cycles_to_finish(open) + FLOOR_CYCLES) / cycles_to_finish(1);
    let free = STABLE_MAX.saturating_sub(means.stable);
    let per_intent = Room::to_finish(1).bytes() - Room::to_finish(0).bytes();
    let bytes = free.saturating_sub(Room::to_finish(open).bytes() + FLOOR_BYTES) / per_intent;
    Reserve { open_intents: open, intents_left: bytes.min(u64::try_from(cycles).unwrap_or(u64::MAX)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_is_allowed() {
        for cycles in [0, FLOOR_CYCLES / 2, FLOOR_CYCLES + 1, FLOOR_CYCLES * 3, u128::MAX] {
            for stable in [0, STABLE_MAX - FLOOR_BYTES - (8 << 20), STABLE_MAX] {
                let means = Means { now: 0, cycles, stable };
                let left = left(&means, 7).intents_left;
                assert_eq!(left > 0, allows(&means, Urgency::Begins, 8), "{means:?}");
                assert!(allows(&means, Urgency::Continues, 8));
            }
        }
    }

    #[test]
    fn what_may_follow_an_intent_fits_the_reserve() {
        for kind in Kind::ALL {
            // What begins something, and what nothing waits for.
            let is_free = matches!(kind, Kind::DeploymentRequested | Kind::TemplateProposed);
            assert!(is_free || kind.max_size() as u64 <= EVENT_BYTES, "{}", kind.btype());
        }
    }
}
