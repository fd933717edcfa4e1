//! What the factory knows about upgrades, rollouts and deposits: folded from its own events.

use super::{Map, Phase, Set, State};
use crate::memory::{self, memory};
use cairn_events::payload::{
    Consent, Reason, RolloutChanged, RolloutStarted, RolloutState, TopUpIntended, UpgradeRequested,
};
use cairn_events::{Hash, Payload, Principal, Receipt};
use cairn_kit::api::upgrade::RolloutStatus;
use cairn_kit::journal::Recorded;
use cairn_kit::stable::{Cbor, PrincipalKey, PrincipalNumberKey, Slot};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::ops::Bound;

/// Nanoseconds of a day.
const DAY: u64 = 86_400_000_000_000;
/// The code of the reason why an upgrade ended that the factory could not bring to its end.
pub const CONTROL_LOST: &str = "control_lost";

/// How a contract may be upgraded. A contract of which nothing was recorded since its delivery has the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Managed {
    /// The module that it runs, if that is not the one that was delivered.
    #[serde(rename = "m", skip_serializing_if = "Option::is_none", default)]
    pub module: Option<Hash>,
    /// Whether it takes part in rollouts.
    #[serde(rename = "a")]
    pub auto: bool,
    /// Whether its owner took it out of the factory's control.
    #[serde(rename = "r")]
    pub released: bool,
    /// The upgrade that is not settled.
    #[serde(rename = "u", skip_serializing_if = "Option::is_none", default)]
    pub upgrade: Option<u64>,
    /// The day of the last event that owner or contract caused.
    #[serde(rename = "d")]
    pub day: u64,
    /// How many they caused on that day.
    #[serde(rename = "s")]
    pub spent: u32,
}

/// An upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgrade {
    /// The contract.
    #[serde(rename = "c")]
    pub contract: Principal,
    /// On whose behalf.
    #[serde(rename = "b")]
    pub by: Principal,
    /// The version that the contract is to run.
    #[serde(rename = "v")]
    pub version: String,
    /// The module that it ran.
    #[serde(rename = "f")]
    pub from: Hash,
    /// The module that it is to run.
    #[serde(rename = "t")]
    pub to: Hash,
    /// Who agreed.
    #[serde(rename = "o")]
    pub consent: Consent,
    /// Whether an admin forced it.
    #[serde(rename = "x")]
    pub forced: bool,
    /// The rollout that it is part of.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none", default)]
    pub rollout: Option<u64>,
    /// When it was requested (nanoseconds).
    #[serde(rename = "a")]
    pub requested_at: u64,
    /// How far it is.
    #[serde(rename = "p")]
    pub phase: UpgradePhase,
    /// Whether nothing more is to be done.
    #[serde(rename = "s")]
    pub settled: bool,
}

/// How far an upgrade is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpgradePhase {
    /// It waits for its turn.
    #[serde(rename = "q")]
    Queued,
    /// The contract may be stopped, and snapshots taken.
    #[serde(rename = "i")]
    Intended {
        /// Since when (nanoseconds).
        #[serde(rename = "a")]
        at: u64,
    },
    /// It is stopped and saved; the new code may or may not be installed.
    #[serde(rename = "s")]
    Saved {
        /// The snapshot.
        #[serde(rename = "n")]
        snapshot: ByteBuf,
    },
    /// The new code is there, in quarantine once it is started.
    #[serde(rename = "n")]
    Installed {
        /// The snapshot.
        #[serde(rename = "n")]
        snapshot: ByteBuf,
    },
    /// The new code serves, as soon as it hears of that. The snapshot is never loaded.
    #[serde(rename = "c")]
    Confirmed {
        /// The snapshot, to be deleted.
        #[serde(rename = "n")]
        snapshot: ByteBuf,
    },
    /// The snapshot is to be loaded, unless it was.
    #[serde(rename = "b")]
    RollingBack {
        /// The snapshot.
        #[serde(rename = "n")]
        snapshot: ByteBuf,
        /// Why.
        #[serde(rename = "w")]
        reason: Reason,
    },
    /// It was loaded, and the contract started.
    #[serde(rename = "r")]
    RolledBack {
        /// The snapshot, to be deleted.
        #[serde(rename = "n")]
        snapshot: ByteBuf,
        /// Why.
        #[serde(rename = "w")]
        reason: Reason,
    },
    /// Nothing was changed.
    #[serde(rename = "x")]
    Abandoned {
        /// Since when the contract may be stopped and have snapshots; absent if it was left alone.
        #[serde(rename = "a", skip_serializing_if = "Option::is_none", default)]
        begun: Option<u64>,
        /// The snapshot, to be deleted.
        #[serde(rename = "n", skip_serializing_if = "Option::is_none", default)]
        snapshot: Option<ByteBuf>,
        /// Why.
        #[serde(rename = "w")]
        reason: Reason,
    },
}

