//! The plans of an exploration: each fault alone, and pairs of them.

use crate::fault::{Action, Fault, Message, Observed, Plan};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::collections::BTreeSet;

/// The faults that can be aimed at the messages of a run.
pub(super) struct Candidates {
    messages: usize,
    faults: Vec<Fault>,
}

impl Candidates {
    /// Everything that `choice` lets happen to each message of a run, where the network permits it.
    pub(super) fn new(observed: &[Observed], choice: impl Fn(&Message) -> Vec<Action>) -> Self {
        let mut faults = Vec::new();
        for (position, Observed { message, .. }) in observed.iter().enumerate() {
            for action in choice(message) {
                let fault = Fault::at(message, action);
                if fault.matches(message) {
                    let so_far = observed.iter().take(position + 1);
                    let occurrence = so_far.filter(|earlier| fault.matches(&earlier.message)).count();
                    faults.push(fault.occurrence(occurrence as u64));
                }
            }
        }
        Self { messages: observed.len(), faults }
    }

    pub(super) fn messages(&self) -> usize {
        self.messages
    }

    /// Each fault alone.
    pub(super) fn singles(&self) -> Vec<Plan> {
        self.faults.iter().cloned().map(Plan::from).collect()
    }

    /// So many of them, in their order.
    pub(super) fn sampled(&self, seed: u64, count: usize) -> Vec<Plan> {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut chosen = BTreeSet::new();
        while chosen.len() < count.min(self.faults.len()) {
            chosen.insert(below(&mut rng, self.faults.len()));
        }
        chosen.into_iter().filter_map(|index| self.faults.get(index).cloned()).map(Plan::from).collect()
    }

    /// So many pairs of different faults.
    pub(super) fn pairs(&self, seed: u64, count: usize) -> Vec<Plan> {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let possible = self.faults.len() * self.faults.len().saturating_sub(1) / 2;
        let mut chosen = BTreeSet::new();
        while chosen.len() < count.min(possible) {
            let (one, other) = (below(&mut rng, self.faults.len()), below(&mut rng, self.faults.len()));
            if one != other {
                chosen.insert((one.min(other), one.max(other)));
            }
        }
        let plan = |(one, other): (usize, usize)| {
            Some(Plan::from(self.faults.get(one)?.clone()).and(self.faults.get(other)?.clone()))
        };
        chosen.into_iter().filter_map(plan).collect()
    }
}

/// A number from 0 to `bound` - 1. The bias is far below anything that a sample could show.
fn below(rng: &mut ChaCha20Rng, bound: usize) -> usize {
    usize::try_from(rng.next_u64() % (bound.max(1) as u64)).unwrap_or(0)
}
