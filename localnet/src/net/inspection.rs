//! What tests may look at without asking a canister, and the shortcuts to the management canister.

use super::Net;
use crate::certificate::Node;
use crate::log::LogLine;
use crate::reject::Reject;
use crate::subnet::{FIRST_ID, LAST_CANISTER, canister_id};
use crate::trace::MessageKind;
use candid::Principal;
use ic_management_canister_types::{
    CanisterInstallMode, CanisterSettings, CanisterStatusType, LoadCanisterSnapshotArgs, Snapshot,
    TakeCanisterSnapshotArgs,
};
use std::sync::Arc;

impl Net {
    /// Creates a canister with these cycles, controlled by `controller`
    /// (`provisional_create_canister_with_cycles`, at once).
    pub fn create_canister(&mut self, controller: Principal, cycles: u128) -> Principal {
        // Fails only when four billion canisters exist.
        self.create(controller, cycles, None).unwrap_or_else(|_| Principal::anonymous())
    }

    /// Creates a canister with these settings; without controllers in them, its creator controls it.
    ///
    /// # Errors
    /// Settings that cannot be, or no canister id left.
    pub fn create_canister_with(
        &mut self,
        creator: Principal,
        cycles: u128,
        settings: CanisterSettings,
    ) -> Result<Principal, Reject> {
        let id = self.create_with(crate::management::by_user(creator), creator, cycles, settings, None)?;
        self.mint(cycles);
        Ok(id)
    }

    /// Installs code on an empty canister, at once and without a limit of the module's size.
    pub fn install(&mut self, id: Principal, caller: Principal, wasm: &[u8], arg: Vec<u8>) -> Result<(), Reject> {
        self.deploy(id, caller, CanisterInstallMode::Install, wasm, &arg)
    }

    /// Upgrades at once, also in the middle of calls: outstanding callbacks are then delivered to
    /// the new code.
    pub fn upgrade(&mut self, id: Principal, caller: Principal, wasm: &[u8], arg: Vec<u8>) -> Result<(), Reject> {
        self.deploy(id, caller, CanisterInstallMode::Upgrade(None), wasm, &arg)
    }

    /// Replaces code and state.
    pub fn reinstall(&mut self, id: Principal, caller: Principal, wasm: &[u8], arg: Vec<u8>) -> Result<(), Reject> {
        self.deploy(id, caller, CanisterInstallMode::Reinstall, wasm, &arg)
    }

    /// Any mode of installation, at once.
    pub fn deploy(
        &mut self,
        id: Principal,
        caller: Principal,
        mode: CanisterInstallMode,
        wasm: &[u8],
        arg: &[u8],
    ) -> Result<(), Reject> {
        self.install_and_record(caller, id, mode, wasm, arg)
    }

    /// Changes settings at once.
    pub fn update_settings(
        &mut self,
        id: Principal,
        caller: Principal,
        settings: CanisterSettings,
    ) -> Result<(), Reject> {
        self.change_settings(caller, id, settings)
    }

    /// Takes a snapshot (`take_canister_snapshot`); its id. Pages are shared with the canister.
    pub fn take_snapshot(&mut self, id: Principal, caller: Principal) -> Result<Vec<u8>, Reject> {
        let args = TakeCanisterSnapshotArgs {
            canister_id: id,
            replace_snapshot: None,
            uninstall_code: None,
            sender_canister_version: None,
        };
        let taken: Snapshot =
            self.update(Principal::management_canister(), caller, "take_canister_snapshot", (args,))?;
        Ok(taken.id)
    }

    /// Loads a snapshot of this canister or of another one (`load_canister_snapshot`).
    pub fn load_snapshot(&mut self, id: Principal, caller: Principal, snapshot_id: &[u8]) -> Result<(), Reject> {
        let args = LoadCanisterSnapshotArgs {
            canister_id: id,
            snapshot_id: snapshot_id.to_vec(),
            sender_canister_version: None,
        };
        self.update(Principal::management_canister(), caller, "load_canister_snapshot", (args,))
    }

    /// Adds cycles to a canister (`provisional_top_up_canister`).
    pub fn add_cycles(&mut self, id: Principal, cycles: u128) -> Result<u128, Reject> {
        self.existing(id)?;
        self.mint(cycles);
        self.deposit(id, cycles)
    }

    /// Moves cycles to a canister.
    pub(crate) fn deposit(&mut self, id: Principal, cycles: u128) -> Result<u128, Reject> {
        let canister = self.existing(id)?;
        canister.cycles = canister.cycles.saturating_add(cycles);
        Ok(canister.cycles)
    }

