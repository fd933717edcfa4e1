//! The management canister: who may call what, settings, logs, what is refused.

use crate::wat_canister::{PROXY, WORKER, call, install, management, module, number, owner, proxied};
use candid::{CandidType, Encode, Nat};
use localnet::management_types::*;
use localnet::{Fault, Net, Outcome, Principal, Reject, RejectCode};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::time::Duration;

fn by_user<R: CandidType + DeserializeOwned>(net: &mut Net, method: &str, args: impl CandidType) -> Result<R, Reject> {
    net.update(management(), owner(), method, (args,))
}

/// Calls as a canister; the reply's bytes, or the rejection that the trace shows.
pub fn by_canister(net: &mut Net, proxy: Principal, method: &str, args: impl CandidType) -> Result<Vec<u8>, Reject> {
    let arg = proxied(management(), method, 0, &Encode!(&args).unwrap());
    net.clear_trace();
    let reply = net.update_raw(proxy, owner(), "proxy", arg)?;
    match net.trace().iter().find(|entry| entry.method == method).map(|entry| entry.outcome.clone()) {
        Some(Outcome::Rejected(reject)) => Err(reject),
        _ => Ok(reply),
    }
}

fn code(reject: Reject) -> (RejectCode, String) {
    (reject.code, reject.error_code().unwrap_or_default().to_owned())
}

/// "Request: Call": what users may not call, and what only controllers may, never gets into the network.
#[test]
fn ingress_messages_are_accepted_from_those_who_may_send_them() {
    let mut net = Net::default();
    let id = install(&mut net, WORKER);
    let record = CanisterIdRecord { canister_id: id };
    for method in ["create_canister", "deposit_cycles", "raw_rand", "canister_info", "http_request", "subnet_info"] {
        let reject = by_user::<()>(&mut net, method, &record).unwrap_err();
        assert_eq!(reject.message, format!("IC0406: Only canisters can call ic00 method {method}"));
        assert_eq!(reject.code, RejectCode::CanisterReject);
    }
    let stranger = Principal::self_authenticating(b"stranger");
    for method in ["start_canister", "stored_chunks", "uninstall_code", "canister_status", "delete_canister"] {
        let reject = net.update::<()>(management(), stranger, method, (&record,)).unwrap_err();
        let text = format!("IC0512: Only controllers of canister {id} can call ic00 method {method}");
        assert_eq!((reject.code, reject.message), (RejectCode::CanisterError, text));
    }
    let reject = by_user::<()>(&mut net, "start_canister", 7_u8).unwrap_err();
    assert_eq!(code(reject), (RejectCode::CanisterReject, "IC0408".to_owned()));
    let reject = by_user::<()>(&mut net, "make_coffee", &record).unwrap_err();
    assert_eq!(reject.code, RejectCode::DestinationInvalid);
    let missing = CanisterIdRecord { canister_id: Principal::from_slice(&[0, 0, 0, 1, 9, 9, 9, 9, 1, 1]) };
    assert_eq!(by_user::<()>(&mut net, "start_canister", &missing).unwrap_err().error_code(), Some("IC0301"));
    assert!(net.trace().is_empty(), "{:?}", net.trace());
}

