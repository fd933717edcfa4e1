//! What contracts told and what people answered: numbers, budgets, claims. Folded from events like everything else.

use super::{Accepted, Map, State};
use crate::callback::period;
use crate::memory::{self, memory};
use crate::state::Canister;
use cairn_events::payload::{CallbackAccepted, CallbackQuarantined, ContractObserved, Role, RoleAnswer, RoleAnswered};
use cairn_events::{Hash, Principal, Receipt, codec};
use cairn_kit::stable::{Cbor, PrincipalKey, PrincipalNumberKey};
use ic_stable_structures::Storable;
use ic_stable_structures::storable::Bound;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How often something happened in an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hourly {
    #[serde(rename = "p")]
    period: u64,
    #[serde(rename = "n")]
    count: u32,
}

impl Hourly {
    /// How often it happened in `period`, if that is the last one.
    pub fn count(&self, period: u64) -> u32 {
        if self.period == period { self.count } else { 0 }
    }

    pub(super) fn add(&mut self, period: u64) {
        *self = Hourly { period, count: self.count(period).saturating_add(1) };
    }
}

/// What a contract has had recorded, beside the last hour's notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The epoch that is counted.
    #[serde(rename = "e")]
    pub epoch: u64,
    /// Events that it has caused in that epoch.
    #[serde(rename = "n")]
    pub spent: u64,
    /// How often it changed its visibility or its status, which may concern many people.
    #[serde(rename = "m")]
    pub moves: Hourly,
    /// Answers of people about its roles.
    #[serde(rename = "a")]
    pub answers: Hourly,
    /// The hash of the last observation of it that is recorded.
    #[serde(rename = "o", skip_serializing_if = "Option::is_none", default)]
    pub observed: Option<Hash>,
}

impl Tally {
    /// Events that the contract has caused in `epoch`.
    pub fn spent_in(&self, epoch: u64) -> u64 {
        if self.epoch == epoch { self.spent } else { 0 }
    }
}

/// A role that a contract gave somebody at some time, and what that person said of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Whether the contract gives it now.
    #[serde(rename = "h")]
    pub held: bool,
    /// Whether the person has accepted it.
    #[serde(rename = "a")]
    pub accepted: bool,
    /// Whether the person does not want to be seen with it.
    #[serde(rename = "v")]
    pub hidden: bool,
}

/// A contract, a role, a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleKey(pub Principal, pub Role, pub Principal);

/// Bytes of the longest principal.
const PRINCIPAL_BYTES: usize = 29;

impl RoleKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first()?;
        let (contract, rest) = rest.split_at_checked(usize::from(*length))?;
        let (tag, person) = rest.split_first()?;
        let role = Role::ALL.into_iter().find(|role| *role as u8 == *tag)?;
        Some(RoleKey(Principal::try_from_slice(contract).ok()?, role, Principal::try_from_slice(person).ok()?))
    }
}

impl Storable for RoleKey {
    const BOUND: Bound = Bound::Bounded { max_size: 2 + 2 * PRINCIPAL_BYTES as u32, is_fixed_size: false };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.into_bytes())
    }

    fn into_bytes(self) -> Vec<u8> {
        let RoleKey(contract, role, person) = self;
        let mut key = Vec::with_capacity(2 + 2 * PRINCIPAL_BYTES);
        key.push(contract.as_slice().len() as u8);
        key.extend_from_slice(contract.as_slice());
        key.push(role as u8);
        key.extend_from_slice(person.as_slice());
        key
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        RoleKey::read(&bytes).unwrap_or_else(|| ic_cdk::trap("stable memory is corrupt: role key"))
    }
}

/// What the factory knows of callbacks and answers.
pub struct Callbacks {
    pub(super) claims: Map<RoleKey, Claim>,
    pub(super) tallies: Map<PrincipalKey, Tally>,
    pub(super) answerers: Map<PrincipalKey, Hourly>,
}

impl Callbacks {
    /// In its memories.
    pub fn open() -> Self {
        Callbacks {
            claims: Map::init(memory(memory::CLAIMS)),
            tallies: Map::init(memory(memory::TALLIES)),
            answerers: Map::init(memory(memory::ANSWERERS)),
        }
    }

    /// What `contract` has had recorded.
    pub fn tally(&self, contract: Principal) -> Tally {
        self.tallies.get(&PrincipalKey(contract)).map_or_else(Tally::default, |row| row.0)
    }

    /// The role that `contract` gave `person` at some time.
    pub fn claim(&self, contract: Principal, role: Role, person: Principal) -> Option<Claim> {
        self.claims.get(&RoleKey(contract, role, person)).map(|row| row.0)
    }

    /// How much `person` has answered.
    pub fn answered(&self, person: Principal) -> Hourly {
        self.answerers.get(&PrincipalKey(person)).map_or_else(Hourly::default, |row| row.0)
    }