    /// Stops a canister: rounds until its open calls have ended.
    pub fn stop(&mut self, id: Principal, caller: Principal) -> Result<(), Reject> {
        self.manage_canister(id, caller, "stop_canister")
    }

    /// Starts a canister.
    pub fn start_canister(&mut self, id: Principal, caller: Principal) -> Result<(), Reject> {
        self.manage_canister(id, caller, "start_canister")
    }

    fn manage_canister(&mut self, canister_id: Principal, caller: Principal, method: &str) -> Result<(), Reject> {
        let record = ic_management_canister_types::CanisterIdRecord { canister_id };
        self.update(Principal::management_canister(), caller, method, (record,))
    }

    /// All canisters.
    pub fn canisters(&self) -> Vec<Principal> {
        self.canisters.keys().copied().collect()
    }

    /// Running, stopping or stopped.
    pub fn canister_status(&self, id: Principal) -> Option<CanisterStatusType> {
        self.canisters.get(&id).map(|canister| crate::management::status_type(&canister.status))
    }

    /// The controllers, sorted.
    pub fn controllers(&self, id: Principal) -> Option<Vec<Principal>> {
        self.canisters.get(&id).map(|canister| canister.controllers.to_vec())
    }

    /// SHA-256 of the installed module.
    pub fn module_hash(&self, id: Principal) -> Option<[u8; 32]> {
        let code = self.canisters.get(&id)?.code.as_ref()?;
        Some(code.compiled.hash)
    }

    /// The balance.
    pub fn cycles(&self, id: Principal) -> Option<u128> {
        self.canisters.get(&id).map(|canister| canister.cycles)
    }

    /// The whole stable memory.
    pub fn stable_memory(&self, id: Principal) -> Option<Vec<u8>> {
        self.canisters.get(&id).map(|canister| canister.stable.to_vec())
    }

    /// The whole heap, stack and globals' memory included; empty without code.
    pub fn heap_memory(&self, id: Principal) -> Option<Vec<u8>> {
        let canister = self.canisters.get(&id)?;
        let Some(code) = &canister.code else { return Some(Vec::new()) };
        let mut bytes = vec![0; code.image.heap.bytes()];
        code.image.heap.read(0, &mut bytes).then_some(bytes)
    }

    /// Bytes of heap and of stable memory.
    pub fn memory_sizes(&self, id: Principal) -> Option<(u64, u64)> {
        let canister = self.canisters.get(&id)?;
        let heap = canister.code.as_ref().map_or(0, |code| code.image.heap.bytes() as u64);
        Some((heap, canister.stable.bytes()))
    }

    /// The certified data.
    pub fn certified_data(&self, id: Principal) -> Option<Vec<u8>> {
        self.canisters.get(&id).map(|canister| canister.certified_data.clone())
    }

    /// Deadline of the global timer, if it is set.
    pub fn global_timer(&self, id: Principal) -> Option<u64> {
        self.canisters.get(&id).map(|canister| canister.timer).filter(|timer| *timer != 0)
    }

    /// Calls the canister works on.
    pub fn open_calls(&self, id: Principal) -> usize {
        self.canisters.get(&id).map_or(0, |canister| canister.contexts.len())
    }

    /// What the canister printed, and the messages of its traps.
    pub fn logs(&self, id: Principal) -> Vec<LogLine> {
        self.canisters.get(&id).map(|c| c.log.lines().cloned().collect()).unwrap_or_default()
    }

    /// A metadata section of the installed module, public or private.
    pub fn metadata(&self, id: Principal, name: &str) -> Option<Vec<u8>> {
        let code = self.canisters.get(&id)?.code.as_ref()?;
        code.compiled.info.metadata.get(name).map(|section| section.content.clone())
    }

    /// The root key in DER, to verify certificates with.
    pub fn root_key(&self) -> Vec<u8> {
        self.subnet.root_key.to_vec()
    }

    /// The id of the subnet.
    pub fn subnet_id(&self) -> Principal {
        self.subnet.id
    }

    /// The node that signs the responses to queries.
    pub fn node(&self) -> Arc<Node> {
        Arc::clone(&self.subnet.node)
    }

    /// First and last id of the canisters that can be on this network.
    pub fn canister_range(&self) -> (Principal, Principal) {
        (canister_id(FIRST_ID), canister_id(LAST_CANISTER))
    }

    /// Instructions of all messages in the trace, by kind of interest.
    pub fn traced_instructions(&self, of: impl Fn(MessageKind) -> bool) -> u64 {
        self.trace.iter().filter(|entry| of(entry.kind)).map(|entry| entry.instructions).sum()
    }
}