/// A rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// The version.
    #[serde(rename = "v")]
    pub version: String,
    /// Its module.
    #[serde(rename = "h")]
    pub module: Hash,
    /// The admin.
    #[serde(rename = "b")]
    pub by: Principal,
    /// How many contracts come first.
    #[serde(rename = "c")]
    pub canary: u32,
    /// How many come at a time afterwards.
    #[serde(rename = "w")]
    pub wave: u32,
    /// The share of failures beyond which it stops, in hundredths of a percent.
    #[serde(rename = "m")]
    pub max_failures: u16,
    /// Whether it goes on.
    #[serde(rename = "s")]
    pub status: RolloutStatus,
    /// Why it does not.
    #[serde(rename = "y", skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
    /// The last contract whose upgrade was requested: they come in the order of their principals.
    #[serde(rename = "l", skip_serializing_if = "Option::is_none", default)]
    pub last: Option<Principal>,
    /// Waves before this one.
    #[serde(rename = "n")]
    pub waves: u32,
    /// Contracts of this wave so far.
    #[serde(rename = "i")]
    pub in_wave: u32,
    /// Contracts whose upgrade was requested.
    #[serde(rename = "r")]
    pub requested: u64,
    /// Of those, not decided.
    #[serde(rename = "o")]
    pub open: u64,
    /// Upgraded.
    #[serde(rename = "u")]
    pub succeeded: u64,
    /// Failed.
    #[serde(rename = "f")]
    pub failed: u64,
    /// Left out.
    #[serde(rename = "k")]
    pub skipped: u64,
    /// Requested and failed when an admin last let it go on: what came before is forgiven.
    #[serde(rename = "e")]
    pub forgiven: (u64, u64),
}

/// A deposit under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// Whose cycles.
    #[serde(rename = "b")]
    pub by: Principal,
    /// How many.
    #[serde(rename = "c")]
    pub cycles: u64,
}

/// The part of the state that is about upgrades.
pub struct Upgrades {
    managed: Map<PrincipalKey, Managed>,
    upgrades: Map<u64, Upgrade>,
    open: Set<u64>,
    of: Set<PrincipalNumberKey>,
    participants: Set<PrincipalKey>,
    rollouts: Map<u64, Rollout>,
    top_ups: Map<PrincipalKey, TopUp>,
    releases: Set<PrincipalKey>,
    low: Slot<bool>,
}

impl Upgrades {
    pub(super) fn open() -> Self {
        Upgrades {
            managed: Map::init(memory(memory::MANAGED)),
            upgrades: Map::init(memory(memory::UPGRADES)),
            open: Set::init(memory(memory::OPEN_UPGRADES)),
            of: Set::init(memory(memory::UPGRADES_OF)),
            participants: Set::init(memory(memory::PARTICIPANTS)),
            rollouts: Map::init(memory(memory::ROLLOUTS)),
            top_ups: Map::init(memory(memory::TOP_UPS)),
            releases: Set::init(memory(memory::RELEASES)),
            low: Slot::open(memory(memory::SUPPLY)),
        }
    }

    fn manage(&mut self, contract: Principal, change: impl FnOnce(&mut Managed)) {
        let mut managed = self.managed.get(&PrincipalKey(contract)).map(|row| row.0).unwrap_or_default();
        change(&mut managed);
        self.managed.insert(PrincipalKey(contract), Cbor(managed));
    }

    /// Counts an event that owner or contract caused.
    fn spend(&mut self, contract: Principal, receipt: &Receipt) {
        let today = day(receipt.timestamp.0);
        self.manage(contract, |managed| {
            managed.spent = if managed.day == today { managed.spent.saturating_add(1) } else { 1 };
            managed.day = today;
        });
    }

