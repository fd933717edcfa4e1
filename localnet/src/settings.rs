//! Settings of a canister ("IC method create_canister" and "IC method update_settings").

use crate::reject::Reject;
use candid::{Nat, Principal};
use ic_management_canister_types::{
    CanisterSettings, DefiniteCanisterSettings, EnvironmentVariable, LogVisibility, SnapshotVisibility,
    StatusVisibility,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Controllers a canister may have, and viewers a visibility may list.
const MAX_PRINCIPALS: usize = 10;
const MAX_COMPUTE_ALLOCATION: u64 = 100;
/// Bytes of any memory a setting may name.
const MAX_MEMORY: u64 = 1 << 48;
const MAX_LOG_MEMORY: u64 = 2 << 20;
const MAX_VARIABLES: usize = 20;
const MAX_VARIABLE_BYTES: usize = 128;
/// Heap of a canister without a limit of its own.
const WASM_MEMORY: u64 = 4 << 30;

/// Settings other than the controllers. The allocations are kept and reported: one machine has no
/// capacity to share out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Percent.
    pub(crate) compute_allocation: u64,
    pub(crate) memory_allocation: u64,
    /// Seconds.
    pub(crate) freezing_threshold: u64,
    pub(crate) reserved_cycles_limit: u128,
    pub(crate) minimum_incoming_canister_call_cycles: u128,
    pub(crate) log_visibility: LogVisibility,
    pub(crate) log_memory_limit: u64,
    pub(crate) snapshot_visibility: SnapshotVisibility,
    pub(crate) status_visibility: StatusVisibility,
    /// 0 for none.
    pub(crate) wasm_memory_limit: u64,
    pub(crate) wasm_memory_threshold: u64,
    #[serde(with = "crate::state::shared")]
    pub(crate) environment: Arc<[(String, String)]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            compute_allocation: 0,
            memory_allocation: 0,
            freezing_threshold: 2_592_000,
            reserved_cycles_limit: 5_000_000_000_000,
            minimum_incoming_canister_call_cycles: 0,
            log_visibility: LogVisibility::default(),
            log_memory_limit: 4_096,
            snapshot_visibility: SnapshotVisibility::default(),
            status_visibility: StatusVisibility::default(),
            wasm_memory_limit: 3_221_225_472,
            wasm_memory_threshold: 0,
            environment: Arc::default(),
        }
    }
}

/// The controllers a settings record asks for, if it asks for any.
pub(crate) fn controllers(settings: &CanisterSettings) -> Result<Option<Arc<[Principal]>>, Reject> {
    let Some(controllers) = &settings.controllers else {
        return Ok(None);
    };
    few(controllers)?;
    let mut controllers = controllers.clone();
    controllers.sort();
    controllers.dedup();
    Ok(Some(controllers.into()))
}

impl Settings {
    /// Gives up what is reserved for the canister.
    pub(crate) fn release_allocations(&mut self) {
        self.compute_allocation = 0;
        self.memory_allocation = 0;
    }

    /// Bytes the heap may take, if there is a limit.
    pub(crate) fn wasm_memory_limit(&self) -> Option<u64> {
        Some(self.wasm_memory_limit).filter(|limit| *limit > 0)
    }

    /// Bytes the log may take.
    pub(crate) fn log_capacity(&self) -> u64 {
        self.log_memory_limit
    }

    /// These settings with the fields that are given, if all of them are valid.
    pub(crate) fn with(&self, given: CanisterSettings) -> Result<Self, Reject> {
        let numbers = self.with_numbers(&given)?;
        let log_visibility = given.log_visibility.unwrap_or_else(|| self.log_visibility.clone());
        if let LogVisibility::AllowedViewers(viewers) = &log_visibility {
            few(viewers)?;
        }
        let snapshot_visibility = given.snapshot_visibility.unwrap_or_else(|| self.snapshot_visibility.clone());
        if let SnapshotVisibility::AllowedViewers(viewers) = &snapshot_visibility {
            few(viewers)?;
        }
        let status_visibility = given.status_visibility.unwrap_or_else(|| self.status_visibility.clone());
        if let StatusVisibility::AllowedViewers(viewers) = &status_visibility {
            few(viewers)?;
        }
        let environment = match given.environment_variables {
            Some(variables) => environment(variables)?,
            None => Arc::clone(&self.environment),
        };
        Ok(Self { log_visibility, snapshot_visibility, status_visibility, environment, ..numbers })
    }

