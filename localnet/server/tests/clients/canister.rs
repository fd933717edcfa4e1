//! Canisters in WebAssembly's text form, speaking Candid.

/// Counts: `add : (nat64) -> (nat64)`, `get : () -> (nat64) query`, `whoami : () -> (principal) query`
/// and as an update `identify`; `certify` takes bytes, `certificate` replies them.
const COUNTER: &str = r#"(module
    (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
    (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
    (import "ic0" "msg_caller_size" (func $caller_size (result i32)))
    (import "ic0" "msg_caller_copy" (func $caller_copy (param i32 i32 i32)))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
    (import "ic0" "data_certificate_size" (func $certificate_size (result i32)))
    (import "ic0" "data_certificate_copy" (func $certificate_copy (param i32 i32 i32)))
    (import "ic0" "trap" (func $trap (param i32 i32)))
    (import "ic0" "accept_message" (func $accept))
    (import "ic0" "msg_method_name_size" (func $method_size (result i32)))
    (memory (export "memory") 2)
    (global $count (mut i64) (i64.const 0))
    (data (i32.const 0) "DIDL\00\01\78")
    (data (i32.const 32) "DIDL\00\01\68\01")
    (data (i32.const 96) "on purpose")
    (func $answer
        (i64.store (i32.const 7) (global.get $count))
        (call $append (i32.const 0) (i32.const 15)) (call $reply))
    (func $who
        (i32.store8 (i32.const 40) (call $caller_size))
        (call $caller_copy (i32.const 41) (i32.const 0) (call $caller_size))
        (call $append (i32.const 32) (i32.add (i32.const 9) (call $caller_size))) (call $reply))
    (func (export "canister_inspect_message")
        (if (i32.ne (call $method_size) (i32.const 7)) (then (call $accept))))
    (func (export "canister_update add")
        (call $arg_copy (i32.const 128) (i32.const 7) (i32.const 8))
        (global.set $count (i64.add (global.get $count) (i64.load (i32.const 128))))
        (call $answer))
    (func (export "canister_query get") (call $answer))
    (func (export "canister_query whoami") (call $who))
    (func (export "canister_update identify") (call $who))
    (func (export "canister_update refused") (call $answer))
    (func (export "canister_update fails") (call $trap (i32.const 96) (i32.const 10)))
    (func (export "canister_query also_fails") (call $trap (i32.const 96) (i32.const 10)))
    (func (export "canister_update certify_it")
        (call $arg_copy (i32.const 512) (i32.const 0) (call $arg_size))
        (call $certify (i32.const 512) (call $arg_size)) (call $answer))
    (func (export "canister_query certificate")
        (call $certificate_copy (i32.const 4096) (i32.const 0) (call $certificate_size))
        (call $append (i32.const 4096) (call $certificate_size)) (call $reply))
    (@custom "icp:public candid:service" "service : { add : (nat64) -> (nat64); get : () -> (nat64) query; whoami : () -> (principal) query }")
    (@custom "icp:private notes" "for controllers"))"#;

/// The counting canister.
pub fn counter() -> Vec<u8> {
    wat::parse_str(COUNTER).expect("valid text form")
}

/// A canister whose methods reply fixed bytes: "canister_query name" and what it replies.
pub fn canned(methods: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut at = 0;
    let mut body = String::new();
    for (method, reply) in methods {
        let bytes: String = reply.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let size = reply.len();
        body += &format!(
            r#"(data (i32.const {at}) "{bytes}")
            (func (export "{method}") (call $append (i32.const {at}) (i32.const {size})) (call $reply))"#
        );
        at += size;
    }
    let module = format!(
        r#"(module
            (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
            (import "ic0" "msg_reply" (func $reply))
            (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
            (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
            (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
            (memory (export "memory") 16)
            ;; Certifies the argument of the installation.
            (func (export "canister_init")
                (call $arg_copy (i32.const 1048000) (i32.const 0) (call $arg_size))
                (call $certify (i32.const 1048000) (call $arg_size)))
            {body})"#
    );
    wat::parse_str(module).expect("valid text form")
}

/// `nat64` in Candid.
pub fn nat64(number: u64) -> Vec<u8> {
    candid::encode_one(number).unwrap()
}

/// A `nat64` reply.
pub fn number(reply: &[u8]) -> u64 {
    candid::decode_one(reply).unwrap()
}
