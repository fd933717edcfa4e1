//! Settings of a canister ("Canister settings").

use crate::reject::Reject;
use candid::{Nat, Principal};
use ic_management_canister_types::{
    CanisterSettings, DefiniteCanisterSettings, EnvironmentVariable, LogVisibility, SnapshotVisibility,
    StatusVisibility,
};
use std::sync::Arc;

/// Controllers a canister may have.
const MAX_CONTROLLERS: usize = 10;

/// Settings other than the controllers. Those that only reserve resources are kept and reported,
/// nothing more.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) compute_allocation: Nat,
    pub(crate) memory_allocation: Nat,
    pub(crate) freezing_threshold: Nat,
    pub(crate) reserved_cycles_limit: Nat,
    pub(crate) minimum_incoming_canister_call_cycles: Nat,
    pub(crate) log_visibility: LogVisibility,
    pub(crate) log_memory_limit: Nat,
    pub(crate) snapshot_visibility: SnapshotVisibility,
    pub(crate) status_visibility: StatusVisibility,
    pub(crate) wasm_memory_limit: Nat,
    pub(crate) wasm_memory_threshold: Nat,
    pub(crate) environment: Arc<[(String, String)]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            compute_allocation: Nat::from(0_u8),
            memory_allocation: Nat::from(0_u8),
            freezing_threshold: Nat::from(2_592_000_u32),
            reserved_cycles_limit: Nat::from(5_000_000_000_000_u64),
            minimum_incoming_canister_call_cycles: Nat::from(0_u8),
            log_visibility: LogVisibility::default(),
            log_memory_limit: Nat::from(4_096_u32),
            snapshot_visibility: SnapshotVisibility::default(),
            status_visibility: StatusVisibility::default(),
            wasm_memory_limit: Nat::from(3_221_225_472_u64),
            wasm_memory_threshold: Nat::from(0_u8),
            environment: Arc::default(),
        }
    }
}

/// The controllers a settings record asks for, if it asks for any.
pub(crate) fn controllers(settings: &CanisterSettings) -> Result<Option<Arc<[Principal]>>, Reject> {
    let Some(controllers) = &settings.controllers else {
        return Ok(None);
    };
    let mut controllers = controllers.clone();
    controllers.sort();
    controllers.dedup();
    if controllers.len() > MAX_CONTROLLERS {
        return Err(Reject::canister_error(
            402,
            format_args!("{} controllers were given, at most {MAX_CONTROLLERS} are allowed", controllers.len()),
        ));
    }
    Ok(Some(controllers.into()))
}

impl Settings {
    /// Bytes the heap may take; 0 stands for no limit.
    pub(crate) fn wasm_memory_limit(&self) -> Option<u64> {
        u64::try_from(&self.wasm_memory_limit.0).ok().filter(|limit| *limit > 0)
    }

    /// Bytes the log may take.
    pub(crate) fn log_capacity(&self) -> u64 {
        u64::try_from(&self.log_memory_limit.0).unwrap_or(u64::MAX)
    }

    /// Takes over the fields that are given.
    pub(crate) fn update(&mut self, given: CanisterSettings) {
        fn set<T>(field: &mut T, given: Option<T>) {
            if let Some(value) = given {
                *field = value;
            }
        }
        set(&mut self.compute_allocation, given.compute_allocation);
        set(&mut self.memory_allocation, given.memory_allocation);
        set(&mut self.freezing_threshold, given.freezing_threshold);
        set(&mut self.reserved_cycles_limit, given.reserved_cycles_limit);
        set(&mut self.minimum_incoming_canister_call_cycles, given.minimum_incoming_canister_call_cycles);
        set(&mut self.log_visibility, given.log_visibility);
        set(&mut self.log_memory_limit, given.log_memory_limit);
        set(&mut self.snapshot_visibility, given.snapshot_visibility);
        set(&mut self.status_visibility, given.status_visibility);
        set(&mut self.wasm_memory_limit, given.wasm_memory_limit);
        set(&mut self.wasm_memory_threshold, given.wasm_memory_threshold);
        if let Some(mut variables) = given.environment_variables {
            variables.sort_by(|a, b| a.name.cmp(&b.name));
            self.environment = variables.into_iter().map(|v| (v.name, v.value)).collect();
        }
    }

    /// All settings, as `canister_status` reports them.
    pub(crate) fn definite(&self, controllers: &[Principal]) -> DefiniteCanisterSettings {
        let variables = self
            .environment
            .iter()
            .map(|(name, value)| EnvironmentVariable { name: name.clone(), value: value.clone() });
        DefiniteCanisterSettings {
            controllers: controllers.to_vec(),
            compute_allocation: self.compute_allocation.clone(),
            memory_allocation: self.memory_allocation.clone(),
            freezing_threshold: self.freezing_threshold.clone(),
            reserved_cycles_limit: self.reserved_cycles_limit.clone(),
            minimum_incoming_canister_call_cycles: self.minimum_incoming_canister_call_cycles.clone(),
            log_visibility: self.log_visibility.clone(),
            log_memory_limit: self.log_memory_limit.clone(),
            snapshot_visibility: self.snapshot_visibility.clone(),
            status_visibility: self.status_visibility.clone(),
            wasm_memory_limit: self.wasm_memory_limit.clone(),
            wasm_memory_threshold: self.wasm_memory_threshold.clone(),
            environment_variables: variables.collect(),
        }
    }
}