/// Each setting has its bounds; a record with one that is out of bounds changes nothing.
#[test]
fn settings_are_validated() {
    let mut net = Net::default();
    let id = install(&mut net, WORKER);
    let many: Vec<_> = (0..11_u8).map(|n| Principal::self_authenticating([n])).collect();
    let variable = |name: &str, value: &str| EnvironmentVariable { name: name.into(), value: value.into() };
    let large = || Nat::from(u128::MAX) + 1_u8;
    let empty = CanisterSettings::default;
    let refused = [
        ("IC0408", CanisterSettings { controllers: Some(many.clone()), ..empty() }),
        ("IC0504", CanisterSettings { compute_allocation: Some(101_u8.into()), ..empty() }),
        ("IC0504", CanisterSettings { memory_allocation: Some(((1_u64 << 48) + 1).into()), ..empty() }),
        ("IC0504", CanisterSettings { freezing_threshold: Some((u128::from(u64::MAX) + 1).into()), ..empty() }),
        ("IC0504", CanisterSettings { reserved_cycles_limit: Some(large()), ..empty() }),
        ("IC0504", CanisterSettings { minimum_incoming_canister_call_cycles: Some(large()), ..empty() }),
        ("IC0504", CanisterSettings { log_memory_limit: Some(2_097_153_u32.into()), ..empty() }),
        ("IC0504", CanisterSettings { wasm_memory_limit: Some(((1_u64 << 48) + 1).into()), ..empty() }),
        ("IC0504", CanisterSettings { wasm_memory_threshold: Some(((1_u64 << 48) + 1).into()), ..empty() }),
        ("IC0408", CanisterSettings { log_visibility: Some(LogVisibility::AllowedViewers(many.clone())), ..empty() }),
        (
            "IC0408",
            CanisterSettings { snapshot_visibility: Some(SnapshotVisibility::AllowedViewers(many.clone())), ..empty() },
        ),
        ("IC0408", CanisterSettings { status_visibility: Some(StatusVisibility::AllowedViewers(many)), ..empty() }),
        ("IC0408", CanisterSettings { environment_variables: Some(vec![variable("A", "1"); 2]), ..empty() }),
        (
            "IC0408",
            CanisterSettings {
                environment_variables: Some((0..21).map(|n| variable(&n.to_string(), "")).collect()),
                ..empty()
            },
        ),
        ("IC0408", CanisterSettings { environment_variables: Some(vec![variable(&"n".repeat(129), "")]), ..empty() }),
        ("IC0408", CanisterSettings { environment_variables: Some(vec![variable("n", &"v".repeat(129))]), ..empty() }),
    ];
    let status = |net: &mut Net| {
        let record = CanisterIdRecord { canister_id: id };
        by_user::<CanisterStatusResult>(net, "canister_status", record).unwrap()
    };
    let before = status(&mut net);
    for (number, (error, settings)) in refused.into_iter().enumerate() {
        let settings = CanisterSettings { wasm_memory_threshold: settings.wasm_memory_threshold.clone(), ..settings };
        let reject = net.update_settings(id, owner(), settings.clone()).unwrap_err();
        assert_eq!(reject.error_code(), Some(error), "{number}: {reject}");
        let create = ProvisionalCreateCanisterWithCyclesArgs { settings: Some(settings), ..Default::default() };
        by_user::<()>(&mut net, "provisional_create_canister_with_cycles", create).unwrap_err();
    }
    let after = status(&mut net);
    assert_eq!((before.settings, before.version), (after.settings, after.version));
    assert_eq!(net.canisters(), [id]);
    let largest = CanisterSettings {
        compute_allocation: Some(100_u8.into()),
        memory_allocation: Some((1_u64 << 48).into()),
        freezing_threshold: Some(u64::MAX.into()),
        reserved_cycles_limit: Some(u128::MAX.into()),
        log_memory_limit: Some(2_097_152_u32.into()),
        wasm_memory_limit: Some((1_u64 << 48).into()),
        environment_variables: Some(vec![variable(&"n".repeat(128), &"v".repeat(128))]),
        ..empty()
    };
    net.update_settings(id, owner(), largest.clone()).unwrap();
    let settings = status(&mut net).settings;
    assert_eq!(Some(settings.reserved_cycles_limit), largest.reserved_cycles_limit);
    assert_eq!(Some(settings.environment_variables), largest.environment_variables);
}

/// A creation with environment variables leaves their hash in the history.
#[test]
fn the_history_begins_with_the_hash_of_the_environment() {
    let mut net = Net::default();
    let proxy = install(&mut net, PROXY);
    let variable = EnvironmentVariable { name: "PEER".into(), value: "somebody".into() };
    let settings = CanisterSettings { environment_variables: Some(vec![variable]), ..Default::default() };
    let args = ProvisionalCreateCanisterWithCyclesArgs { settings: Some(settings), ..Default::default() };
    let created: CanisterIdRecord = by_user(&mut net, "provisional_create_canister_with_cycles", args).unwrap();
    let args = CanisterInfoArgs { canister_id: created.canister_id, num_requested_changes: Some(20) };
    let reply = by_canister(&mut net, proxy, "canister_info", args).unwrap();
    let info: CanisterInfoResult = candid::decode_one(&reply).unwrap();
    let Some(ChangeDetails::Creation(record)) = &info.recent_changes[0].details else { panic!("{info:?}") };
    let pair = [Sha256::digest("PEER"), Sha256::digest("somebody")].concat();
    assert_eq!(record.environment_variables_hash, Some(Sha256::digest(pair).to_vec()));
    assert_eq!(info.recent_changes[0].origin, ChangeOrigin::FromUser(FromUserRecord { user_id: owner() }));
}

