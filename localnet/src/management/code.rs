//! Installation, in one piece or in chunks, and uninstallation.

use super::chunks::store_error;
use super::{Call, Reply, done};
use crate::net::Net;
use crate::reject::{Reject, RejectCode};
use crate::stable::StableMemory;
use candid::Principal;
use ic_management_canister_types::{
    CanisterInstallMode, ChangeDetails, ChangeOrigin, CodeDeploymentMode, CodeDeploymentRecord, InstallChunkedCodeArgs,
    InstallCodeArgs, UninstallCodeArgs,
};
use sha2::{Digest, Sha256};

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
        let canister = self.chunk_store(args.store_canister.unwrap_or(target), call.caller)?;
        let mut wasm = Vec::new();
        for chunk in &args.chunk_hashes_list {
            let found = <[u8; 32]>::try_from(chunk.hash.as_slice()).ok().and_then(|hash| canister.chunks.get(&hash));
            wasm.extend_from_slice(
                found.ok_or_else(|| store_error(format_args!("Chunk hash {:?} was not found", chunk.hash)))?,
            );
        }
        let hash = Sha256::digest(&wasm);
        if hash.as_slice() != args.wasm_module_hash {
            return Err(store_error(format_args!(
                "Wasm module hash {:?} does not match given hash {:?}",
                hash.as_slice(),
                args.wasm_module_hash
            )));
        }
        let origin = call.change_origin(args.sender_canister_version);
        self.install_code(call.caller, target, mode, &wasm, &args.arg)?;
        self.record_deployment(target, origin, mode);
        done()
    }

    pub(super) fn uninstall_code_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: UninstallCodeArgs = call.decode()?;
        let id = args.canister_id;
        self.controlled(id, call.caller)?;
        self.uninstall(id, call.change_origin(args.sender_canister_version))?;
        done()
    }

    /// Takes the code away from a canister that cannot pay for its memory, and its allocations.
    pub(crate) fn uninstall_out_of_cycles(&mut self, id: Principal) {
        let Some(canister) = self.canisters.get_mut(&id) else {
            return;
        };
        canister.settings.release_allocations();
        if canister.code.is_some() || canister.stable.bytes() > 0 {
            let origin = super::history::by_user(Principal::management_canister());
            // It exists, so that nothing can go wrong.
            let _ = self.uninstall(id, origin);
        }
    }

    /// Removes code and state; the canister keeps its cycles, controllers, settings, history and
    /// snapshots.
    pub(super) fn uninstall(&mut self, id: Principal, origin: ChangeOrigin) -> Result<(), Reject> {
        let time = self.now();
        let canister = self.existing(id)?;
        canister.code = None;
        canister.stable = StableMemory::default();
        canister.certified_data.clear();
        canister.chunks.clear();
        canister.log.clear();
        canister.timer = 0;
        canister.log.clear();
        canister.version += 1;
        canister.changed(time, origin, ChangeDetails::CodeUninstall);
        self.abandon_calls(id);
        self.note_tasks(id);
        Ok(())
    }

    /// Rejects every open call of a canister whose code is gone; responses to its own calls are
    /// dropped when they arrive, their cycles are kept ("IC method uninstall_code").
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
            let reject = Reject::new(RejectCode::CanisterReject, "IC0406: Canister has been uninstalled.");
            self.respond(origin, Err(reject), cycles);
        }
    }
}
