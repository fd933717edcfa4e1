//! The wallet: what it holds, how it decides, and where it changes.
//!
//! Everything is in stable memory. Clock and callers are arguments; nothing in here asks the network for anything, and
//! what goes out is described ([`Payment`]) for the driver to perform. A method that refuses has changed nothing.
//!
//! * [`Charter`]: members and rules. [`risk`]: how many approvals an action needs.
//! * `screen`: what may be proposed. `voting`: proposals, approvals, rejections. `execution`: what comes of them.
//! * `recovery`: freezing, and guardians. `trail`: what the wallet remembers.

mod assets;
mod budget;
mod charter;
mod effect;
mod execution;
mod news;
mod proposal;
mod recovery;
pub mod risk;
mod screen;
mod spending;
mod trail;
mod view;
mod voting;

#[cfg(test)]
mod tests;

pub use assets::MAX_ASSETS;
pub use budget::Usage;
pub use charter::{Charter, Member, Moment};
pub use effect::{Answer, Effect, EffectState, Frozen, Repeat};
pub use execution::{CYCLES_RESERVE, MAX_EXECUTING, MAX_RESCUES, Payment, Step};
pub use news::News;
pub use proposal::{Begun, Proposal, Stage, Tally, Vote};
pub use recovery::{Armed, Cooling, Freeze, Plan};
pub use screen::{MAX_ARGS, MAX_BATCH, MAX_MEMO, MAX_METHOD};

use crate::memory::{self, LAYOUT_VERSION, Memories};
use assets::Asset;
use cairn_events::{Hash, Principal, Timestamp};
use cairn_kit::api::multisig::{
    InvalidWallet, TrailEntry, TrailEvent, WalletError, WalletInit, WalletRequestError, WalletRules,
    WalletTemporaryError,
};
use cairn_kit::layout::{self, LayoutError};
use cairn_kit::stable::{Cbor, Memory, PrincipalKey, PrincipalNumberKey};
use ic_stable_structures::{Cell, StableBTreeMap};
use serde::{Deserialize, Serialize};
use spending::Spending;

/// Everything a wallet is.
pub struct Wallet {
    charter: Cell<Cbor<Charter>, Memory>,
    course: Cell<Cbor<Course>, Memory>,
    proposals: StableBTreeMap<u64, Cbor<Proposal>, Memory>,
    open: StableBTreeMap<PrincipalNumberKey, u64, Memory>,
    trail: StableBTreeMap<u64, Cbor<TrailEntry>, Memory>,
    spending: Spending,
    assets: StableBTreeMap<PrincipalKey, Cbor<Asset>, Memory>,
    ever_signers: StableBTreeMap<PrincipalKey, (), Memory>,
    ever_observers: StableBTreeMap<PrincipalKey, (), Memory>,
    /// What the factory should hear of this message; taken before the message ends.
    news: Vec<News>,
}

/// What is not for the signers to decide, but for time and events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// This wallet.
    #[serde(rename = "id")]
    pub id: Principal,
    /// Its factory.
    #[serde(rename = "fa", default, skip_serializing_if = "Option::is_none")]
    pub factory: Option<Principal>,
    /// The freeze in force.
    #[serde(rename = "fr", default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<Freeze>,
    /// Who was overruled in freezing the wallet, and until when they cannot do it again.
    #[serde(rename = "co")]
    pub cooling: Vec<Cooling>,
    /// Guardians whose recovery was stopped, and until when they cannot begin another, nor freeze the wallet.
    #[serde(rename = "st", default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<Cooling>,
    /// The plan of recovery that enough guardians agree to.
    #[serde(rename = "ar", default, skip_serializing_if = "Option::is_none")]
    pub armed: Option<Armed>,
    /// Plans of recovery: one of each guardian at most.
    #[serde(rename = "pl")]
    pub plans: Vec<Plan>,
    /// Plans so far.
    #[serde(rename = "pn")]
    pub plans_made: u64,
    /// Proposals being executed.
    #[serde(rename = "ex")]
    pub executing: Vec<u64>,
    /// What members have used up of their budgets.
    #[serde(rename = "us")]
    pub usage: Vec<Usage>,
    /// The latest `created_at_time` given to a payment.
    #[serde(rename = "ca")]
    pub last_created_at: u64,
    /// The hash of the trail's last entry.
    #[serde(rename = "tip", default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<Hash>,
    /// The time of the trail's last entry.
    #[serde(rename = "at")]
    pub last_entry_at: Timestamp,
}

/// What the wallet can do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Everything.
    Active,
    /// Nothing leaves it.
    Frozen(Freeze),
    /// The guardians recover it.
    Recovering(Armed),
}

/// Why stable memory does not hold a wallet that this code can serve.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another layout, or none.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The wallet asked for cannot be.
    #[error(transparent)]
    Invalid(#[from] InvalidWallet),
    /// The last entry does not hash to the recorded tip.
    #[error("the trail does not end as recorded")]
    Tip,
    /// A structure was never written.
    #[error("stable memory does not hold a wallet")]
    NotAWallet,
}

