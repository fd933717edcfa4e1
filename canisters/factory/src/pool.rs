//! Empty canisters, made ahead: no payment waits for a creation.
//!
//! One creation at a time, each bracketed in the pool's stream. The new canister's id exists only in the reply: the
//! message that receives it writes it to stable memory and does nothing else. Should the reply be lost, the creation is
//! recorded as unresolved; at most one empty canister is lost with it.

use crate::management;
use crate::recovery::wait_after;
use crate::refusal::append_failed;
use crate::state::{self, Settings, State};
use cairn_events::payload::{ContractCreated, CreationIntended, CreationUnresolved, Reason};
use cairn_events::{Payload, Principal, Submission};
use cairn_kit::api::factory::FactoryError;
use cairn_kit::guard::Guards;
use cairn_kit::{journal, runtime};
use std::cell::Cell;
use std::time::Duration;

/// Cycles beyond reserve and contract that a creation must leave, for the messages around it.
const MARGIN: u128 = 10_000_000_000;

thread_local! {
    static GUARD: Guards<()> = Guards::new(1);
    static FAILURES: Cell<u32> = const { Cell::new(0) };
}

/// What to do next for the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Record the canister that a creation has yielded.
    Record(Principal),
    /// Close a creation of which nothing is known.
    Close,
    /// Create a canister with so many cycles.
    Create(u64),
    /// Nothing.
    Rest,
}

/// What to do next for the pool, provided that no creation is in flight: pure.
pub fn next(state: &State, cycles: u128) -> Next {
    let Some(Settings { pool_target, contract_cycles, reserve_cycles, .. }) = state.settings() else {
        return Next::Rest;
    };
    match (state.totals().creating, state.created()) {
        (true, Some(canister)) => return Next::Record(canister),
        (true, None) => return Next::Close,
        (false, _) => {}
    }
    let needed = u128::from(reserve_cycles) + u128::from(contract_cycles) + MARGIN;
    if state.free_canisters() < u64::from(pool_target) && cycles >= needed {
        Next::Create(contract_cycles)
    } else {
        Next::Rest
    }
}

/// Lets the timer fill the pool.
pub fn fill_soon(delay: Duration) {
    runtime::after(delay, fill());
}

pub(crate) async fn fill() {
    if journal::alarm().is_some() {
        return;
    }
    let Ok(guard) = GUARD.with(|guards| guards.acquire(())) else { return };
    let done = one_step().await;
    drop(guard);
    match done {
        Ok(Progress::Nothing) => FAILURES.set(0),
        Ok(Progress::Some) => fill_soon(Duration::ZERO),
        Err(_) => {
            FAILURES.set(FAILURES.get().saturating_add(1));
            fill_soon(wait_after(FAILURES.get()));
        }
    }
}

enum Progress {
    Nothing,
    Some,
}

async fn one_step() -> Result<Progress, FactoryError> {
    match state::read(|state| next(state, runtime::cycles())) {
        Next::Rest => return Ok(Progress::Nothing),
        Next::Record(contract) => append(Payload::ContractCreated(ContractCreated { contract })).await?,
        Next::Close => unresolved(Reason::new("unknown", "the reply was lost")).await?,
        Next::Create(cycles) => {
            append(Payload::CreationIntended(CreationIntended { cycles })).await?;
            match management::create_canister(cycles).await {
                // Nothing else in this message: what the timer does next is a message of its own.
                Ok(canister) => state::change(|state| state.set_created(canister)),
                Err(failure) => {
                    unresolved(failure.reason()).await?;
                    return Err(crate::refusal::call_failed(failure));
                }
            }
        }
    }
    Ok(Progress::Some)
}

async fn unresolved(reason: Reason) -> Result<(), FactoryError> {
    append(Payload::CreationUnresolved(CreationUnresolved { reason })).await
}

/// Appends to the pool's stream at its exact version, so that nothing is recorded twice.
async fn append(payload: Payload) -> Result<(), FactoryError> {
    let version = state::read(|state| state.totals().pool_version);
    let submission = Submission::new(runtime::id(), payload).exactly(version);
    journal::append(vec![submission]).await.map(|_| ()).map_err(append_failed)
}
