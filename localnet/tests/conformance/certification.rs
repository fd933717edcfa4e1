//! Certified data and certificates, checked by the public verifier.

use crate::wat_canister::{install, owner};
use ic_cbor::CertificateToCbor;
use ic_certificate_verification::VerifyCertificate;
use ic_certification::{Certificate, LookupResult};
use localnet::{Config, Net, Principal};

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
