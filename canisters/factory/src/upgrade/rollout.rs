//! A version for all contracts that take part: a few first, then waves, until too many fail.
//!
//! Contracts come in the order of their principals, each once; at the end those come that began to take part behind it, or
//! were busy. A wave begins when all of the wave before are decided. The rollout
//! stops by itself as soon as the share of failures among those asked for passes its bound; an admin may let it go on,
//! and what came before is forgiven. There is one rollout at a time.

use super::request::{Admission, Asked, admit, admitted, calm};
use super::{record, target, views};
use crate::kind::ContractKind;
use crate::refusal::{self, append_failed};
use crate::state::{self, Rollout, State};
use cairn_events::payload::{Consent, Reason, RolloutChanged, RolloutStarted, RolloutState};
use cairn_events::{Payload, Principal, Submission};
use cairn_kit::access::Admin;
use cairn_kit::api::factory::{FactoryError, FactoryRequestError, FactoryTemporaryError};
use cairn_kit::api::upgrade::{Canary, RolloutArgs, RolloutInfo, RolloutStatus};
use cairn_kit::guard::Guards;
use cairn_kit::{journal, runtime};
use std::cell::Cell;
use std::time::Duration;

/// Contracts of a wave, at most.
pub const MAX_WAVE: u32 = 500;
/// Hundredths of a percent in the whole.
const WHOLE: u16 = 10_000;
/// Contracts that are looked at in one go.
const MAX_LOOK: usize = 200;
/// Decisions in one go.
const MAX_STEPS: u32 = 20;

thread_local! {
    static GUARD: Guards<()> = Guards::new(1);
    /// The rollout, and how far its contracts were looked at. Only saves looking again.
    static LOOKED: Cell<(u64, Looked)> = const { Cell::new((0, Looked::NOTHING)) };
}

/// How far the contracts were looked at in this pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Up to this contract none is left that could be upgraded.
    pub after: Option<Principal>,
    /// Whether the pass has found one that could.
    pub found: bool,
}

impl Looked {
    /// The pass begins.
    pub const NOTHING: Looked = Looked { after: None, found: false };
}

/// What to do next for a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask for the upgrade of this contract.
    Request(Principal),
    /// Look on after this contract: none up to it can be upgraded.
    LookOn(Principal),
    /// Look at all of them again: those that could not be upgraded before may be now.
    LookAgain,
    /// Record that it stops or is over, for this reason.
    End(RolloutState, Reason),
    /// Nothing, until something else has happened.
    Rest,
}

/// What to do next for a rollout whose contracts were looked at so far: pure.
pub fn next(state: &State, now: u64, number: u64, looked: Looked) -> Next {
    let Some(rollout) = state.rollout(number).filter(|rollout| rollout.status == RolloutStatus::Running) else {
        return Next::Rest;
    };
    if rollout.fails_too_often() {
        let detail = format!("{} of {} failed", rollout.failed, rollout.requested);
        return Next::End(RolloutState::Stopped, Reason::new("failures", &detail));
    }
    if target::target(state, &rollout.version).is_none_or(|template| template.hash != rollout.module) {
        return Next::End(RolloutState::Stopped, Reason::new("withdrawn", &rollout.version));
    }
    if rollout.in_wave >= rollout.wave_size() && rollout.open > 0 {
        return Next::Rest;
    }
    if state.open_upgrade_count() >= super::MAX_OPEN {
        return Next::Rest;
    }
    let contracts = state.participants_after(looked.after, MAX_LOOK);
    let fits = |contract: &&Principal| {
        let is_new = || matches!(admit(state, now, asked(number, &rollout, **contract)), Ok(Admission::New(_)));
        state.managed(**contract).rolled != Some(number) && is_new()
    };
    match (contracts.iter().find(fits), contracts.last()) {
        (Some(contract), _) => Next::Request(*contract),
        (None, Some(last)) => Next::LookOn(*last),
        (None, None) if rollout.open > 0 => Next::Rest,
        (None, None) if looked.found => Next::LookAgain,
        (None, None) => Next::End(RolloutState::Finished, Reason::new("done", "")),
    }
}

