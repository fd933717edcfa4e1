//! Snapshots: taking, loading, reading, uploading, and who may.

use crate::calls::CALLER;
use crate::wat_canister::{PROXY, WORKER, call, count, install, management, module, number, owner, proxied};
use candid::{CandidType, Encode};
use localnet::management_types::*;
use localnet::{Net, Principal, Reject, RejectCode};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A counter at address 0, another in a global and one in stable memory; certifies and sets a timer.
const STATE: &str = r#"
    (global $data_end (export "__data_end") i32 (i32.const 2048))
    (global $unseen i64 (i64.const 7))
    (global $hidden (mut i32) (i32.const 5))
    (func (export "canister_update change")
        (call $bump)
        (global.set $hidden (i32.add (global.get $hidden) (i32.const 1)))
        (if (i64.eqz (call $stable_size)) (then (drop (call $stable_grow (i64.const 1)))))
        (call $stable_write (i64.const 4090) (i64.const 0) (i64.const 4))
        (call $certify (i32.const 0) (i32.const 4))
        (drop (memory.grow (i32.const 1)))
        (i32.store (i32.const 100000) (call $get))
        (drop (call $set_timer (i64.const 9000000000000000000)))
        (call $answer (i64.extend_i32_u (call $get))))
    (func (export "canister_query hidden") (call $answer (i64.extend_i32_u (global.get $hidden))))
    (func (export "canister_query far") (call $answer (i64.extend_i32_u (i32.load (i32.const 100000)))))
"#;

fn manage<R: CandidType + DeserializeOwned>(net: &mut Net, method: &str, args: impl CandidType) -> Result<R, Reject> {
    net.update(management(), owner(), method, (args,))
}

fn take(net: &mut Net, id: Principal) -> Snapshot {
    manage(net, "take_canister_snapshot", take_args(id)).expect("takes a snapshot")
}

fn take_args(canister_id: Principal) -> TakeCanisterSnapshotArgs {
    TakeCanisterSnapshotArgs {
        canister_id,
        replace_snapshot: None,
        uninstall_code: None,
        sender_canister_version: None,
    }
}

fn load(net: &mut Net, canister_id: Principal, snapshot_id: &[u8]) -> Result<(), Reject> {
    let args =
        LoadCanisterSnapshotArgs { canister_id, snapshot_id: snapshot_id.to_vec(), sender_canister_version: None };
    manage(net, "load_canister_snapshot", args)
}

fn list(net: &mut Net, canister_id: Principal) -> Vec<Snapshot> {
    manage(net, "list_canister_snapshots", CanisterIdRecord { canister_id }).unwrap()
}

fn ask(net: &mut Net, id: Principal, method: &str) -> u64 {
    number(&net.query_raw(id, owner(), method, vec![]).unwrap())
}

/// Heap, globals, stable memory, certified data and module are those of the snapshot; balance, version
/// and timer are not.
#[test]
fn loading_a_snapshot_brings_the_state_back() {
    let mut net = Net::default();
    let id = install(&mut net, STATE);
    call(&mut net, id, "change", &[]);
    let snapshot = take(&mut net, id);
    assert!(snapshot.total_size > 2 * 65_536 && snapshot.taken_at_timestamp <= net.now());
    call(&mut net, id, "change", &[]);
    call(&mut net, id, "change", &[]);
    net.upgrade(id, owner(), &module(WORKER), vec![]).unwrap();
    net.add_cycles(id, 77).unwrap();
    let cycles = net.cycles(id);
    load(&mut net, id, &snapshot.id).unwrap();
    assert_eq!(count(&mut net, id), 1);
    assert_eq!((ask(&mut net, id, "hidden"), ask(&mut net, id, "far")), (6, 1));
    assert_eq!(&net.stable_memory(id).unwrap()[4090..4094], [1, 0, 0, 0]);
    assert_eq!(net.certified_data(id).unwrap(), [1, 0, 0, 0]);
    assert_eq!((net.cycles(id), net.global_timer(id)), (cycles, None));
    // The snapshot is still there, and what happens now does not change it.
    assert_eq!(call(&mut net, id, "change", &[]), 2);
    load(&mut net, id, &snapshot.id).unwrap();
    assert_eq!((count(&mut net, id), ask(&mut net, id, "far")), (1, 1));
}

