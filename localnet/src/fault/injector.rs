//! The plan at work: what has not struck yet, what has, and what lasts.

use super::action::{Action, Incident};
use super::message::{Message, Observed};
use super::plan::{Fault, Plan};
use candid::Principal;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The faults of a network. `M` is a message on its way, `S` the saved state of a canister.
#[derive(Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "M: Serialize", deserialize = "M: Deserialize<'de>"))]
pub(crate) struct Injector<M, S> {
    pending: Vec<(Fault, u64)>,
    struck: Vec<Fault>,
    /// Where the order of independent messages is drawn from.
    pub(crate) order: Option<ChaCha20Rng>,
    /// Messages kept back until the faults end, or their callers give up.
    pub(crate) held: Vec<Held<M>>,
    /// Canisters that are to be started again: in which round, `None` when the faults end.
    pub(crate) stopped: Vec<(Option<u64>, Principal)>,
    /// Cycles that were taken away for the time being.
    pub(crate) drained: BTreeMap<Principal, u128>,
    /// States to go back to. Saved states do not hold them.
    #[serde(skip)]
    pub(crate) snapshots: BTreeMap<Principal, S>,
    observed: Option<Vec<Observed>>,
}

/// A message that is kept back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held<M> {
    /// When its caller gives up, nanoseconds since 1970; 0 if it never does.
    pub(crate) deadline: u64,
    pub(crate) message: M,
}

impl<M, S> Default for Injector<M, S> {
    fn default() -> Self {
        Self {
            pending: Vec::new(),
            struck: Vec::new(),
            order: None,
            held: Vec::new(),
            stopped: Vec::new(),
            drained: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            observed: None,
        }
    }
}

impl<M, S> Injector<M, S> {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.pending.push((fault, 0));
    }

    pub(crate) fn add_plan(&mut self, plan: &Plan) {
        plan.faults.iter().cloned().for_each(|fault| self.add(fault));
        if let Some(seed) = plan.order {
            self.order = Some(ChaCha20Rng::seed_from_u64(seed));
        }
    }

    /// Canisters that a fault sets back to where they are now.
    pub(crate) fn to_be_saved(&self) -> Vec<Principal> {
        let of = |(fault, _): &(Fault, u64)| match &fault.action {
            Action::Before(Incident::LoadSnapshot { canister }) => Some(*canister),
            _ => None,
        };
        self.pending.iter().filter_map(of).filter(|id| !self.snapshots.contains_key(id)).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.pending.clear();
        self.order = None;
    }

    pub(crate) fn pending(&self) -> impl Iterator<Item = &Fault> {
        self.pending.iter().map(|(fault, _)| fault)
    }

    pub(crate) fn struck(&self) -> &[Fault] {
        &self.struck
    }

    /// Whether messages need to be looked at, at all.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.observed.is_none()
    }

    pub(crate) fn observe(&mut self) {
        self.observed.get_or_insert_default();
    }

    pub(crate) fn observed(&self) -> &[Observed] {
        self.observed.as_deref().unwrap_or_default()
    }

    pub(crate) fn note(&mut self, observed: impl FnOnce() -> Observed) {
        if let Some(all) = &mut self.observed {
            all.push(observed());
        }
    }

    /// What happens to this message, if anything.
    pub(crate) fn strike(&mut self, message: &Message) -> Option<Action> {
        let mut hit = None;
        for (index, (fault, count)) in self.pending.iter_mut().enumerate() {
            if !fault.matches(message) {
                continue;
            }
            *count += 1;
            if *count >= fault.occurrence && hit.is_none() {
                hit = Some(index);
            }
        }
        let (fault, _) = self.pending.remove(hit?);
        let action = fault.action.clone();
        self.struck.push(fault);
        Some(action)
    }
}
