//! Another order of what the network may deliver in any order ("Ordering guarantees").

use super::{Message, Net, Queued};
use candid::Principal;
use rand_chacha::rand_core::RngCore;
use std::collections::{BTreeMap, VecDeque};

impl Net {
    /// Shuffles the queue, if the plan asks for that. Requests from one canister to another stay in order, as the
    /// network promises; nothing else does.
    pub(super) fn reorder(&mut self) {
        let Some(rng) = &mut self.faults.order else {
            return;
        };
        let mut shuffled: Vec<Queued> = self.queue.drain(..).collect();
        let mut requests: BTreeMap<(Principal, Principal), VecDeque<Queued>> = BTreeMap::new();
        for queued in &shuffled {
            if let Some(pair) = between_canisters(queued) {
                requests.entry(pair).or_default().push_back(queued.clone());
            }
        }
        for last in (1..shuffled.len()).rev() {
            let other = usize::try_from(rng.next_u64() % (last as u64 + 1)).unwrap_or(last);
            shuffled.swap(last, other);
        }
        for queued in &mut shuffled {
            let earliest = between_canisters(queued).and_then(|pair| requests.get_mut(&pair)?.pop_front());
            if let Some(earliest) = earliest {
                *queued = earliest;
            }
        }
        self.queue = shuffled.into();
    }
}

fn between_canisters(queued: &Queued) -> Option<(Principal, Principal)> {
    match &queued.message {
        Message::Request(request) if matches!(request.origin, crate::call_context::Origin::Canister { .. }) => {
            Some((request.caller, request.callee))
        }
        _ => None,
    }
}
