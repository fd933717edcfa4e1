//! What the factory knows about upgrades, rollouts and deposits: folded from its own events.

mod record;
#[cfg(test)]
mod tests;

pub use record::{
    CONTROL_LOST, Force, Managed, OTHER_CODE, Rollout, SNAPSHOT_GONE, STARTED, TopUp, Upgrade, UpgradePhase,
};
#[cfg(test)]
pub use tests::Folded;

use super::{Map, Phase, Set, State};
use crate::callback::period;
use crate::memory::{self, memory};
use cairn_events::payload::{
    Consent, ForceProposed, RolloutChanged, RolloutStarted, RolloutState, TopUpIntended, UpgradeRequested,
};
use cairn_events::{Hash, Payload, Principal, Receipt};
use cairn_kit::api::upgrade::RolloutStatus;
use cairn_kit::journal::Recorded;
use cairn_kit::stable::{Cbor, PrincipalKey, PrincipalNumberKey, Slot};
use std::ops::Bound;

/// Nanoseconds of a day.
const DAY: u64 = 86_400_000_000_000;
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
        let was_judged = upgrade.phase.is_judged();
        let failed = phase.is_failure_after(&upgrade.phase);
        upgrade.settled = phase.leaves_nothing();
        upgrade.phase = phase;
        if upgrade.phase.is_judged() && !was_judged {
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
        self.manage(contract, |managed| {
            (managed.upgrade, managed.force) = (Some(number), None);
            managed.rolled = rollout.or(managed.rolled);
        });
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
        });
    }

    fn force_proposed(&mut self, recorded: &Recorded, proposed: &ForceProposed) {
        let ForceProposed { contract, version, to } = proposed.clone();
        let Receipt { index, timestamp, .. } = recorded.receipt;
        let until = timestamp.0.saturating_add(ForceProposed::VALID);
        self.manage(contract, |managed| managed.force = Some(Force { index, by: recorded.actor, version, to, until }));
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
            if rollout.status == RolloutStatus::Finished {
                return;
            }
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
                upgrades.move_upgrade(p.contract, |phase| Some(phase.abandoned(p.module_hash, &p.reason)));
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
            Payload::ForceProposed(p) => upgrades.force_proposed(recorded, p),
            Payload::RolloutStarted(p) => upgrades.started(recorded, p),
            Payload::RolloutChanged(p) => upgrades.changed(p),
            Payload::TopUpIntended(TopUpIntended { contract, cycles }) => {
                upgrades.manage(*contract, |managed| managed.deposits.add(period(receipt.timestamp.0)));
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
