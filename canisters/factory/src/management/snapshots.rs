//! Snapshots of contracts: code, memory and all.

use super::call;
use cairn_events::Principal;
use cairn_kit::runtime::CallFailure;
use candid::{CandidType, Deserialize};
use ic_management_canister_types::{
    CanisterIdRecord, DeleteCanisterSnapshotArgs, LoadCanisterSnapshotArgs, TakeCanisterSnapshotArgs,
};
use serde_bytes::ByteBuf;

/// What the network calls a snapshot.
pub type SnapshotId = ByteBuf;

/// A snapshot as the network lists it, as far as it is needed.
#[derive(CandidType, Deserialize)]
struct Listed {
    id: ByteBuf,
    taken_at_timestamp: u64,
}

/// Saves the contract, in the place of an earlier snapshot of it if that is given.
pub async fn take_snapshot(contract: Principal, replaced: Option<SnapshotId>) -> Result<SnapshotId, CallFailure> {
    let argument = TakeCanisterSnapshotArgs {
        canister_id: contract,
        replace_snapshot: replaced.map(ByteBuf::into_vec),
        uninstall_code: None,
        sender_canister_version: None,
    };
    call::<_, Listed>("take_canister_snapshot", argument).await.map(|taken| taken.id)
}

/// Makes the contract what it was when it was saved.
pub async fn load_snapshot(contract: Principal, snapshot: SnapshotId) -> Result<(), CallFailure> {
    let argument = LoadCanisterSnapshotArgs {
        canister_id: contract,
        snapshot_id: snapshot.into_vec(),
        sender_canister_version: None,
    };
    call("load_canister_snapshot", argument).await
}

/// The contract's snapshots that were taken since `time` (nanoseconds), the oldest first.
pub async fn snapshots_since(contract: Principal, time: u64) -> Result<Vec<SnapshotId>, CallFailure> {
    let mut listed: Vec<Listed> = call("list_canister_snapshots", CanisterIdRecord { canister_id: contract }).await?;
    listed.retain(|snapshot| snapshot.taken_at_timestamp >= time);
    listed.sort_by_key(|snapshot| snapshot.taken_at_timestamp);
    Ok(listed.into_iter().map(|snapshot| snapshot.id).collect())
}

/// Deletes the snapshot. If it is not there, the network refuses.
pub async fn delete_snapshot(contract: Principal, snapshot: SnapshotId) -> Result<(), CallFailure> {
    let argument = DeleteCanisterSnapshotArgs { canister_id: contract, snapshot_id: snapshot.into_vec() };
    call("delete_canister_snapshot", argument).await
}