/// The history keeps the last twenty changes and counts all.
#[test]
fn the_history_keeps_twenty_changes() {
    let mut net = Net::default();
    let (proxy, id) = (install(&mut net, PROXY), install(&mut net, WORKER));
    for _ in 0..30 {
        net.upgrade(id, owner(), &module(WORKER), vec![]).unwrap();
    }
    let args = CanisterInfoArgs { canister_id: id, num_requested_changes: Some(100) };
    let reply = by_canister(&mut net, proxy, "canister_info", args).unwrap();
    let info: CanisterInfoResult = candid::decode_one(&reply).unwrap();
    assert_eq!((info.total_num_changes, info.recent_changes.len()), (32, 20));
}

/// "sender_canister_version": a call with another version than the canister's own cannot be made.
#[test]
fn a_canister_gives_its_own_version() {
    let mut net = Net::default();
    let (proxy, id) = (install(&mut net, PROXY), install(&mut net, WORKER));
    let settings = CanisterSettings { controllers: Some(vec![proxy, owner()]), ..Default::default() };
    net.update_settings(id, owner(), settings.clone()).unwrap();
    let args = |version| UpdateSettingsArgs {
        canister_id: id,
        settings: settings.clone(),
        sender_canister_version: Some(version),
    };
    let status: CanisterStatusResult =
        by_user(&mut net, "canister_status", CanisterIdRecord { canister_id: proxy }).unwrap();
    let reject = by_canister(&mut net, proxy, "update_settings", args(status.version + 1)).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0504"));
    by_canister(&mut net, proxy, "update_settings", args(status.version)).unwrap();
    let info = CanisterInfoArgs { canister_id: id, num_requested_changes: Some(1) };
    let reply = by_canister(&mut net, proxy, "canister_info", info).unwrap();
    let info: CanisterInfoResult = candid::decode_one(&reply).unwrap();
    let origin = FromCanisterRecord { canister_id: proxy, canister_version: Some(status.version) };
    assert_eq!(info.recent_changes[0].origin, ChangeOrigin::FromCanister(origin));
}

/// The status is shown to controllers, to the canister itself, and to whom its visibility names; users may
/// also ask by a query.
#[test]
fn the_status_is_shown_to_whom_it_may_be() {
    let mut net = Net::default();
    let (proxy, id) = (install(&mut net, PROXY), install(&mut net, WORKER));
    let viewer = Principal::self_authenticating(b"viewer");
    let ask = |net: &mut Net| {
        let record = (CanisterIdRecord { canister_id: id },);
        let update = net.update::<CanisterStatusResult>(management(), viewer, "canister_status", record.clone());
        let query = net.query::<CanisterStatusResult>(management(), viewer, "canister_status", record);
        assert_eq!(update.is_ok(), query.is_ok());
        query.map(|status| status.cycles)
    };
    assert_eq!(ask(&mut net).unwrap_err().error_code(), Some("IC0512"));
    for visibility in [StatusVisibility::AllowedViewers(vec![viewer]), StatusVisibility::Public] {
        let settings = CanisterSettings { status_visibility: Some(visibility), ..Default::default() };
        net.update_settings(id, owner(), settings).unwrap();
        assert_eq!(ask(&mut net).unwrap(), Nat::from(net.cycles(id).unwrap()));
    }
    by_canister(&mut net, proxy, "canister_status", CanisterIdRecord { canister_id: proxy }).unwrap();
    let record = (CanisterIdRecord { canister_id: id },);
    let reject = net.query::<()>(management(), owner(), "stored_chunks", record).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0536"));
}

/// Prints "boom" and traps, or prints and replies, or prints in a query.
const PRINTS: &str = r#"
    (func (export "canister_update say")
        (call $print (i32.const 1024) (i32.const 4)) (call $answer (i64.const 0)))
    (func (export "canister_update trap") (call $boom))
    (func (export "canister_query ask")
        (call $print (i32.const 1024) (i32.const 4)) (call $answer (i64.const 0)))
"#;

fn logs(
    net: &mut Net,
    id: Principal,
    caller: Principal,
    filter: Option<CanisterLogFilter>,
) -> Result<Vec<u64>, Reject> {
    let args = FetchCanisterLogsArgs { canister_id: id, filter };
    let result: FetchCanisterLogsResult = net.query(management(), caller, "fetch_canister_logs", (args,))?;
    Ok(result.canister_log_records.iter().map(|record| record.idx).collect())
}