/// The history tells of the loading, with the canister it came from.
#[test]
fn a_snapshot_is_loaded_onto_another_canister() {
    let mut net = Net::default();
    let (one, two, proxy) = (install(&mut net, STATE), net.create_canister(owner(), 0), install(&mut net, PROXY));
    call(&mut net, one, "change", &[]);
    let snapshot = take(&mut net, one);
    load(&mut net, two, &snapshot.id).unwrap();
    assert_eq!((count(&mut net, two), ask(&mut net, two, "hidden")), (1, 6));
    let args = CanisterInfoArgs { canister_id: two, num_requested_changes: Some(1) };
    let arg = proxied(management(), "canister_info", 0, &Encode!(&args).unwrap());
    let reply = net.update_raw(proxy, owner(), "proxy", arg).unwrap();
    let info: CanisterInfoResult = candid::decode_one(&reply).unwrap();
    let Some(ChangeDetails::LoadSnapshot(record)) = &info.recent_changes[0].details else { panic!("{info:?}") };
    assert_eq!((record.from_canister_id, &record.snapshot_id), (Some(one), &snapshot.id));
    assert_eq!(record.taken_at_timestamp, snapshot.taken_at_timestamp);
    // Whoever loads must control both.
    let stranger = Principal::self_authenticating(b"stranger");
    let settings = CanisterSettings { controllers: Some(vec![stranger]), ..Default::default() };
    net.update_settings(one, owner(), settings).unwrap();
    assert_eq!(load(&mut net, two, &snapshot.id).unwrap_err().error_code(), Some("IC0512"));
}

#[test]
fn ten_snapshots_and_no_more() {
    let mut net = Net::default();
    let id = install(&mut net, STATE);
    let ids: Vec<_> = (0..10).map(|_| take(&mut net, id).id).collect();
    let reject = manage::<Snapshot>(&mut net, "take_canister_snapshot", take_args(id)).unwrap_err();
    assert_eq!((reject.code, reject.error_code()), (RejectCode::CanisterReject, Some("IC0406")));
    let replace = TakeCanisterSnapshotArgs { replace_snapshot: Some(ids[3].clone()), ..take_args(id) };
    let eleventh: Snapshot = manage(&mut net, "take_canister_snapshot", replace).unwrap();
    assert_eq!(list(&mut net, id).len(), 10);
    assert_eq!(load(&mut net, id, &ids[3]).unwrap_err().error_code(), Some("IC0305"));
    let delete = DeleteCanisterSnapshotArgs { canister_id: id, snapshot_id: eleventh.id.clone() };
    manage::<()>(&mut net, "delete_canister_snapshot", &delete).unwrap();
    assert_eq!(list(&mut net, id).len(), 9);
    let reject = manage::<()>(&mut net, "delete_canister_snapshot", &delete).unwrap_err();
    assert_eq!((reject.code, reject.error_code()), (RejectCode::DestinationInvalid, Some("IC0305")));
    let empty = net.create_canister(owner(), 0);
    manage::<Snapshot>(&mut net, "take_canister_snapshot", take_args(empty)).unwrap_err();
    let foreign = DeleteCanisterSnapshotArgs { canister_id: empty, snapshot_id: ids[0].clone() };
    let reject = manage::<()>(&mut net, "delete_canister_snapshot", foreign).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0406"));
    // Snapshots outlive the code, not the canister.
    let status: CanisterStatusResult =
        manage(&mut net, "canister_status", CanisterIdRecord { canister_id: id }).unwrap();
    assert!(status.memory_metrics.snapshots_size > 9_u32 * 65_536_u32);
}

