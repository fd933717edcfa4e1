//! What the factory asks a contract. It is waited for a minute at most, and believed no more than is expected.

use cairn_events::Principal;
use cairn_kit::api::contract::{ConfirmError, ContractHealth};
use cairn_kit::runtime::{CallFailure, call_bounded};

/// Bytes of a reply that are read.
const MAX_REPLY: usize = 4_096;

/// Whether the contract can be upgraded now, and if not, why.
pub async fn can_upgrade(contract: Principal) -> Result<Result<(), String>, CallFailure> {
    call_bounded(contract, "canUpgrade", (), MAX_REPLY).await
}

/// How the contract is.
pub async fn health(contract: Principal) -> Result<ContractHealth, CallFailure> {
    call_bounded(contract, "getContractHealth", (), MAX_REPLY).await
}

/// Ends the contract's quarantine, if it is in one, and has it look after its timers.
pub async fn confirm(contract: Principal) -> Result<Result<(), ConfirmError>, CallFailure> {
    call_bounded(contract, "confirmUpgrade", (), MAX_REPLY).await
}
