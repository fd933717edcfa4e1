//! Certified data and certificates, checked by the public verifier.

use crate::wat_canister::{install, owner};
use ed25519_dalek::{Signature, VerifyingKey};
use ic_cbor::CertificateToCbor;
use ic_certificate_verification::VerifyCertificate;
use ic_certification::{Certificate, LookupResult};
use localnet::{Config, Endpoint, Forbidden, Ingress, MessageId, Net, Principal, RejectCode, Value};
use std::time::Duration;

/// Certifies its argument; the query replies the certificate, from address 8192.
const CERTIFIED: &str = r#"
    (func (export "canister_update certify")
        (call $arg_copy (i32.const 512) (i32.const 0) (call $arg_size))
        (call $certify (i32.const 512) (call $arg_size))
        (call $answer (i64.const 0)))
    (func (export "canister_query certificate")
        (call $certificate_copy (i32.const 8192) (i32.const 0) (call $certificate_size))
        (call $append (i32.const 8192) (call $certificate_size))
        (call $reply))
    (func (export "canister_query present")
        (call $answer (i64.extend_i32_u (call $certificate_present))))
    (func (export "canister_query certify_in_query")
        (call $certify (i32.const 512) (i32.const 1)) (call $answer (i64.const 0)))
"#;

fn verified(net: &Net, id: Principal, bytes: &[u8]) -> Certificate {
    let certificate = Certificate::from_cbor(bytes).expect("parses");
    let (now, minute) = (u128::from(net.now()), 60_000_000_000);
    certificate.verify(id.as_slice(), &net.root_key(), &now, &minute).expect("verifies");
    certificate
}

fn path<'a>(id: &'a Principal, field: &'a str) -> [&'a [u8]; 3] {
    [b"canister", id.as_slice(), field.as_bytes()]
}

#[test]
fn a_query_gets_a_certificate_for_the_current_data() {
    let mut net = Net::default();
    let others: Vec<_> = (0..5).map(|_| install(&mut net, CERTIFIED)).collect();
    let id = others[2];
    for data in [b"first".to_vec(), b"second".to_vec()] {
        net.update_raw(id, owner(), "certify", data.clone()).unwrap();
        let bytes = net.query_raw(id, owner(), "certificate", vec![]).unwrap();
        let certificate = verified(&net, id, &bytes);
        let found = certificate.tree.lookup_path(path(&id, "certified_data"));
        assert_eq!(found, LookupResult::Found(&data));
    }
}

#[test]
fn a_certificate_of_another_network_is_refused() {
    let mut net = Net::default();
    let other = Net::new(Config { seed: 1, ..Config::default() });
    assert_ne!(net.root_key(), other.root_key());
    let certificate = Certificate::from_cbor(&net.read_state(&[])).unwrap();
    let now = u128::from(net.now());
    assert!(certificate.verify(&[], &other.root_key(), &now, &1).is_err());
}

