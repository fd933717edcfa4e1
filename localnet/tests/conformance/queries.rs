//! Queries and composite queries.

use crate::wat_canister::{count, install, number, owner};
use localnet::{Net, RejectCode};

/// A composite query that counts, calls "look" of the canister in the argument, and adds the reply
/// to its count in the callback.
const COMPOSITE: &str = r#"
    (table funcref (elem $on_reply $on_reject $on_cleanup_callback))
    (func $on_reply (param i32)
        (call $arg_copy (i32.const 300) (i32.const 0) (i32.const 8))
        (call $bump)
        (call $answer (i64.add (i64.load (i32.const 300)) (i64.extend_i32_u (call $get)))))
    (func $on_reject (param i32)
        (call $answer (i64.extend_i32_u (i32.add (i32.const 1000) (call $reject_code)))))
    (func $on_cleanup_callback (param i32))
    (func $call_look
        (call $bump)
        (i32.store (i32.const 1040) (i32.const 0x6b6f6f6c)) ;; "look"
        (call $call_argument) (call $perform_or_boom))
    (func (export "canister_composite_query gather") (call $call_look))
    (func (export "canister_query look") (call $bump) (call $answer (i64.const 40)))
    (func (export "canister_update change") (call $bump) (call $answer (i64.const 0)))
    (func (export "canister_query calls") (call $call_look))
"#;

#[test]
fn a_composite_query_calls_queries_and_keeps_its_heap_between() {
    let mut net = Net::default();
    let (one, two) = (install(&mut net, COMPOSITE), install(&mut net, COMPOSITE));
    for callee in [two, one] {
        // Its own count went to 1 before the call and to 2 in the callback.
        let reply = net.query_raw(one, owner(), "gather", callee.as_slice().to_vec()).unwrap();
        assert_eq!(number(&reply), 42);
    }
    assert_eq!((count(&mut net, one), count(&mut net, two)), (0, 0));
}

#[test]
fn a_composite_query_sees_the_rejection_of_a_call() {
    let mut net = Net::default();
    let one = install(&mut net, COMPOSITE);
    let nobody = net.create_canister(owner(), 0);
    let reply = net.query_raw(one, owner(), "gather", nobody.as_slice().to_vec()).unwrap();
    assert_eq!(number(&reply), 1000 + 5);
}

/// Only what a user queries has a certificate at hand.
#[test]
fn a_query_called_by_a_query_has_no_certificate() {
    let mut net = Net::default();
    let one = install(&mut net, COMPOSITE);
    let two = install(
        &mut net,
        r#"(func (export "canister_query look") (call $answer (i64.extend_i32_u (call $certificate_present))))"#,
    );
    assert_eq!(number(&net.query_raw(two, owner(), "look", vec![]).unwrap()), 1);
    // The callback adds its count, 2.
    assert_eq!(number(&net.query_raw(one, owner(), "gather", two.as_slice().to_vec()).unwrap()), 2);
}

#[test]
fn kinds_of_methods_are_not_mixed_up() {
    let mut net = Net::default();
    let one = install(&mut net, COMPOSITE);
    let arg = || one.as_slice().to_vec();
    let update = net.query_raw(one, owner(), "change", vec![]).unwrap_err();
    assert_eq!(update.error_code(), Some("IC0536"));
    let composite = net.update_raw(one, owner(), "gather", arg()).unwrap_err();
    assert_eq!(composite.error_code(), Some("IC0536"));
    let calls = net.query_raw(one, owner(), "calls", arg()).unwrap_err();
    assert_eq!(calls.code, RejectCode::CanisterError);
    assert!(calls.message.contains("call_new"), "{calls}");
}
