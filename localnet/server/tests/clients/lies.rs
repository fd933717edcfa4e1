//! Somebody between client and network who changes what the network says: the standard verifiers
//! notice.

use crate::canister::{nat64, number};
use crate::javascript;
use crate::running::{Running, now};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use ic_agent::{Agent, AgentError};
use ic_cbor::CertificateToCbor;
use ic_certificate_verification::VerifyCertificate;
use ic_certification::Certificate;
use localnet::{Config, Endpoint, Net, Principal};
use reqwest::Client;
use serde_cbor::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

type Fields = BTreeMap<Value, Value>;

/// Changes a response, given the last part of the path it answers.
type Change = Arc<dyn Fn(&str, &mut Fields) + Send + Sync>;

/// Passes requests on and changes the responses.
#[derive(Clone)]
struct Liar {
    honest: String,
    change: Change,
}

async fn pass_on(State(liar): State<Liar>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let url = format!("{}{}", liar.honest, parts.uri);
    let answer = Client::new().request(parts.method, url).headers(parts.headers).body(body).send().await.unwrap();
    let (status, bytes) = (answer.status(), answer.bytes().await.unwrap());
    let kind = parts.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let changed = match serde_cbor::from_slice::<Fields>(&bytes) {
        Ok(mut fields) if kind != "status" => {
            (liar.change)(&kind, &mut fields);
            Bytes::from(encoded(&fields))
        }
        _ => bytes,
    };
    (status, [("content-type", "application/cbor")], changed).into_response()
}

fn encoded(value: &impl serde::Serialize) -> Vec<u8> {
    [&[0xd9, 0xd9, 0xf7], serde_cbor::to_vec(value).unwrap().as_slice()].concat()
}

/// The address of a liar in front of the server.
async fn lying(running: &Running, change: impl Fn(&str, &mut Fields) + Send + Sync + 'static) -> String {
    let liar = Liar { honest: running.server.url(), change: Arc::new(change) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().fallback(pass_on).with_state(liar)).await });
    url
}

fn text(name: &str) -> Value {
    Value::Text(name.to_owned())
}

/// Changes the certificate in a response, if there is one.
fn in_certificate(fields: &mut Fields, change: impl FnOnce(&mut Fields)) {
    if let Some(Value::Bytes(bytes)) = fields.get_mut(&text("certificate")) {
        let mut certificate: Fields = serde_cbor::from_slice(bytes).unwrap();
        change(&mut certificate);
        *bytes = encoded(&certificate);
    }
}

/// Replaces every blob in a value.
fn replace(value: &mut Value, from: &[u8], to: &[u8]) {
    match value {
        Value::Bytes(bytes) if bytes == from => *bytes = to.to_vec(),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, from, to)),
        Value::Map(map) => map.values_mut().for_each(|item| replace(item, from, to)),
        _ => {}
    }
}

/// The lies that can be told about an update or a query of the counter.
fn lies() -> Vec<(&'static str, Change)> {
    let lie = |name, change: fn(&str, &mut Fields)| (name, Arc::new(change) as Change);
    vec![
        lie("the certificate's signature", |_, fields| {
            in_certificate(fields, |certificate| {
                let Some(Value::Bytes(signature)) = certificate.get_mut(&text("signature")) else { panic!() };
                signature[20] ^= 1;
            });
        }),
        lie("the reply in the tree", |kind, fields| match kind {
            "call" => in_certificate(fields, |certificate| {
                let tree = certificate.get_mut(&text("tree")).unwrap();
                replace(tree, &nat64(2), &nat64(3));
            }),
            _ => take_key_away(fields),
        }),
        lie("the status in the tree", |kind, fields| match kind {
            "call" => in_certificate(fields, |certificate| {
                replace(certificate.get_mut(&text("tree")).unwrap(), b"replied", b"rejected");
            }),
            _ => take_key_away(fields),
        }),
        lie("the certificate is not of this time", |_, fields| {
            if let Some(certificate) = fields.get_mut(&text("certificate")) {
                *certificate = Value::Bytes(stale());
            } else if let Some(Value::Array(signatures)) = fields.get_mut(&text("signatures")) {
                let Value::Map(signature) = &mut signatures[0] else { panic!() };
                let hour = i128::from(3_600_000_000_000_u64);
                signature.insert(text("timestamp"), Value::Integer(i128::from(now()) - hour));
            }
        }),
        lie("the reply of a query", |kind, fields| match kind {
            "query" => {
                let reply = fields.get_mut(&text("reply")).unwrap();
                replace(reply, &nat64(0), &nat64(1));
            }
            "call" => drop_signature(fields),
            _ => {}
        }),
        lie("the signature of a query", |kind, fields| match kind {
            "query" => {
                let Some(Value::Array(signatures)) = fields.get_mut(&text("signatures")) else { panic!() };
                let Value::Map(signature) = &mut signatures[0] else { panic!() };
                let Some(Value::Bytes(bytes)) = signature.get_mut(&text("signature")) else { panic!() };
                bytes[5] ^= 1;
            }
            "call" => drop_signature(fields),
            _ => {}
        }),
    ]
}

