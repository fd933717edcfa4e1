//! Who may ask for what: pure, but for the recording of it.

use super::target::{self, eligible};
use super::{MAX_OPEN, views};
use crate::access;
use crate::kind::ContractKind;
use crate::refusal::{self, interrupted};
use crate::state::{self, Force, State, Upgrade, UpgradePhase, day};
use cairn_events::payload::{AutoUpdateSet, Consent, ForceProposed, Reason, UpgradeAbandoned, UpgradeRequested};
use cairn_events::{Hash, Payload, Principal, Submission};
use cairn_kit::access::Admin;
use cairn_kit::api::factory::{FactoryError, FactoryRequestError, FactoryTemporaryError};
use cairn_kit::api::upgrade::{ForcedUpgrade, UpgradeInfo};
use cairn_kit::{journal, runtime};

/// Events that owner and contract together may cause in a day.
pub const MAX_PER_DAY: u32 = 20;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// On whose behalf.
    pub by: Principal,
    /// The contract.
    pub contract: Principal,
    /// The version.
    pub version: &'a str,
    /// Who agreed.
    pub consent: Consent,
    /// The rollout that it is part of.
    pub rollout: Option<u64>,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is to be recorded.
    New(Box<Submission>),
    /// The same was asked for before, and is not settled.
    Known,
}

/// Whether a contract may be upgraded: pure.
///
/// # Errors
/// Everything that speaks against it.
pub fn admit(state: &State, now: u64, asked: Asked<'_>) -> Result<Admission, FactoryError> {
    let Asked { by, contract, version, consent, rollout } = asked;
    let (_, from) = of(state, contract)?;
    let managed = state.managed(contract);
    if managed.released {
        return Err(not_upgradable(contract, "its owner took it out of the factory's control"));
    }
    let unknown = || FactoryError::Request(FactoryRequestError::UnknownVersion { version: version.to_owned() });
    let to = target::target(state, version).ok_or_else(unknown)?.hash;
    if let Some(upgrade) = managed.upgrade.and_then(|number| state.upgrade(number)) {
        let is_same = upgrade.to == to && !upgrade.phase.is_decided();
        let busy = || interrupted(format!("an upgrade of {contract} to {} is under way", upgrade.version));
        return if is_same { Ok(Admission::Known) } else { Err(busy()) };
    }
    let forced = consent == Consent::Admin;
    if from == to {
        return Err(not_upgradable(contract, "it runs this module"));
    }
    if !forced {
        eligible(state, from, version).map_err(|why| not_upgradable(contract, &why))?;
    }
    if matches!(consent, Consent::Owner | Consent::Contract) {
        budget(state, now, contract)?;
    }
    if state.open_upgrade_count() >= MAX_OPEN {
        return Err(interrupted(format!("{MAX_OPEN} upgrades are not settled")));
    }
    let version = version.to_owned();
    let requested = UpgradeRequested { contract, version, from, to, consent, forced, rollout };
    Ok(Admission::New(Box::new(at_its_place(state, by, contract, Payload::UpgradeRequested(requested)))))
}

/// A submission that insists on what was seen of the contract's stream.
pub fn at_its_place(state: &State, actor: Principal, contract: Principal, payload: Payload) -> Submission {
    let version = state.canister(contract).map_or(0, |canister| canister.version);
    Submission::new(actor, payload).exactly(version)
}

/// Owner and module of a contract of this factory.
pub fn of(state: &State, contract: Principal) -> Result<(Principal, Hash), FactoryError> {
    state.delivered(contract).ok_or(FactoryError::Request(FactoryRequestError::UnknownContract { contract }))
}

/// As whom the caller decides for the contract, see [`ContractKind::is_decided_by`].
fn consent<K: ContractKind>(state: &State, caller: Principal, contract: Principal) -> Result<Consent, FactoryError> {
    let (owner, _) = of(state, contract)?;
    if caller == contract {
        Ok(Consent::Contract)
    } else if K::is_decided_by(caller, contract, owner) {
        Ok(Consent::Owner)
    } else {
        Err(access::turned_away(caller))
    }
}

fn budget(state: &State, now: u64, contract: Principal) -> Result<(), FactoryError> {
    let managed = state.managed(contract);
    if managed.day == day(now) && managed.spent >= MAX_PER_DAY {
        return Err(interrupted(format!("{MAX_PER_DAY} requests about {contract} today, at most that many are taken")));
    }
    Ok(())
}

fn not_upgradable(contract: Principal, problem: &str) -> FactoryError {
    FactoryError::Request(FactoryRequestError::NotUpgradable { contract, problem: problem.to_owned() })
}

/// Has a contract upgraded to this version, or to the one that new contracts get. Only for the contract and its owner.
/// Repeating it has no further effect until the upgrade is decided.
///
/// # Errors
/// [`FactoryError`]; nothing was recorded then, unless the log was silent.
pub async fn request<K: ContractKind>(
    caller: Principal,
    contract: Principal,
    version: Option<String>,
) -> Result<UpgradeInfo, FactoryError> {
    calm()?;
    let consent = state::read(|state| consent::<K>(state, caller, contract))?;
    let version = match version.or_else(|| state::read(target::current)) {
        Some(version) => version,
        None => return Err(FactoryError::Request(FactoryRequestError::UnknownVersion { version: String::new() })),
    };
    enqueue(caller, contract, &version, consent).await
}