fn asked(number: u64, rollout: &Rollout, contract: Principal) -> Asked<'_> {
    Asked { by: rollout.by, contract, version: &rollout.version, consent: Consent::Auto, rollout: Some(number) }
}

/// Lets the timer go on with the rollout, if there is one that goes on.
pub fn beat<K: ContractKind>() {
    let current = state::read(|state| state.current_rollout());
    if current.is_some_and(|(_, rollout)| rollout.status == RolloutStatus::Running) {
        runtime::after(Duration::ZERO, go_on::<K>());
    }
}

/// Takes the rollout on, some steps. What fails is tried again with the next beat.
pub async fn go_on<K: ContractKind>() {
    let Ok(guard) = GUARD.with(|guards| guards.acquire(())) else { return };
    let mut more = true;
    for _ in 0..MAX_STEPS {
        more = matches!(step().await, Ok(true));
        if !more {
            break;
        }
    }
    drop(guard);
    super::work::<K>();
    if more {
        beat::<K>();
    }
}

/// One step; whether there was anything to do.
async fn step() -> Result<bool, FactoryError> {
    if ensure_settled().is_err() {
        return Ok(false);
    }
    let Some((number, rollout)) = state::read(|state| state.current_rollout()) else { return Ok(false) };
    let looked = Some(LOOKED.get()).filter(|(rollout, _)| *rollout == number).map_or(Looked::NOTHING, |(_, it)| it);
    match state::read(|state| next(state, runtime::now(), number, looked)) {
        Next::Request(contract) => {
            // Nothing is recorded if its owner was quicker.
            let _ = record(|state| admitted(state, asked(number, &rollout, contract))).await?;
            LOOKED.set((number, Looked { after: Some(contract), found: true }));
        }
        Next::LookOn(contract) => LOOKED.set((number, Looked { after: Some(contract), ..looked })),
        Next::LookAgain => LOOKED.set((number, Looked::NOTHING)),
        Next::End(state, reason) => change(rollout.by, number, state, reason).await?,
        Next::Rest => return Ok(false),
    }
    Ok(true)
}

async fn change(actor: Principal, rollout: u64, state: RolloutState, reason: Reason) -> Result<(), FactoryError> {
    let changed = Payload::RolloutChanged(RolloutChanged { rollout, state, reason });
    journal::append(vec![Submission::new(actor, changed)]).await.map(drop).map_err(append_failed)
}

/// Begins to roll a version out. A rollout that is held up or has stopped is over then.
///
/// # Errors
/// [`FactoryError`]: what is wrong with the arguments, or another rollout goes on.
pub async fn start<K: ContractKind>(admin: Admin, args: RolloutArgs) -> Result<RolloutInfo, FactoryError> {
    calm()?;
    let started = begin(admin, args).await;
    beat::<K>();
    started.inspect_err(|error| refusal::record(admin.principal(), "startRollout", error))
}

/// That nothing about rollouts is on its way, of which it is not known whether the log has it.
fn ensure_settled() -> Result<(), FactoryError> {
    let turns = |payload: &Payload| matches!(payload, Payload::RolloutStarted(_) | Payload::RolloutChanged(_));
    if journal::holds(turns) { Err(busy()) } else { Ok(()) }
}

async fn begin(admin: Admin, args: RolloutArgs) -> Result<RolloutInfo, FactoryError> {
    let _guard = guard()?;
    ensure_settled()?;
    let by = admin.principal();
    let (started, current) = state::read(|state| Ok::<_, FactoryError>((plan(state, args)?, state.current_rollout())))?;
    let mut batch = Vec::new();
    match current {
        Some((_, rollout)) if rollout.status == RolloutStatus::Running => return Err(busy()),
        Some((rollout, _)) => {
            let (state, reason) = (RolloutState::Finished, Reason::new("superseded", ""));
            batch.push(Submission::new(by, Payload::RolloutChanged(RolloutChanged { rollout, state, reason })));
        }
        None => {}
    }
    batch.push(Submission::new(by, Payload::RolloutStarted(started)));
    let receipts = journal::append(batch).await.map_err(append_failed)?;
    let number = receipts.last().map(|receipt| receipt.index);
    number.and_then(rollout_info).ok_or_else(|| refusal::internal("the rollout is not there"))
}

