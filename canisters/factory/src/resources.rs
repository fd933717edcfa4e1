//! Cycles: those of contracts, and the factory's own.
//!
//! Anyone may have cycles deposited with a contract. The factory deposits its own, and takes the same number of those
//! attached only when the network has confirmed that: whatever fails, the rest of what was attached goes back to the
//! caller, and no cycles are ever held for somebody. Should the factory be upgraded in that very moment, the loss is its
//! own: the log has a deposit that is unresolved.

use crate::callback::{next_period, period};
use crate::state::{self, Settings, State};
use crate::upgrade::{calm, delivered, record};
use crate::{access, management, refusal};
use cairn_events::payload::{ContractToppedUp, CyclesLow, CyclesRestored, Reason, TopUpIntended, TopUpUnresolved};
use cairn_events::{Payload, Principal, Submission};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError, FactoryTemporaryError};
use cairn_kit::api::upgrade::{ContractResources, ToppedUp};
use cairn_kit::guard::Guards;
use cairn_kit::{journal, runtime};
use std::time::Duration;

/// Cycles that are worth an event in the log.
pub const MIN_TOP_UP: u64 = 10_000_000_000;
/// Cycles of one deposit, at most.
pub const MAX_TOP_UP: u64 = 1_000_000_000_000_000;
/// Deposits with one contract in an hour, at most: each is two events of the log.
pub const MAX_PER_HOUR: u32 = 20;
/// Deposits under way at the same time, at most.
const MAX_AT_ONCE: usize = 50;

thread_local! {
    static DEPOSITS: Guards<Principal> = Guards::new(MAX_AT_ONCE);
    static LOOKING: Guards<()> = Guards::new(1);
}

/// Looks after the factory's own cycles, and after deposits whose reply was lost.
pub fn beat() {
    if state::read(|state| turn(state, runtime::cycles())).is_some() {
        runtime::after(Duration::ZERO, look(runtime::cycles()));
    }
    for (contract, _) in state::read(|state| state.top_ups()) {
        if DEPOSITS.with(|guards| !guards.is_held(&contract)) {
            runtime::after(Duration::ZERO, close(contract));
        }
    }
}

/// What is to be recorded of the factory's own cycles: pure. They are low if they would not do for one more contract,
/// and restored if they do for two.
pub fn turn(state: &State, cycles: u128) -> Option<Payload> {
    let Settings { contract_cycles, reserve_cycles, .. } = state.settings()?;
    let floor = reserve_cycles.saturating_add(contract_cycles);
    let enough = floor.saturating_add(contract_cycles);
    let canister = runtime::id();
    let balance = u64::try_from(cycles).unwrap_or(u64::MAX);
    match state.is_low_on_cycles() {
        false if cycles < u128::from(floor) => Some(Payload::CyclesLow(CyclesLow { canister, cycles: balance, floor })),
        true if cycles >= u128::from(enough) => {
            Some(Payload::CyclesRestored(CyclesRestored { canister, cycles: balance, floor }))
        }
        _ => None,
    }
}

/// Has a crossing recorded, once.
pub async fn look(cycles: u128) {
    let Ok(_guard) = LOOKING.with(|guards| guards.acquire(())) else { return };
    if journal::holds(|payload| matches!(payload, Payload::CyclesLow(_) | Payload::CyclesRestored(_))) {
        return;
    }
    if let Some(payload) = state::read(|state| turn(state, cycles)) {
        // What cannot be recorded now is seen again with the next beat.
        let _ = journal::append(vec![Submission::new(runtime::id(), payload)]).await;
    }
}

