//! Every kind of identity: the standard agent's own, and the kinds that browsers and canisters sign
//! with.

use crate::canister::nat64;
use crate::running::{Running, now};
use data_encoding::BASE64URL_NOPAD;
use ic_agent::agent::EnvelopeContent;
use ic_agent::identity::{
    BasicIdentity, DelegatedIdentity, Delegation, DelegationPermissions, Prime256v1Identity, Secp256k1Identity,
    Signature, SignedDelegation,
};
use ic_agent::{Agent, AgentError, Identity};
use ic_certification::{HashTree, labeled, leaf};
use localnet::{Net, Principal};
use p256::ecdsa::signature::Signer;
use serde::Serialize;
use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const HOUR: u64 = 3_600_000_000_000;

fn ed25519(seed: u8) -> BasicIdentity {
    BasicIdentity::from_raw_key(&[seed; 32])
}

fn agent_of(running: &Running, identity: impl Identity + 'static) -> Agent {
    let mut agent = running.agent();
    agent.set_identity(identity);
    agent
}

/// What the canister says of the sender, asked by query and by update.
async fn recognised(running: &Running, agent: &Agent) {
    let sender = agent.get_principal().unwrap();
    let reply = agent.query(&running.counter, "whoami").call().await.unwrap();
    assert_eq!(candid::decode_one::<Principal>(&reply).unwrap(), sender);
    let reply = agent.update(&running.counter, "identify").with_arg(vec![]).call_and_wait().await.unwrap();
    assert_eq!(candid::decode_one::<Principal>(&reply).unwrap(), sender);
}

fn delegate(from: &dyn Identity, to: &dyn Identity, change: impl FnOnce(&mut Delegation)) -> SignedDelegation {
    let pubkey = to.public_key().unwrap();
    let mut delegation = Delegation { pubkey, expiration: now() + HOUR, targets: None, permissions: None };
    change(&mut delegation);
    let signature = from.sign_delegation(&delegation).unwrap().signature.unwrap();
    SignedDelegation { delegation, signature }
}

fn delegated(change: impl FnOnce(&mut Delegation)) -> DelegatedIdentity {
    let (from, to) = (ed25519(1), ed25519(2));
    let chain = vec![delegate(&from, &to, change)];
    DelegatedIdentity::new_unchecked(from.public_key().unwrap(), Box::new(to), chain)
}