/// "uninstall_code": the snapshot is taken and the canister emptied at once.
#[test]
fn code_may_be_uninstalled_with_the_snapshot() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    call(&mut net, caller, "forward", worker.as_slice());
    let open = net.submit_raw(caller, owner(), "forward", worker.as_slice().to_vec());
    net.tick();
    let args = TakeCanisterSnapshotArgs { uninstall_code: Some(true), ..take_args(caller) };
    let snapshot: Snapshot = manage(&mut net, "take_canister_snapshot", args).unwrap();
    assert_eq!(net.poll_raw(&open).unwrap().unwrap_err().code, RejectCode::CanisterReject);
    assert_eq!(net.module_hash(caller), None);
    net.run_until_idle(10);
    load(&mut net, caller, &snapshot.id).unwrap();
    assert_eq!(count(&mut net, caller), 1);
    assert_eq!(call(&mut net, caller, "forward", worker.as_slice()), 10);
}

/// Visibility decides who reads; only controllers take, load, upload and delete.
#[test]
fn snapshots_are_shown_to_whom_they_may_be() {
    let mut net = Net::default();
    let id = install(&mut net, STATE);
    take(&mut net, id);
    let viewer = Principal::self_authenticating(b"viewer");
    let see = |net: &mut Net| {
        let record = CanisterIdRecord { canister_id: id };
        net.update::<Vec<Snapshot>>(management(), viewer, "list_canister_snapshots", (record,))
    };
    assert_eq!(see(&mut net).unwrap_err().error_code(), Some("IC0512"));
    for visibility in [SnapshotVisibility::Public, SnapshotVisibility::AllowedViewers(vec![viewer])] {
        let settings = CanisterSettings { snapshot_visibility: Some(visibility), ..Default::default() };
        net.update_settings(id, owner(), settings).unwrap();
        assert_eq!(see(&mut net).unwrap().len(), 1);
    }
    let result = net.update::<Snapshot>(management(), viewer, "take_canister_snapshot", (take_args(id),));
    assert_eq!(result.unwrap_err().error_code(), Some("IC0512"));
}

fn metadata(net: &mut Net, canister_id: Principal, snapshot_id: &[u8]) -> ReadCanisterSnapshotMetadataResult {
    let args = ReadCanisterSnapshotMetadataArgs { canister_id, snapshot_id: snapshot_id.to_vec() };
    manage(net, "read_canister_snapshot_metadata", args).unwrap()
}

fn read(net: &mut Net, canister_id: Principal, snapshot_id: &[u8], kind: SnapshotDataKind) -> Result<Vec<u8>, Reject> {
    let args = ReadCanisterSnapshotDataArgs { canister_id, snapshot_id: snapshot_id.to_vec(), kind };
    manage::<ReadCanisterSnapshotDataResult>(net, "read_canister_snapshot_data", args).map(|result| result.chunk)
}

