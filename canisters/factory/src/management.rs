//! The management canister, as the factory uses it. Its replies are guaranteed, so calls wait for them.

mod snapshots;
mod status;

pub use snapshots::{SnapshotId, delete_snapshot, load_snapshot, snapshots_since, take_snapshot};
pub use status::{Status, deposit, start, status, stop};

use crate::template;
use cairn_events::{Hash, Principal};
use cairn_kit::guard::Guards;
use cairn_kit::journal;
use cairn_kit::runtime::{self, CallFailure, CanisterInfo};
use ic_management_canister_types::{
    CanisterInstallMode, CanisterSettings, ChunkHash, ClearChunkStoreArgs, InstallChunkedCodeArgs, InstallCodeArgs,
    StoredChunksArgs, UninstallCodeArgs, UpdateSettingsArgs, UploadChunkArgs,
};

/// Seconds of its own running costs below which a contract freezes: half a year.
const FREEZING_THRESHOLD: u32 = 15_552_000;
/// Bytes of a module that fit into one message beside the install argument; larger ones travel in chunks.
const MAX_WHOLE_MODULE: u64 = 1_500_000;
/// Chunks of a megabyte that the network stores for a canister.
const MAX_CHUNKS: usize = 100;
/// Modules that are installed from chunks at the same time, at most.
const MAX_INSTALLING: usize = 20;

thread_local! {
    static INSTALLING: Guards<Principal> = Guards::new(MAX_INSTALLING);
}

async fn call<A: candid::CandidType, R: candid::CandidType + serde::de::DeserializeOwned>(
    method: &'static str,
    argument: A,
) -> Result<R, CallFailure> {
    calm()?;
    runtime::call(Principal::management_canister(), method, (argument,)).await
}

/// Nothing is done to any canister while the log is another one than it was.
fn calm() -> Result<(), CallFailure> {
    journal::alarm().map_or(Ok(()), |problem| Err(CallFailure::unsent(&format!("fork alarm: {problem}"))))
}

/// Creates an empty canister that holds `cycles`, less the network's price for it. The factory is its only controller.
pub async fn create_canister(cycles: u64) -> Result<Principal, CallFailure> {
    calm()?;
    runtime::create_canister(cycles, FREEZING_THRESHOLD).await
}

/// Replaces the code of a stopped canister by the module; its stable memory stays. All or nothing. What was stopped waits
/// for no answers, which might arrive at code that has not asked.
pub async fn upgrade(contract: Principal, module: Hash, argument: Vec<u8>) -> Result<(), CallFailure> {
    put(CanisterInstallMode::Upgrade(None), contract, module, argument).await
}

/// Installs the module in an empty canister. One that holds code refuses: to install anew what has begun to live would
/// let answers to its calls arrive at code that has not made them.
pub async fn install(contract: Principal, module: Hash, argument: Vec<u8>) -> Result<(), CallFailure> {
    put(CanisterInstallMode::Install, contract, module, argument).await
}

async fn put(
    mode: CanisterInstallMode,
    contract: Principal,
    module: Hash,
    argument: Vec<u8>,
) -> Result<(), CallFailure> {
    let size = template::size(module).ok_or_else(|| CallFailure::unsent("the module's bytes are not here"))?;
    if size > MAX_WHOLE_MODULE {
        return put_chunked(mode, contract, module, size, argument).await;
    }
    let code = InstallCodeArgs {
        mode,
        canister_id: contract,
        wasm_module: template::bytes(module, 0, size),
        arg: argument,
        sender_canister_version: None,
    };
    call("install_code", code).await
}

/// As [`put`], from chunks in the factory's own store.
async fn put_chunked(
    mode: CanisterInstallMode,
    contract: Principal,
    module: Hash,
    size: u64,
    argument: Vec<u8>,
) -> Result<(), CallFailure> {
    let factory = runtime::id();
    let busy = |_| CallFailure::unsent("modules are being installed already");
    let _guard = INSTALLING.with(|guards| guards.acquire(contract)).map_err(busy)?;
    let parts = template::parts(module);
    // That the store refuses says nothing against the module.
    store_chunks(module, size, &parts).await.map_err(|failure| CallFailure::unsent(&failure.to_string()))?;
    let code = InstallChunkedCodeArgs {
        mode,
        target_canister: contract,
        store_canister: Some(factory),
        chunk_hashes_list: parts.iter().map(|part| ChunkHash { hash: part.0.to_vec() }).collect(),
        wasm_module_hash: module.0.to_vec(),
        arg: argument,
        sender_canister_version: None,
    };
    call("install_chunked_code", code).await
}

/// Puts the module's parts into the factory's own store. A store that is full of other versions' is emptied first, unless
/// something is being installed from it.
async fn store_chunks(module: Hash, size: u64, parts: &[Hash]) -> Result<(), CallFailure> {
    let factory = runtime::id();
    let mut stored: Vec<ChunkHash> = call("stored_chunks", StoredChunksArgs { canister_id: factory }).await?;
    let is_stored = |stored: &[ChunkHash], part: &Hash| stored.iter().any(|chunk| chunk.hash == part.0);
    let missing = parts.iter().filter(|part| !is_stored(&stored, part)).count();
    if stored.len() + missing > MAX_CHUNKS {
        if INSTALLING.with(Guards::held) > 1 {
            return Err(CallFailure::unsent("the store of chunks is full, and being installed from"));
        }
        let (): () = call("clear_chunk_store", ClearChunkStoreArgs { canister_id: factory }).await?;
        stored.clear();
    }
    for (offset, part) in (0..size).step_by(template::PART as usize).zip(parts) {
        if !is_stored(&stored, part) {
            let chunk = template::bytes(module, offset, template::PART.min(size - offset));
            let _: ChunkHash = call("upload_chunk", UploadChunkArgs { canister_id: factory, chunk }).await?;
        }
    }
    Ok(())
}

/// What the network says of the canister to everyone: who controls it, and what it runs.
pub async fn info(contract: Principal) -> Result<CanisterInfo, CallFailure> {
    calm()?;
    runtime::canister_info(contract).await
}

/// The hash of the module that is in the canister, if any.
pub async fn module_hash(contract: Principal) -> Result<Option<Hash>, CallFailure> {
    calm()?;
    Ok(runtime::canister_info(contract).await?.module_hash)
}

/// Takes code and state out of the canister.
pub async fn uninstall(contract: Principal) -> Result<(), CallFailure> {
    call("uninstall_code", UninstallCodeArgs { canister_id: contract, sender_canister_version: None }).await
}

/// Sets who controls the canister.
pub async fn set_controllers(contract: Principal, controllers: Vec<Principal>) -> Result<(), CallFailure> {
    let argument = UpdateSettingsArgs {
        canister_id: contract,
        settings: CanisterSettings { controllers: Some(controllers), ..CanisterSettings::default() },
        sender_canister_version: None,
    };
    call("update_settings", argument).await
}
