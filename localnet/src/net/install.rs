//! Installation and upgrade of code ("IC method install_code").

use super::Net;
use super::deliver::outcome;
use crate::canister::{Canister, Code, Executed, Invocation};
use crate::compiled::{Compiled, compile};
use crate::config::Config;
use crate::entry::Entry;
use crate::image::Image;
use crate::module::START;
use crate::reject::Reject;
use crate::sandbox::{Failure, Function, Sandbox};
use crate::stable::StableMemory;
use crate::subnet::Subnet;
use crate::trace::{MessageKind, TraceEntry};
use candid::Principal;
use ic_management_canister_types::{CanisterInstallMode, WasmMemoryPersistence};
use std::sync::Arc;

/// What is put back if an installation fails.
#[derive(Clone)]
pub(crate) struct Saved {
    code: Option<Code>,
    stable: StableMemory,
    certified_data: Vec<u8>,
    timer: u64,
    version: u64,
}

/// An installation in progress.
struct Installation<'a> {
    canister: Principal,
    caller: Principal,
    compiled: Arc<Compiled>,
    arg: &'a [u8],
    instructions_left: u64,
}

impl Net {
    /// Installs, reinstalls or upgrades. If any step traps, everything is as it was before.
    pub(crate) fn install_code(
        &mut self,
        caller: Principal,
        id: Principal,
        mode: CanisterInstallMode,
        wasm: &[u8],
        arg: &[u8],
    ) -> Result<(), Reject> {
        let canister = self.controlled(id, caller)?;
        let installed = canister.code.is_some();
        if installed && mode == CanisterInstallMode::Install {
            return Err(Reject::canister_error(
                514,
                format_args!(
                    "Canister {id} cannot be installed because the canister is not empty. Try installing with mode='reinstall' instead."
                ),
            ));
        }
        if !installed && matches!(mode, CanisterInstallMode::Upgrade(_)) {
            return Err(Reject::no_wasm_module(id));
        }
        let compiled = compile(wasm, &self.subnet.config).map_err(|error| {
            Reject::error_from(id, 505, format_args!("Canister's Wasm module is not valid: {error}"))
        })?;
        self.install_compiled(caller, id, mode, compiled, arg)
    }

    /// Upgrades or reinstalls a canister to the module it runs, as one of its controllers would. If it traps, nothing
    /// has happened.
    pub(super) fn install_again(&mut self, id: Principal, upgrade: bool, arg: &[u8]) {
        let Some(canister) = self.canisters.get(&id) else {
            return;
        };
        if let (Some(code), Some(controller)) = (&canister.code, canister.controllers.first().copied()) {
            let compiled = Arc::clone(&code.compiled);
            let mode = if upgrade { CanisterInstallMode::Upgrade(None) } else { CanisterInstallMode::Reinstall };
            let _ = self.install_compiled(controller, id, mode, compiled, arg);
        }
    }

    fn install_compiled(
        &mut self,
        caller: Principal,
        id: Principal,
        mode: CanisterInstallMode,
        compiled: Arc<Compiled>,
        arg: &[u8],
    ) -> Result<(), Reject> {
        let config = Arc::clone(&self.subnet.config);
        let Config { costs, limits, .. } = &*config;
        let limit = limits.install_instructions;
        let canister = self.controlled(id, caller)?;
        let prepaid = canister.prepay(costs, limit)?;
        let saved = canister.save();
        let mut installation = Installation { canister: id, caller, compiled, arg, instructions_left: limit };
        let done = match mode {
            CanisterInstallMode::Upgrade(flags) => {
                let flags = flags.unwrap_or_default();
                self.kept_heap(&installation, flags.wasm_memory_persistence)
                    .and_then(|keep| self.upgrade_code(&mut installation, flags.skip_pre_upgrade == Some(true), keep))
            }
            _ => self.fresh_code(&mut installation),
        };
        let used = limit - installation.instructions_left;
        if let Some(canister) = self.canisters.get_mut(&id) {
            canister.settle_execution(costs, prepaid, used);
            match &done {
                Ok(()) => canister.version = saved.version + 1,
                Err(_) => canister.put_back(saved),
            }
        }
        self.note_tasks(id);
        done
    }

    /// Whether an upgrade keeps the heap. Code that relies on it must say so, and code that could not
    /// make sense of it must not get it.
    fn kept_heap(
        &mut self,
        installation: &Installation<'_>,
        persistence: Option<WasmMemoryPersistence>,
    ) -> Result<bool, Reject> {
        let canister = self.existing(installation.canister)?;
        let orthogonal = canister.code.as_ref().is_some_and(|code| code.compiled.info.orthogonal_persistence());
        match persistence {
            None if orthogonal => Err(Reject::canister_error(
                504,
                "Missing upgrade option: Enhanced orthogonal persistence requires the `wasm_memory_persistence` upgrade option.",
            )),
            Some(WasmMemoryPersistence::Keep) if !installation.compiled.info.orthogonal_persistence() => {
                Err(Reject::canister_error(
                    504,
                    "Invalid upgrade option: The `wasm_memory_persistence: opt Keep` upgrade option requires that the new canister module supports enhanced orthogonal persistence.",
                ))
            }
            None | Some(WasmMemoryPersistence::Replace) => Ok(false),
            Some(WasmMemoryPersistence::Keep) => Ok(true),
        }
    }

    fn fresh_code(&mut self, installation: &mut Installation<'_>) -> Result<(), Reject> {
        let id = installation.canister;
        let subnet = self.subnet.clone();
        let keeps_stable_memory = self.subnet.config.keeps_stable_memory_across_reinstalls();
        let canister = self.existing(id)?;
        if !keeps_stable_memory {
            canister.stable = StableMemory::default();
        }
        canister.certified_data.clear();
        canister.timer = 0;
        canister.log.clear();
        canister.place(&subnet, &installation.compiled, None)?;
        self.start(installation, "canister_init")
    }