/// A snapshot taken here, downloaded and uploaded to a second network, is the same canister there.
#[test]
fn a_snapshot_travels_piece_by_piece() {
    let mut net = Net::default();
    let id = install(&mut net, STATE);
    call(&mut net, id, "change", &[]);
    let chunk: ChunkHash =
        manage(&mut net, "upload_chunk", UploadChunkArgs { canister_id: id, chunk: b"chunk".to_vec() }).unwrap();
    let snapshot = take(&mut net, id).id;
    let meta = metadata(&mut net, id, &snapshot);
    assert!(matches!(meta.source, Some(SnapshotSource::TakenFromCanister(_))));
    // What is mutable or exported, in the order of the module.
    let globals = &meta.globals[..];
    assert!(
        matches!(globals, [Some(SnapshotMetadataGlobal::I32(2048)), Some(SnapshotMetadataGlobal::I32(6))]),
        "{globals:?}"
    );
    assert_eq!((meta.wasm_memory_size, meta.stable_memory_size), (2 * 65_536, 65_536));
    assert_eq!(meta.wasm_chunk_store, vec![chunk.clone()]);
    assert!(matches!(meta.global_timer, Some(CanisterTimer::Active(9_000_000_000_000_000_000))));
    let sizes = (meta.wasm_module_size, meta.wasm_memory_size, meta.stable_memory_size);
    let module = read(&mut net, id, &snapshot, SnapshotDataKind::WasmModule { offset: 0, size: sizes.0 }).unwrap();
    assert_eq!(module, crate::wat_canister::module(STATE));
    let heap = read(&mut net, id, &snapshot, SnapshotDataKind::WasmMemory { offset: 0, size: sizes.1 }).unwrap();
    let stable = read(&mut net, id, &snapshot, SnapshotDataKind::StableMemory { offset: 0, size: sizes.2 }).unwrap();
    let hash = chunk.hash.clone();
    assert_eq!(read(&mut net, id, &snapshot, SnapshotDataKind::WasmChunk { hash }).unwrap(), b"chunk");

    let mut other = Net::default();
    let copy = other.create_canister(owner(), 0);
    let args = UploadCanisterSnapshotMetadataArgs {
        canister_id: copy,
        replace_snapshot: None,
        wasm_module_size: sizes.0,
        globals: meta.globals.into_iter().flatten().collect(),
        wasm_memory_size: sizes.1,
        stable_memory_size: sizes.2,
        certified_data: meta.certified_data.clone(),
        global_timer: meta.global_timer,
        on_low_wasm_memory_hook_status: meta.on_low_wasm_memory_hook_status,
    };
    let uploaded: UploadCanisterSnapshotMetadataResult =
        manage(&mut other, "upload_canister_snapshot_metadata", args).unwrap();
    let uploaded = uploaded.snapshot_id;
    let upload = |net: &mut Net, kind, chunk: &[u8]| {
        let args = UploadCanisterSnapshotDataArgs {
            canister_id: copy,
            snapshot_id: uploaded.clone(),
            kind,
            chunk: chunk.to_vec(),
        };
        manage::<()>(net, "upload_canister_snapshot_data", args)
    };
    // Without its module it is nothing that could be loaded.
    assert_eq!(load(&mut other, copy, &uploaded).unwrap_err().error_code(), Some("IC0505"));
    upload(&mut other, SnapshotDataOffset::WasmModule { offset: 0 }, &module).unwrap();
    for (number, part) in (0_u64..).zip(heap.chunks(50_000)) {
        upload(&mut other, SnapshotDataOffset::WasmMemory { offset: number * 50_000 }, part).unwrap();
    }
    upload(&mut other, SnapshotDataOffset::StableMemory { offset: 0 }, &stable).unwrap();
    upload(&mut other, SnapshotDataOffset::WasmChunk, b"chunk").unwrap();
    let reject = upload(&mut other, SnapshotDataOffset::StableMemory { offset: 1 }, &stable).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0408"));
    load(&mut other, copy, &uploaded).unwrap();
    assert_eq!((count(&mut other, copy), ask(&mut other, copy, "hidden"), ask(&mut other, copy, "far")), (1, 6, 1));
    assert_eq!(other.stable_memory(copy).unwrap(), stable);
    assert_eq!(other.certified_data(copy).unwrap(), meta.certified_data);
    assert_eq!(other.global_timer(copy), Some(9_000_000_000_000_000_000));
    assert!(matches!(metadata(&mut other, copy, &uploaded).source, Some(SnapshotSource::MetadataUpload(_))));
    assert_eq!(call(&mut other, copy, "change", &[]), 2);
    // What was taken cannot be written to.
    let taken = take(&mut other, copy).id;
    let args = UploadCanisterSnapshotDataArgs {
        canister_id: copy,
        snapshot_id: taken,
        kind: SnapshotDataOffset::WasmModule { offset: 0 },
        chunk: vec![1],
    };
    let reject = manage::<()>(&mut other, "upload_canister_snapshot_data", args).unwrap_err();
    assert_eq!((reject.code, reject.error_code()), (RejectCode::CanisterReject, Some("IC0409")));
}