/// What the arguments amount to.
fn plan(state: &State, args: RolloutArgs) -> Result<RolloutStarted, FactoryError> {
    let RolloutArgs { version, canary, wave, max_failures } = args;
    let Some(template) = target::target(state, &version) else {
        return Err(FactoryError::Request(FactoryRequestError::UnknownVersion { version }));
    };
    let participants = state.participant_count();
    let canary = match canary {
        Canary::Count(count) => bounded("canary", u64::from(count), 1, u64::from(MAX_WAVE))?,
        Canary::Share(share) => {
            let share = bounded("canary", u64::from(share), 1, u64::from(WHOLE))?;
            (participants * share / u64::from(WHOLE)).clamp(1, u64::from(MAX_WAVE))
        }
    };
    let wave = bounded("wave", u64::from(wave), 1, u64::from(MAX_WAVE))?;
    bounded("max_failures", u64::from(max_failures), 0, u64::from(WHOLE))?;
    // Bounded, both of them.
    let (canary, wave) = (canary as u32, wave as u32);
    Ok(RolloutStarted { version, module_hash: template.hash, canary, wave, max_failures })
}

fn bounded(what: &str, found: u64, min: u64, max: u64) -> Result<u64, FactoryError> {
    if (min..=max).contains(&found) {
        return Ok(found);
    }
    let bound = if found < min { min } else { max };
    Err(FactoryError::Request(FactoryRequestError::OutOfBounds { what: what.to_owned(), found, bound }))
}

/// Holds a rollout up: what has begun is brought to its end, nothing else begins. Repeatable.
///
/// # Errors
/// [`FactoryRequestError::UnknownRollout`]: it does not go on.
pub async fn pause(admin: Admin, number: u64) -> Result<RolloutInfo, FactoryError> {
    turn(admin, number, RolloutState::Paused).await
}

/// Lets a rollout go on that was held up or has stopped. Failures so far are forgiven. Repeatable.
///
/// # Errors
/// [`FactoryRequestError::UnknownRollout`]: it is over.
pub async fn resume<K: ContractKind>(admin: Admin, number: u64) -> Result<RolloutInfo, FactoryError> {
    let resumed = turn(admin, number, RolloutState::Resumed).await;
    super::beat::<K>();
    resumed
}

async fn turn(admin: Admin, number: u64, to: RolloutState) -> Result<RolloutInfo, FactoryError> {
    calm()?;
    ensure_settled()?;
    // Not one after the other with the steps: an admin who holds it up does not wait for them.
    let current = state::read(|state| state.current_rollout()).filter(|(current, _)| *current == number);
    let unknown = || FactoryError::Request(FactoryRequestError::UnknownRollout { rollout: number });
    let (_, rollout) = current.ok_or_else(unknown)?;
    match (to, rollout.status) {
        (RolloutState::Paused, RolloutStatus::Paused) | (RolloutState::Resumed, RolloutStatus::Running) => {}
        (RolloutState::Paused, RolloutStatus::Stopped) => return Err(unknown()),
        _ => change(admin.principal(), number, to, Reason::new("admin", "")).await?,
    }
    rollout_info(number).ok_or_else(unknown)
}

fn guard() -> Result<cairn_kit::guard::Guard<()>, FactoryError> {
    GUARD.with(|guards| guards.acquire(())).map_err(|_| busy())
}

fn busy() -> FactoryError {
    FactoryError::Temporary(FactoryTemporaryError::Busy)
}

fn rollout_info(number: u64) -> Option<RolloutInfo> {
    views::rollout_info(number).ok()
}