    fn with_numbers(&self, given: &CanisterSettings) -> Result<Self, Reject> {
        let bytes = |name, given, kept| number(name, given, kept, MAX_MEMORY);
        let threshold = number("Freezing threshold", &given.freezing_threshold, self.freezing_threshold, u64::MAX)?;
        let log_memory = number("Log memory limit", &given.log_memory_limit, self.log_memory_limit, MAX_LOG_MEMORY)?;
        Ok(Self {
            compute_allocation: number(
                "ComputeAllocation",
                &given.compute_allocation,
                self.compute_allocation,
                MAX_COMPUTE_ALLOCATION,
            )?,
            memory_allocation: bytes("MemoryAllocation", &given.memory_allocation, self.memory_allocation)?,
            freezing_threshold: threshold,
            reserved_cycles_limit: cycles(
                "Reserved cycles limit",
                &given.reserved_cycles_limit,
                self.reserved_cycles_limit,
            )?,
            minimum_incoming_canister_call_cycles: cycles(
                "Minimum incoming canister call cycles",
                &given.minimum_incoming_canister_call_cycles,
                self.minimum_incoming_canister_call_cycles,
            )?,
            log_memory_limit: log_memory,
            wasm_memory_limit: bytes("Wasm memory limit", &given.wasm_memory_limit, self.wasm_memory_limit)?,
            wasm_memory_threshold: bytes(
                "Wasm memory threshold",
                &given.wasm_memory_threshold,
                self.wasm_memory_threshold,
            )?,
            ..self.clone()
        })
    }

    /// Whether less than the threshold is left of a heap of which so many bytes are used ("Scheduling on
    /// low wasm memory hook").
    pub(crate) fn is_low_on_memory(&self, used: u64) -> bool {
        let limit = self.wasm_memory_limit().unwrap_or(WASM_MEMORY);
        limit < used.saturating_add(self.wasm_memory_threshold)
    }

    /// All settings, as `canister_status` reports them.
    pub(crate) fn definite(&self, controllers: &[Principal]) -> DefiniteCanisterSettings {
        let variables = self
            .environment
            .iter()
            .map(|(name, value)| EnvironmentVariable { name: name.clone(), value: value.clone() });
        DefiniteCanisterSettings {
            controllers: controllers.to_vec(),
            compute_allocation: self.compute_allocation.into(),
            memory_allocation: self.memory_allocation.into(),
            freezing_threshold: self.freezing_threshold.into(),
            reserved_cycles_limit: self.reserved_cycles_limit.into(),
            minimum_incoming_canister_call_cycles: self.minimum_incoming_canister_call_cycles.into(),
            log_visibility: self.log_visibility.clone(),
            log_memory_limit: self.log_memory_limit.into(),
            snapshot_visibility: self.snapshot_visibility.clone(),
            status_visibility: self.status_visibility.clone(),
            wasm_memory_limit: self.wasm_memory_limit.into(),
            wasm_memory_threshold: self.wasm_memory_threshold.into(),
            environment_variables: variables.collect(),
        }
    }
}

/// Lists of principals are bounded when they are decoded, so the network reports them as malformed.
fn few(principals: &[Principal]) -> Result<(), Reject> {
    if principals.len() <= MAX_PRINCIPALS {
        return Ok(());
    }
    Err(Reject::invalid_payload(format_args!(
        "Deserialize error: The number of elements exceeds maximum allowed {MAX_PRINCIPALS}"
    )))
}

fn number(name: &str, given: &Option<Nat>, kept: u64, max: u64) -> Result<u64, Reject> {
    let Some(given) = given else {
        return Ok(kept);
    };
    let value = u64::try_from(given.0.clone()).ok().filter(|value| *value <= max);
    value.ok_or_else(|| out_of_range(name, max.into(), given))
}

fn cycles(name: &str, given: &Option<Nat>, kept: u128) -> Result<u128, Reject> {
    let Some(given) = given else {
        return Ok(kept);
    };
    u128::try_from(given.0.clone()).map_err(|_| out_of_range(name, u128::MAX, given))
}

fn out_of_range(name: &str, max: u128, given: &Nat) -> Reject {
    let given = &given.0;
    Reject::canister_error(504, format_args!("{name} expected to be in the range [0..{max}], got {given}"))
}

/// The variables by name, if there are not too many and all are short and unique.
fn environment(variables: Vec<EnvironmentVariable>) -> Result<Arc<[(String, String)]>, Reject> {
    let count = variables.len();
    if count > MAX_VARIABLES {
        return Err(Reject::system(
            408,
            format_args!("Too many environment variables: {count} (max: {MAX_VARIABLES})"),
        ));
    }
    let too_long = |what: &str, text: &str| {
        Reject::system(
            408,
            format_args!(
                "Environment variable {what} \"{text}\" exceeds the maximum allowed length of {MAX_VARIABLE_BYTES}."
            ),
        )
    };
    let mut sorted = BTreeMap::new();
    for EnvironmentVariable { name, value } in variables {
        if name.len() > MAX_VARIABLE_BYTES {
            return Err(too_long("name", &name));
        }
        if value.len() > MAX_VARIABLE_BYTES {
            return Err(too_long("value", &value));
        }
        sorted.insert(name, value);
    }
    if sorted.len() < count {
        return Err(Reject::system(408, "Duplicate environment variables are not allowed"));
    }
    Ok(sorted.into_iter().collect())
}
