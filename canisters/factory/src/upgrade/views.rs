//! What is told of upgrades and rollouts.

use super::failures;
use super::request::of;
use crate::state::{self, Force, Rollout, Upgrade, UpgradePhase};
use cairn_events::Principal;
use cairn_kit::api::factory::{FactoryError, FactoryRequestError};
use cairn_kit::api::upgrade::{
    ForceProposal, RolloutInfo, RolloutPage, UpgradeInfo, UpgradePage, UpgradePolicy, UpgradeStep,
};

/// Rows of a page, unless asked for otherwise, and at most.
const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

fn limited(limit: Option<u32>) -> Result<usize, FactoryError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(limit as usize);
    }
    let (what, found, bound) = ("limit".to_owned(), u64::from(limit), u64::from(MAX_LIMIT));
    Err(FactoryError::Request(FactoryRequestError::OutOfBounds { what, found, bound }))
}

/// Upgrades of a contract, or of all, the newest first.
///
/// # Errors
/// [`FactoryRequestError::OutOfBounds`].
pub fn page(contract: Option<Principal>, cursor: Option<u64>, limit: Option<u32>) -> Result<UpgradePage, FactoryError> {
    let limit = limited(limit)?;
    state::read(|state| {
        let rows = state.upgrades_before(contract, cursor.unwrap_or(u64::MAX), limit);
        let next = rows.last().filter(|_| rows.len() == limit).map(|(number, _)| *number);
        let open = state.open_upgrades();
        let count = |wanted: fn(&UpgradePhase) -> bool| {
            open.iter().filter(|(_, upgrade)| wanted(&upgrade.phase)).count() as u64
        };
        Ok(UpgradePage {
            upgrades: rows.into_iter().map(|(number, upgrade)| upgrade_info(number, upgrade)).collect(),
            next,
            queued: count(|phase| *phase == UpgradePhase::Queued),
            running: count(UpgradePhase::is_running),
        })
    })
}

/// An upgrade as it is told.
pub fn upgrade_info(number: u64, upgrade: Upgrade) -> UpgradeInfo {
    let step = match &upgrade.phase {
        UpgradePhase::Queued => UpgradeStep::Queued,
        UpgradePhase::Intended { .. } => UpgradeStep::Begun,
        UpgradePhase::Saved { .. } => UpgradeStep::Saved,
        UpgradePhase::Installed { .. } => UpgradeStep::Installed,
        UpgradePhase::Confirmed { .. } => UpgradeStep::Confirmed,
        UpgradePhase::RollingBack { .. } => UpgradeStep::RollingBack,
        UpgradePhase::RolledBack { .. } => UpgradeStep::RolledBack,
        UpgradePhase::Abandoned { .. } => UpgradeStep::Abandoned,
    };
    UpgradeInfo {
        number,
        contract: upgrade.contract,
        reason: upgrade.phase.reason().cloned(),
        version: upgrade.version,
        from: upgrade.from,
        to: upgrade.to,
        consent: upgrade.consent,
        forced: upgrade.forced,
        rollout: upgrade.rollout,
        requested_at: upgrade.requested_at,
        step,
        settled: upgrade.settled,
        failures: failures(number),
    }
}

/// What an admin wants and another has to agree to, as it is told.
pub fn force_proposal(force: Force) -> ForceProposal {
    let Force { index, by, version, to, until } = force;
    ForceProposal { index, by, version, to, until }
}

/// The rollout of this number.
///
/// # Errors
/// [`FactoryRequestError::UnknownRollout`].
pub fn rollout_info(number: u64) -> Result<RolloutInfo, FactoryError> {
    let unknown = FactoryError::Request(FactoryRequestError::UnknownRollout { rollout: number });
    let rollout = state::read(|state| state.rollout(number)).ok_or(unknown)?;
    Ok(info(number, rollout))
}

/// Rollouts, the newest first.
///
/// # Errors
/// [`FactoryRequestError::OutOfBounds`].
pub fn rollouts(cursor: Option<u64>, limit: Option<u32>) -> Result<RolloutPage, FactoryError> {
    let limit = limited(limit)?;
    state::read(|state| {
        let rows = state.rollouts_before(cursor.unwrap_or(u64::MAX), limit);
        let next = rows.last().filter(|_| rows.len() == limit).map(|(number, _)| *number);
        let rollouts = rows.into_iter().map(|(number, rollout)| info(number, rollout)).collect();
        Ok(RolloutPage { rollouts, next, participants: state.participant_count() })
    })
}

fn info(number: u64, rollout: Rollout) -> RolloutInfo {
    RolloutInfo {
        number,
        version: rollout.version,
        module_hash: rollout.module,
        canary: rollout.canary,
        wave: rollout.wave,
        max_failures: rollout.max_failures,
        status: rollout.status,
        reason: rollout.reason,
        requested: rollout.requested,
        open: rollout.open,
        succeeded: rollout.succeeded,
        failed: rollout.failed,
        skipped: rollout.skipped,
    }
}

/// How the factory may upgrade a contract.
///
/// # Errors
/// [`FactoryRequestError::UnknownContract`].
pub fn policy(contract: Principal) -> Result<UpgradePolicy, FactoryError> {
    state::read(|state| {
        let (owner, module_hash) = of(state, contract)?;
        let managed = state.managed(contract);
        Ok(UpgradePolicy {
            contract,
            owner,
            module_hash,
            auto_update: managed.auto,
            released: managed.released,
            upgrade: managed.upgrade,
            force: managed.force.map(force_proposal),
        })
    })
}
