//! The decision state: a fold of this canister's own events, and of nothing else.

use crate::config::Config;
use crate::deployment::{Deployment, Progress};
use crate::memory::DecisionMemories;
use crate::request::admission::Standing;
use cairn_events::payload::{AuditCanisterChanged, DeploymentRequested};
use cairn_events::{DeploymentId, Hash, Payload, Principal, Receipt, Timestamp, codec};
use cairn_kit::access::Admins;
use cairn_kit::api::backend::Auditor;
use cairn_kit::journal::Recorded;
use cairn_kit::stable::{Cbor, DeploymentKey, HashKey, Memory, PrincipalKey, Slot};
use ic_stable_structures::StableBTreeMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub mod check;

#[cfg(test)]
mod tests;

/// Nanoseconds of a day.
const DAY: u64 = 24 * 3_600 * 1_000_000_000;

/// What one caller has asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Deployments that are not final.
    #[serde(rename = "u")]
    unfinished: u32,
    /// The day of the latest request, since 1970.
    #[serde(rename = "d")]
    day: u64,
    /// Requests on that day.
    #[serde(rename = "n")]
    requests: u32,
}

/// The decision state, in stable memory.
pub struct State {
    admins: Admins,
    config: Slot<Config>,
    requests: StableBTreeMap<DeploymentKey, Cbor<DeploymentRequested>, Memory>,
    progress: StableBTreeMap<DeploymentKey, Cbor<Progress>, Memory>,
    unfinished: StableBTreeMap<DeploymentKey, (), Memory>,
    usage: StableBTreeMap<PrincipalKey, Cbor<Usage>, Memory>,
    /// Until when each auditor may read.
    auditors: StableBTreeMap<PrincipalKey, u64, Memory>,
    /// Which event erased an opening ([`cairn_events::Commitment::within`]).
    erased: StableBTreeMap<HashKey, u64, Memory>,
    /// What was last recorded of the audit canister.
    watched: Slot<Option<AuditCanisterChanged>>,
}

impl State {
    /// The state in these memories.
    pub fn open(memories: DecisionMemories) -> Self {
        State {
            admins: Admins::open(memories.admins()),
            config: Slot::open(memories.config()),
            requests: StableBTreeMap::init(memories.requests()),
            progress: StableBTreeMap::init(memories.progress()),
            unfinished: StableBTreeMap::init(memories.unfinished()),
            usage: StableBTreeMap::init(memories.usage()),
            auditors: StableBTreeMap::init(memories.auditors()),
            erased: StableBTreeMap::init(memories.erased()),
            watched: Slot::open(memories.watched()),
        }
    }

    /// An empty state in these memories, whatever they held.
    pub fn afresh(memories: DecisionMemories) -> Self {
        StableBTreeMap::<PrincipalKey, (), Memory>::new(memories.admins());
        Slot::open(memories.config()).set(&Config::default());
        StableBTreeMap::<DeploymentKey, Cbor<DeploymentRequested>, Memory>::new(memories.requests());
        StableBTreeMap::<DeploymentKey, Cbor<Progress>, Memory>::new(memories.progress());
        StableBTreeMap::<DeploymentKey, (), Memory>::new(memories.unfinished());
        StableBTreeMap::<PrincipalKey, Cbor<Usage>, Memory>::new(memories.usage());
        StableBTreeMap::<PrincipalKey, u64, Memory>::new(memories.auditors());
        StableBTreeMap::<HashKey, u64, Memory>::new(memories.erased());
        Slot::open(memories.watched()).set(&None::<AuditCanisterChanged>);
        State::open(memories)
    }

    /// The digest of everything in it: equal digests, equal states.
    pub fn digest(&self) -> Hash {
        let mut sha = Sha256::new();
        let mut take = |bytes: &[u8]| {
            sha.update((bytes.len() as u64).to_be_bytes());
            sha.update(bytes);
        };
        self.admins.all().iter().for_each(|admin| take(admin.as_slice()));
        take(&codec::encode(&self.config.get()));
        for entry in self.requests.iter() {
            take(&codec::encode(&entry.value().0));
        }
        for entry in self.progress.iter() {
            take(entry.key().0.0.as_bytes());
            take(&codec::encode(&entry.value().0));
        }
        for key in self.unfinished.keys() {
            take(key.0.0.as_bytes());
        }
        for entry in self.usage.iter() {
            take(entry.key().0.as_slice());
            take(&codec::encode(&entry.value().0));
        }
        for entry in self.auditors.iter() {
            take(entry.key().0.as_slice());
            take(&entry.value().to_be_bytes());
        }
        for entry in self.erased.iter() {
            take(entry.key().0.as_bytes());
            take(&entry.value().to_be_bytes());
        }
        take(&codec::encode(&self.watched.get()));
        Hash(sha.finalize().into())
    }

