//! What the factory knows, in stable memory.
//!
//! Jobs, canisters, pool, templates, notifications and totals are folded from the factory's own events, by
//! [`State::apply`] and nothing else. Settings, requests, the creation in flight and uploads are inputs.

mod apply;
mod callbacks;
mod record;
mod templates;
#[cfg(test)]
pub(crate) mod tests;
mod upgrades;

pub use callbacks::{Callbacks, Claim, Hourly, RoleKey, Tally, observation_hash};
pub use record::{Accepted, Canister, Job, Phase, Request, Settings, Totals};
pub use templates::{Confirmation, Proposal, Template, Templates, VersionKey};

pub use upgrades::{
    CONTROL_LOST, Force, Managed, OTHER_CODE, Rollout, SNAPSHOT_GONE, STARTED, TopUp, Upgrade, UpgradePhase, day,
};

use crate::access;
use crate::memory::{self, memory};
use cairn_events::{DeploymentId, Principal, Version};
use cairn_kit::host;
use cairn_kit::journal::Recorded;
use cairn_kit::stable::{Cbor, DeploymentKey, Memory, PrincipalKey, PrincipalNumberKey, Slot};
use ic_stable_structures::StableBTreeMap;
use std::cell::RefCell;

type Map<K, V> = StableBTreeMap<K, Cbor<V>, Memory>;
type Set<K> = StableBTreeMap<K, (), Memory>;

/// Everything that the factory knows.
pub struct State {
    settings: Slot<Option<Settings>>,
    created: Slot<Option<Principal>>,
    requests: Map<DeploymentKey, Request>,
    open: Set<DeploymentKey>,
    totals: Slot<Totals>,
    jobs: Map<DeploymentKey, Job>,
    canisters: Map<PrincipalKey, Canister>,
    pool: Set<PrincipalKey>,
    notifications: Map<PrincipalNumberKey, Accepted>,
    templates: Templates,
    upgrades: upgrades::Upgrades,
    callbacks: Callbacks,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::open());
}

/// Looks at the state.
pub fn read<R>(look: impl FnOnce(&State) -> R) -> R {
    STATE.with_borrow(look)
}

/// Changes inputs.
pub fn change<R>(change: impl FnOnce(&mut State) -> R) -> R {
    STATE.with_borrow_mut(change)
}

/// Folds an accepted event: the journal's `apply`.
pub fn apply(recorded: &Recorded) {
    host::recorded(recorded);
    access::recorded(recorded);
    STATE.with_borrow_mut(|state| state.apply(recorded));
}

impl State {
    fn open() -> Self {
        State {
            settings: Slot::open(memory(memory::SETTINGS)),
            created: Slot::open(memory(memory::CREATED)),
            requests: Map::init(memory(memory::REQUESTS)),
            open: Set::init(memory(memory::OPEN)),
            totals: Slot::open(memory(memory::TOTALS)),
            jobs: Map::init(memory(memory::JOBS)),
            canisters: Map::init(memory(memory::CANISTERS)),
            pool: Set::init(memory(memory::POOL)),
            notifications: Map::init(memory(memory::NOTIFICATIONS)),
            templates: Templates::open(),
            upgrades: upgrades::Upgrades::open(),
            callbacks: Callbacks::open(),
        }
    }

    /// What the factory was set up with; absent before `init`.
    pub fn settings(&self) -> Option<Settings> {
        self.settings.get()
    }

    /// Sets what the factory is set up with.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings.set(&Some(settings));
    }

    /// Nanoseconds between the second person's word and a template's publication.
    pub fn publish_delay(&self) -> u64 {
        self.settings().map_or(u64::MAX, |settings| settings.publish_delay)
    }

    /// The counters.
    pub fn totals(&self) -> Totals {
        self.totals.get()
    }

    /// The canister that the creation in flight has yielded.
    pub fn created(&self) -> Option<Principal> {
        self.created.get()
    }

    /// Keeps the canister that a creation has yielded until the log has it.
    pub fn set_created(&mut self, canister: Principal) {
        self.created.set(&Some(canister));
    }

    /// What was asked for under `deployment`.
    pub fn request(&self, deployment: DeploymentId) -> Option<Request> {
        self.requests.get(&DeploymentKey(deployment)).map(|row| row.0)
    }

    /// Keeps what was asked for.
    pub fn put_request(&mut self, deployment: DeploymentId, request: Request) {
        self.requests.insert(DeploymentKey(deployment), Cbor(request));
        self.open.insert(DeploymentKey(deployment), ());
    }

    /// Forgets a request of which nothing was or will be recorded.
    pub fn forget_request(&mut self, deployment: DeploymentId) {
        self.requests.remove(&DeploymentKey(deployment));
        self.open.remove(&DeploymentKey(deployment));
    }

    /// Deployments that are not settled.
    pub fn open_deployments(&self) -> Vec<DeploymentId> {
        self.open.keys().map(|key| key.0).collect()
    }

    /// Whether `deployment` is not settled.
    pub fn is_open(&self, deployment: DeploymentId) -> bool {
        self.open.contains_key(&DeploymentKey(deployment))
    }

    /// How many deployments are not settled.
    pub fn open_count(&self) -> u64 {
        self.open.len()
    }

    /// Where `deployment` stands.
    pub fn job(&self, deployment: DeploymentId) -> Option<Job> {
        self.jobs.get(&DeploymentKey(deployment)).map(|row| row.0)
    }

    /// What is known of a canister of this factory.
    pub fn canister(&self, canister: Principal) -> Option<Canister> {
        self.canisters.get(&PrincipalKey(canister)).map(|row| row.0)
    }

    /// How many empty canisters there are, those set aside included.
    pub fn pool_size(&self) -> u64 {
        self.pool.len()
    }

    /// An empty canister that is not set aside.
    pub fn free_canister(&self) -> Option<Principal> {
        let taken = self.set_aside();
        self.pool.keys().map(|key| key.0).find(|canister| !taken.contains(canister))
    }

    /// How many empty canisters are not set aside.
    pub fn free_canisters(&self) -> u64 {
        let pooled = |canister: &&Principal| self.pool.contains_key(&PrincipalKey(**canister));
        self.pool.len() - self.set_aside().iter().filter(pooled).count() as u64
    }

    fn set_aside(&self) -> Vec<Principal> {
        self.open.keys().filter_map(|key| self.requests.get(&key)).map(|request| request.0.canister).collect()
    }

    /// The notification that `contract` was accepted with under `number`.
    pub fn accepted(&self, contract: Principal, number: u64) -> Option<Accepted> {
        self.notifications.get(&PrincipalNumberKey(contract, number)).map(|row| row.0)
    }

    /// Templates, proposals, and the admins that were granted.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// Version and module of the template that is installed now.
    pub fn current_template(&self) -> Option<(Version, Template)> {
        let version = self.totals().template?;
        let template = self.templates.version(version)?;
        Some((version, template))
    }

    /// Whether the factory is still being set up: no backend is obeyed yet, or nothing was ever published, so that nobody
    /// can have relied on it.
    pub fn is_being_set_up(&self) -> bool {
        self.settings().is_none_or(|settings| settings.backend.is_none()) || self.templates.count() == 0
    }
}
