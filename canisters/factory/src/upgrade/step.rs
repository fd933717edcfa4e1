//! The driver: what to do next for an upgrade, and doing it.

use super::request::at_its_place;
use super::{calls, is_held_up, progressed, record};
use crate::kind::ContractKind;
use crate::management::{self, SnapshotId, Status};
use crate::refusal::{call_failed, interrupted};
use crate::state::{self, CONTROL_LOST, OTHER_CODE, SNAPSHOT_GONE, STARTED, State, Upgrade, UpgradePhase};
use cairn_events::payload::{
    Consent, Reason, RollbackIntended, SnapshotTaken, UpgradeAbandoned, UpgradeConfirmed, UpgradeInstalled,
    UpgradeIntended, UpgradeRolledBack, UpgradeSettled,
};
use cairn_events::{Hash, Payload};
use cairn_kit::api::contract::ContractHealth;
use cairn_kit::api::factory::FactoryError;
use cairn_kit::api::upgrade::{RolloutStatus, RunState};
use cairn_kit::journal;
use cairn_kit::runtime::{self, CallFailure, CanisterInfo};
use std::cell::Cell;

/// Cycles that a contract must be able to spend, to be saved, upgraded and, if need be, restored.
const UPGRADE_CYCLES: u64 = 20_000_000_000;
/// Steps of an upgrade in one go, those repeated included.
const MAX_STEPS: u32 = 32;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask the contract, and say that it will be upgraded.
    Begin,
    /// Stop and save it; snapshots taken since `at` are leftovers.
    Save {
        /// Nanoseconds.
        at: u64,
    },
    /// Install the new code.
    Install,
    /// Start it, examine it, and decide.
    Prove,
    /// Tell it that it serves, and clean up.
    Confirm(SnapshotId),
    /// Restore its former self, for this reason.
    RollBack(SnapshotId, Reason),
    /// Delete the snapshot.
    CleanUp(SnapshotId),
    /// Start what may be stopped, and delete what snapshots there are.
    LetBe {
        /// Since when there may be snapshots (nanoseconds).
        begun: Option<u64>,
        /// A snapshot that there is.
        snapshot: Option<SnapshotId>,
    },
    /// Give it up before it begins, for this reason.
    Abandon(Reason),
    /// Nothing.
    Rest,
}

/// What to do next for an upgrade: pure.
pub fn next(state: &State, number: u64) -> Next {
    use UpgradePhase::{Abandoned, Confirmed, Installed, Intended, Queued, RolledBack, RollingBack, Saved};
    let Some(upgrade) = state.upgrade(number).filter(|upgrade| !upgrade.settled) else { return Next::Rest };
    match &upgrade.phase {
        Queued => begin_or_not(state, &upgrade),
        Intended { at } => Next::Save { at: *at },
        Saved { .. } => Next::Install,
        Installed { .. } => Next::Prove,
        Confirmed { snapshot } => Next::Confirm(snapshot.clone()),
        RollingBack { snapshot, reason } => Next::RollBack(snapshot.clone(), reason.clone()),
        RolledBack { snapshot, .. } => Next::CleanUp(snapshot.clone()),
        Abandoned { begun, snapshot, .. } => Next::LetBe { begun: *begun, snapshot: snapshot.clone() },
    }
}

/// Whether an upgrade whose turn it is begins: what was so when it was requested must be so still.
fn begin_or_not(state: &State, upgrade: &Upgrade) -> Next {
    let target = super::target::target(state, &upgrade.version);
    let rollout = upgrade.rollout.and_then(|number| state.rollout(number));
    let managed = state.managed(upgrade.contract);
    if managed.released {
        Next::Abandon(Reason::new("released", ""))
    } else if upgrade.consent == Consent::Auto && !managed.auto {
        Next::Abandon(Reason::new("opted_out", ""))
    } else if target.is_none_or(|template| template.hash != upgrade.to) {
        Next::Abandon(Reason::new("withdrawn", &upgrade.version))
    } else if rollout.is_some_and(|rollout| rollout.status == RolloutStatus::Finished) {
        Next::Abandon(Reason::new("rollout_over", ""))
    } else if is_held_up(state, upgrade.rollout) {
        Next::Rest
    } else {
        Next::Begin
    }
}