/// Has a contract upgraded to this version whatever its owner or itself think of it, even to an earlier version, as soon
/// as another admin wants the same. Repeating it has no further effect.
///
/// # Errors
/// As [`request`], or the caller does not count as another person.
pub async fn force(admin: Admin, contract: Principal, version: String) -> Result<ForcedUpgrade, FactoryError> {
    calm()?;
    let (by, consent) = (admin.principal(), Consent::Admin);
    let asked = Asked { by, contract, version: &version, consent, rollout: None };
    let decided = super::record(|state| force_decided(state, admin, runtime::now(), asked)).await;
    decided.inspect_err(|error| refusal::record(by, "forceUpgrade", error))?;
    let outcome = |state: &State| {
        let managed = state.managed(contract);
        let requested = managed.upgrade.and_then(|number| Some(views::upgrade_info(number, state.upgrade(number)?)));
        let proposed = managed.force.map(|force| ForcedUpgrade::Proposed(views::force_proposal(force)));
        requested.map(ForcedUpgrade::Requested).or(proposed)
    };
    state::read(outcome).ok_or_else(|| interrupted("the upgrade is over already"))
}

/// What is to be recorded of an admin's wish: that another one is to agree; that the upgrade is requested, once another
/// one does; nothing, if it stands there.
fn force_decided(state: &State, admin: Admin, now: u64, asked: Asked<'_>) -> Result<Option<Submission>, FactoryError> {
    let Admission::New(requested) = admit(state, now, asked)? else { return Ok(None) };
    let Payload::UpgradeRequested(UpgradeRequested { contract, to, .. }) = requested.payload else { return Ok(None) };
    let counts = |force: &Force| {
        let said = force.until.saturating_sub(ForceProposed::VALID);
        access::counted(state, force.by, said).is_ok()
    };
    let asker = access::counted(state, asked.by, now);
    match state.managed(contract).force.filter(|force| now < force.until) {
        Some(force) if force.to == to && force.by == asked.by && (counts(&force) || asker.is_err()) => Ok(None),
        Some(force) if force.to == to && force.by != asked.by && counts(&force) => {
            access::second_person(state, admin, force.by, now)?;
            Ok(Some(Submission { causation: Some(force.index), ..*requested }))
        }
        // Who does not count puts nothing in the place of what does.
        Some(force) if counts(&force) && asker.is_err() => asker.map(|()| None),
        _ => {
            let proposed = ForceProposed { contract, version: asked.version.to_owned(), to };
            Ok(Some(at_its_place(state, asked.by, contract, Payload::ForceProposed(proposed))))
        }
    }
}

async fn enqueue(
    by: Principal,
    contract: Principal,
    version: &str,
    consent: Consent,
) -> Result<UpgradeInfo, FactoryError> {
    let asked = Asked { by, contract, version, consent, rollout: None };
    super::record(|state| admitted(state, asked)).await?;
    let current = |state: &State| {
        let number = state.managed(contract).upgrade?;
        Some(views::upgrade_info(number, state.upgrade(number)?))
    };
    state::read(current).ok_or_else(|| interrupted("the upgrade is over already"))
}

/// What is to be recorded of what is asked for, if it is new.
pub fn admitted(state: &State, asked: Asked<'_>) -> Result<Option<Submission>, FactoryError> {
    match admit(state, runtime::now(), asked)? {
        Admission::New(submission) => Ok(Some(*submission)),
        Admission::Known => Ok(None),
    }
}

/// Withdraws a request whose turn has not come. Only for the contract, its owner, and admins.
///
/// # Errors
/// [`FactoryRequestError::NoUpgradeWaits`]: there is none, or it has begun.
pub async fn cancel<K: ContractKind>(caller: Principal, contract: Principal) -> Result<(), FactoryError> {
    calm()?;
    if let Err(error) = state::read(|state| consent::<K>(state, caller, contract)) {
        access::admin(caller).map_err(|_| error)?;
    }
    let none = FactoryError::Request(FactoryRequestError::NoUpgradeWaits { contract });
    let waiting = |state: &State| {
        let number = state.managed(contract).upgrade?;
        state.upgrade(number).filter(|Upgrade { phase, .. }| *phase == UpgradePhase::Queued)
    };
    let abandoned = UpgradeAbandoned { contract, module_hash: None, reason: Reason::new("cancelled", "") };
    let payload = Payload::UpgradeAbandoned(abandoned);
    let decide = |state: &State| match waiting(state) {
        Some(_) => Ok(Some(at_its_place(state, caller, contract, payload.clone()))),
        None => Err(none.clone()),
    };
    super::record(decide).await.map(drop)
}

/// Says whether the contract takes part in rollouts. Only for the contract and its owner; repeatable.
///
/// # Errors
/// [`FactoryError`]; nothing was recorded then, unless the log was silent.
pub async fn set_auto_update<K: ContractKind>(
    caller: Principal,
    contract: Principal,
    enabled: bool,
) -> Result<(), FactoryError> {
    calm()?;
    // What is on its way may say the opposite: it is not known yet whether there is anything to say.
    let on_its_way = |payload: &Payload| matches!(payload, Payload::AutoUpdateSet(set) if set.contract == contract);
    if journal::holds(on_its_way) {
        return Err(FactoryError::Temporary(FactoryTemporaryError::Busy));
    }
    let payload = Payload::AutoUpdateSet(AutoUpdateSet { contract, enabled });
    let decide = |state: &State| {
        consent::<K>(state, caller, contract)?;
        let managed = state.managed(contract);
        if managed.auto == enabled {
            return Ok(None);
        }
        if managed.released {
            return Err(not_upgradable(contract, "its owner took it out of the factory's control"));
        }
        budget(state, runtime::now(), contract)?;
        Ok(Some(at_its_place(state, caller, contract, payload.clone())))
    };
    super::record(decide).await.map(drop)
}

/// Nothing is promised while the log is another one than it was.
pub fn calm() -> Result<(), FactoryError> {
    journal::alarm().map_or(Ok(()), |problem| Err(refusal::alarmed(problem)))
}
