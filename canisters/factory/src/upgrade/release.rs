//! The way out of the factory's control.
//!
//! That the owner wants it is recorded at once; from then on no upgrade begins. The factory takes itself off the
//! controllers as soon as no upgrade is under way, and looks whether it is off. Afterwards it only lists the contract.

use super::request::{at_its_place, calm, of};
use super::step::is_out_of_reach;
use super::{GUARDS, is_worked_on, record};
use crate::access;
use crate::kind::ContractKind;
use crate::management;
use crate::state::{self, State};
use cairn_events::payload::ControlReleased;
use cairn_events::{Payload, Principal};
use cairn_kit::api::factory::FactoryError;
use cairn_kit::{journal, runtime};
use std::time::Duration;

/// Takes the contract out of the factory's control, for ever. Only for its owner; where third parties' money lies and
/// people decide together, only for the contract itself: see [`ContractKind::is_decided_by`]. Repeatable.
///
/// # Errors
/// [`FactoryError`]; nothing was recorded then, unless the log was silent.
pub async fn release_control<K: ContractKind>(caller: Principal, contract: Principal) -> Result<(), FactoryError> {
    calm()?;
    let payload = Payload::ControlReleased(ControlReleased { contract });
    let decide = |state: &State| {
        let (owner, _) = of(state, contract)?;
        if !K::is_decided_by(caller, contract, owner) {
            return Err(access::turned_away(caller));
        }
        let is_released = state.managed(contract).released;
        Ok((!is_released).then(|| at_its_place(state, caller, contract, payload.clone())))
    };
    record(decide).await?;
    runtime::after(Duration::ZERO, let_go(contract));
    Ok(())
}

/// Looks after the contracts that are to be let go.
pub fn beat() {
    for contract in state::read(|state| state.releases()) {
        if is_free(contract) {
            runtime::after(Duration::ZERO, let_go(contract));
        }
    }
}

/// Whether nothing is under way.
fn is_free(contract: Principal) -> bool {
    !is_worked_on(contract) && state::read(|state| state.managed(contract).upgrade).is_none()
}

/// Takes the factory off the contract's controllers. What fails is tried again with the next beat.
async fn let_go(contract: Principal) {
    if !is_free(contract) || !state::read(|state| state.releases().contains(&contract)) {
        return;
    }
    let Ok(_guard) = GUARDS.with(|guards| guards.acquire(contract)) else { return };
    if !journal::confirm().await {
        return;
    }
    let factory = runtime::id();
    if let Ok(info) = management::info(contract).await
        && info.controllers.contains(&factory)
    {
        let others = info.controllers.into_iter().filter(|controller| *controller != factory).collect();
        if management::set_controllers(contract, others).await.is_err() {
            return;
        }
    }
    // The network is asked, not the reply believed.
    if is_out_of_reach(&management::info(contract).await) {
        state::change(|state| state.let_go(contract));
    }
}
