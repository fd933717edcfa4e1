//! Whether a canister runs, and what it has.

use super::{call, calm};
use cairn_events::{Hash, Principal};
use cairn_kit::api::upgrade::{ContractResources, RunState};
use cairn_kit::runtime::{self, CallFailure};
use candid::{CandidType, Deserialize, Nat};
use ic_management_canister_types::CanisterIdRecord;
use serde_bytes::ByteBuf;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The answer of `canister_status`, as far as it is needed.
#[derive(CandidType, Deserialize)]
struct Answer {
    status: RunState,
    settings: Settings,
    module_hash: Option<ByteBuf>,
    memory_size: Nat,
    cycles: Nat,
    idle_cycles_burned_per_day: Nat,
}

#[derive(CandidType, Deserialize)]
struct Settings {
    freezing_threshold: Nat,
}

/// What a canister has, and whether it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether it runs.
    pub state: RunState,
    /// SHA-256 of its module, if it has one.
    pub module_hash: Option<Hash>,
    /// Cycles that it holds.
    pub cycles: Nat,
    /// Cycles below which it freezes.
    pub frozen_below: Nat,
    /// Cycles that it burns in a day by being there.
    pub burned_per_day: Nat,
    /// Bytes that it takes.
    pub memory: Nat,
}

impl Status {
    /// Whether the canister can spend so many cycles without freezing.
    pub fn can_spend(&self, cycles: u64) -> bool {
        self.cycles >= self.frozen_below.clone() + cycles
    }
}

impl From<Answer> for Status {
    fn from(answer: Answer) -> Self {
        let burned_per_day = answer.idle_cycles_burned_per_day;
        Status {
            state: answer.status,
            module_hash: answer.module_hash.and_then(|hash| Hash::from_slice(&hash)),
            cycles: answer.cycles,
            frozen_below: burned_per_day.clone() * answer.settings.freezing_threshold / DAY,
            burned_per_day,
            memory: answer.memory_size,
        }
    }
}

impl From<Status> for ContractResources {
    fn from(status: Status) -> Self {
        let Status { state, module_hash, cycles, frozen_below, burned_per_day, memory } = status;
        ContractResources { status: state, cycles, frozen_below, burned_per_day, memory, module_hash }
    }
}

fn the(canister_id: Principal) -> CanisterIdRecord {
    CanisterIdRecord { canister_id }
}

/// What the canister has. Only for its controllers.
pub async fn status(canister: Principal) -> Result<Status, CallFailure> {
    call::<_, Answer>("canister_status", the(canister)).await.map(Status::from)
}

/// Stops the canister: it takes no messages any more, and the answers that it waits for have come. The network gives up
/// after a while if they do not.
pub async fn stop(canister: Principal) -> Result<(), CallFailure> {
    call("stop_canister", the(canister)).await
}

/// Starts the canister; one that runs goes on.
pub async fn start(canister: Principal) -> Result<(), CallFailure> {
    call("start_canister", the(canister)).await
}

/// Gives the canister so many of the factory's own cycles. If that fails, they come back.
pub async fn deposit(canister: Principal, cycles: u64) -> Result<(), CallFailure> {
    calm()?;
    let management = Principal::management_canister();
    runtime::call_with_cycles(management, "deposit_cycles", (the(canister),), u128::from(cycles)).await
}