    fn change_rollout(&mut self, number: Option<u64>, change: impl FnOnce(&mut Rollout)) {
        let Some((number, Cbor(mut rollout))) = number.and_then(|number| Some((number, self.rollouts.get(&number)?)))
        else {
            return;
        };
        change(&mut rollout);
        self.rollouts.insert(number, Cbor(rollout));
    }

    /// The contract's upgrade that is not settled.
    fn current(&self, contract: Principal) -> Option<(u64, Upgrade)> {
        let number = self.managed.get(&PrincipalKey(contract))?.0.upgrade?;
        Some((number, self.upgrades.get(&number)?.0))
    }

    /// Moves the contract's upgrade on, by a function of the phase that it is in.
    fn move_upgrade(&mut self, contract: Principal, step: impl FnOnce(&UpgradePhase) -> Option<UpgradePhase>) {
        let Some((number, mut upgrade)) = self.current(contract) else { return };
        let Some(phase) = step(&upgrade.phase) else { return };
        let was_decided = upgrade.phase.is_decided();
        let failed = phase.is_failure_after(&upgrade.phase);
        upgrade.settled = phase.leaves_nothing();
        upgrade.phase = phase;
        if upgrade.phase.is_decided() && !was_decided {
            self.change_rollout(upgrade.rollout, |rollout| {
                rollout.open = rollout.open.saturating_sub(1);
                match upgrade.phase {
                    UpgradePhase::Confirmed { .. } => rollout.succeeded += 1,
                    _ if failed => rollout.failed += 1,
                    _ => rollout.skipped += 1,
                }
            });
        }
        let settled = upgrade.settled;
        self.upgrades.insert(number, Cbor(upgrade));
        if settled {
            self.settle(contract, number);
        }
    }

    fn settle(&mut self, contract: Principal, number: u64) {
        self.open.remove(&number);
        self.manage(contract, |managed| managed.upgrade = None);
    }

    fn requested(&mut self, recorded: &Recorded, requested: &UpgradeRequested) {
        let UpgradeRequested { contract, ref version, from, to, consent, forced, rollout } = *requested;
        let number = recorded.receipt.index;
        let upgrade = Upgrade {
            contract,
            by: recorded.actor,
            version: version.clone(),
            from,
            to,
            consent,
            forced,
            rollout,
            requested_at: recorded.receipt.timestamp.0,
            phase: UpgradePhase::Queued,
            settled: false,
        };
        self.upgrades.insert(number, Cbor(upgrade));
        self.open.insert(number, ());
        self.of.insert(PrincipalNumberKey(contract, number), ());
        self.manage(contract, |managed| managed.upgrade = Some(number));
        if matches!(consent, Consent::Owner | Consent::Contract) {
            self.spend(contract, &recorded.receipt);
        }
        self.change_rollout(rollout, |rollout| {
            if rollout.in_wave >= rollout.wave_size() {
                rollout.waves = rollout.waves.saturating_add(1);
                rollout.in_wave = 0;
            }
            rollout.in_wave += 1;
            rollout.requested += 1;
            rollout.open += 1;
            rollout.last = Some(contract);
        });
    }

    fn started(&mut self, recorded: &Recorded, started: &RolloutStarted) {
        let rollout = Rollout {
            version: started.version.clone(),
            module: started.module_hash,
            by: recorded.actor,
            canary: started.canary,
            wave: started.wave,
            max_failures: started.max_failures,
            status: RolloutStatus::Running,
            reason: None,
            last: None,
            waves: 0,
            in_wave: 0,
            requested: 0,
            open: 0,
            succeeded: 0,
            failed: 0,
            skipped: 0,
            forgiven: (0, 0),
        };
        self.rollouts.insert(recorded.receipt.index, Cbor(rollout));
    }