/// Puts another node key into the subnet's entry.
fn take_key_away(fields: &mut Fields) {
    let other = Net::new(Config { seed: 9, ..Config::default() });
    let (ours, theirs) = (Net::default().node().public_key(), other.node().public_key());
    in_certificate(fields, |certificate| replace(certificate.get_mut(&text("tree")).unwrap(), &ours, &theirs));
}

fn drop_signature(fields: &mut Fields) {
    in_certificate(fields, |certificate| {
        certificate.insert(text("signature"), Value::Bytes(vec![0; 48]));
    });
}

/// A certificate of the same network, an hour ago.
fn stale() -> Vec<u8> {
    let mut net = Net::new(Config { time: now() - 3_600_000_000_000, ..Config::default() });
    let subnet = net.subnet_id();
    let path = vec![b"subnet".to_vec()];
    net.read_state_as(Principal::anonymous(), Endpoint::Subnet(subnet), &[path]).unwrap()
}

fn agent(running: &Running, url: &str) -> Agent {
    let agent = Agent::builder().with_url(url).build().unwrap();
    agent.set_root_key(running.server.root_key());
    agent
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_unchanged_is_believed() {
    let running = Running::start().await;
    let url = lying(&running, |_, _| ()).await;
    let agent = agent(&running, &url);
    assert_eq!(number(&agent.query(&running.counter, "get").call().await.unwrap()), 0);
    let reply = agent.update(&running.counter, "add").with_arg(nat64(2)).call_and_wait().await.unwrap();
    assert_eq!(number(&reply), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_agent_notices_every_lie() {
    for (name, change) in lies() {
        let running = Running::start().await;
        let url = lying(&running, move |kind, fields| change(kind, fields)).await;
        let agent = agent(&running, &url);
        let answer = agent.query(&running.counter, "get").call().await;
        assert!(!matches!(answer, Ok(_) | Err(AgentError::TransportError(_))), "query, {name}: {answer:?}");
        let call = agent.update(&running.counter, "add").with_arg(nat64(2)).call_and_wait();
        let answer = tokio::time::timeout(Duration::from_secs(20), call).await.expect("does not wait for ever");
        assert!(!matches!(answer, Ok(_) | Err(AgentError::TransportError(_))), "update, {name}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_agent_notices_every_lie() {
    for (name, change) in lies() {
        let running = Running::start().await;
        let url = lying(&running, move |kind, fields| change(kind, fields)).await;
        let key = running.server.root_key();
        let counter = running.counter;
        let outcome = tokio::task::spawn_blocking(move || javascript::run("refuses", &url, &key, counter)).await;
        outcome.unwrap().unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certified_data_is_verified_by_whoever_gets_it() {
    let running = Running::start().await;
    let agent = running.agent();
    agent.update(&running.counter, "certify_it").with_arg(b"truth".to_vec()).call_and_wait().await.unwrap();
    let bytes = agent.query(&running.counter, "certificate").call().await.unwrap();
    let verify = |bytes: &[u8], key: &[u8], at: u64| {
        let certificate = Certificate::from_cbor(bytes).map_err(|error| error.to_string())?;
        let minutes = 5 * 60 * 1_000_000_000;
        let verified = certificate.verify(running.counter.as_slice(), key, &u128::from(at), &minutes);
        verified.map_err(|error| error.to_string())
    };
    let key = running.server.root_key();
    verify(&bytes, &key, now()).unwrap();

    let mut certificate: Fields = serde_cbor::from_slice(&bytes).unwrap();
    replace(certificate.get_mut(&text("tree")).unwrap(), b"truth", b"false");
    verify(&encoded(&certificate), &key, now()).unwrap_err();
    let other = Net::new(Config { seed: 9, ..Config::default() }).root_key();
    verify(&bytes, &other, now()).unwrap_err();
    verify(&bytes, &key, now() + 3_600_000_000_000).unwrap_err();
}