/// "IC method fetch_canister_logs": prints and traps of updates, by a query, to whom the log is visible.
#[test]
fn logs_are_fetched_by_whom_they_are_visible_to() {
    let mut net = Net::default();
    let id = install(&mut net, PRINTS);
    let viewer = Principal::self_authenticating(b"viewer");
    call(&mut net, id, "say", &[]);
    net.query_raw(id, owner(), "ask", vec![]).unwrap();
    net.update_raw(id, owner(), "trap", vec![]).unwrap_err();
    assert_eq!(logs(&mut net, id, owner(), None).unwrap(), [0, 1]);
    assert_eq!(net.logs(id)[0].text(), "boom");
    assert!(net.logs(id)[1].text().contains("boom"));
    let reject = logs(&mut net, id, viewer, None).unwrap_err();
    assert_eq!(code(reject), (RejectCode::CanisterReject, "IC0406".to_owned()));
    let args = FetchCanisterLogsArgs { canister_id: id, filter: None };
    by_user::<()>(&mut net, "fetch_canister_logs", args).unwrap_err();
    let settings =
        CanisterSettings { log_visibility: Some(LogVisibility::AllowedViewers(vec![viewer])), ..Default::default() };
    net.update_settings(id, owner(), settings).unwrap();
    assert_eq!(logs(&mut net, id, viewer, None).unwrap(), [0, 1]);
    let filter = Some(CanisterLogFilter::ByIdx { start: 1, end: 2 });
    assert_eq!(logs(&mut net, id, viewer, filter).unwrap(), [1]);
    // An upgrade keeps the log, a reinstallation empties it; the numbers go on.
    net.upgrade(id, owner(), &module(PRINTS), vec![]).unwrap();
    assert_eq!(logs(&mut net, id, viewer, None).unwrap(), [0, 1]);
    net.reinstall(id, owner(), &module(PRINTS), vec![]).unwrap();
    assert!(logs(&mut net, id, viewer, None).unwrap().is_empty());
    for _ in 0..300 {
        call(&mut net, id, "say", &[]);
    }
    // As many of the newest as fit 4096 bytes.
    let kept = logs(&mut net, id, viewer, None).unwrap();
    assert_eq!((kept.len(), kept.last()), (4_096 / 24, Some(&301)));
}

