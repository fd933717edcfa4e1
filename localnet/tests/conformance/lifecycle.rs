//! Installation, upgrade, stopping, deletion, control.

use crate::calls::CALLER;
use crate::wat_canister::{PROXY, WORKER, call, count, install, management, module, number, owner, proxied};
use candid::{Encode, Nat};
use localnet::management_types::{
    CanisterIdRecord, CanisterInfoArgs, CanisterInfoResult, CanisterInstallMode, CanisterSettings,
    CanisterStatusResult, CanisterStatusType, ChangeDetails, ChunkHash, ClearChunkStoreArgs, CreateCanisterArgs,
    EnvironmentVariable, InstallChunkedCodeArgs, InstallCodeArgs, UninstallCodeArgs, UpgradeFlags, UploadChunkArgs,
    WasmMemoryPersistence,
};
use localnet::{Net, Principal, Reject, RejectCode};
use sha2::{Digest, Sha256};
use std::io::Write;

/// Counts in `init`, in the start function and in stable memory at upgrades.
const HOOKS: &str = r#"
    (func $start (i32.store (i32.const 4) (i32.add (i32.load (i32.const 4)) (i32.const 1))))
    (start $start)
    (func (export "canister_init") (call $put (i32.const 5)) (drop (call $stable_grow (i64.const 1))))
    (func (export "canister_pre_upgrade")
        (call $bump) (call $stable_write (i64.const 0) (i64.const 0) (i64.const 4)))
    (func (export "canister_post_upgrade")
        (call $stable_read (i64.const 0) (i64.const 0) (i64.const 4))
        (if (i32.eq (call $arg_size) (i32.const 1)) (then (call $boom))))
    (func (export "canister_query starts") (call $answer (i64.extend_i32_u (i32.load (i32.const 4)))))
    (func (export "canister_update boom") (drop (memory.grow (i32.const 1))) (call $boom))
"#;

fn starts(net: &mut Net, id: Principal) -> u64 {
    number(&net.query_raw(id, owner(), "starts", vec![]).unwrap())
}

#[test]
fn hooks_and_the_start_function_run_once_at_their_time() {
    let mut net = Net::default();
    let id = install(&mut net, HOOKS);
    assert_eq!((count(&mut net, id), starts(&mut net, id)), (5, 1));
    // After this trap the instance is rebuilt; the start function does not run again.
    net.update_raw(id, owner(), "boom", vec![]).unwrap_err();
    assert_eq!(starts(&mut net, id), 1);
    net.upgrade(id, owner(), &module(HOOKS), vec![]).unwrap();
    assert_eq!((count(&mut net, id), starts(&mut net, id)), (6, 1));
    net.reinstall(id, owner(), &module(HOOKS), vec![]).unwrap();
    assert_eq!((count(&mut net, id), starts(&mut net, id)), (5, 1));
    assert_eq!(&net.stable_memory(id).unwrap()[..4], [0; 4]);
}