fn refusal(error: &AgentError) -> String {
    let AgentError::HttpError(payload) = error else { panic!("{error}") };
    assert_eq!(payload.status, 400);
    String::from_utf8(payload.content.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kinds_of_key_are_recognised() {
    let running = Running::start().await;
    recognised(&running, &running.agent()).await;
    recognised(&running, &agent_of(&running, ed25519(1))).await;
    for seed in 1..20 {
        // Several keys: of ECDSA signatures half are of the higher form.
        let key = k256::SecretKey::from_slice(&[seed; 32]).unwrap();
        let agent = agent_of(&running, Secp256k1Identity::from_private_key(key));
        agent.query(&running.counter, "whoami").call().await.unwrap();
        let key = p256::SecretKey::from_slice(&[seed; 32]).unwrap();
        let agent = agent_of(&running, Prime256v1Identity::from_private_key(key));
        agent.query(&running.counter, "whoami").call().await.unwrap();
    }
    let key = k256::SecretKey::from_slice(&[7; 32]).unwrap();
    recognised(&running, &agent_of(&running, Secp256k1Identity::from_private_key(key))).await;
    let key = p256::SecretKey::from_slice(&[7; 32]).unwrap();
    recognised(&running, &agent_of(&running, Prime256v1Identity::from_private_key(key))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_of_delegations_are_followed() {
    let running = Running::start().await;
    recognised(&running, &agent_of(&running, delegated(|_| ()))).await;
    let counter = running.counter;
    recognised(&running, &agent_of(&running, delegated(|d| d.targets = Some(vec![counter])))).await;
    let key = p256::SecretKey::from_slice(&[7; 32]).unwrap();
    let (first, second, third) = (Prime256v1Identity::from_private_key(key), ed25519(2), ed25519(3));
    let chain = vec![delegate(&first, &second, |_| ()), delegate(&second, &third, |_| ())];
    let identity = DelegatedIdentity::new(first.public_key().unwrap(), Box::new(third), chain).unwrap();
    recognised(&running, &agent_of(&running, identity)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delegations_bind() {
    let running = Running::start().await;
    let elsewhere = Principal::management_canister();
    let ask = async |identity: DelegatedIdentity| {
        let agent = agent_of(&running, identity);
        refusal(&agent.query(&running.counter, "whoami").call_without_verification().await.unwrap_err())
    };
    let text = ask(delegated(|d| d.targets = Some(vec![elsewhere]))).await;
    assert!(text.contains("does not extend"), "{text}");
    let text = ask(delegated(|d| d.expiration = now() - HOUR)).await;
    assert!(text.contains("expired"), "{text}");
    let text = ask(delegated(|d| d.targets = Some(vec![elsewhere; 1_001]))).await;
    assert!(text.contains("1000 targets"), "{text}");

    // Signed by somebody else.
    let (from, to) = (ed25519(1), ed25519(2));
    let forged = delegate(&ed25519(9), &to, |_| ());
    let identity = DelegatedIdentity::new_unchecked(from.public_key().unwrap(), Box::new(ed25519(2)), vec![forged]);
    let text = ask(identity).await;
    assert!(text.contains("Invalid delegation"), "{text}");
    // A circle.
    let circle = vec![delegate(&from, &to, |_| ()), delegate(&to, &from, |_| ())];
    let identity = DelegatedIdentity::new_unchecked(from.public_key().unwrap(), Box::new(ed25519(1)), circle);
    let text = ask(identity).await;
    assert!(text.contains("twice"), "{text}");
    // Too long.
    let chain = (10..31).map(|seed| delegate(&ed25519(seed), &ed25519(seed + 1), |_| ())).collect();
    let from = ed25519(10).public_key().unwrap();
    let text = ask(DelegatedIdentity::new_unchecked(from, Box::new(ed25519(31)), chain)).await;
    assert!(text.contains("at most 20"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_of_queries_permits_no_calls() {
    let running = Running::start().await;
    let agent = agent_of(&running, delegated(|d| d.permissions = Some(DelegationPermissions::Queries)));
    agent.query(&running.counter, "whoami").call().await.unwrap();
    let error = agent.update(&running.counter, "identify").with_arg(vec![]).call_and_wait().await.unwrap_err();
    assert!(refusal(&error).contains("queries only"));
}

/// An authenticator with a P-256 key, as browsers have them.
struct WebAuthn {
    key: p256::ecdsa::SigningKey,
    /// What it says it does.
    ceremony: &'static str,
}

#[derive(Serialize)]
struct Assertion {
    authenticator_data: ByteBuf,
    client_data_json: String,
    signature: ByteBuf,
}

/// DER of a definite length under 256 bytes.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let mut encoded = if length < 128 { vec![tag, length] } else { vec![tag, 0x81, length] };
    encoded.extend(content);
    encoded
}

/// A key of a scheme that only the Internet Computer knows, in DER.
fn wrapped(scheme: u8, key: &[u8]) -> Vec<u8> {
    let oid = der(6, &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xb8, 0x43, 0x01, scheme]);
    let bits = der(3, &[&[0], key].concat());
    der(0x30, &[der(0x30, &oid), bits].concat())
}

impl Identity for WebAuthn {
    fn sender(&self) -> Result<Principal, String> {
        Ok(Principal::self_authenticating(self.public_key().unwrap()))
    }

    fn public_key(&self) -> Option<Vec<u8>> {
        use serde_cbor::Value::{Bytes, Integer};
        let point = self.key.verifying_key().to_encoded_point(false);
        let cose = BTreeMap::from([
            (Integer(1), Integer(2)),
            (Integer(3), Integer(-7)),
            (Integer(-1), Integer(1)),
            (Integer(-2), Bytes(point.x().unwrap().to_vec())),
            (Integer(-3), Bytes(point.y().unwrap().to_vec())),
        ]);
        Some(wrapped(1, &serde_cbor::to_vec(&cose).unwrap()))
    }

    fn sign(&self, content: &EnvelopeContent) -> Result<Signature, String> {
        let challenge = BASE64URL_NOPAD.encode(&content.to_request_id().signable());
        let ceremony = self.ceremony;
        let client_data_json =
            format!(r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"http://localhost"}}"#);
        let authenticator_data = vec![5; 37];
        let signed = [authenticator_data.as_slice(), &Sha256::digest(&client_data_json)].concat();
        let signature: p256::ecdsa::DerSignature = self.key.sign(&signed);
        let assertion = Assertion {
            authenticator_data: ByteBuf::from(authenticator_data),
            client_data_json,
            signature: ByteBuf::from(signature.as_bytes()),
        };
        let signature = tagged(&assertion);
        Ok(Signature { public_key: self.public_key(), signature: Some(signature), delegations: None })
    }
}

fn tagged(value: &impl Serialize) -> Vec<u8> {
    [&[0xd9, 0xd9, 0xf7], serde_cbor::to_vec(value).unwrap().as_slice()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn web_authn_is_recognised() {
    let running = Running::start().await;
    let key = p256::ecdsa::SigningKey::from_slice(&[3; 32]).unwrap();
    let identity = WebAuthn { key: key.clone(), ceremony: "webauthn.get" };
    recognised(&running, &agent_of(&running, identity)).await;
    let registering = agent_of(&running, WebAuthn { key, ceremony: "webauthn.create" });
    let error = registering.query(&running.counter, "whoami").call_without_verification().await.unwrap_err();
    assert!(refusal(&error).contains("webauthn.get"));
}

#[derive(Serialize)]
struct CanisterSignature {
    certificate: ByteBuf,
    tree: HashTree,
}

/// The signature by which a canister vouches for a message: the message's hash in what it certifies.
fn sign_by_canister(net: &mut Net, canister: Principal, seed: &[u8], message: &[u8]) -> Vec<u8> {
    let path = [Sha256::digest(seed), Sha256::digest(message)].map(|hash| hash.to_vec());
    let [seed, message] = path;
    let tree = labeled(b"sig", labeled(seed, labeled(message, leaf(vec![]))));
    net.update_raw(canister, Principal::anonymous(), "certify_it", tree.digest().to_vec()).unwrap();
    let data = [b"canister".to_vec(), canister.as_slice().to_vec(), b"certified_data".to_vec()];
    let certificate = ByteBuf::from(net.read_state(&[data.to_vec()]));
    tagged(&CanisterSignature { certificate, tree })
}

#[tokio::test(flavor = "multi_thread")]
async fn delegations_signed_by_a_canister_are_verified_with_our_root_key() {
    let running = Running::start().await;
    let (canister, seed) = (running.counter, b"user 7".as_slice());
    let id = canister.as_slice();
    let key = wrapped(2, &[&[u8::try_from(id.len()).unwrap()], id, seed].concat());
    let session = ed25519(2);
    let delegation = Delegation {
        pubkey: session.public_key().unwrap(),
        expiration: now() + HOUR,
        targets: None,
        permissions: None,
    };
    let message = delegation.signable();
    let signed = running.server.with(move |net| sign_by_canister(net, canister, b"user 7", &message)).await.unwrap();
    let chain = vec![SignedDelegation { delegation: delegation.clone(), signature: signed.clone() }];
    let root_key = running.server.root_key();
    let identity = DelegatedIdentity::new_with_root_key(key.clone(), Box::new(session), chain, &root_key).unwrap();
    recognised(&running, &agent_of(&running, identity)).await;

    // The same signature under another user's key.
    let other = wrapped(2, &[&[u8::try_from(id.len()).unwrap()], id, b"user 8".as_slice()].concat());
    let chain = vec![SignedDelegation { delegation, signature: signed }];
    let identity = DelegatedIdentity::new_unchecked(other, Box::new(ed25519(2)), chain);
    let agent = agent_of(&running, identity);
    let error = agent.update(&running.counter, "add").with_arg(nat64(1)).call().await.err().unwrap();
    assert!(refusal(&error).contains("Invalid delegation"));
}