/// Sections of the module: public ones for every canister, private ones for controllers.
#[test]
fn metadata_is_read_by_canisters() {
    let mut net = Net::default();
    let proxy = install(&mut net, PROXY);
    let id = install(
        &mut net,
        &format!(r#"{WORKER} (@custom "icp:public open" "for all") (@custom "icp:private closed" "for few")"#),
    );
    let read = |net: &mut Net, name: &str| {
        let args = CanisterMetadataArgs { canister_id: id, name: name.to_owned() };
        let reply = by_canister(net, proxy, "canister_metadata", args)?;
        Ok::<_, Reject>(candid::decode_one::<CanisterMetadataResult>(&reply).unwrap().value)
    };
    assert_eq!(read(&mut net, "open").unwrap(), b"for all");
    assert_eq!(read(&mut net, "closed").unwrap_err().error_code(), Some("IC0512"));
    assert_eq!(read(&mut net, "none").unwrap_err().error_code(), Some("IC0406"));
    let settings = CanisterSettings { controllers: Some(vec![proxy]), ..Default::default() };
    net.update_settings(id, owner(), settings).unwrap();
    assert_eq!(read(&mut net, "closed").unwrap(), b"for few");
}

/// Chunks of at most one MiB, a hundred of them; installation from the store of another canister.
#[test]
fn chunks_are_bounded_and_may_lie_in_another_canister() {
    let mut net = Net::default();
    let (store, target) = (net.create_canister(owner(), 0), net.create_canister(owner(), 0));
    let upload = |net: &mut Net, chunk: Vec<u8>| {
        by_user::<ChunkHash>(net, "upload_chunk", UploadChunkArgs { canister_id: store, chunk })
    };
    upload(&mut net, vec![0; 1 << 20]).unwrap();
    assert_eq!(upload(&mut net, vec![0; (1 << 20) + 1]).unwrap_err().error_code(), Some("IC0504"));
    let wasm = module(WORKER);
    let hash = upload(&mut net, wasm.clone()).unwrap();
    for number in 2..100_u8 {
        upload(&mut net, vec![number]).unwrap();
    }
    assert_eq!(upload(&mut net, vec![200]).unwrap_err().error_code(), Some("IC0504"));
    upload(&mut net, wasm.clone()).unwrap();
    let args = |store_canister| InstallChunkedCodeArgs {
        mode: CanisterInstallMode::Install,
        target_canister: target,
        store_canister,
        chunk_hashes_list: vec![hash.clone()],
        wasm_module_hash: Sha256::digest(&wasm).to_vec(),
        arg: vec![],
        sender_canister_version: None,
    };
    let reject = by_user::<()>(&mut net, "install_chunked_code", args(None)).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0504"));
    by_user::<()>(&mut net, "install_chunked_code", args(Some(store))).unwrap();
    assert_eq!(call(&mut net, target, "work", &[]), 7);
}

/// A canister is deleted by a controller that is not itself, when it is stopped; its cycles are gone.
#[test]
fn a_canister_cannot_delete_itself() {
    let mut net = Net::default();
    let (proxy, id) = (install(&mut net, PROXY), install(&mut net, WORKER));
    for canister in [proxy, id] {
        let settings = CanisterSettings { controllers: Some(vec![proxy, owner()]), ..Default::default() };
        net.update_settings(canister, owner(), settings).unwrap();
    }
    let delete =
        |net: &mut Net, canister_id| by_canister(net, proxy, "delete_canister", CanisterIdRecord { canister_id });
    assert_eq!(delete(&mut net, proxy).unwrap_err().error_code(), Some("IC0512"));
    assert_eq!(delete(&mut net, id).unwrap_err().error_code(), Some("IC0510"));
    net.stop(id, owner()).unwrap();
    let held = net.cycles(proxy);
    delete(&mut net, id).unwrap();
    assert_eq!((net.cycles(id), net.cycles(proxy)), (None, held));
    let reject = net.update_raw(id, owner(), "work", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0301"));
}

/// "minimum_incoming_canister_call_cycles": for calls of other canisters only.
#[test]
fn a_call_brings_as_many_cycles_as_it_must() {
    let mut net = Net::default();
    let (proxy, id) = (install(&mut net, PROXY), install(&mut net, WORKER));
    let settings = CanisterSettings { minimum_incoming_canister_call_cycles: Some(10_u8.into()), ..Default::default() };
    net.update_settings(id, owner(), settings.clone()).unwrap();
    assert_eq!(call(&mut net, proxy, "proxy", &proxied(id, "work", 9, b"")), 1005);
    assert_eq!(call(&mut net, proxy, "proxy", &proxied(id, "work", 10, b"")), 7);
    assert_eq!(call(&mut net, id, "work", &[]), 7);
    net.update_settings(proxy, owner(), settings).unwrap();
    // A call to itself needs none.
    let itself = proxied(proxy, "refunded", 0, b"");
    assert_eq!(call(&mut net, proxy, "proxy", &itself), number(&10_u64.to_le_bytes()));
}

/// What this subnet does not have is refused as the network refuses it.
#[test]
fn what_the_subnet_does_not_have_is_refused() {
    let mut net = Net::default();
    let proxy = install(&mut net, PROXY);
    let key_id = EcdsaKeyId { curve: EcdsaCurve::Secp256k1, name: "key_1".into() };
    let args = EcdsaPublicKeyArgs { canister_id: None, derivation_path: vec![], key_id };
    let reject = by_canister(&mut net, proxy, "ecdsa_public_key", args).unwrap_err();
    assert!(reject.message.contains("unknown threshold key: ecdsa:Secp256k1:key_1"), "{reject}");
    assert_eq!(reject.code, RejectCode::CanisterReject);
    by_canister(&mut net, proxy, "bitcoin_get_balance", ()).unwrap_err();
    let reject = by_canister(&mut net, proxy, "subnet_info", SubnetInfoArgs { subnet_id: owner() }).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0404"));
    let subnet_id = Principal::self_authenticating(net.root_key());
    by_canister(&mut net, proxy, "subnet_info", SubnetInfoArgs { subnet_id }).unwrap();
    let args = NodeMetricsHistoryArgs { subnet_id, start_at_timestamp_nanos: 0 };
    by_canister(&mut net, proxy, "node_metrics_history", args).unwrap();
}

/// Starting and stopping count versions, whether or not they change anything.
#[test]
fn starting_and_stopping_count_versions() {
    let mut net = Net::default();
    let id = install(&mut net, WORKER);
    let version = |net: &mut Net| {
        by_user::<CanisterStatusResult>(net, "canister_status", CanisterIdRecord { canister_id: id }).unwrap().version
    };
    let before = version(&mut net);
    net.start_canister(id, owner()).unwrap();
    assert_eq!(version(&mut net), before + 1);
    net.stop(id, owner()).unwrap();
    assert_eq!(version(&mut net), before + 3);
    net.stop(id, owner()).unwrap();
    assert_eq!(version(&mut net), before + 4);
}

/// A canister with a message on its way to it is not deleted.
#[test]
fn a_canister_is_not_deleted_while_messages_wait_for_it() {
    let mut net = Net::default();
    let (proxy, id) = (install(&mut net, PROXY), install(&mut net, WORKER));
    net.inject(Fault::delay(5).method("work"));
    let late = net.submit_raw(proxy, owner(), "proxy", proxied(id, "work", 3, b""));
    net.tick();
    net.tick();
    let held = net.cycles(proxy).unwrap();
    net.stop(id, owner()).unwrap();
    let record = CanisterIdRecord { canister_id: id };
    let reject = by_user::<()>(&mut net, "delete_canister", &record).unwrap_err();
    assert_eq!(code(reject), (RejectCode::SysTransient, "IC0203".to_owned()));
    net.run_until_idle(20);
    // The request was rejected by the stopped canister, and brought its cycles back.
    assert_eq!(number(&net.poll_raw(&late).unwrap().unwrap()), 1005);
    assert_eq!(net.cycles(proxy).unwrap(), held + 3);
    by_user::<()>(&mut net, "delete_canister", &record).unwrap();
}

/// A canister that stops itself waits for itself; the cycles it attached come back with the rejection.
#[test]
fn a_canister_that_stops_itself_waits_until_it_is_told_otherwise() {
    let mut net = Net::default();
    let proxy = install(&mut net, PROXY);
    let settings = CanisterSettings { controllers: Some(vec![proxy, owner()]), ..Default::default() };
    net.update_settings(proxy, owner(), settings).unwrap();
    let record = Encode!(&CanisterIdRecord { canister_id: proxy }).unwrap();
    let arg = proxied(management(), "stop_canister", 9, &record);
    let held = net.cycles(proxy).unwrap();
    let stop = net.submit_raw(proxy, owner(), "proxy", arg.clone());
    net.run_until_idle(10);
    assert_eq!((net.poll_raw(&stop), net.cycles(proxy).unwrap()), (None, held - 9));
    net.advance(Duration::from_secs(301));
    net.run_until_idle(10);
    assert_eq!(number(&net.poll_raw(&stop).unwrap().unwrap()), 1002);
    assert_eq!((net.canister_status(proxy), net.cycles(proxy)), (Some(CanisterStatusType::Stopped), Some(held)));
    // Cancelled by a start, it is the same with another error.
    net.start_canister(proxy, owner()).unwrap();
    let stop = net.submit_raw(proxy, owner(), "proxy", arg);
    net.run_until_idle(10);
    net.start_canister(proxy, owner()).unwrap();
    net.run_until_idle(10);
    assert_eq!(number(&net.poll_raw(&stop).unwrap().unwrap()), 1005);
    assert_eq!(net.cycles(proxy), Some(held));
}

/// "Outstanding responses to the canister will not be processed ... Cycles attached to such responses will
/// still be refunded"; chunks go, snapshots and settings stay.
#[test]
fn an_uninstalled_canister_gets_its_cycles_back() {
    let mut net = Net::default();
    let (proxy, id) = (install(&mut net, PROXY), install(&mut net, WORKER));
    let held = net.cycles(proxy).unwrap();
    let chunk = UploadChunkArgs { canister_id: proxy, chunk: vec![1] };
    by_user::<ChunkHash>(&mut net, "upload_chunk", chunk).unwrap();
    net.take_snapshot(proxy, owner()).unwrap();
    let open = net.submit_raw(proxy, owner(), "proxy", proxied(id, "work", 50, b""));
    net.tick();
    let args = UninstallCodeArgs { canister_id: proxy, sender_canister_version: None };
    by_user::<()>(&mut net, "uninstall_code", args).unwrap();
    assert_eq!(net.poll_raw(&open).unwrap().unwrap_err().code, RejectCode::CanisterReject);
    net.run_until_idle(10);
    assert_eq!((net.cycles(proxy), net.open_calls(proxy)), (Some(held), 0));
    let record = CanisterIdRecord { canister_id: proxy };
    assert!(by_user::<Vec<ChunkHash>>(&mut net, "stored_chunks", &record).unwrap().is_empty());
    assert_eq!(by_user::<Vec<Snapshot>>(&mut net, "list_canister_snapshots", &record).unwrap().len(), 1);
}
