//! Installation, in one piece or in chunks, and uninstallation.

use super::{Call, done, reply};
use crate::net::Net;
use crate::reject::{Reject, RejectCode};
use crate::stable::StableMemory;
use candid::Principal;
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInstallMode, ChangeDetails, ChangeOrigin, ChunkHash, CodeDeploymentMode,
    CodeDeploymentRecord, InstallChunkedCodeArgs, InstallCodeArgs, UninstallCodeArgs, UploadChunkArgs,
};
use sha2::{Digest, Sha256};

type Reply = Result<Option<Vec<u8>>, Reject>;

/// Bytes of a chunk at most ("IC method upload_chunk").
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks a canister may store.
const CHUNKS: usize = 100;

impl Net {
    pub(super) fn install_code_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: InstallCodeArgs = call.decode()?;
        let origin = call.change_origin(args.sender_canister_version);
        let (id, mode) = (args.canister_id, args.mode);
        self.install_code(call.caller, id, mode, &args.wasm_module, &args.arg)?;
        self.record_deployment(id, origin, mode);
        done()
    }

    pub(crate) fn install_and_record(
        &mut self,
        caller: Principal,
        id: Principal,
        mode: CanisterInstallMode,
        wasm: &[u8],
        arg: &[u8],
    ) -> Result<(), Reject> {
        self.install_code(caller, id, mode, wasm, arg)?;
        self.record_deployment(id, super::history::by_user(caller), mode);
        Ok(())
    }

    fn record_deployment(&mut self, id: Principal, origin: ChangeOrigin, mode: CanisterInstallMode) {
        let time = self.now();
        let Some(canister) = self.canisters.get_mut(&id) else {
            return;
        };
        let hash = canister.code.as_ref().map(|code| code.compiled.hash.to_vec());
        let record = CodeDeploymentRecord {
            mode: match mode {
                CanisterInstallMode::Install => CodeDeploymentMode::Install,
                CanisterInstallMode::Reinstall => CodeDeploymentMode::Reinstall,
                CanisterInstallMode::Upgrade(_) => CodeDeploymentMode::Upgrade,
            },
            module_hash: hash.unwrap_or_default(),
        };
        canister.changed(time, origin, ChangeDetails::CodeDeployment(record));
    }

    pub(super) fn install_chunked_code(&mut self, call: &mut Call<'_>) -> Reply {
        let args: InstallChunkedCodeArgs = call.decode()?;
        let (target, mode) = (args.target_canister, args.mode);
        self.controlled(target, call.caller)?;
        let store = args.store_canister.unwrap_or(target);
        let canister = self.existing(store)?;
        if store != call.caller && !canister.controllers.contains(&call.caller) {
            return Err(Reject::invalid_controller(store, call.caller));
        }
        let mut wasm = Vec::new();
        for chunk in &args.chunk_hashes_list {
            let found = <[u8; 32]>::try_from(chunk.hash.as_slice()).ok().and_then(|hash| canister.chunks.get(&hash));
            wasm.extend_from_slice(found.ok_or_else(|| {
                Reject::canister_error(
                    402,
                    format_args!("a chunk of the module is not in the store of canister {store}"),
                )
            })?);
        }
        if Sha256::digest(&wasm).as_slice() != args.wasm_module_hash {
            return Err(Reject::canister_error(402, "the chunks do not make a module of the given hash"));
        }
        let origin = call.change_origin(args.sender_canister_version);
        self.install_code(call.caller, target, mode, &wasm, &args.arg)?;
        self.record_deployment(target, origin, mode);
        done()
    }

    pub(super) fn upload_chunk(&mut self, call: &mut Call<'_>) -> Reply {
        let args: UploadChunkArgs = call.decode()?;
        let canister = self.chunk_store(args.canister_id, call.caller)?;
        if args.chunk.len() > CHUNK_BYTES {
            return Err(Reject::canister_error(
                402,
                format_args!("a chunk of {} bytes exceeds {CHUNK_BYTES}", args.chunk.len()),
            ));
        }
        let hash: [u8; 32] = Sha256::digest(&args.chunk).into();
        if canister.chunks.len() >= CHUNKS && !canister.chunks.contains_key(&hash) {
            return Err(Reject::canister_error(402, format_args!("the store already holds {CHUNKS} chunks")));
        }
        canister.chunks.insert(hash, args.chunk.into());
        reply(&ChunkHash { hash: hash.to_vec() })
    }

    pub(super) fn clear_chunk_store(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        self.chunk_store(args.canister_id, call.caller)?.chunks.clear();
        done()
    }

    pub(super) fn stored_chunks(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        let canister = self.chunk_store(args.canister_id, call.caller)?;
        let hashes = canister.chunks.keys().map(|hash| ChunkHash { hash: hash.to_vec() });
        reply(&hashes.collect::<Vec<_>>())
    }

    /// The store belongs to a canister: its controllers may use it, and the canister itself.
    fn chunk_store(&mut self, id: Principal, caller: Principal) -> Result<&mut crate::canister::Canister, Reject> {
        if id == caller {
            return self.existing(id);
        }
        self.controlled(id, caller)
    }

    pub(super) fn uninstall_code_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: UninstallCodeArgs = call.decode()?;
        let origin = call.change_origin(args.sender_canister_version);
        let id = args.canister_id;
        let time = self.now();
        let canister = self.controlled(id, call.caller)?;
        canister.code = None;
        canister.stable = StableMemory::default();
        canister.certified_data.clear();
        canister.timer = 0;
        canister.log.clear();
        canister.version += 1;
        canister.changed(time, origin, ChangeDetails::CodeUninstall);
        self.abandon_calls(id);
        done()
    }

    /// Rejects every open call of a canister whose code is gone; responses to its own calls are
    /// dropped when they arrive ("IC method uninstall_code").
    fn abandon_calls(&mut self, id: Principal) {
        let Some(canister) = self.canisters.get_mut(&id) else {
            return;
        };
        let mut rejected = Vec::new();
        for call in canister.contexts.values_mut() {
            call.deleted = true;
            if !call.answered {
                call.answered = true;
                rejected.push((call.origin.clone(), std::mem::take(&mut call.cycles)));
            }
        }
        for (origin, cycles) in rejected {
            let reject = Reject::new(RejectCode::CanisterReject, "Canister has been uninstalled.");
            self.respond(origin, Err(reject), cycles);
        }
    }
}
