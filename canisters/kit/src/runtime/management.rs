//! The management canister, as more than one canister of the platform uses it. Its replies are guaranteed, so calls wait
//! for them.

use super::{CallFailure, call, call_with_cycles, id};
use cairn_events::{Hash, Principal};
use candid::{CandidType, Deserialize, Nat};
use serde_bytes::ByteBuf;

/// Who controls a canister, what it runs, and how often either was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanisterInfo {
    /// Its controllers, sorted.
    pub controllers: Vec<Principal>,
    /// SHA-256 of its module, if it has one.
    pub module_hash: Option<Hash>,
    /// Changes of controllers and code, of state by snapshots, since it was created.
    pub changes: u64,
}

/// The argument of `canister_info`.
#[derive(CandidType)]
struct Question {
    canister_id: Principal,
    num_requested_changes: Option<u64>,
}

/// The answer of `canister_info`, as far as it is needed.
#[derive(CandidType, Deserialize)]
struct Answer {
    total_num_changes: u64,
    module_hash: Option<ByteBuf>,
    controllers: Vec<Principal>,
}

/// Asks the network about `canister`.
///
/// # Errors
/// [`CallFailure`] of the call to the management canister.
pub async fn canister_info(canister: Principal) -> Result<CanisterInfo, CallFailure> {
    let question = Question { canister_id: canister, num_requested_changes: None };
    let answer: Answer = call(Principal::management_canister(), "canister_info", (question,)).await?;
    let Answer { total_num_changes: changes, module_hash, mut controllers } = answer;
    controllers.sort_unstable();
    Ok(CanisterInfo { controllers, module_hash: module_hash.and_then(|hash| Hash::from_slice(&hash)), changes })
}

/// The argument of `create_canister`, as far as it is needed.
#[derive(CandidType)]
struct Creation {
    settings: Option<Settings>,
}

/// The settings of a new canister; the network's own for others.
#[derive(CandidType)]
struct Settings {
    controllers: Option<Vec<Principal>>,
    freezing_threshold: Option<Nat>,
}

/// The answer of `create_canister`.
#[derive(CandidType, Deserialize)]
struct Created {
    canister_id: Principal,
}

/// Creates an empty canister that holds `cycles`, less the network's price for it, and freezes when they would not last
/// for `freezing_threshold` seconds. This canister is its only controller.
///
/// # Errors
/// [`CallFailure`] of the call to the management canister. If it is [`CallFailure::Unknown`] there may be a canister that
/// nobody knows.
pub async fn create_canister(cycles: u64, freezing_threshold: u32) -> Result<Principal, CallFailure> {
    let settings = Settings { controllers: Some(vec![id()]), freezing_threshold: Some(freezing_threshold.into()) };
    let creation = Creation { settings: Some(settings) };
    let created: Created =
        call_with_cycles(Principal::management_canister(), "create_canister", (creation,), u128::from(cycles)).await?;
    Ok(created.canister_id)
}