/// Takes the upgrade as far as it goes. The caller holds the contract's guard. If `tired`, what failed several times is
/// given up, where that is possible.
///
/// # Errors
/// Why it stopped before; nothing is lost.
pub async fn drive<K: ContractKind>(number: u64, mut tired: bool) -> Result<(), FactoryError> {
    // What was decided last may not be known yet: done again, it might take away what that event names.
    if is_in_doubt(number) {
        journal::flush().await;
        if is_in_doubt(number) {
            return Err(interrupted("the log has not answered yet"));
        }
    }
    // What was intended earlier is done only if the log still says so.
    let resumes = !matches!(state::read(|state| next(state, number)), Next::Begin | Next::Abandon(_) | Next::Rest);
    if resumes && !journal::confirm().await {
        return Err(interrupted("the log does not confirm what was intended"));
    }
    for _ in 0..MAX_STEPS {
        let Some(place) = state::read(|state| Place::of(state, number)) else { return Ok(()) };
        if place.next == Next::Rest {
            return Ok(());
        }
        if let Err(error) = place.take::<K>(tired).await {
            return place.lost(error, tired).await;
        }
        if !state::read(|state| place.stands(state)) {
            progressed(number);
            tired = false;
        }
    }
    Err(interrupted("the upgrade does not come to an end"))
}

/// Whether an event of the upgrade is on its way to the log.
fn is_in_doubt(number: u64) -> bool {
    let Some(Upgrade { contract, .. }) = state::read(|state| state.upgrade(number)) else { return false };
    journal::holds(|payload| match payload {
        Payload::UpgradeIntended(it) => it.contract == contract,
        Payload::SnapshotTaken(it) => it.contract == contract,
        Payload::UpgradeInstalled(it) => it.contract == contract,
        Payload::UpgradeConfirmed(it) => it.contract == contract,
        Payload::RollbackIntended(it) => it.contract == contract,
        Payload::UpgradeRolledBack(it) => it.contract == contract,
        Payload::UpgradeAbandoned(it) => it.contract == contract,
        Payload::UpgradeSettled(it) => it.contract == contract,
        _ => false,
    })
}

/// What a step was decided on: the upgrade, what to do for it, and the epoch of its contract in that moment.
struct Place {
    number: u64,
    upgrade: Upgrade,
    next: Next,
    epoch: u64,
    /// The module that the network showed last: what the step's event says.
    module: Cell<Option<Hash>>,
}

/// What the network shows of a contract's code.
enum Runs {
    /// What it ran before.
    Former,
    /// What it is to run.
    New,
    /// Something else: another controller has been at work.
    Other,
}

impl Place {
    fn of(state: &State, number: u64) -> Option<Self> {
        let upgrade = state.upgrade(number)?;
        let epoch = state.canister(upgrade.contract)?.epoch;
        let module = Cell::new(upgrade.decided_module());
        Some(Place { number, upgrade, next: next(state, number), epoch, module })
    }

    /// Whether the same is still to be done.
    fn stands(&self, state: &State) -> bool {
        let epoch = state.canister(self.upgrade.contract).map(|canister| canister.epoch);
        next(state, self.number) == self.next && epoch == Some(self.epoch)
    }

    async fn take<K: ContractKind>(&self, tired: bool) -> Result<(), FactoryError> {
        match self.next.clone() {
            Next::Begin => self.begin(tired).await,
            Next::Save { at } => self.save(at, tired).await,
            Next::Install => self.install::<K>(tired).await,
            Next::Prove => self.prove(tired).await,
            Next::Confirm(snapshot) => self.confirm(snapshot, tired).await,
            Next::RollBack(snapshot, reason) => self.roll_back(snapshot, reason).await,
            Next::CleanUp(snapshot) => self.clean_up(snapshot, tired).await,
            Next::LetBe { begun, snapshot } => self.let_be(begun, snapshot, tired).await,
            Next::Abandon(reason) => self.abandon(reason).await,
            Next::Rest => Ok(()),
        }
    }

    /// Appends to the contract's stream, as long as the step still is what is to be done: whatever else is told of the
    /// contract meanwhile (people can say what they like, at any time) does not have it done again.
    async fn append(&self, payload: Payload) -> Result<(), FactoryError> {
        let Upgrade { contract, by, .. } = self.upgrade;
        let decide = |state: &State| Ok(self.stands(state).then(|| at_its_place(state, by, contract, payload.clone())));
        record(decide).await.map(drop)
    }

