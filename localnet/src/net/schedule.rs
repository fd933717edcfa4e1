//! Messages on their way, and which of them is delivered next.
//!
//! Interface specification, "Ordering guarantees": requests from one canister to another arrive in the
//! order they were sent in; between any other two messages there is no order. Here messages arrive in the
//! order they were sent in, one round later, unless they are delayed or another order is drawn. Every
//! message sent before a round is delivered in it, so no canister waits for another.

use super::{Message, Request};
use crate::call_context::Origin;
use candid::Principal;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Messages of one lane keep their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Lane {
    /// The requests of one canister to another.
    Pair { from: Principal, to: Principal },
    /// A message that is in order with no other: ingress and responses. The number tells it apart.
    Alone(u64),
}

/// A message in the schedule.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Queued {
    pub(super) lane: Lane,
    /// Whether faults had their chance already.
    pub(super) examined: bool,
    pub(super) message: Message,
}

/// A delayed message, and those that must not overtake it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    /// The round before which none of them is delivered.
    until: u64,
    messages: VecDeque<Queued>,
}

/// All messages on their way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Schedule {
    /// Sent, to be delivered in the next round.
    sent: VecDeque<Queued>,
    /// Of the round in progress.
    round: VecDeque<Queued>,
    held: BTreeMap<Lane, Held>,
    issued: u64,
}

impl Schedule {
    /// Adds a message for the next round.
    pub(super) fn send(&mut self, message: Message) {
        let queued = self.queued(message);
        self.sent.push_back(queued);
    }

    fn queued(&mut self, message: Message) -> Queued {
        self.issued += 1;
        let lane = match &message {
            Message::Request(Request { origin: Origin::Canister { id, .. }, callee, .. }) => {
                Lane::Pair { from: *id, to: *callee }
            }
            _ => Lane::Alone(self.issued),
        };
        Queued { lane, examined: false, message }
    }

    /// Adds a message that faults had their chance at, not to be delivered before a round.
    pub(super) fn send_late(&mut self, message: Message, until: u64) {
        let queued = Queued { examined: true, ..self.queued(message) };
        self.hold(queued, until);
    }

    /// Adds a message again that had been taken out.
    pub(super) fn resend(&mut self, queued: Queued) {
        self.sent.push_back(queued);
    }

    /// Makes the messages that may be delivered in this round those that [`Schedule::next`] returns.
    pub(super) fn begin_round(&mut self, round: u64) {
        let due: Vec<Lane> = self.held.iter().filter(|(_, held)| held.until <= round).map(|(lane, _)| *lane).collect();
        for lane in due {
            self.round.extend(self.held.remove(&lane).into_iter().flat_map(|held| held.messages));
        }
        self.round.append(&mut self.sent);
    }

    /// The message to deliver next in this round: in the order of sending, or in one that is drawn.
    pub(super) fn next(&mut self, mut order: Option<&mut ChaCha20Rng>) -> Option<Queued> {
        loop {
            let index = order.as_deref_mut().map_or(Some(0), |rng| self.pick(rng))?;
            let queued = self.round.remove(index)?;
            match self.held.get_mut(&queued.lane) {
                Some(held) => held.messages.push_back(queued),
                None => return Some(queued),
            }
        }
    }

    /// Where a message stands that may come next: the first of any lane.
    fn pick(&self, rng: &mut ChaCha20Rng) -> Option<usize> {
        let any = rng.next_u64().checked_rem(self.round.len() as u64)?;
        let lane = self.round.get(any as usize)?.lane;
        self.round.iter().position(|queued| queued.lane == lane)
    }

    /// Puts a message back until a later round; those behind it in its lane wait with it.
    pub(super) fn hold(&mut self, queued: Queued, until: u64) {
        let held = Held { until, messages: VecDeque::new() };
        self.held.entry(queued.lane).or_insert(held).messages.push_front(queued);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.round.is_empty() && self.held.is_empty()
    }

    /// All of them, in no order.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        let held = self.held.values().flat_map(|held| &held.messages);
        self.sent.iter().chain(&self.round).chain(held).map(|queued| &queued.message)
    }

    /// Whether a message is on its way to this canister.
    pub(super) fn has_messages_to(&self, id: Principal) -> bool {
        self.messages().any(|message| match message {
            Message::Request(request) => request.callee == id,
            Message::Answer(answer) => answer.to == id,
        })
    }
}