#[test]
fn updates_see_no_certificate_and_queries_certify_nothing() {
    let mut net = Net::default();
    let id = install(&mut net, CERTIFIED);
    assert_eq!(net.query_raw(id, owner(), "present", vec![]).unwrap(), 1_u64.to_le_bytes());
    assert_eq!(net.update_raw(id, owner(), "present", vec![]).unwrap(), 0_u64.to_le_bytes());
    let reject = net.query_raw(id, owner(), "certify_in_query", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0504"));
    let reject = net.update_raw(id, owner(), "certify_in_query", vec![]).unwrap_err();
    assert!(reject.message.contains("replicated query"), "{reject}");
    // 32 bytes at most.
    net.update_raw(id, owner(), "certify", vec![0; 33]).unwrap_err();
}

#[test]
fn the_state_tree_reveals_what_is_asked_and_proves_absence() {
    let mut net = Net::default();
    let id = install(&mut net, CERTIFIED);
    let absent = Principal::from_slice(&[0, 0, 0, 1, 0, 0, 9, 9, 1, 1]);
    let paths = |fields: &[(&Principal, &str)]| -> Vec<Vec<Vec<u8>>> {
        fields.iter().map(|(id, field)| path(id, field).map(<[u8]>::to_vec).to_vec()).collect()
    };
    let wanted = paths(&[(&id, "module_hash"), (&id, "controllers"), (&absent, "module_hash")]);
    let bytes = net.read_state(&wanted);
    let tree = verified(&net, id, &bytes).tree;
    let hash = net.module_hash(id).unwrap();
    assert_eq!(tree.lookup_path(path(&id, "module_hash")), LookupResult::Found(&hash));
    assert!(matches!(tree.lookup_path(path(&id, "controllers")), LookupResult::Found(_)));
    assert_eq!(tree.lookup_path(path(&absent, "module_hash")), LookupResult::Absent);
    assert_eq!(tree.lookup_path(path(&id, "certified_data")), LookupResult::Unknown);
}

#[test]
fn the_status_of_a_call_is_certified() {
    let mut net = Net::default();
    let id = install(&mut net, CERTIFIED);
    let call = net.submit_raw(id, owner(), "certify", vec![1]);
    net.tick();
    let request = [b"request_status".to_vec(), call.request_id().to_vec()];
    let bytes = net.read_state(&[request.to_vec()]);
    let tree = verified(&net, id, &bytes).tree;
    let status = [&request[0][..], &request[1], b"status"];
    assert_eq!(tree.lookup_path(status), LookupResult::Found(b"replied"));
}

const MINUTE: Duration = Duration::from_secs(60);

/// A call as it comes through the public interface.
fn ingress(net: &Net, canister: Principal, number: u8, lifetime: Duration) -> Ingress {
    Ingress {
        request_id: [number; 32],
        sender: owner(),
        canister_id: canister,
        effective_canister_id: canister,
        method: "certify".to_owned(),
        arg: vec![number],
        expiry: net.now() + u64::try_from(lifetime.as_nanos()).unwrap(),
    }
}

fn status(net: &mut Net, canister: Principal, number: u8) -> Option<String> {
    let request = [b"request_status".to_vec(), vec![number; 32]];
    let bytes = net.read_state_as(owner(), Endpoint::Canister(canister), &[request.to_vec()]).unwrap();
    let tree = verified(net, canister, &bytes).tree;
    match tree.lookup_path([&request[0][..], &request[1], b"status"]) {
        LookupResult::Found(status) => Some(String::from_utf8(status.to_vec()).unwrap()),
        LookupResult::Absent => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_is_received_executed_once_and_forgotten_in_time() {
    let mut net = Net::default();
    let id = install(&mut net, CERTIFIED);
    assert_eq!(status(&mut net, id, 1), None);
    let call = ingress(&net, id, 1, MINUTE);
    net.submit_ingress(call.clone()).unwrap();
    assert_eq!(status(&mut net, id, 1).as_deref(), Some("received"));
    net.tick();
    assert_eq!(status(&mut net, id, 1).as_deref(), Some("replied"));
    // The same call again is known: nothing is executed.
    let executed = net.trace().len();
    assert_eq!(net.submit_ingress(call), Ok(MessageId::new([1; 32])));
    net.run_until_idle(10);
    assert_eq!(net.trace().len(), executed);
    // Kept for those who poll, then forgotten.
    net.advance(4 * MINUTE);
    net.tick();
    assert_eq!(status(&mut net, id, 1).as_deref(), Some("replied"));
    net.advance(2 * MINUTE);
    net.tick();
    assert_eq!(status(&mut net, id, 1), None);
}

#[test]
fn a_status_outlives_the_expiry_of_its_call_so_that_nothing_is_replayed() {
    let mut net = Net::default();
    let id = install(&mut net, CERTIFIED);
    net.submit_ingress(ingress(&net, id, 1, 20 * MINUTE)).unwrap();
    net.tick();
    net.advance(15 * MINUTE);
    net.tick();
    assert_eq!(status(&mut net, id, 1).as_deref(), Some("replied"));
}

#[test]
fn an_expired_call_is_not_executed() {
    let mut net = Net::default();
    let id = install(&mut net, CERTIFIED);
    let call = net.submit_ingress(ingress(&net, id, 1, MINUTE)).unwrap();
    net.advance(2 * MINUTE);
    net.tick();
    let reject = net.poll_raw(&call).unwrap().unwrap_err();
    assert_eq!((reject.code, reject.error_code()), (RejectCode::SysTransient, Some("IC0202")));
    assert_eq!(net.certified_data(id), Some(vec![]));
}

#[test]
fn a_call_that_is_not_accepted_leaves_no_status() {
    let mut net = Net::default();
    let id = install(&mut net, CERTIFIED);
    let nowhere = Principal::from_slice(&[0, 0, 0, 1, 0, 0, 9, 9, 1, 1]);
    let call = Ingress { canister_id: nowhere, ..ingress(&net, id, 1, MINUTE) };
    assert_eq!(net.submit_ingress(call).unwrap_err().error_code(), Some("IC0301"));
    assert_eq!(status(&mut net, id, 1), None);
}

#[test]
fn who_may_read_what() {
    let mut net = Net::default();
    let wasm = crate::wat_canister::module(
        r#"(@custom "icp:public open" "all may read") (@custom "icp:private closed" "controllers may")"#,
    );
    let id = net.create_canister(owner(), 1_000_000_000_000);
    net.install(id, owner(), &wasm, vec![]).unwrap();
    net.submit_ingress(ingress(&net, id, 1, MINUTE)).unwrap();
    let stranger = Principal::anonymous();
    let here = Endpoint::Canister(id);
    let subnet = Endpoint::Subnet(net.subnet_id());
    let subnet_id = net.subnet_id();
    let canister = |field: &str| vec![b"canister".to_vec(), id.as_slice().to_vec(), field.as_bytes().to_vec()];
    let metadata = |name: &str| [canister("metadata"), vec![name.as_bytes().to_vec()]].concat();
    let request = |number: u8| vec![b"request_status".to_vec(), vec![number; 32]];
    let metrics = vec![b"subnet".to_vec(), subnet_id.as_slice().to_vec(), b"metrics".to_vec()];
    let mut read = |sender, endpoint, paths: &[Vec<Vec<u8>>]| net.read_state_as(sender, endpoint, paths).map(drop);

    for path in [canister("module_hash"), canister("controllers"), metadata("open"), metadata("no such")] {
        read(stranger, here, &[path]).unwrap();
    }
    read(owner(), here, &[metadata("closed")]).unwrap();
    assert!(matches!(read(stranger, here, &[metadata("closed")]), Err(Forbidden::NotAllowed(_))));
    for path in [canister("certified_data"), canister("metadata"), vec![b"canister".to_vec()], vec![]] {
        assert!(matches!(read(owner(), here, &[path]), Err(Forbidden::NoSuchPath(_))));
    }
    assert!(matches!(read(owner(), subnet, &[canister("module_hash")]), Err(Forbidden::NoSuchPath(_))));

    read(owner(), here, &[request(1)]).unwrap();
    read(stranger, here, &[request(2)]).unwrap();
    assert!(matches!(read(stranger, here, &[request(1)]), Err(Forbidden::NotAllowed(_))));
    assert!(matches!(read(owner(), subnet, &[request(1)]), Err(Forbidden::NotAllowed(_))));
    assert_eq!(read(owner(), here, &[request(1), request(2)]), Err(Forbidden::SeveralRequests));

    read(stranger, subnet, std::slice::from_ref(&metrics)).unwrap();
    assert!(matches!(read(stranger, here, &[metrics]), Err(Forbidden::NoSuchPath(_))));
    let time = vec![b"time".to_vec()];
    read(stranger, here, &vec![time.clone(); 1_000]).unwrap();
    assert_eq!(read(stranger, here, &vec![time; 1_001]), Err(Forbidden::TooManyPaths(1_001)));
    assert_eq!(read(stranger, here, &[vec![vec![]; 128]]), Err(Forbidden::PathTooLong(128)));
}

#[test]
fn the_node_that_signs_queries_is_listed_in_the_tree() {
    let mut net = Net::default();
    let subnet = net.subnet_id();
    let bytes = net.read_state(&[vec![b"subnet".to_vec()]]);
    let tree = verified(&net, Principal::anonymous(), &bytes).tree;
    let node = net.node();
    let path = [&b"subnet"[..], subnet.as_slice(), b"node", node.id().as_slice(), b"public_key"].map(<[u8]>::to_vec);
    let LookupResult::Found(key) = tree.lookup_path(&path) else { panic!("the key is listed") };
    let key = VerifyingKey::from_bytes(key[12..].try_into().unwrap()).unwrap();

    let (request, reply) = ([7; 32], b"reply".to_vec());
    let signature = node.sign_response(&request, &Ok(reply.clone()), 5);
    let signed = Value::Map(vec![
        ("status", Value::Text("replied")),
        ("reply", Value::Map(vec![("arg", Value::Bytes(&reply))])),
        ("timestamp", Value::Nat(5)),
        ("request_id", Value::Bytes(&request)),
    ]);
    let message = [b"\x0Bic-response".as_slice(), &signed.hash()].concat();
    key.verify_strict(&message, &Signature::from_bytes(&signature.signature)).unwrap();
}

#[test]
fn request_ids_are_those_of_the_specification() {
    // The example of "Request ids".
    let content = Value::Map(vec![
        ("request_type", Value::Text("call")),
        ("sender", Value::Bytes(&[4])),
        ("ingress_expiry", Value::Nat(1_685_570_400_000_000_000)),
        ("canister_id", Value::Bytes(&[0, 0, 0, 0, 0, 0, 4, 0xd2])),
        ("method_name", Value::Text("hello")),
        ("arg", Value::Bytes(b"DIDL\x00\xFD*")),
    ]);
    let hex: String = content.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "1d1091364d6bb8a6c16b203ee75467d59ead468f523eb058880ae8ec80e2b101");
}
