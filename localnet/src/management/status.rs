//! What the management canister tells of a canister.

use super::{Call, reply};
use crate::canister::{Canister, Status};
use crate::net::Net;
use crate::reject::Reject;
use candid::Nat;
use ic_management_canister_types::{
    CanisterIdRecord, CanisterInfoArgs, CanisterInfoResult, CanisterStatusResult, CanisterStatusType, MemoryMetrics,
    QueryStats,
};

type Reply = Result<Option<Vec<u8>>, Reject>;

/// The status without those who wait.
pub(crate) fn status_type(status: &Status) -> CanisterStatusType {
    match status {
        Status::Running => CanisterStatusType::Running,
        Status::Stopping(_) => CanisterStatusType::Stopping,
        Status::Stopped => CanisterStatusType::Stopped,
    }
}

impl Net {
    pub(super) fn canister_status_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        let canister = if args.canister_id == call.caller {
            self.existing(args.canister_id)?
        } else {
            self.controlled(args.canister_id, call.caller)?
        };
        reply(&canister.report())
    }

    pub(super) fn canister_info(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterInfoArgs = call.decode()?;
        if !call.is_from_canister() {
            return Err(Reject::canister_error(516, "canister_info can only be called by canisters"));
        }
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
            memory_size: metrics.wasm_memory_size.clone()
                + metrics.stable_memory_size.clone()
                + metrics.wasm_binary_size.clone()
                + metrics.wasm_chunk_store_size.clone(),
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
            global_memory_size: size(0),
            wasm_binary_size: size(code.map_or(0, |code| code.compiled.info.size)),
            custom_sections_size: size(metadata),
            canister_history_size: size(0),
            wasm_chunk_store_size: size(self.chunks.values().map(|chunk| chunk.len()).sum()),
            snapshots_size: size(0),
            log_memory_store_size: Nat::from(self.log.bytes()),
        }
    }
}