#[test]
fn an_upgrade_that_traps_leaves_everything_as_it_was() {
    let mut net = Net::default();
    let id = install(&mut net, HOOKS);
    let (hash, memory) = (net.module_hash(id), net.stable_memory(id));
    let other = module(&format!("{HOOKS} (func $other)"));
    let reject = net.upgrade(id, owner(), &other, vec![1]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0503"));
    assert_eq!((net.module_hash(id), net.stable_memory(id)), (hash, memory));
    assert_eq!(count(&mut net, id), 5);
    let reject = net.install(id, owner(), &other, vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0514"));
    let reject = net.upgrade(id, owner(), b"nonsense", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0505"));
}

#[test]
fn options_of_an_upgrade() {
    let mut net = Net::default();
    let id = install(&mut net, HOOKS);
    let persistent = format!(r#"{HOOKS} (@custom "icp:private enhanced-orthogonal-persistence" "")"#);
    let upgrade = |net: &mut Net, wasm: &str, skip, persistence| {
        let flags = UpgradeFlags { skip_pre_upgrade: Some(skip), wasm_memory_persistence: persistence };
        let mode = CanisterInstallMode::Upgrade(Some(flags));
        net.deploy(id, owner(), mode, &module(wasm), &[])
    };
    let keep = Some(WasmMemoryPersistence::Keep);
    upgrade(&mut net, HOOKS, true, None).unwrap();
    assert_eq!((count(&mut net, id), starts(&mut net, id)), (0, 1));
    // Only a module that says so can take over the heap, and then it must be said what to do with it.
    let reject = upgrade(&mut net, HOOKS, true, keep).unwrap_err();
    assert!(reject.message.contains("Invalid upgrade option"), "{reject}");
    upgrade(&mut net, &persistent, true, keep).unwrap();
    // The heap was kept: the start function has now run twice on it.
    assert_eq!((count(&mut net, id), starts(&mut net, id)), (0, 2));
    let reject = upgrade(&mut net, &persistent, true, None).unwrap_err();
    assert!(reject.message.contains("Missing upgrade option"), "{reject}");
    upgrade(&mut net, &persistent, true, Some(WasmMemoryPersistence::Replace)).unwrap();
    assert_eq!(starts(&mut net, id), 1);
}

/// Callbacks are indices into the table of whatever code is installed when the response arrives.
#[test]
fn callbacks_outstanding_at_an_upgrade_arrive_in_the_new_code() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    let message = net.submit_raw(caller, owner(), "forward", worker.as_slice().to_vec());
    net.tick();
    assert_eq!((net.open_calls(caller), net.poll_raw(&message)), (1, None));
    let new = CALLER.replace("(i64.extend_i32_u (local.get 0))", "(i64.const 77)");
    net.upgrade(caller, owner(), &module(&new), vec![]).unwrap();
    net.run_until_idle(10);
    assert_eq!(number(&net.poll_raw(&message).unwrap().unwrap()), 77);
    // Fresh heap: only the callback has counted.
    assert_eq!(count(&mut net, caller), 1);
}

#[test]
fn stopping_waits_for_open_calls() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    let record = CanisterIdRecord { canister_id: caller };
    let forward = net.submit_raw(caller, owner(), "forward", worker.as_slice().to_vec());
    let stop = net.submit(management(), owner(), "stop_canister", (record,));
    net.tick();
    assert_eq!(net.canister_status(caller), Some(CanisterStatusType::Stopping));
    let reject = net.update_raw(caller, owner(), "forward", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0509"));
    net.run_until_idle(10);
    assert_eq!(net.poll::<()>(&stop), Some(Ok(())));
    assert_eq!(number(&net.poll_raw(&forward).unwrap().unwrap()), 10);
    assert_eq!(net.canister_status(caller), Some(CanisterStatusType::Stopped));
    let reject = net.query_raw(caller, owner(), "get", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0508"));
    net.start_canister(caller, owner()).unwrap();
    assert_eq!(count(&mut net, caller), 1);
}

#[test]
fn starting_cancels_a_stop() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    let record = CanisterIdRecord { canister_id: caller };
    net.submit_raw(caller, owner(), "forward", worker.as_slice().to_vec());
    let stop = net.submit(management(), owner(), "stop_canister", (record.clone(),));
    let start = net.submit(management(), owner(), "start_canister", (record,));
    net.tick();
    assert_eq!(net.poll::<()>(&start), Some(Ok(())));
    assert_eq!(net.poll::<()>(&stop).unwrap().unwrap_err().code, RejectCode::CanisterError);
    assert_eq!(net.canister_status(caller), Some(CanisterStatusType::Running));
}

#[test]
fn uninstalling_rejects_open_calls_and_drops_their_callbacks() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    let forward = net.submit_raw(caller, owner(), "forward", worker.as_slice().to_vec());
    net.tick();
    let args = UninstallCodeArgs { canister_id: caller, sender_canister_version: None };
    net.update::<()>(management(), owner(), "uninstall_code", (args,)).unwrap();
    let reject = net.poll_raw(&forward).unwrap().unwrap_err();
    assert_eq!(reject.code, RejectCode::CanisterReject);
    net.run_until_idle(10);
    assert_eq!((net.open_calls(caller), net.module_hash(caller)), (0, None));
    net.install(caller, owner(), &module(CALLER), vec![]).unwrap();
    assert_eq!(count(&mut net, caller), 0);
}

#[test]
fn only_controllers_control() {
    let mut net = Net::default();
    let id = install(&mut net, WORKER);
    let stranger = Principal::self_authenticating(b"stranger");
    let invalid = |result: Result<(), Reject>| {
        assert_eq!(result.unwrap_err().error_code(), Some("IC0512"));
    };
    invalid(net.upgrade(id, stranger, &module(WORKER), vec![]));
    invalid(net.stop(id, stranger));
    invalid(net.update_settings(id, stranger, CanisterSettings::default()));
    let record = (CanisterIdRecord { canister_id: id },);
    invalid(net.update(management(), stranger, "delete_canister", record.clone()));
    invalid(net.update(management(), stranger, "canister_status", record.clone()));
    let settings = CanisterSettings { controllers: Some(vec![stranger]), ..Default::default() };
    net.update_settings(id, owner(), settings).unwrap();
    assert_eq!(net.controllers(id).unwrap(), vec![stranger]);
    invalid(net.stop(id, owner()));
    let status: CanisterStatusResult = net.update(management(), stranger, "canister_status", record).unwrap();
    assert_eq!(status.module_hash.unwrap(), net.module_hash(id).unwrap());
    assert_eq!(status.cycles, Nat::from(net.cycles(id).unwrap()));
}

/// History and environment, as canisters see them.
#[test]
fn a_canister_learns_of_another() {
    let mut net = Net::default();
    let proxy = install(&mut net, PROXY);
    let id = install(&mut net, WORKER);
    net.upgrade(id, owner(), &module(WORKER), vec![]).unwrap();
    let variable = EnvironmentVariable { name: "PEER".into(), value: "somebody".into() };
    let settings = CanisterSettings {
        controllers: Some(vec![proxy]),
        environment_variables: Some(vec![variable.clone()]),
        ..Default::default()
    };
    net.update_settings(id, owner(), settings).unwrap();
    let args = CanisterInfoArgs { canister_id: id, num_requested_changes: Some(2) };
    let arg = proxied(management(), "canister_info", 0, &Encode!(&args).unwrap());
    let reply = net.update_raw(proxy, owner(), "proxy", arg).unwrap();
    let info: CanisterInfoResult = candid::decode_one(&reply).unwrap();
    assert_eq!((info.total_num_changes, info.recent_changes.len()), (4, 2));
    let details = info.recent_changes.into_iter().filter_map(|change| change.details);
    assert!(matches!(
        details.collect::<Vec<_>>()[..],
        [ChangeDetails::CodeDeployment(_), ChangeDetails::ControllersChange(_)]
    ));
    assert_eq!(info.controllers, vec![proxy]);
    let arg = proxied(management(), "canister_status", 0, &Encode!(&CanisterIdRecord { canister_id: id }).unwrap());
    let reply = net.update_raw(proxy, owner(), "proxy", arg).unwrap();
    let status: CanisterStatusResult = candid::decode_one(&reply).unwrap();
    assert_eq!(status.settings.environment_variables, vec![variable]);
}

#[test]
fn deletion_needs_a_stopped_canister() {
    let mut net = Net::default();
    let id = install(&mut net, WORKER);
    let record = (CanisterIdRecord { canister_id: id },);
    let reject = net.update::<()>(management(), owner(), "delete_canister", record.clone()).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0510"));
    net.stop(id, owner()).unwrap();
    net.update::<()>(management(), owner(), "delete_canister", record).unwrap();
    assert!(net.canisters().is_empty());
}

/// A canister creates another: the fee is taken from the cycles attached, the rest is its balance.
#[test]
fn a_canister_creates_and_installs_another() {
    let mut net = Net::default();
    let factory = install(&mut net, PROXY);
    let create = Encode!(&CreateCanisterArgs::default()).unwrap();
    let poor = proxied(management(), "create_canister", 499_999_999_999, &create);
    assert_eq!(call(&mut net, factory, "proxy", &poor), 1004);
    let held = net.cycles(factory).unwrap();
    let rich = proxied(management(), "create_canister", 600_000_000_000, &create);
    let reply = net.update_raw(factory, owner(), "proxy", rich).unwrap();
    let id = candid::decode_one::<CanisterIdRecord>(&reply).unwrap().canister_id;
    assert_eq!(net.cycles(id), Some(100_000_000_000));
    assert_eq!(net.cycles(factory), Some(held - 600_000_000_000));
    assert_eq!(net.controllers(id).unwrap(), vec![factory]);
    assert!(id.as_slice() >= &[0, 0, 0, 1, 0, 0, 0, 0, 1, 1][..]);
    let install = Encode!(&InstallCodeArgs {
        mode: CanisterInstallMode::Install,
        canister_id: id,
        wasm_module: module(WORKER),
        arg: vec![],
        sender_canister_version: None,
    });
    let arg = proxied(management(), "install_code", 0, &install.unwrap());
    net.update_raw(factory, owner(), "proxy", arg).unwrap();
    assert_eq!(call(&mut net, id, "work", &[]), 7);
    let deposit = Encode!(&CanisterIdRecord { canister_id: id }).unwrap();
    let arg = proxied(management(), "deposit_cycles", 11, &deposit);
    net.update_raw(factory, owner(), "proxy", arg).unwrap();
    assert_eq!(net.cycles(id), Some(100_000_000_011));
}

#[test]
fn a_module_is_installed_from_chunks_and_from_gzip() {
    let mut net = Net::default();
    let wasm = module(WORKER);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&wasm).unwrap();
    let packed = packed.finish().unwrap();
    let id = net.create_canister(owner(), 0);
    let mut chunks = Vec::new();
    for chunk in packed.chunks(100) {
        let args = UploadChunkArgs { canister_id: id, chunk: chunk.to_vec() };
        let hash: ChunkHash = net.update(management(), owner(), "upload_chunk", (args,)).unwrap();
        assert_eq!(hash.hash, Sha256::digest(chunk).to_vec());
        chunks.push(hash);
    }
    let mut args = InstallChunkedCodeArgs {
        mode: CanisterInstallMode::Install,
        target_canister: id,
        store_canister: None,
        chunk_hashes_list: chunks.clone(),
        wasm_module_hash: vec![0; 32],
        arg: vec![],
        sender_canister_version: None,
    };
    let install = |net: &mut Net, args: &InstallChunkedCodeArgs| {
        net.update::<()>(management(), owner(), "install_chunked_code", (args,))
    };
    install(&mut net, &args).unwrap_err();
    args.wasm_module_hash = Sha256::digest(&packed).to_vec();
    install(&mut net, &args).unwrap();
    assert_eq!(call(&mut net, id, "work", &[]), 7);
    assert_eq!(net.module_hash(id).unwrap().to_vec(), args.wasm_module_hash);
    let record = ClearChunkStoreArgs { canister_id: id };
    let stored: Vec<ChunkHash> = net.update(management(), owner(), "stored_chunks", (record.clone(),)).unwrap();
    assert_eq!(stored.len(), chunks.len());
    net.update::<()>(management(), owner(), "clear_chunk_store", (record,)).unwrap();
    args.mode = CanisterInstallMode::Reinstall;
    install(&mut net, &args).unwrap_err();
}

/// "IC method install_code", mode `reinstall`: heap, stable memory, certified data and timer are those of a new canister.
#[test]
pub fn a_reinstallation_begins_anew() {
    let mut net = Net::default();
    let writes = r#"
        (func (export "canister_update write")
            (call $bump)
            (drop (call $stable_grow (i64.const 1)))
            (call $certify (i32.const 1024) (i32.const 4))
            (drop (call $set_timer (i64.const -1)))
            (call $reply))"#;
    let id = install(&mut net, writes);
    net.update_raw(id, owner(), "write", vec![]).unwrap();
    assert_eq!(net.stable_memory(id).unwrap().len(), 65_536);
    net.reinstall(id, owner(), &module(writes), vec![]).unwrap();
    assert_eq!((count(&mut net, id), net.global_timer(id)), (0, None));
    assert_eq!((net.stable_memory(id).unwrap(), net.certified_data(id).unwrap()), (vec![], vec![]));
}
