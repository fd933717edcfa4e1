//! Limits of instructions and sizes, and the inspection of ingress messages.

use crate::wat_canister::{PROXY, WORKER, call, count, install, module, number, owner, proxied};
use localnet::{Config, Limits, Net, Principal, RejectCode};

const MIB: usize = 1 << 20;

/// Loops for ever, or replies as many bytes as the argument says.
const BIG: &str = r#"
    (func $forever (loop $again (br $again)))
    (func $many
        (call $arg_copy (i32.const 300) (i32.const 0) (i32.const 4))
        (drop (memory.grow (i32.const 64)))
        (call $append (i32.const 8192) (i32.load (i32.const 300)))
        (call $reply))
    (func (export "canister_update forever") (call $bump) (call $forever))
    (func (export "canister_query forever_query") (call $forever))
    (func (export "canister_update many") (call $many))
    (func (export "canister_query many_query") (call $many))
    (func (export "canister_update size") (call $answer (i64.extend_i32_u (call $arg_size))))
    (func (export "canister_update counted") (call $answer (call $counter (i32.const 0))))
"#;

#[test]
fn an_execution_ends_at_the_instruction_limit() {
    let limits = Limits { update_instructions: 100_000, query_instructions: 50_000, ..Limits::default() };
    let mut net = Net::new(Config { limits, ..Config::default() });
    let id = install(&mut net, BIG);
    let reject = net.update_raw(id, owner(), "forever", vec![]).unwrap_err();
    assert_eq!((reject.code, reject.error_code()), (RejectCode::CanisterError, Some("IC0522")));
    assert!((100_000..100_100).contains(&net.last_instructions()));
    assert_eq!(count(&mut net, id), 0);
    net.query_raw(id, owner(), "forever_query", vec![]).unwrap_err();
    assert!((50_000..50_100).contains(&net.last_instructions()));
}

#[test]
fn instructions_are_counted_alike_every_time() {
    let mut net = Net::default();
    let id = install(&mut net, BIG);
    // The first call changes the page that the answer is written to, the others find it as it is.
    call(&mut net, id, "counted", &[]);
    let first = call(&mut net, id, "counted", &[]);
    let used = net.last_instructions();
    assert!(0 < first && first < used);
    assert_eq!((call(&mut net, id, "counted", &[]), net.last_instructions()), (first, used));
}

#[test]
fn messages_are_bounded() {
    let mut net = Net::default();
    let id = install(&mut net, BIG);
    assert_eq!(call(&mut net, id, "size", &vec![0; 2 * MIB]), 2 * MIB as u64);
    let reject = net.update_raw(id, owner(), "size", vec![0; 2 * MIB + 1]).unwrap_err();
    assert_eq!(reject.code, RejectCode::SysFatal);
    let reply = |net: &mut Net, query: bool, size: usize| {
        let arg = (size as u32).to_le_bytes().to_vec();
        match query {
            true => net.query_raw(id, owner(), "many_query", arg).map(|reply| reply.len()),
            false => net.update_raw(id, owner(), "many", arg).map(|reply| reply.len()),
        }
    };
    assert_eq!(reply(&mut net, false, 2 * MIB), Ok(2 * MIB));
    assert!(reply(&mut net, false, 2 * MIB + 1).is_err());
    assert_eq!(reply(&mut net, true, 3 * MIB), Ok(3 * MIB));
    assert!(reply(&mut net, true, 3 * MIB + 1).is_err());
}

/// Within a subnet a request may carry 10 MiB.
#[test]
fn requests_between_canisters_may_be_larger() {
    let mut net = Net::default();
    let sender = install(
        &mut net,
        r#"
        (table funcref (elem $on_reply))
        (func $on_reply (param i32)
            (call $arg_copy (i32.const 300) (i32.const 0) (i32.const 8))
            (call $answer (i64.load (i32.const 300))))
        (func (export "canister_update send")
            (call $arg_copy (i32.const 512) (i32.const 0) (i32.const 14))
            (drop (memory.grow (i32.const 200)))
            (i32.store (i32.const 1040) (i32.const 0x657a6973)) ;; "size"
            (call $call_new (i32.const 512) (i32.const 10) (i32.const 1040) (i32.const 4)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
            (call $call_append (i32.const 8192) (i32.load (i32.const 522)))
            (call $perform_or_boom))
    "#,
    );
    let receiver = install(&mut net, BIG);
    let send = |net: &mut Net, size: usize| {
        let arg = [receiver.as_slice(), &(size as u32).to_le_bytes()].concat();
        net.update_raw(sender, owner(), "send", arg)
    };
    assert_eq!(number(&send(&mut net, 10 * MIB).unwrap()), 10 * MIB as u64);
    assert_eq!(send(&mut net, 10 * MIB + 1).unwrap_err().error_code(), Some("IC0504"));
}

/// `canister_inspect_message` decides about ingress messages only, and changes nothing.
#[test]
fn inspection_of_ingress_messages() {
    let mut net = Net::default();
    // Accepts methods whose name has four letters.
    let inspected = format!(
        r#"{WORKER} (func (export "canister_update other") (call $answer (i64.const 8)))
        (func (export "canister_inspect_message")
            (call $put (i32.const 99))
            (if (i32.eq (call $method_name_size) (i32.const 4)) (then (call $accept_message)))
            (if (i32.eq (call $method_name_size) (i32.const 6)) (then (call $boom))))"#
    );
    let id = install(&mut net, &inspected);
    assert_eq!(call(&mut net, id, "work", &[]), 7);
    let refused = net.update_raw(id, owner(), "other", vec![]).unwrap_err();
    assert_eq!(refused.code, RejectCode::CanisterReject);
    let trapped = net.update_raw(id, owner(), "secret", vec![]).unwrap_err();
    assert_eq!(trapped.error_code(), Some("IC0503"));
    let proxy = install(&mut net, PROXY);
    assert_eq!(call(&mut net, proxy, "proxy", &proxied(id, "other", 0, b"")), 8);
    assert_eq!(count(&mut net, id), 1);
}

/// What an entry point may not do, by "Overview of imports".
#[test]
fn entry_points_are_kept_to_their_imports() {
    let mut net = Net::default();
    let calls_in_init = r#"(func (export "canister_init") (call $reply))"#;
    let id = net.create_canister(owner(), 0);
    let reject = net.install(id, owner(), &module(calls_in_init), vec![]).unwrap_err();
    assert!(reject.message.contains("\"msg_reply\" cannot be executed in init mode"), "{reject}");
    assert_eq!(net.module_hash(id), None);
    let unknown = wat::parse_str(r#"(module (import "ic0" "msg_hello" (func)))"#).unwrap();
    let reject = net.install(id, owner(), &unknown, vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0505"));
    let nobody = Principal::anonymous();
    net.install(id, nobody, &module(""), vec![]).unwrap_err();
}