    /// Gives a begun upgrade up if the factory can do nothing to the contract any more.
    async fn lost(&self, error: FactoryError, tired: bool) -> Result<(), FactoryError> {
        if !self.upgrade.phase.is_running() || !self.is_out_of_reach(tired).await {
            return Err(error);
        }
        self.abandon(Reason::new(CONTROL_LOST, &error.to_string())).await
    }

    async fn abandon(&self, reason: Reason) -> Result<(), FactoryError> {
        let (contract, module_hash) = (self.upgrade.contract, self.module.get());
        self.append(Payload::UpgradeAbandoned(UpgradeAbandoned { contract, module_hash, reason })).await
    }

    /// Gives up, if that failed often enough.
    async fn stuck(&self, code: &str, failure: CallFailure, tired: bool) -> Result<(), FactoryError> {
        if tired { self.abandon(Reason::new(code, &failure.to_string())).await } else { Err(call_failed(failure)) }
    }

    /// What the network says of the contract to everyone.
    async fn info(&self) -> Result<CanisterInfo, CallFailure> {
        let info = management::info(self.upgrade.contract).await?;
        self.module.set(info.module_hash);
        Ok(info)
    }

    /// Whether the factory can do nothing any more to the contract: it has other controllers, or is no more. A refusal to
    /// say so may have other grounds; it counts once much has been tried.
    async fn is_out_of_reach(&self, tired: bool) -> bool {
        let said = self.info().await;
        (said.is_ok() || tired) && is_out_of_reach(&said)
    }

    /// What the network says of the contract to its controllers.
    async fn status(&self) -> Result<Status, CallFailure> {
        let status = management::status(self.upgrade.contract).await?;
        self.module.set(status.module_hash);
        Ok(status)
    }

    /// The module that the network shows.
    async fn observe(&self) -> Result<(Runs, Option<Hash>), FactoryError> {
        let module = self.info().await.map_err(call_failed)?.module_hash;
        let runs = match module {
            Some(hash) if hash == self.upgrade.to => Runs::New,
            Some(hash) if hash == self.upgrade.from => Runs::Former,
            _ => Runs::Other,
        };
        Ok((runs, module))
    }

    async fn begin(&self, tired: bool) -> Result<(), FactoryError> {
        let Upgrade { contract, from, to, forced, .. } = self.upgrade;
        if !forced {
            match calls::can_upgrade(contract).await {
                Ok(Ok(())) => {}
                Ok(Err(why)) => return self.abandon(Reason::new("refused", &why)).await,
                Err(failure) => return self.stuck("no_answer", failure, tired).await,
            }
        }
        let status = match self.status().await {
            Ok(status) => status,
            Err(failure) => return self.stuck("no_status", failure, tired).await,
        };
        if status.module_hash != Some(from) {
            return self.abandon(other_code(status.module_hash)).await;
        }
        if status.state != RunState::Running {
            return self.abandon(Reason::new("not_running", "")).await;
        }
        if !status.can_spend(UPGRADE_CYCLES) {
            let detail = format!("{} cycles, frozen below {}", status.cycles, status.frozen_below);
            return self.abandon(Reason::new("cycles_low", &detail)).await;
        }
        let intended = UpgradeIntended { contract, from, to, epoch: self.epoch.saturating_add(1) };
        self.append(Payload::UpgradeIntended(intended)).await
    }