    fn count(&mut self, contract: Principal, change: impl FnOnce(&mut Tally)) {
        let mut tally = self.tally(contract);
        change(&mut tally);
        self.tallies.insert(PrincipalKey(contract), Cbor(tally));
    }

    fn spend(&mut self, contract: Principal, epoch: u64, change: impl FnOnce(&mut Tally)) {
        self.count(contract, |tally| {
            tally.spent = tally.spent_in(epoch).saturating_add(1);
            tally.epoch = epoch;
            change(tally);
        });
    }

    /// Changes a claim; one that says nothing is no row.
    fn change_claim(&mut self, key: RoleKey, change: impl FnOnce(&mut Claim)) {
        let before = self.claims.get(&key).map(|row| row.0);
        let mut claim = before.unwrap_or_default();
        change(&mut claim);
        // Once given, it stays known: whoever hides remains hidden should the contract take and give it again.
        if before.is_some() || claim != Claim::default() {
            self.claims.insert(key, Cbor(claim));
        }
    }

    fn forget(&mut self, contract: Principal) {
        self.tallies.remove(&PrincipalKey(contract));
        let first = RoleKey(contract, Role::Holder, Principal::management_canister());
        let own = self.claims.range(first..).map(|entry| *entry.key()).take_while(|key| key.0 == contract);
        for key in own.collect::<Vec<_>>() {
            self.claims.remove(&key);
        }
    }
}

/// The hash of an observation: whether it is news.
pub fn observation_hash(observed: &ContractObserved) -> Hash {
    Hash::of(&[&codec::encode(observed)])
}

/// Counts an event among those of the hour in which it was accepted.
fn spend(canister: &mut Canister, receipt: &Receipt) {
    let now = period(receipt.timestamp.0);
    canister.spent = if canister.period == now { canister.spent.saturating_add(1) } else { 1 };
    canister.period = now;
}

impl State {
    /// What the factory knows of callbacks and answers.
    pub fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }

    pub(super) fn callback_accepted(&mut self, receipt: &Receipt, accepted: &CallbackAccepted) {
        self.advance(receipt, accepted.contract, |canister| {
            canister.accepted = accepted.seq;
            spend(canister, receipt);
        });
        let key = PrincipalNumberKey(accepted.contract, accepted.seq);
        let row = Accepted { epoch: accepted.epoch, notification: accepted.notification, quarantined: false };
        self.notifications.insert(key, Cbor(row));
        let moves = crate::callback::is_move(&accepted.notification);
        self.callbacks.spend(accepted.contract, accepted.epoch, |tally| {
            if moves {
                tally.moves.add(period(receipt.timestamp.0));
            }
        });
        if let Some((role, person, has)) = accepted.notification.role() {
            self.callbacks.change_claim(RoleKey(accepted.contract, role, person), |claim| claim.held = has);
        }
    }

    pub(super) fn callback_quarantined(&mut self, receipt: &Receipt, quarantined: &CallbackQuarantined) {
        self.advance(receipt, quarantined.contract, |canister| spend(canister, receipt));
        self.callbacks.spend(quarantined.contract, quarantined.epoch, |_| ());
        let key = PrincipalNumberKey(quarantined.contract, quarantined.seq);
        if let Some(Cbor(row)) = self.notifications.get(&key).filter(|row| row.0.epoch == quarantined.epoch) {
            self.notifications.insert(key, Cbor(Accepted { quarantined: true, ..row }));
        }
    }

    pub(super) fn contract_observed(&mut self, receipt: &Receipt, observed: &ContractObserved) {
        let mut epoch = 0;
        self.advance(receipt, observed.contract, |canister| {
            spend(canister, receipt);
            epoch = canister.epoch;
        });
        let hash = observation_hash(observed);
        self.callbacks.spend(observed.contract, epoch, |tally| tally.observed = Some(hash));
    }

    pub(super) fn role_answered(&mut self, receipt: &Receipt, person: Principal, answered: &RoleAnswered) {
        let now = period(receipt.timestamp.0);
        self.advance(receipt, answered.contract, |_| ());
        self.callbacks.count(answered.contract, |tally| tally.answers.add(now));
        let mut by_person = self.callbacks.answered(person);
        by_person.add(now);
        self.callbacks.answerers.insert(PrincipalKey(person), Cbor(by_person));
        self.callbacks.change_claim(RoleKey(answered.contract, answered.role, person), |claim| match answered.answer {
            RoleAnswer::Accepted => claim.accepted = true,
            RoleAnswer::Hidden => claim.hidden = true,
            RoleAnswer::Shown => claim.hidden = false,
        });
    }

    pub(super) fn callbacks_forgotten(&mut self, contract: Principal) {
        self.callbacks.forget(contract);
    }
}
