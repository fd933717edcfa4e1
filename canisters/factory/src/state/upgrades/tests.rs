use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is folded from events about upgrades.
#[derive(Debug, PartialEq, Eq)]
pub struct Folded {
    pub managed: BTreeMap<Principal, Managed>,
    pub upgrades: BTreeMap<u64, Upgrade>,
    pub open: BTreeSet<u64>,
    pub of: BTreeSet<(Principal, u64)>,
    pub participants: BTreeSet<Principal>,
    pub rollouts: BTreeMap<u64, Rollout>,
    pub top_ups: BTreeMap<Principal, TopUp>,
    pub low: bool,
}

impl Upgrades {
    pub fn folded(&self) -> Folded {
        Folded {
            managed: self.managed.iter().map(|entry| (entry.key().0, entry.value().0)).collect(),
            upgrades: self.upgrades.iter().map(|entry| (*entry.key(), entry.value().0)).collect(),
            open: self.open.keys().collect(),
            of: self.of.keys().map(|key| (key.0, key.1)).collect(),
            participants: self.participants.keys().map(|key| key.0).collect(),
            rollouts: self.rollouts.iter().map(|entry| (*entry.key(), entry.value().0)).collect(),
            top_ups: self.top_ups.iter().map(|entry| (entry.key().0, entry.value().0)).collect(),
            low: self.low.get(),
        }
    }
}
