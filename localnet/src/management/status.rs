//! What the management canister tells of a canister.

use super::{Call, Reply, decode, encode, reply};
use crate::canister::{Canister, Status};
use crate::canisters::Canisters;
use crate::costs::Costs;
use crate::execution::Response;
use crate::net::Net;
use crate::reject::Reject;
use crate::snapshot::Snapshot;
use candid::{Nat, Principal};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInfoArgs, CanisterInfoResult, CanisterMetadataArgs, CanisterMetadataResult,
    CanisterStatusResult, CanisterStatusType, Change, MemoryMetrics, QueryStats,
};

/// The status without those who wait.
pub(crate) fn status_type(status: &Status) -> CanisterStatusType {
    match status {
        Status::Running => CanisterStatusType::Running,
        Status::Stopping(_) => CanisterStatusType::Stopping,
        Status::Stopped => CanisterStatusType::Stopped,
    }
}

impl Canisters {
    pub(super) fn status(&self, caller: Principal, arg: &[u8], costs: &Costs) -> Response {
        let args: CanisterIdRecord = decode(arg)?;
        let id = args.canister_id;
        let canister = self.get(&id).ok_or_else(|| Reject::canister_not_found(id))?;
        let shown = id == caller || canister.controllers.contains(&caller) || canister.settings.shows_status_to(caller);
        if !shown {
            return Err(Reject::invalid_controller(id, &canister.controllers, caller));
        }
        let burned = canister.upkeep(costs).per_day(costs);
        encode(&CanisterStatusResult { idle_cycles_burned_per_day: Nat::from(burned), ..canister.report() })
    }
}

impl Net {
    pub(super) fn canister_info(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterInfoArgs = call.decode()?;
        let canister = self.existing(args.canister_id)?;
        let wanted = args.num_requested_changes.unwrap_or(0);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let skipped = canister.history.len().saturating_sub(wanted);
        reply(&CanisterInfoResult {
            total_num_changes: canister.changes,
            recent_changes: canister.history.iter().skip(skipped).cloned().collect(),
            module_hash: canister.module_hash(),
            controllers: canister.controllers.to_vec(),
        })
    }

    /// A metadata section: public ones for everybody, private ones for controllers.
    pub(super) fn canister_metadata(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterMetadataArgs = call.decode()?;
        let id = args.canister_id;
        let canister = self.existing(id)?;
        let code = canister.code.as_ref().ok_or_else(|| Reject::no_wasm_module(id))?;
        let section = code.compiled.info.metadata.get(&args.name).ok_or_else(|| {
            Reject::system(406, format_args!("The canister {id} has no metadata section with the name {}.", args.name))
        })?;
        if !section.public && !canister.controllers.contains(&call.caller) {
            return Err(Reject::invalid_controller(id, &canister.controllers, call.caller));
        }
        reply(&CanisterMetadataResult { value: section.content.clone() })
    }
}

impl Canister {
    fn module_hash(&self) -> Option<Vec<u8>> {
        self.code.as_ref().map(|code| code.compiled.hash.to_vec())
    }

    fn report(&self) -> CanisterStatusResult {
        let metrics = self.memory_metrics();
        let zero = || Nat::from(0_u8);
        CanisterStatusResult {
            status: status_type(&self.status),
            ready_for_migration: self.status == Status::Stopped,
            version: self.version,
            settings: self.settings.definite(&self.controllers),
            module_hash: self.module_hash(),
            memory_size: total(&metrics),
            memory_metrics: metrics,
            cycles: Nat::from(self.cycles),
            reserved_cycles: zero(),
            idle_cycles_burned_per_day: zero(),
            query_stats: QueryStats {
                num_calls_total: zero(),
                num_instructions_total: zero(),
                request_payload_bytes_total: zero(),
                response_payload_bytes_total: zero(),
            },
        }
    }

    /// Bytes that are paid for.
    pub(crate) fn memory_usage(&self) -> u64 {
        u64::try_from(total(&self.memory_metrics()).0).unwrap_or(u64::MAX)
    }

    fn memory_metrics(&self) -> MemoryMetrics {
        let size = |bytes: usize| Nat::from(bytes as u64);
        let code = self.code.as_ref();
        let metadata = code.map_or(0, |code| {
            let sections = code.compiled.info.metadata.values();
            sections.map(|section| section.content.len()).sum()
        });
        MemoryMetrics {
            wasm_memory_size: size(code.map_or(0, |code| code.image.heap.bytes())),
            stable_memory_size: Nat::from(self.stable.bytes()),
            global_memory_size: size(code.map_or(0, |code| code.compiled.info.mutable_globals * GLOBAL)),
            wasm_binary_size: size(code.map_or(0, |code| code.compiled.uploaded.len())),
            custom_sections_size: size(metadata),
            canister_history_size: size(self.history.len() * size_of::<Change>()),
            wasm_chunk_store_size: size(self.chunks.values().map(|chunk| chunk.len()).sum()),
            snapshots_size: Nat::from(self.snapshots.values().map(Snapshot::bytes).sum::<u64>()),
            log_memory_store_size: Nat::from(self.log.bytes()),
        }
    }
}

/// Bytes of a global.
const GLOBAL: usize = 8;

fn total(metrics: &MemoryMetrics) -> Nat {
    let sizes = [
        &metrics.wasm_memory_size,
        &metrics.stable_memory_size,
        &metrics.global_memory_size,
        &metrics.wasm_binary_size,
        &metrics.custom_sections_size,
        &metrics.canister_history_size,
        &metrics.wasm_chunk_store_size,
        &metrics.snapshots_size,
        &metrics.log_memory_store_size,
    ];
    sizes.into_iter().fold(Nat::from(0_u8), |sum, size| sum + size.clone())
}
