//! What the network tells everyone about a canister.

use super::{CallFailure, call};
use cairn_events::{Hash, Principal};
use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

/// Who controls a canister, what it runs, and how often either was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanisterInfo {
    /// Its controllers, in their order.
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