/// Bounds of what is read and uploaded, and an upload that does not fit its module.
#[test]
fn slices_and_uploads_are_checked() {
    let mut net = Net::default();
    let id = install(&mut net, STATE);
    let snapshot = take(&mut net, id).id;
    for (offset, size) in [(65_536, 1), (0, 65_537), (u64::MAX, 1), (0, 2_000_001)] {
        let reject = read(&mut net, id, &snapshot, SnapshotDataKind::WasmMemory { offset, size }).unwrap_err();
        assert_eq!(reject.error_code(), Some("IC0408"), "{offset} {size}");
    }
    let wasm = module(STATE);
    let args = |globals: Vec<SnapshotMetadataGlobal>, heap: u64| UploadCanisterSnapshotMetadataArgs {
        canister_id: id,
        replace_snapshot: None,
        wasm_module_size: wasm.len() as u64,
        globals,
        wasm_memory_size: heap,
        stable_memory_size: 0,
        certified_data: vec![],
        global_timer: None,
        on_low_wasm_memory_hook_status: None,
    };
    let upload = |net: &mut Net, args| {
        let result: Result<UploadCanisterSnapshotMetadataResult, Reject> =
            manage(net, "upload_canister_snapshot_metadata", args);
        result.map(|result| result.snapshot_id)
    };
    upload(&mut net, args(vec![], 1_000)).unwrap_err();
    let number = || SnapshotMetadataGlobal::I32(1);
    for wrong in [
        args(vec![], 65_536),
        args(vec![number()], 65_536),
        args(vec![number(), SnapshotMetadataGlobal::I64(1)], 65_536),
        args(vec![SnapshotMetadataGlobal::I64(1), number()], 65_536),
        args(vec![number(), number(), number()], 65_536),
        args(vec![number(), number()], 0),
    ] {
        let snapshot_id = upload(&mut net, wrong).unwrap();
        let data = UploadCanisterSnapshotDataArgs {
            canister_id: id,
            snapshot_id: snapshot_id.clone(),
            kind: SnapshotDataOffset::WasmModule { offset: 0 },
            chunk: wasm.clone(),
        };
        manage::<()>(&mut net, "upload_canister_snapshot_data", data).unwrap();
        assert_eq!(load(&mut net, id, &snapshot_id).unwrap_err().error_code(), Some("IC0408"));
    }
    assert_eq!(ask(&mut net, id, "hidden"), 5);
}

/// A snapshot in a fork is the fork's own.
#[test]
fn a_fork_has_the_snapshots_and_goes_its_own_way() {
    let mut net = Net::default();
    let id = install(&mut net, STATE);
    call(&mut net, id, "change", &[]);
    let snapshot = net.take_snapshot(id, owner()).unwrap();
    let mut fork = net.fork();
    call(&mut fork, id, "change", &[]);
    let other = fork.take_snapshot(id, owner()).unwrap();
    fork.load_snapshot(id, owner(), &snapshot).unwrap();
    assert_eq!((count(&mut fork, id), count(&mut net, id)), (1, 1));
    assert_eq!(net.load_snapshot(id, owner(), &other).unwrap_err().error_code(), Some("IC0305"));
    let stranger = Principal::self_authenticating(b"stranger");
    net.take_snapshot(id, stranger).unwrap_err();
    net.load_snapshot(id, stranger, &snapshot).unwrap_err();
}

/// A response that was on its way finds the table of what was loaded.
#[test]
fn callbacks_outstanding_at_a_loading_arrive_in_the_loaded_code() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    let snapshot = take(&mut net, caller).id;
    let message = net.submit_raw(caller, owner(), "forward", worker.as_slice().to_vec());
    net.tick();
    load(&mut net, caller, &snapshot).unwrap();
    net.run_until_idle(10);
    assert_eq!(number(&net.poll_raw(&message).unwrap().unwrap()), 10);
    net.advance(Duration::from_secs(1));
    assert!(net.is_idle());
}
