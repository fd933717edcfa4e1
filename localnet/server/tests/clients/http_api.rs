//! Status codes and bodies of the endpoints, for requests that no well-behaved client sends.

use crate::canister::nat64;
use crate::running::{Running, now};
use ic_agent::Identity;
use ic_agent::agent::{Envelope, EnvelopeContent};
use ic_agent::identity::BasicIdentity;
use localnet::Principal;
use reqwest::{Client, Response, StatusCode};
use std::borrow::Cow;

const SECOND: u64 = 1_000_000_000;

fn call(canister_id: Principal, sender: Principal, nonce: Option<Vec<u8>>) -> EnvelopeContent {
    EnvelopeContent::Call {
        nonce,
        ingress_expiry: now() + 60 * SECOND,
        sender,
        canister_id,
        method_name: "add".to_owned(),
        arg: nat64(1),
        sender_info: None,
    }
}

fn unsigned(content: &EnvelopeContent) -> Vec<u8> {
    let content = Cow::Borrowed(content);
    Envelope { content, sender_pubkey: None, sender_sig: None, sender_delegation: None }.encode_bytes()
}

fn signed(content: &EnvelopeContent, by: &dyn Identity) -> Vec<u8> {
    let signature = by.sign(content).unwrap();
    let (content, sender_pubkey, sender_sig) = (Cow::Borrowed(content), signature.public_key, signature.signature);
    Envelope { content, sender_pubkey, sender_sig, sender_delegation: None }.encode_bytes()
}

async fn post(running: &Running, path: &str, body: Vec<u8>) -> Response {
    let url = format!("{}{path}", running.server.url());
    Client::new().post(url).header("content-type", "application/cbor").body(body).send().await.unwrap()
}

/// Status and text of the answer to an update of the counter.
async fn send(running: &Running, body: Vec<u8>) -> (StatusCode, String) {
    let response = post(running, &format!("/api/v3/canister/{}/call", running.counter), body).await;
    let status = response.status();
    (status, String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_names_the_root_key() {
    let running = Running::start().await;
    let response = Client::new().get(format!("{}/api/v2/status", running.server.url())).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/cbor");
    let body = response.bytes().await.unwrap();
    assert_eq!(body[..3], [0xd9, 0xd9, 0xf7]);
    let status: std::collections::BTreeMap<String, serde_cbor::Value> = serde_cbor::from_slice(&body).unwrap();
    assert_eq!(status["root_key"], serde_cbor::Value::Bytes(running.server.root_key()));
    assert_eq!(status["replica_health_status"], serde_cbor::Value::Text("healthy".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_asynchronous_endpoint_accepts_and_the_same_call_counts_once() {
    let running = Running::start().await;
    let content = call(running.counter, Principal::anonymous(), None);
    let path = format!("/api/v2/canister/{}/call", running.counter);
    for _ in 0..3 {
        let response = post(&running, &path, unsigned(&content)).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert!(response.bytes().await.unwrap().is_empty());
    }
    let (status, _) = send(&running, unsigned(&content)).await;
    assert_eq!(status, StatusCode::OK);
    let reply = running.agent().query(&running.counter, "get").call().await.unwrap();
    assert_eq!(crate::canister::number(&reply), 1);
    // Another nonce makes another call.
    let content = call(running.counter, Principal::anonymous(), Some(vec![1; 32]));
    send(&running, unsigned(&content)).await;
    let reply = running.agent().query(&running.counter, "get").call().await.unwrap();
    assert_eq!(crate::canister::number(&reply), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_not_well_formed_are_refused() {
    let running = Running::start().await;
    let anonymous = Principal::anonymous();
    let refused = async |body: Vec<u8>, reason: &str| {
        let (status, text) = send(&running, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
        assert!(text.contains(reason), "{text}");
    };
    refused(vec![], "CBOR").await;
    refused(vec![0xff; 100], "CBOR").await;
    refused(vec![0xa0], "content").await;
    refused(unsigned(&call(running.counter, anonymous, Some(vec![0; 33]))), "nonce").await;
    let elsewhere = Principal::from_slice(&[0, 0, 0, 1, 0, 0, 0, 9, 1, 1]);
    refused(unsigned(&call(elsewhere, anonymous, None)), "effective canister id").await;

    let mut late = call(running.counter, anonymous, None);
    if let EnvelopeContent::Call { ingress_expiry, .. } = &mut late {
        *ingress_expiry = now() - SECOND;
    }
    refused(unsigned(&late), "ingress_expiry").await;
    if let EnvelopeContent::Call { ingress_expiry, .. } = &mut late {
        *ingress_expiry = now() + 3_600 * SECOND;
    }
    refused(unsigned(&late), "ingress_expiry").await;

    let path = format!("/api/v2/canister/{}/query", running.counter);
    let response = post(&running, &path, unsigned(&call(running.counter, anonymous, None))).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let response = post(&running, "/api/v2/canister/nonsense/query", vec![]).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let response = post(&running, &format!("/api/v3/canister/{}/call", running.counter), vec![0; 5 << 20]).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_sender_can_sign_for_the_sender() {
    let running = Running::start().await;
    let (alice, bob) = (BasicIdentity::from_raw_key(&[1; 32]), BasicIdentity::from_raw_key(&[2; 32]));
    let content = call(running.counter, alice.sender().unwrap(), None);
    let refused = async |body: Vec<u8>, reason: &str| {
        let (status, text) = send(&running, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
        assert!(text.contains(reason), "{text}");
    };
    refused(signed(&content, &bob), "does not belong").await;
    refused(unsigned(&content), "missing").await;
    // Somebody's signature on an anonymous request.
    let anonymous = call(running.counter, Principal::anonymous(), None);
    refused(signed(&anonymous, &bob), "not signed").await;
    // A signature on something else.
    let other = call(running.counter, alice.sender().unwrap(), Some(vec![1]));
    let signature = alice.sign(&other).unwrap();
    let forged = Envelope {
        content: Cow::Borrowed(&content),
        sender_pubkey: signature.public_key,
        sender_sig: signature.signature,
        sender_delegation: None,
    };
    refused(forged.encode_bytes(), "Invalid signature").await;
    assert_eq!(send(&running, signed(&content, &alice)).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_origin_may_use_the_interface() {
    let running = Running::start().await;
    let url = format!("{}/api/v3/canister/{}/call", running.server.url(), running.counter);
    let preflight = Client::new()
        .request(reqwest::Method::OPTIONS, url)
        .header("origin", "http://localhost:3000")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::OK);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
}