    /// Folds one of our own events: the only way in which the state changes. Total.
    pub fn apply(&mut self, recorded: &Recorded) {
        let Recorded { receipt, payload, .. } = recorded;
        match payload {
            Payload::AdminGranted(granted) => self.admins.grant(granted.admin),
            Payload::AdminRevoked(revoked) => self.admins.revoke(revoked.admin),
            Payload::AuditorGranted(granted) => {
                self.auditors.insert(PrincipalKey(granted.auditor), granted.until.0);
            }
            Payload::AuditorRevoked(revoked) => {
                self.auditors.remove(&PrincipalKey(revoked.auditor));
            }
            Payload::OpeningErased(erased) => {
                self.erased.insert(HashKey(erased.commitment.within(erased.index)), receipt.index);
            }
            Payload::AuditCanisterChanged(changed) => self.watched.set(&Some(changed.clone())),
            Payload::ServiceConfigured(_) | Payload::FeeConfigured(_) | Payload::MaintenanceConfigured(_) => {
                let mut config = self.config.get();
                config.apply(payload);
                self.config.set(&config);
            }
            Payload::DeploymentRequested(request) => self.begin(request, receipt),
            _ => self.advance(payload, receipt),
        }
    }

    fn begin(&mut self, request: &DeploymentRequested, receipt: &Receipt) {
        let key = DeploymentKey(request.deployment);
        self.requests.insert(key, Cbor(request.clone()));
        self.progress.insert(key, Cbor(Progress::begun(receipt)));
        self.unfinished.insert(key, ());
        self.change_usage(request.owner, |usage| {
            let day = receipt.timestamp.0 / DAY;
            usage.requests = if usage.day == day { usage.requests.saturating_add(1) } else { 1 };
            usage.day = day;
            usage.unfinished = usage.unfinished.saturating_add(1);
        });
    }

    fn advance(&mut self, payload: &Payload, receipt: &Receipt) {
        let Some(key) = payload.deployment().map(DeploymentKey) else { return };
        let Some(Cbor(before)) = self.progress.get(&key) else { return };
        let was_final = before.is_final();
        let after = before.after(payload, receipt);
        if after.is_final() && !was_final {
            self.unfinished.remove(&key);
            if let Some(Cbor(request)) = self.requests.get(&key) {
                self.change_usage(request.owner, |usage| usage.unfinished = usage.unfinished.saturating_sub(1));
            }
        }
        self.progress.insert(key, Cbor(after));
    }

    fn change_usage(&mut self, caller: Principal, change: impl FnOnce(&mut Usage)) {
        let Cbor(mut usage) = self.usage.get(&PrincipalKey(caller)).unwrap_or_default();
        change(&mut usage);
        self.usage.insert(PrincipalKey(caller), Cbor(usage));
    }

    /// The admins.
    pub fn admins(&self) -> &Admins {
        &self.admins
    }

    /// The auditors, and until when each may read; expired ones too, until they are revoked.
    pub fn auditors(&self) -> Vec<Auditor> {
        let auditor = |(key, until): (PrincipalKey, u64)| Auditor { auditor: key.0, until: Timestamp(until) };
        self.auditors.iter().map(|entry| auditor(entry.into_pair())).collect()
    }

    /// Until when `person` may read as an auditor.
    pub fn auditor_until(&self, person: Principal) -> Option<Timestamp> {
        self.auditors.get(&PrincipalKey(person)).map(Timestamp)
    }

    /// The event that erased an opening.
    pub fn erased_by(&self, opening: Hash) -> Option<u64> {
        self.erased.get(&HashKey(opening))
    }

    /// What was last recorded of the audit canister.
    pub fn watched(&self) -> Option<AuditCanisterChanged> {
        self.watched.get()
    }

    /// The configuration in force.
    pub fn config(&self) -> Config {
        self.config.get()
    }

    /// A deployment.
    pub fn deployment(&self, id: DeploymentId) -> Option<Deployment> {
        let Cbor(request) = self.requests.get(&DeploymentKey(id))?;
        let Cbor(progress) = self.progress.get(&DeploymentKey(id))?;
        Some(Deployment { request, progress })
    }

    /// How many deployments there are.
    pub fn deployments(&self) -> u64 {
        self.requests.len()
    }

    /// How many deployments are not final.
    pub fn unfinished(&self) -> u64 {
        self.unfinished.len()
    }

    /// Deployments that are not final, after `cursor`, in the order of their ids.
    pub fn unfinished_after(&self, cursor: Option<DeploymentId>, limit: usize) -> Vec<DeploymentId> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = cursor.map_or(Unbounded, |id| Excluded(DeploymentKey(id)));
        self.unfinished.keys_range((from, Unbounded)).take(limit).map(|key| key.0).collect()
    }

    /// How much is under way, for `caller` and in all.
    pub fn standing(&self, caller: Principal, now: Timestamp) -> Standing {
        let Cbor(usage) = self.usage.get(&PrincipalKey(caller)).unwrap_or_default();
        Standing {
            unfinished: usage.unfinished,
            today: if usage.day == now.0 / DAY { usage.requests } else { 0 },
            unfinished_in_all: self.unfinished.len(),
        }
    }
}
