//! `ic-agent` with its default settings: query signatures and certificates verified.

use crate::canister::{counter, nat64, number};
use crate::running::{Running, owner};
use candid::{CandidType, Encode};
use ic_agent::agent::{CallResponse, RejectCode};
use ic_agent::identity::BasicIdentity;
use ic_agent::{Agent, AgentError};
use localnet::Principal;
use localnet::management_types::{CanisterIdRecord, CanisterInstallMode, CanisterStatusResult, InstallCodeArgs};
use serde::Deserialize;

#[tokio::test(flavor = "multi_thread")]
async fn updates_are_answered_with_a_certificate() {
    let running = Running::start().await;
    let agent = running.agent();
    let call = agent.update(&running.counter, "add").with_arg(nat64(2)).call();
    // Not polled for: the answer came with the call.
    assert!(matches!(call.await.unwrap(), CallResponse::Response(_)));
    let reply = agent.update(&running.counter, "add").with_arg(nat64(3)).call_and_wait().await.unwrap();
    assert_eq!(number(&reply), 5);
    let reply = agent.query(&running.counter, "get").call().await.unwrap();
    assert_eq!(number(&reply), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_can_be_polled_for() {
    let running = Running::impatient().await;
    let agent = running.agent();
    let CallResponse::Poll(id) = agent.update(&running.counter, "add").with_arg(nat64(2)).call().await.unwrap() else {
        panic!("a server without patience does not wait");
    };
    let (reply, _certificate) = agent.wait(&id, running.counter).await.unwrap();
    assert_eq!(number(&reply), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejections_arrive_as_they_were_given() {
    let running = Running::start().await;
    let agent = running.agent();
    let failed = agent.update(&running.counter, "fails").with_arg(vec![]).call_and_wait().await.unwrap_err();
    let AgentError::CertifiedReject { reject, .. } = failed else { panic!("{failed}") };
    assert_eq!((reject.reject_code, reject.error_code.as_deref()), (RejectCode::CanisterError, Some("IC0503")));
    assert!(reject.reject_message.contains("on purpose"), "{}", reject.reject_message);

    let failed = agent.query(&running.counter, "also_fails").call().await.unwrap_err();
    let AgentError::UncertifiedReject { reject, .. } = failed else { panic!("{failed}") };
    assert_eq!(reject.error_code.as_deref(), Some("IC0503"));

    // The canister does not take this message: nothing is certified about it.
    let refused = agent.update(&running.counter, "refused").with_arg(vec![]).call_and_wait().await.unwrap_err();
    let AgentError::UncertifiedReject { reject, .. } = refused else { panic!("{refused}") };
    assert_eq!(reject.error_code.as_deref(), Some("IC0406"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_canister_can_be_read() {
    let running = Running::start().await;
    let agent = running.agent();
    let id = running.counter;
    let hash = running.server.with(move |net| net.module_hash(id)).await.unwrap().unwrap();
    assert_eq!(agent.read_state_canister_module_hash(id).await.unwrap(), hash);
    assert_eq!(agent.read_state_canister_controllers(id).await.unwrap(), [owner()]);
    let candid = agent.read_state_canister_metadata(id, "candid:service").await.unwrap();
    assert!(candid.starts_with(b"service"));
    let forbidden = agent.read_state_canister_metadata(id, "notes").await.unwrap_err();
    assert!(matches!(&forbidden, AgentError::HttpError(payload) if payload.status == 403), "{forbidden}");
    let absent = agent.read_state_canister_metadata(id, "nothing").await.unwrap_err();
    assert!(matches!(absent, AgentError::LookupPathAbsent(_)), "{absent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subnet_can_be_read() {
    let running = Running::start().await;
    let agent = running.agent();
    let subnet = Principal::self_authenticating(running.server.root_key());
    let metrics = agent.read_state_subnet_metrics(subnet).await.unwrap();
    assert_eq!(metrics.num_canisters, 1);
    let ranges = agent.read_state_subnet_canister_ranges(subnet).await.unwrap();
    assert_eq!(ranges, [running.server.canister_range()]);
    let by_canister = agent.fetch_subnet_by_canister(&running.counter).await.unwrap();
    assert!(by_canister.contains_canister(&running.counter));
    assert_eq!(by_canister.iter_nodes().count(), 1);
    agent.fetch_subnet_by_id(&subnet).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn canisters_are_created_installed_and_stopped_by_their_controller() {
    #[derive(CandidType, Deserialize)]
    struct Provisional {
        amount: Option<candid::Nat>,
    }
    let running = Running::start().await;
    let mut agent = running.agent();
    agent.set_identity(BasicIdentity::from_raw_key(&[1; 32]));
    let call = async |agent: &Agent, method: &str, id: Principal, arg: Vec<u8>| {
        let management = Principal::management_canister();
        agent.update(&management, method).with_effective_canister_id(id).with_arg(arg).call_and_wait().await
    };
    let amount = Some(candid::Nat::from(5_000_000_000_000_u64));
    let arg = Encode!(&Provisional { amount }).unwrap();
    let reply = call(&agent, "provisional_create_canister_with_cycles", running.counter, arg).await.unwrap();
    let created: CanisterIdRecord = candid::decode_one(&reply).unwrap();
    let id = created.canister_id;

    let install = InstallCodeArgs {
        mode: CanisterInstallMode::Install,
        canister_id: id,
        wasm_module: counter(),
        arg: vec![],
        sender_canister_version: None,
    };
    call(&agent, "install_code", id, Encode!(&install).unwrap()).await.unwrap();
    assert_eq!(number(&agent.query(&id, "get").call().await.unwrap()), 0);
    let controllers = agent.read_state_canister_controllers(id).await.unwrap();
    assert_eq!(controllers, [agent.get_principal().unwrap()]);
    assert_eq!(agent.read_state_canister_metadata(id, "notes").await.unwrap(), b"for controllers");

    call(&agent, "stop_canister", id, Encode!(&created).unwrap()).await.unwrap();
    let status = call(&agent, "canister_status", id, Encode!(&created).unwrap()).await.unwrap();
    let status: CanisterStatusResult = candid::decode_one(&status).unwrap();
    assert_eq!(status.status, localnet::management_types::CanisterStatusType::Stopped);

    agent.set_identity(BasicIdentity::from_raw_key(&[2; 32]));
    call(&agent, "start_canister", id, Encode!(&created).unwrap()).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_root_key_is_not_believed() {
    let running = Running::start().await;
    let agent = running.agent();
    let other = localnet::Net::new(localnet::Config { seed: 1, ..localnet::Config::default() });
    agent.set_root_key(other.root_key());
    agent.update(&running.counter, "add").with_arg(nat64(2)).call_and_wait().await.unwrap_err();
    agent.query(&running.counter, "get").call().await.unwrap_err();
    agent.read_state_canister_module_hash(running.counter).await.unwrap_err();
    // Development networks tell their key; whoever asks for it takes it.
    let agent = Agent::builder().with_url(running.server.url()).build().unwrap();
    agent.fetch_root_key().await.unwrap();
    agent.query(&running.counter, "get").call().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_updates_at_once_are_all_answered() {
    let running = Running::start().await;
    let agent = running.agent();
    let calls = (0..50).map(|_| {
        let (agent, counter) = (agent.clone(), running.counter);
        tokio::spawn(async move { agent.update(&counter, "add").with_arg(nat64(1)).call_and_wait().await })
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(number(&agent.query(&running.counter, "get").call().await.unwrap()), 50);
}