    fn changed(&mut self, changed: &RolloutChanged) {
        self.change_rollout(Some(changed.rollout), |rollout| {
            rollout.status = match changed.state {
                RolloutState::Paused => RolloutStatus::Paused,
                RolloutState::Resumed => RolloutStatus::Running,
                RolloutState::Stopped => RolloutStatus::Stopped,
                RolloutState::Finished => RolloutStatus::Finished,
            };
            rollout.reason = Some(changed.reason.clone()).filter(|_| changed.state != RolloutState::Resumed);
            if changed.state == RolloutState::Resumed {
                rollout.forgiven = (rollout.requested - rollout.open, rollout.failed);
            }
        });
    }
}

/// The day that `time` (nanoseconds) lies in.
pub fn day(time: u64) -> u64 {
    time / DAY
}

impl Rollout {
    /// How many contracts the present wave has.
    pub fn wave_size(&self) -> u32 {
        if self.waves == 0 { self.canary } else { self.wave }
    }

    /// Whether more of those that were asked for failed than may.
    pub fn fails_too_often(&self) -> bool {
        let (asked, failed) = self.forgiven;
        let asked = u128::from(self.requested.saturating_sub(asked));
        u128::from(self.failed.saturating_sub(failed)) * 10_000 > asked * u128::from(self.max_failures)
    }
}

impl UpgradePhase {
    /// Whether it is known what becomes of the contract.
    pub fn is_decided(&self) -> bool {
        use UpgradePhase::{Abandoned, Confirmed, RolledBack};
        matches!(self, Confirmed { .. } | RolledBack { .. } | Abandoned { .. })
    }

    /// Whether the contract is at work: stopped, or in quarantine.
    pub fn is_running(&self) -> bool {
        use UpgradePhase::{Installed, Intended, RollingBack, Saved};
        matches!(self, Intended { .. } | Saved { .. } | Installed { .. } | RollingBack { .. })
    }

