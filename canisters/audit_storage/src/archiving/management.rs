//! The management canister, as archiving uses it. Its replies are guaranteed, so calls wait for them.

use cairn_events::{Hash, Principal};
use cairn_kit::runtime::{self, CallFailure};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInfoArgs, CanisterInfoResult, CanisterInstallMode, CanisterSettings, CreateCanisterArgs,
    InstallCodeArgs,
};

/// Seconds of its own running costs below which an archive freezes: a year.
const FREEZING_THRESHOLD: u32 = 31_536_000;

/// Creates an empty canister that holds `cycles`, less the network's price for it. The log is its only controller.
pub async fn create_canister(cycles: u64) -> Result<Principal, CallFailure> {
    let settings = CanisterSettings {
        controllers: Some(vec![runtime::id()]),
        freezing_threshold: Some(FREEZING_THRESHOLD.into()),
        ..CanisterSettings::default()
    };
    let argument = CreateCanisterArgs { settings: Some(settings), sender_canister_version: None };
    let created: CanisterIdRecord =
        runtime::call_with_cycles(Principal::management_canister(), "create_canister", (argument,), u128::from(cycles))
            .await?;
    Ok(created.canister_id)
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
    let argument = CanisterInfoArgs { canister_id: archive, num_requested_changes: None };
    let info: CanisterInfoResult =
        runtime::call(Principal::management_canister(), "canister_info", (argument,)).await?;
    Ok(info.module_hash.and_then(|hash| Hash::from_slice(&hash)))
}