/// Deposits `attached` cycles with a contract of this factory, and then takes them by `accept`.
///
/// # Errors
/// [`FactoryError`]; nothing was taken then, but for a log that is silent after the deposit.
pub async fn top_up(
    caller: Principal,
    contract: Principal,
    attached: u128,
    accept: impl FnOnce(u128) -> u128,
) -> Result<ToppedUp, FactoryError> {
    calm()?;
    let cycles = state::read(|state| spare(state, contract, attached, runtime::cycles()))?;
    let busy = || FactoryError::Temporary(FactoryTemporaryError::Busy);
    let _guard = DEPOSITS.with(|guards| guards.acquire(contract)).map_err(|_| busy())?;
    // What is no more takes no deposits: nothing is recorded of it.
    management::info(contract).await.map_err(refusal::call_failed)?;
    let intended = Payload::TopUpIntended(TopUpIntended { contract, cycles });
    record(|state| match state.top_up(contract) {
        // An earlier one, whose reply was lost, is not closed yet.
        Some(_) => Err(busy()),
        None => {
            spare(state, contract, attached, runtime::cycles())?;
            Ok(Some(at(state, caller, contract, intended.clone())))
        }
    })
    .await?;
    if let Err(failure) = management::deposit(contract, cycles).await {
        conclude(contract, Payload::TopUpUnresolved(TopUpUnresolved { contract, cycles, reason: failure.reason() }))
            .await?;
        return Err(refusal::call_failed(failure));
    }
    // In the message that brings the reply, before anything else is awaited.
    accept(u128::from(cycles));
    match conclude(contract, Payload::ContractToppedUp(ContractToppedUp { contract, cycles })).await? {
        Some(index) => Ok(ToppedUp { cycles, index }),
        None => Err(refusal::interrupted("the deposit was recorded as unresolved")),
    }
}

/// The number of cycles, if they can be deposited beside those that are being deposited: pure, but for the time.
fn spare(state: &State, contract: Principal, attached: u128, balance: u128) -> Result<u64, FactoryError> {
    delivered(state, contract)?;
    let cycles = u64::try_from(attached).unwrap_or(u64::MAX);
    if !(MIN_TOP_UP..=MAX_TOP_UP).contains(&cycles) {
        let (min, max) = (MIN_TOP_UP, MAX_TOP_UP);
        return Err(FactoryError::Request(FactoryRequestError::Cycles { attached: cycles, min, max }));
    }
    let now = runtime::now();
    if state.managed(contract).deposits.count(period(now)) >= MAX_PER_HOUR {
        let retry_at = next_period(now).unwrap_or(u64::MAX);
        return Err(FactoryError::Temporary(FactoryTemporaryError::QuotaExhausted { retry_at }));
    }
    let under_way: u128 = state.top_ups().iter().map(|(_, top_up)| u128::from(top_up.cycles)).sum();
    let balance = balance.saturating_sub(under_way);
    let reserve = state.settings().map_or(0, |settings| settings.reserve_cycles);
    let required = reserve.saturating_add(cycles);
    if balance < u128::from(required) {
        let balance = u64::try_from(balance).unwrap_or(u64::MAX);
        return Err(FactoryError::Temporary(FactoryTemporaryError::CyclesLow { balance, required }));
    }
    Ok(cycles)
}

fn at(state: &State, actor: Principal, contract: Principal, payload: Payload) -> Submission {
    let version = state.canister(contract).map_or(0, |canister| canister.version);
    Submission::new(actor, payload).exactly(version)
}

/// Records how the contract's deposit ended, if that is open; the index of the event.
async fn conclude(contract: Principal, outcome: Payload) -> Result<Option<u64>, FactoryError> {
    let receipt =
        record(|state| Ok(state.top_up(contract).map(|top_up| at(state, top_up.by, contract, outcome.clone()))))
            .await?;
    Ok(receipt.map(|receipt| receipt.index))
}

/// Closes a deposit of which nothing is known.
async fn close(contract: Principal) {
    let Ok(_guard) = DEPOSITS.with(|guards| guards.acquire(contract)) else { return };
    let Some(top_up) = state::read(|state| state.top_up(contract)) else { return };
    let reason = Reason::new("unknown", "the reply was lost");
    let outcome = TopUpUnresolved { contract, cycles: top_up.cycles, reason };
    // What fails is tried again with the next beat.
    let _ = conclude(contract, Payload::TopUpUnresolved(outcome)).await;
}

/// What a contract has and uses. Only for its owner, itself, and admins.
///
/// # Errors
/// [`FactoryError`]: the caller is nobody, or the network does not tell.
pub async fn of_contract(caller: Principal, contract: Principal) -> Result<ContractResources, FactoryError> {
    let (owner, _) = state::read(|state| delivered(state, contract))?;
    if caller != owner && caller != contract {
        access::admin(caller)?;
    }
    management::status(contract).await.map(ContractResources::from).map_err(refusal::call_failed)
}