    /// Why it did not succeed.
    pub fn reason(&self) -> Option<&Reason> {
        use UpgradePhase::{Abandoned, RolledBack, RollingBack};
        match self {
            RollingBack { reason, .. } | RolledBack { reason, .. } | Abandoned { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// Whether it speaks against the version that it ended so, coming from `before`.
    fn is_failure_after(&self, before: &UpgradePhase) -> bool {
        match self {
            UpgradePhase::RolledBack { .. } => true,
            UpgradePhase::Abandoned { .. } => !matches!(before, UpgradePhase::Queued | UpgradePhase::Intended { .. }),
            _ => false,
        }
    }

    /// Whether the upgrade, ended so, left the contract alone, or must leave it alone now.
    fn leaves_nothing(&self) -> bool {
        matches!(self, UpgradePhase::Abandoned { begun: None, snapshot: None, .. })
    }

    /// The upgrade is abandoned in this phase.
    fn abandoned(&self, reason: &Reason) -> UpgradePhase {
        use UpgradePhase::{Abandoned, Installed, Intended, RollingBack, Saved};
        let (begun, snapshot) = match self {
            _ if reason.code == CONTROL_LOST => (None, None),
            Intended { at } => (Some(*at), None),
            Saved { snapshot } | Installed { snapshot } | RollingBack { snapshot, .. } => (None, Some(snapshot.clone())),
            _ => (None, None),
        };
        Abandoned { begun, snapshot, reason: reason.clone() }
    }
}

impl State {
    /// Folds what is about upgrades.
    pub(super) fn apply_upgrade(&mut self, recorded: &Recorded) {
        use UpgradePhase::{Confirmed, Installed, Intended, RolledBack, RollingBack, Saved};
        let Recorded { receipt, payload, .. } = recorded;
        let upgrades = &mut self.upgrades;
        match payload {
            Payload::UpgradeRequested(p) => upgrades.requested(recorded, p),
            Payload::UpgradeIntended(p) => {
                upgrades.move_upgrade(p.contract, |_| Some(Intended { at: receipt.timestamp.0 }));
            }
            Payload::SnapshotTaken(p) => {
                upgrades.move_upgrade(p.contract, |_| Some(Saved { snapshot: p.snapshot.clone() }));
            }
            Payload::UpgradeInstalled(p) => {
                upgrades.move_upgrade(p.contract, |phase| Some(Installed { snapshot: phase.snapshot()? }));
            }
            Payload::UpgradeConfirmed(p) => {
                upgrades.move_upgrade(p.contract, |phase| Some(Confirmed { snapshot: phase.snapshot()? }));
                upgrades.manage(p.contract, |managed| managed.module = Some(p.module_hash));
            }
            Payload::RollbackIntended(p) => upgrades.move_upgrade(p.contract, |phase| {
                Some(RollingBack { snapshot: phase.snapshot()?, reason: p.reason.clone() })
            }),
            Payload::UpgradeRolledBack(p) => upgrades.move_upgrade(p.contract, |phase| {
                Some(RolledBack { snapshot: phase.snapshot()?, reason: p.reason.clone() })
            }),
            Payload::UpgradeAbandoned(p) => {
                upgrades.move_upgrade(p.contract, |phase| Some(phase.abandoned(&p.reason)));
            }
            Payload::UpgradeSettled(p) => {
                if let Some((number, mut upgrade)) = upgrades.current(p.contract) {
                    upgrade.settled = true;
                    upgrades.upgrades.insert(number, Cbor(upgrade));
                    upgrades.settle(p.contract, number);
                }
            }
            Payload::ControlReleased(p) => {
                upgrades.manage(p.contract, |managed| (managed.released, managed.auto) = (true, false));
                upgrades.participants.remove(&PrincipalKey(p.contract));
                upgrades.releases.insert(PrincipalKey(p.contract), ());
            }
            Payload::AutoUpdateSet(p) => {
                upgrades.manage(p.contract, |managed| managed.auto = p.enabled);
                upgrades.spend(p.contract, receipt);
                match p.enabled {
                    true => upgrades.participants.insert(PrincipalKey(p.contract), ()),
                    false => upgrades.participants.remove(&PrincipalKey(p.contract)),
                };
            }
            Payload::RolloutStarted(p) => upgrades.started(recorded, p),
            Payload::RolloutChanged(p) => upgrades.changed(p),
            Payload::TopUpIntended(TopUpIntended { contract, cycles }) => {
                let row = TopUp { by: recorded.actor, cycles: *cycles };
                upgrades.top_ups.insert(PrincipalKey(*contract), Cbor(row));
            }
            Payload::ContractToppedUp(p) => drop(upgrades.top_ups.remove(&PrincipalKey(p.contract))),
            Payload::TopUpUnresolved(p) => drop(upgrades.top_ups.remove(&PrincipalKey(p.contract))),
            Payload::CyclesLow(_) => return upgrades.low.set(&true),
            Payload::CyclesRestored(_) => return upgrades.low.set(&false),
            _ => return,
        }
        self.advance_by_upgrade(recorded);
    }

    /// The contract's stream has one more event. Whenever it serves with other code or another state, its callbacks begin
    /// a new epoch.
    fn advance_by_upgrade(&mut self, recorded: &Recorded) {
        let epoch = match &recorded.payload {
            Payload::UpgradeConfirmed(p) => Some(p.epoch),
            Payload::UpgradeRolledBack(p) => Some(p.epoch),
            _ => None,
        };
        let Some(contract) = recorded.payload.contract() else { return };
        self.advance(&recorded.receipt, contract, |canister| {
            if let Some(epoch) = epoch {
                (canister.epoch, canister.accepted) = (epoch, 0);
            }
        });
    }

    /// What is known about the contract's upgrades.
    pub fn managed(&self, contract: Principal) -> Managed {
        self.upgrades.managed.get(&PrincipalKey(contract)).map(|row| row.0).unwrap_or_default()
    }

    /// Owner of a delivered contract whose controllers are set, and the module that it runs, as the log says.
    pub fn delivered(&self, contract: Principal) -> Option<(Principal, Hash)> {
        let job = self.job(self.canister(contract)?.deployment?)?;
        match job.phase {
            Phase::Registered { module_hash, .. } => {
                Some((job.owner, self.managed(contract).module.unwrap_or(module_hash)))
            }
            _ => None,
        }
    }

    /// The versions that this module was published as.
    pub fn versions_of(&self, module: Hash) -> Vec<String> {
        let published = self.templates.iter().filter(|entry| entry.value().0.hash == module);
        published.map(|entry| entry.key().clone()).collect()
    }

    /// The upgrade of this number.
    pub fn upgrade(&self, number: u64) -> Option<Upgrade> {
        self.upgrades.upgrades.get(&number).map(|row| row.0)
    }

    /// Upgrades that are not settled, the oldest first.
    pub fn open_upgrades(&self) -> Vec<(u64, Upgrade)> {
        self.upgrades.open.keys().filter_map(|number| Some((number, self.upgrade(number)?))).collect()
    }

    /// How many upgrades are not settled.
    pub fn open_upgrade_count(&self) -> u64 {
        self.upgrades.open.len()
    }

    /// Upgrades before `cursor`, of one contract or of all, the newest first.
    pub fn upgrades_before(&self, contract: Option<Principal>, cursor: u64, limit: usize) -> Vec<(u64, Upgrade)> {
        let rows = |number: u64| Some((number, self.upgrade(number)?));
        match contract {
            None => {
                let range = self.upgrades.upgrades.range(..cursor).rev().take(limit);
                range.map(|entry| (*entry.key(), entry.value().0)).collect()
            }
            Some(contract) => {
                let range = PrincipalNumberKey(contract, 0)..PrincipalNumberKey(contract, cursor);
                let numbers = self.upgrades.of.range(range).rev().take(limit);
                numbers.filter_map(|entry| rows(entry.key().1)).collect()
            }
        }
    }

    /// The rollout of this number.
    pub fn rollout(&self, number: u64) -> Option<Rollout> {
        self.upgrades.rollouts.get(&number).map(|row| row.0)
    }

    /// Rollouts before `cursor`, the newest first.
    pub fn rollouts_before(&self, cursor: u64, limit: usize) -> Vec<(u64, Rollout)> {
        let range = self.upgrades.rollouts.range(..cursor).rev().take(limit);
        range.map(|entry| (*entry.key(), entry.value().0)).collect()
    }

    /// The rollout that is not over: the last one, if any.
    pub fn current_rollout(&self) -> Option<(u64, Rollout)> {
        let last = self.rollouts_before(u64::MAX, 1).pop()?;
        Some(last).filter(|(_, rollout)| rollout.status != RolloutStatus::Finished)
    }

    /// Contracts that take part in rollouts, after `last` in the order of their principals.
    pub fn participants_after(&self, last: Option<Principal>, limit: usize) -> Vec<Principal> {
        let from = last.map_or(Bound::Unbounded, |last| Bound::Excluded(PrincipalKey(last)));
        self.upgrades.participants.range((from, Bound::Unbounded)).take(limit).map(|entry| entry.key().0).collect()
    }

    /// How many contracts take part in rollouts.
    pub fn participant_count(&self) -> u64 {
        self.upgrades.participants.len()
    }

    /// The deposit under way with this contract.
    pub fn top_up(&self, contract: Principal) -> Option<TopUp> {
        self.upgrades.top_ups.get(&PrincipalKey(contract)).map(|row| row.0)
    }

    /// Deposits under way.
    pub fn top_ups(&self) -> Vec<(Principal, TopUp)> {
        self.upgrades.top_ups.iter().map(|entry| (entry.key().0, entry.value().0)).collect()
    }

    /// Contracts that are to be let go.
    pub fn releases(&self) -> Vec<Principal> {
        self.upgrades.releases.keys().map(|key| key.0).collect()
    }

    /// The contract is let go: the network says so. An input, like all that is seen there.
    pub fn let_go(&mut self, contract: Principal) {
        self.upgrades.releases.remove(&PrincipalKey(contract));
    }

    /// Whether the factory's cycles are low, as the log says.
    pub fn is_low_on_cycles(&self) -> bool {
        self.upgrades.low.get()
    }
}

impl UpgradePhase {
    /// The snapshot, if there is one.
    pub fn snapshot(&self) -> Option<ByteBuf> {
        use UpgradePhase::{Abandoned, Confirmed, Installed, Intended, Queued, RolledBack, RollingBack, Saved};
        match self {
            Queued | Intended { .. } => None,
            Saved { snapshot }
            | Installed { snapshot }
            | Confirmed { snapshot }
            | RollingBack { snapshot, .. }
            | RolledBack { snapshot, .. } => Some(snapshot.clone()),
            Abandoned { snapshot, .. } => snapshot.clone(),
        }
    }
}

#[cfg(test)]
pub use tests::Folded;

#[cfg(test)]
mod tests {
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
}