impl Wallet {
    /// A new wallet, which is the canister `id`.
    ///
    /// # Errors
    /// [`OpenError::Invalid`] if there cannot be such a wallet.
    pub fn create(memories: &Memories, id: Principal, init: WalletInit, now: Timestamp) -> Result<Self, OpenError> {
        let WalletInit { wallet: args, creator, factory, .. } = init;
        let charter = Charter::new(args, now)?;
        layout::begin(&memories.get(memory::LAYOUT), LAYOUT_VERSION)?;
        let mut wallet = Self::assemble(memories);
        let course = Course { id, factory, ..wallet.course().clone() };
        wallet.set_course(course);
        let signers = charter.signers().map(|member| member.principal).collect();
        let threshold = charter.rules.threshold;
        wallet.record(creator, TrailEvent::Created { creator, signers, threshold }, now);
        wallet.adopt(charter);
        Ok(wallet)
    }

    /// The wallet that stable memory holds. The cost does not depend on its history.
    ///
    /// # Errors
    /// [`OpenError`] if it holds none of this layout, or one that contradicts itself.
    pub fn open(memories: &Memories) -> Result<Self, OpenError> {
        layout::check(&memories.get(memory::LAYOUT), LAYOUT_VERSION)?;
        let wallet = Self::assemble(memories);
        if wallet.charter().members.is_empty() {
            return Err(OpenError::NotAWallet);
        }
        if !wallet.ends_as_recorded() {
            return Err(OpenError::Tip);
        }
        Ok(wallet)
    }

    fn ends_as_recorded(&self) -> bool {
        let last = self.trail.last_key_value().map(|(_, entry)| trail::hash(&entry.0));
        last.is_some() && last == self.course().tip
    }

    /// Whether the wallet is sound: its trail ends as recorded, and its rules can be lived by.
    ///
    /// # Errors
    /// What is wrong.
    pub fn examine(&self) -> Result<(), String> {
        if !self.ends_as_recorded() {
            return Err(OpenError::Tip.to_string());
        }
        let guardians = self.charter().guardians().count();
        let rules = &self.charter().rules;
        rules.validate(self.charter().signers().count(), guardians).map_err(|invalid| invalid.to_string())
    }

    fn assemble(memories: &Memories) -> Self {
        Wallet {
            charter: Cell::init(memories.get(memory::CHARTER), Cbor(Charter::vacant())),
            course: Cell::init(memories.get(memory::COURSE), Cbor(Course::before_all())),
            proposals: StableBTreeMap::init(memories.get(memory::PROPOSALS)),
            open: StableBTreeMap::init(memories.get(memory::OPEN)),
            trail: StableBTreeMap::init(memories.get(memory::TRAIL)),
            spending: Spending::open(memories.get(memory::SPENDING)),
            assets: StableBTreeMap::init(memories.get(memory::ASSETS)),
            ever_signers: StableBTreeMap::init(memories.get(memory::EVER_SIGNERS)),
            ever_observers: StableBTreeMap::init(memories.get(memory::EVER_OBSERVERS)),
            news: Vec::new(),
        }
    }

    /// Members and rules.
    pub fn charter(&self) -> &Charter {
        &self.charter.get().0
    }

    /// What time and events have made of the wallet.
    pub fn course(&self) -> &Course {
        &self.course.get().0
    }

    /// This wallet.
    pub fn id(&self) -> Principal {
        self.course().id
    }

    /// What the wallet can do now.
    pub fn phase(&self) -> Phase {
        match (&self.course().armed, &self.course().freeze) {
            (Some(armed), _) => Phase::Recovering(armed.clone()),
            (None, Some(freeze)) => Phase::Frozen(freeze.clone()),
            (None, None) => Phase::Active,
        }
    }

    /// The proposal `id`.
    ///
    /// # Errors
    /// [`WalletRequestError::UnknownProposal`].
    pub fn proposal(&self, id: u64) -> Result<Proposal, WalletError> {
        let found = self.proposals.get(&id).map(|row| row.0);
        found.ok_or_else(|| refuse(WalletRequestError::UnknownProposal { proposal: id }))
    }

    fn set_course(&mut self, course: Course) {
        self.course.set(Cbor(course));
    }

    fn set_proposal(&mut self, id: u64, proposal: Proposal) {
        self.proposals.insert(id, Cbor(proposal));
    }
}

impl Charter {
    /// What stands where no charter was written yet.
    fn vacant() -> Self {
        let rules = WalletRules {
            threshold: 0,
            timelock: 0,
            proposal_lifetime: 0,
            consensus_for_changes: false,
            policies: Vec::new(),
            recovery: None,
        };
        Charter { name: String::new(), description: None, public: false, members: Vec::new(), rules }
    }
}

impl Course {
    /// What stands where no course was written yet.
    fn before_all() -> Self {
        Course {
            id: Principal::anonymous(),
            factory: None,
            freeze: None,
            cooling: Vec::new(),
            stopped: Vec::new(),
            armed: None,
            plans: Vec::new(),
            plans_made: 0,
            executing: Vec::new(),
            usage: Vec::new(),
            last_created_at: 0,
            tip: None,
            last_entry_at: Timestamp(0),
        }
    }
}

/// The refusal of a request.
fn refuse(error: WalletRequestError) -> WalletError {
    WalletError::Request(error)
}

/// The refusal of what may be possible later.
fn later(error: WalletTemporaryError) -> WalletError {
    WalletError::Temporary(error)
}
