//! The management canister, as archiving uses it.

use cairn_events::{Hash, Principal};
use cairn_kit::runtime::{self, CallFailure};
use ic_management_canister_types::{CanisterInstallMode, InstallCodeArgs};

/// Seconds of its own running costs below which an archive freezes: a year.
const FREEZING_THRESHOLD: u32 = 31_536_000;

/// Creates an empty canister that holds `cycles`, less the network's price for it. The log is its only controller.
pub async fn create_canister(cycles: u64) -> Result<Principal, CallFailure> {
    runtime::create_canister(cycles, FREEZING_THRESHOLD).await
}

/// Installs the module in an empty canister. One that holds code refuses.
pub async fn install(archive: Principal, module: Vec<u8>, argument: Vec<u8>) -> Result<(), CallFailure> {
    let code = InstallCodeArgs {
        mode: CanisterInstallMode::Install,
        canister_id: archive,
        wasm_module: module,
        arg: argument,
        sender_canister_version: None,
    };
    runtime::call(Principal::management_canister(), "install_code", (code,)).await
}

/// The hash of the module that is in the canister, if any.
pub async fn module_hash(archive: Principal) -> Result<Option<Hash>, CallFailure> {
    Ok(runtime::canister_info(archive).await?.module_hash)
}
