use super::templates::FoldedTemplates;
use super::*;
use cairn_kit::stable::{DeploymentKey, PrincipalKey};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is folded from events, apart from inputs.
#[derive(Debug, PartialEq, Eq)]
pub struct Folded {
    pub totals: Totals,
    pub jobs: BTreeMap<DeploymentId, Job>,
    pub canisters: BTreeMap<Principal, Canister>,
    pub pool: BTreeSet<Principal>,
    pub notifications: BTreeMap<(Principal, u64), Accepted>,
    pub templates: FoldedTemplates,
    pub upgrades: upgrades::Folded,
    pub claims: BTreeMap<RoleKey, Claim>,
    pub tallies: BTreeMap<Principal, Tally>,
    pub answerers: BTreeMap<Principal, Hourly>,
}

impl State {
    pub(crate) fn folded(&self) -> Folded {
        Folded {
            totals: self.totals(),
            jobs: self.jobs.iter().map(|entry| (entry.key().0, entry.value().0)).collect(),
            canisters: self.canisters.iter().map(|entry| (entry.key().0, entry.value().0)).collect(),
            pool: self.pool.keys().map(|key| key.0).collect(),
            notifications: self
                .notifications
                .iter()
                .map(|entry| ((entry.key().0, entry.key().1), entry.value().0))
                .collect(),
            templates: self.templates.folded(),
            upgrades: self.upgrades.folded(),
            claims: self.callbacks.claims.iter().map(|entry| (*entry.key(), entry.value().0)).collect(),
            tallies: self.callbacks.tallies.iter().map(|entry| (entry.key().0, entry.value().0)).collect(),
            answerers: self.callbacks.answerers.iter().map(|entry| (entry.key().0, entry.value().0)).collect(),
        }
    }

    /// Has a contract have spent so much of an epoch's budget, as only as many events can.
    pub(crate) fn spend_epoch(&mut self, contract: Principal, epoch: u64, spent: u64) {
        let tally = Tally { epoch, spent, ..self.callbacks.tally(contract) };
        self.callbacks.tallies.insert(PrincipalKey(contract), Cbor(tally));
    }

    /// Replaces an input, as no production code ever does.
    pub(crate) fn drop_args(&mut self, deployment: DeploymentId) {
        self.requests.remove(&DeploymentKey(deployment));
        assert!(self.open.contains_key(&DeploymentKey(deployment)));
        assert!(!self.pool.contains_key(&PrincipalKey(Principal::anonymous())));
    }
}

/// What `events` fold to, from nothing.
pub fn fold(events: Vec<Recorded>) -> Folded {
    std::thread::spawn(move || {
        events.iter().for_each(apply);
        read(State::folded)
    })
    .join()
    .unwrap()
}