    async fn save(&self, at: u64, tired: bool) -> Result<(), FactoryError> {
        let Upgrade { contract, from, .. } = self.upgrade;
        let stopped = management::stop(contract).await;
        let status = match self.status().await {
            Ok(status) => status,
            Err(failure) => return self.stuck("no_status", failure, tired).await,
        };
        match (status.state, stopped) {
            (RunState::Stopped, _) => {}
            (_, Err(failure)) => {
                return self.stuck("not_stopped", failure.clone(), tired || is_refusal(&failure)).await;
            }
            (_, Ok(())) => return self.abandon(Reason::new("not_stopped", "somebody started it")).await,
        }
        if status.module_hash != Some(from) {
            return self.abandon(other_code(status.module_hash)).await;
        }
        // An earlier attempt, whose answer was lost, may have left a snapshot: it is replaced.
        let leftover = match management::snapshots_since(contract, at).await {
            Ok(mut snapshots) => snapshots.pop(),
            Err(failure) => return self.stuck("no_snapshot", failure, tired).await,
        };
        let snapshot = match management::take_snapshot(contract, leftover).await {
            Ok(snapshot) if snapshot.len() <= SnapshotTaken::MAX_SNAPSHOT => snapshot,
            Ok(_) => return self.abandon(Reason::new("no_snapshot", "its id is too long")).await,
            Err(failure) => return self.stuck("no_snapshot", failure.clone(), tired || is_refusal(&failure)).await,
        };
        self.append(Payload::SnapshotTaken(SnapshotTaken { contract, snapshot, module_hash: from })).await
    }

    async fn install<K: ContractKind>(&self, tired: bool) -> Result<(), FactoryError> {
        let Upgrade { contract, to, .. } = self.upgrade;
        match self.observe().await? {
            // An earlier attempt, whose answer was lost, has installed it.
            (Runs::New, _) => return self.installed().await,
            (Runs::Other, module) => return self.abandon(other_code(module)).await,
            (Runs::Former, _) => {}
        }
        match self.status().await {
            Ok(status) if status.state == RunState::Stopped => {}
            // The snapshot is not any more what the contract is.
            Ok(_) => return self.abandon(Reason::new(STARTED, "")).await,
            Err(failure) => return self.stuck("no_status", failure, tired).await,
        }
        let Err(failure) = management::upgrade(contract, to, K::upgrade_argument()).await else {
            return self.installed().await;
        };
        match self.observe().await? {
            (Runs::New, _) => self.installed().await,
            _ => self.stuck("install_refused", failure.clone(), tired || is_refusal(&failure)).await,
        }
    }

    async fn installed(&self) -> Result<(), FactoryError> {
        let Upgrade { contract, to, .. } = self.upgrade;
        match self.observe().await? {
            (Runs::New, _) => {
                self.append(Payload::UpgradeInstalled(UpgradeInstalled { contract, module_hash: to })).await
            }
            (_, module) => self.abandon(other_code(module)).await,
        }
    }

    async fn prove(&self, tired: bool) -> Result<(), FactoryError> {
        let Upgrade { contract, to, .. } = self.upgrade;
        let started = management::start(contract).await;
        let problem = match calls::health(contract).await {
            Ok(health) => problem(health),
            // A contract that does not answer is not well. It may take a moment, though.
            Err(failure) if !tired => return Err(call_failed(started.err().unwrap_or(failure))),
            Err(failure) => Some(Reason::new("no_health", &failure.to_string())),
        };
        match (self.observe().await?, problem) {
            ((Runs::New, _), None) => {
                let epoch = self.epoch.saturating_add(1);
                self.append(Payload::UpgradeConfirmed(UpgradeConfirmed { contract, module_hash: to, epoch })).await
            }
            ((Runs::New, _), Some(reason)) => {
                let module_hash = self.module.get();
                self.append(Payload::RollbackIntended(RollbackIntended { contract, module_hash, reason })).await
            }
            ((_, module), _) => self.abandon(other_code(module)).await,
        }
    }

