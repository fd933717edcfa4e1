//! A snapshot of a canister ("IC method take_canister_snapshot" and "IC method
//! upload_canister_snapshot_metadata"). It shares its pages with the canister.

use crate::canister::HookStatus;
use crate::image::{GlobalValue, Image};
use crate::stable::StableMemory;
use candid::{Nat, Reserved};
use ic_management_canister_types::{CanisterTimer, OnLowWasmMemoryHookStatus, SnapshotMetadataGlobal, SnapshotSource};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a snapshot comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Source {
    Taken,
    Uploaded,
}

/// Everything that loading it puts in place. Saved states hold module and memories apart.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) source: Source,
    /// Nanoseconds since 1970.
    pub(crate) taken_at: u64,
    /// Version of the canister then.
    pub(crate) version: u64,
    /// The module as it was uploaded.
    #[serde(skip)]
    pub(crate) module: Arc<[u8]>,
    /// Values of the globals that are mutable or exported, in the order of the module.
    pub(crate) globals: Vec<GlobalValue>,
    /// The heap; of a snapshot that was taken the mutable globals too.
    #[serde(skip)]
    pub(crate) image: Image,
    #[serde(skip)]
    pub(crate) stable: StableMemory,
    #[serde(with = "crate::state::shared::chunks")]
    pub(crate) chunks: BTreeMap<[u8; 32], Arc<[u8]>>,
    pub(crate) certified_data: Vec<u8>,
    /// Deadline, 0 if it was not set; none if an upload does not say.
    pub(crate) timer: Option<u64>,
    pub(crate) hook: Option<HookStatus>,
}

impl Snapshot {
    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> u64 {
        const GLOBAL: u64 = 8;
        let chunks: usize = self.chunks.values().map(|chunk| chunk.len()).sum();
        let held = self.module.len() + self.image.heap.bytes() + chunks + self.certified_data.len();
        held as u64 + self.stable.bytes() + GLOBAL * self.globals.len() as u64
    }
}

impl From<Source> for SnapshotSource {
    fn from(source: Source) -> Self {
        match source {
            Source::Taken => Self::TakenFromCanister(Reserved),
            Source::Uploaded => Self::MetadataUpload(Reserved),
        }
    }
}

/// The timer as snapshots describe it.
pub(crate) fn timer_of(deadline: u64) -> CanisterTimer {
    if deadline == 0 { CanisterTimer::Inactive } else { CanisterTimer::Active(deadline) }
}

/// The deadline that a description of the timer gives, 0 for none.
pub(crate) fn deadline_of(timer: &CanisterTimer) -> u64 {
    match timer {
        CanisterTimer::Inactive => 0,
        CanisterTimer::Active(deadline) => *deadline,
    }
}

impl From<HookStatus> for OnLowWasmMemoryHookStatus {
    fn from(hook: HookStatus) -> Self {
        match hook {
            HookStatus::ConditionNotSatisfied => Self::ConditionNotSatisfied,
            HookStatus::Ready => Self::Ready,
            HookStatus::Executed => Self::Executed,
        }
    }
}

impl From<&OnLowWasmMemoryHookStatus> for HookStatus {
    fn from(hook: &OnLowWasmMemoryHookStatus) -> Self {
        match hook {
            OnLowWasmMemoryHookStatus::ConditionNotSatisfied => Self::ConditionNotSatisfied,
            OnLowWasmMemoryHookStatus::Ready => Self::Ready,
            OnLowWasmMemoryHookStatus::Executed => Self::Executed,
        }
    }
}

/// A global as snapshots describe it; none for a reference, which has no value outside its instance.
pub(crate) fn described(global: GlobalValue) -> Option<SnapshotMetadataGlobal> {
    Some(match global {
        GlobalValue::I32(value) => SnapshotMetadataGlobal::I32(value),
        GlobalValue::I64(value) => SnapshotMetadataGlobal::I64(value),
        GlobalValue::F32(bits) => SnapshotMetadataGlobal::F32(f32::from_bits(bits)),
        GlobalValue::F64(bits) => SnapshotMetadataGlobal::F64(f64::from_bits(bits)),
        GlobalValue::V128(value) => SnapshotMetadataGlobal::V128(Nat::from(value)),
        GlobalValue::Reference => return None,
    })
}

/// The value of a described global; none if it does not fit its type.
pub(crate) fn global_value(global: &SnapshotMetadataGlobal) -> Option<GlobalValue> {
    Some(match global {
        SnapshotMetadataGlobal::I32(value) => GlobalValue::I32(*value),
        SnapshotMetadataGlobal::I64(value) => GlobalValue::I64(*value),
        SnapshotMetadataGlobal::F32(value) => GlobalValue::F32(value.to_bits()),
        SnapshotMetadataGlobal::F64(value) => GlobalValue::F64(value.to_bits()),
        SnapshotMetadataGlobal::V128(value) => GlobalValue::V128(u128::try_from(value.0.clone()).ok()?),
    })
}
