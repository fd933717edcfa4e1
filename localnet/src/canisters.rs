//! The canisters of a network, copied on write.
//!
//! Forks and views share them: each canister is copied when one side first writes to it, and a copy
//! shares heap, stable memory and module.

use crate::canister::Canister;
use candid::Principal;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Canisters by id. Cloning shares all of them.
#[derive(Clone, Default)]
pub(crate) struct Canisters(Arc<BTreeMap<Principal, Arc<Canister>>>);

impl Canisters {
    pub(crate) fn get(&self, id: &Principal) -> Option<&Canister> {
        self.0.get(id).map(|canister| &**canister)
    }

    /// The canister, to change it: only what this network has.
    pub(crate) fn get_mut(&mut self, id: &Principal) -> Option<&mut Canister> {
        Arc::make_mut(&mut self.0).get_mut(id).map(Arc::make_mut)
    }

    pub(crate) fn contains_key(&self, id: &Principal) -> bool {
        self.0.contains_key(id)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Principal> {
        self.0.keys()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Canister> {
        self.0.values().map(|canister| &**canister)
    }

    pub(crate) fn insert(&mut self, id: Principal, canister: Canister) {
        Arc::make_mut(&mut self.0).insert(id, Arc::new(canister));
    }

    pub(crate) fn remove(&mut self, id: &Principal) -> Option<Canister> {
        Arc::make_mut(&mut self.0).remove(id).map(Arc::unwrap_or_clone)
    }
}