    async fn confirm(&self, snapshot: SnapshotId, tired: bool) -> Result<(), FactoryError> {
        let contract = self.upgrade.contract;
        let failed = match calls::confirm(contract).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(interrupted(error.to_string())),
            Err(failure) => Some(call_failed(failure)),
        };
        if let Some(error) = failed {
            // Only other code, or none, can make that superfluous.
            let is_gone = self.is_out_of_reach(tired).await || matches!(self.observe().await, Ok((Runs::Other, _)));
            if !is_gone {
                return Err(error);
            }
        }
        self.clean_up(snapshot, tired).await
    }

    async fn roll_back(&self, snapshot: SnapshotId, reason: Reason) -> Result<(), FactoryError> {
        let Upgrade { contract, from, .. } = self.upgrade;
        match self.observe().await? {
            (Runs::New, _) => {
                // One that cannot be stopped is restored all the same.
                let _ = management::stop(contract).await;
                if let Err(failure) = management::load_snapshot(contract, snapshot.clone()).await {
                    return self.not_restored(&snapshot, failure).await;
                }
            }
            // It was loaded before. The contract may have served since: it must not be loaded again.
            (Runs::Former, _) => {}
            (Runs::Other, module) => return self.abandon(other_code(module)).await,
        }
        management::start(contract).await.map_err(call_failed)?;
        let (Runs::Former, _) = self.observe().await? else {
            return Err(interrupted("the contract is not restored"));
        };
        // The network has forgotten its timer. If it cannot be reached now, its next caller sets it.
        let _ = calls::confirm(contract).await;
        let epoch = self.epoch.saturating_add(1);
        self.append(Payload::UpgradeRolledBack(UpgradeRolledBack { contract, module_hash: from, epoch, reason })).await
    }

    /// Nothing but restoring the contract will do, unless another controller has deleted what it would be restored from.
    async fn not_restored(&self, snapshot: &SnapshotId, failure: CallFailure) -> Result<(), FactoryError> {
        match management::snapshots_since(self.upgrade.contract, 0).await {
            Ok(snapshots) if !snapshots.contains(snapshot) => self.abandon(Reason::new(SNAPSHOT_GONE, "")).await,
            _ => Err(call_failed(failure)),
        }
    }

    async fn clean_up(&self, snapshot: SnapshotId, tired: bool) -> Result<(), FactoryError> {
        self.delete(snapshot, tired).await?;
        self.settled().await
    }

    async fn let_be(&self, begun: Option<u64>, snapshot: Option<SnapshotId>, tired: bool) -> Result<(), FactoryError> {
        let contract = self.upgrade.contract;
        if let Err(failure) = management::start(contract).await {
            return if self.is_out_of_reach(tired).await { self.settled().await } else { Err(call_failed(failure)) };
        }
        let leftovers = match begun {
            Some(at) => management::snapshots_since(contract, at).await.map_err(call_failed)?,
            None => Vec::new(),
        };
        for snapshot in leftovers.into_iter().chain(snapshot) {
            self.delete(snapshot, tired).await?;
        }
        self.settled().await
    }

    async fn settled(&self) -> Result<(), FactoryError> {
        let (contract, module_hash) = (self.upgrade.contract, self.module.get());
        self.append(Payload::UpgradeSettled(UpgradeSettled { contract, module_hash })).await
    }

    /// Deletes a snapshot, if it is there.
    async fn delete(&self, snapshot: SnapshotId, tired: bool) -> Result<(), FactoryError> {
        let contract = self.upgrade.contract;
        let Err(failure) = management::delete_snapshot(contract, snapshot.clone()).await else { return Ok(()) };
        let is_there = match management::snapshots_since(contract, 0).await {
            Ok(snapshots) => snapshots.contains(&snapshot),
            Err(_) => !self.is_out_of_reach(tired).await,
        };
        if is_there { Err(call_failed(failure)) } else { Ok(()) }
    }
}

/// Why new code that says this of itself is to be taken back. Never if it is not in quarantine: another controller was at
/// work, it serves already, and what it did since would be forgotten.
fn problem(health: ContractHealth) -> Option<Reason> {
    let problem = health.problem.filter(|_| health.quarantined)?;
    Some(Reason::new("unhealthy", &problem))
}

/// The network shows code that neither was there nor was to be there.
fn other_code(module: Option<Hash>) -> Reason {
    Reason::new(OTHER_CODE, &module.map(|hash| hash.to_string()).unwrap_or_default())
}

/// Whether the management canister has definitely refused: its reply is guaranteed, so a reject with code 3 to 5 comes
/// from it, and what it does is all or nothing.
fn is_refusal(failure: &CallFailure) -> bool {
    matches!(failure, CallFailure::NotExecuted { code: 3, .. } | CallFailure::Unknown { code: 4 | 5, .. })
}

/// Whether the factory can do nothing any more to a contract of which the network says this: it has other controllers, or
/// is no more.
pub(super) fn is_out_of_reach(said: &Result<CanisterInfo, CallFailure>) -> bool {
    match said {
        Ok(info) => !info.controllers.contains(&runtime::id()),
        Err(failure) => is_refusal(failure),
    }
}