    fn upgrade_code(
        &mut self,
        installation: &mut Installation<'_>,
        skip_pre_upgrade: bool,
        keep_memory: bool,
    ) -> Result<(), Reject> {
        let id = installation.canister;
        if !skip_pre_upgrade {
            self.step(installation, Entry::PRE_UPGRADE, "canister_pre_upgrade")?;
        }
        let subnet = self.subnet.clone();
        let canister = self.existing(id)?;
        let old = canister.code.take().map(|code| code.image);
        // The new code does not know what the old one had set the timer for.
        if !subnet.config.keeps_timer_across_upgrades() {
            canister.timer = 0;
        }
        canister.place(&subnet, &installation.compiled, old.filter(|_| keep_memory))?;
        self.start(installation, "canister_post_upgrade")
    }

    fn start(&mut self, installation: &mut Installation<'_>, hook: &str) -> Result<(), Reject> {
        if installation.compiled.info.has_start {
            self.step(installation, Entry::START, START)?;
        }
        self.step(installation, Entry::INIT, hook)
    }

    /// Runs one entry point of the installation, if the module has it.
    fn step(&mut self, installation: &mut Installation<'_>, entry: Entry, function: &str) -> Result<(), Reject> {
        let (id, caller) = (installation.canister, installation.caller);
        let limit = installation.instructions_left;
        let Some(canister) = self.canisters.get_mut(&id) else {
            return Err(Reject::canister_not_found(id));
        };
        if function != START && !canister.exports(function) {
            return Ok(());
        }
        let invocation = Invocation {
            arg: installation.arg.into(),
            method: function,
            ..Invocation::new(entry, Function::Export(function), caller, limit)
        };
        let executed = canister.execute(&self.subnet, invocation);
        installation.instructions_left -= executed.instructions.min(limit);
        self.record_step(installation, function, &executed);
        match executed.result {
            Ok(()) => Ok(()),
            Err(Failure::Trap(reject)) => Err(reject),
            Err(Failure::CertificateWanted) => Err(Reject::error_from(id, 504, "there is no certificate here")),
        }
    }

    fn record_step(&mut self, installation: &Installation<'_>, method: &str, executed: &Executed) {
        self.record(TraceEntry {
            round: self.subnet.round,
            kind: MessageKind::Install,
            caller: installation.caller,
            callee: installation.canister,
            method: method.to_owned(),
            outcome: outcome(executed),
            instructions: executed.instructions,
            cycles: 0,
            faulted: false,
        });
    }

    pub(crate) fn existing(&mut self, id: Principal) -> Result<&mut Canister, Reject> {
        self.canisters.get_mut(&id).ok_or_else(|| Reject::canister_not_found(id))
    }

    /// The canister, if the caller controls it.
    pub(crate) fn controlled(&mut self, id: Principal, caller: Principal) -> Result<&mut Canister, Reject> {
        let canister = self.existing(id)?;
        if canister.controllers.contains(&caller) {
            Ok(canister)
        } else {
            Err(Reject::invalid_controller(id, &canister.controllers, caller))
        }
    }
}

impl Canister {
    pub(super) fn save(&self) -> Saved {
        Saved {
            code: self.code.clone(),
            stable: self.stable.clone(),
            certified_data: self.certified_data.clone(),
            timer: self.timer,
            version: self.version,
        }
    }

    pub(super) fn put_back(&mut self, saved: Saved) {
        self.code = saved.code;
        self.stable = saved.stable;
        self.certified_data = saved.certified_data;
        self.timer = saved.timer;
        self.version = saved.version;
    }

    /// Puts code in place in a state it once was in, if the state is one of this code.
    pub(crate) fn resume(&mut self, subnet: &Subnet, compiled: &Arc<Compiled>, image: &Image) -> Result<(), Reject> {
        let mut sandbox = Sandbox::new(compiled, self.id).map_err(|_| Reject::inconsistent_snapshot())?;
        let size = image.heap.bytes();
        let fits = size >= sandbox.state().heap.bytes()
            && compiled.info.max_heap.is_none_or(|max| size as u64 <= max)
            && sandbox.enter(image);
        if !fits {
            return Err(Reject::inconsistent_snapshot());
        }
        subnet.instances.put(Box::new(sandbox));
        self.code = Some(Code { compiled: Arc::clone(compiled), image: image.clone() });
        Ok(())
    }

    /// Puts new code in place, with a fresh heap or with the one that is kept
    /// ("wasm_memory_persistence").
    fn place(&mut self, subnet: &Subnet, compiled: &Arc<Compiled>, kept: Option<Image>) -> Result<(), Reject> {
        let id = self.id;
        let invalid = |error: String| Reject::error_from(id, 505, error);
        let mut sandbox = Sandbox::new(compiled, id).map_err(|error| invalid(format!("{error:#}")))?;
        let mut image = sandbox.state().clone();
        if let Some(kept) = kept {
            let fresh = std::mem::replace(&mut image.heap, kept.heap);
            image.heap.grow_to(fresh.bytes());
            if compiled.info.max_heap.is_some_and(|max| max < image.heap.bytes() as u64) || !sandbox.enter(&image) {
                return Err(invalid("the heap that is kept does not fit the module".to_owned()));
            }
        }
        subnet.instances.put(Box::new(sandbox));
        self.code = Some(Code { compiled: Arc::clone(compiled), image });
        Ok(())
    }
}
