//! Canisters in text form: imports and a few helper functions that all tests share.

use localnet::{Net, Principal};

/// Imports of the System API used by the tests, a memory of one page, and `$reply_u32`, `$get`, `$put`.
const PRELUDE: &str = r#"
    (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
    (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
    (import "ic0" "msg_caller_size" (func $caller_size (result i32)))
    (import "ic0" "msg_reject_code" (func $reject_code (result i32)))
    (import "ic0" "msg_reject_msg_size" (func $reject_msg_size (result i32)))
    (import "ic0" "msg_reject_msg_copy" (func $reject_msg_copy (param i32 i32 i32)))
    (import "ic0" "msg_deadline" (func $deadline (result i64)))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "msg_reject" (func $reject (param i32 i32)))
    (import "ic0" "msg_cycles_available128" (func $available (param i32)))
    (import "ic0" "msg_cycles_refunded128" (func $refunded (param i32)))
    (import "ic0" "msg_cycles_accept128" (func $accept (param i64 i64 i32)))
    (import "ic0" "cycles_burn128" (func $burn (param i64 i64 i32)))
    (import "ic0" "canister_self_size" (func $self_size (result i32)))
    (import "ic0" "canister_self_copy" (func $self_copy (param i32 i32 i32)))
    (import "ic0" "canister_cycle_balance128" (func $balance (param i32)))
    (import "ic0" "canister_status" (func $status (result i32)))
    (import "ic0" "canister_version" (func $version (result i64)))
    (import "ic0" "msg_method_name_size" (func $method_name_size (result i32)))
    (import "ic0" "accept_message" (func $accept_message))
    (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "ic0" "call_on_cleanup" (func $on_cleanup (param i32 i32)))
    (import "ic0" "call_data_append" (func $call_append (param i32 i32)))
    (import "ic0" "call_with_best_effort_response" (func $best_effort (param i32)))
    (import "ic0" "call_cycles_add128" (func $add_cycles (param i64 i64)))
    (import "ic0" "call_perform" (func $perform (result i32)))
    (import "ic0" "stable64_size" (func $stable_size (result i64)))
    (import "ic0" "stable64_grow" (func $stable_grow (param i64) (result i64)))
    (import "ic0" "stable64_write" (func $stable_write (param i64 i64 i64)))
    (import "ic0" "stable64_read" (func $stable_read (param i64 i64 i64)))
    (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
    (import "ic0" "data_certificate_present" (func $certificate_present (result i32)))
    (import "ic0" "data_certificate_size" (func $certificate_size (result i32)))
    (import "ic0" "data_certificate_copy" (func $certificate_copy (param i32 i32 i32)))
    (import "ic0" "time" (func $time (result i64)))
    (import "ic0" "global_timer_set" (func $set_timer (param i64) (result i64)))
    (import "ic0" "performance_counter" (func $counter (param i32) (result i64)))
    (import "ic0" "is_controller" (func $is_controller (param i32 i32) (result i32)))
    (import "ic0" "in_replicated_execution" (func $replicated (result i32)))
    (import "ic0" "cost_call" (func $cost_call (param i64 i64 i32)))
    (import "ic0" "debug_print" (func $print (param i32 i32)))
    (import "ic0" "trap" (func $trap (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 1024) "boom")
    (data (i32.const 1040) "work")
    ;; The number at 0 counts; a result is put at 256.
    (func $get (result i32) (i32.load (i32.const 0)))
    (func $put (param i32) (i32.store (i32.const 0) (local.get 0)))
    (func $bump (call $put (i32.add (call $get) (i32.const 1))))
    (func $boom (call $trap (i32.const 1024) (i32.const 4)))
    (func $answer (param i64)
        (i64.store (i32.const 256) (local.get 0))
        (call $append (i32.const 256) (i32.const 8))
        (call $reply))
    (func (export "canister_query get") (call $answer (i64.extend_i32_u (call $get))))
    ;; Calls method "work" of the canister whose id (10 bytes) is the argument; callbacks are table
    ;; entries 0 (reply), 1 (reject) and 2 (cleanup), their environments 10, 11 and 12.
    (func $call_argument
        (call $arg_copy (i32.const 512) (i32.const 0) (i32.const 10))
        (call $call_new (i32.const 512) (i32.const 10) (i32.const 1040) (i32.const 4)
            (i32.const 0) (i32.const 10) (i32.const 1) (i32.const 11))
        (call $on_cleanup (i32.const 2) (i32.const 12)))
    (func $perform_or_boom (if (call $perform) (then (call $boom))))
"#;

/// The module with the given definitions after the shared ones.
pub fn module(definitions: &str) -> Vec<u8> {
    wat::parse_str(text(definitions)).expect("valid text form")
}

/// Its text.
pub fn text(definitions: &str) -> String {
    format!("(module {PRELUDE} {definitions})")
}

/// A user who controls everything in the tests.
pub fn owner() -> Principal {
    Principal::self_authenticating(b"owner")
}

/// Installs the definitions on a new canister with a trillion cycles.
pub fn install(net: &mut Net, definitions: &str) -> Principal {
    let id = net.create_canister(owner(), 1_000_000_000_000);
    net.install(id, owner(), &module(definitions), Vec::new()).expect("installs");
    id
}

/// The number a canister counts at address 0.
pub fn count(net: &mut Net, id: Principal) -> u64 {
    number(&net.query_raw(id, owner(), "get", Vec::new()).expect("counts"))
}

/// A reply of eight bytes.
pub fn number(reply: &[u8]) -> u64 {
    u64::from_le_bytes(reply.try_into().expect("eight bytes"))
}

/// Calls an update that replies a number.
pub fn call(net: &mut Net, id: Principal, method: &str, arg: &[u8]) -> u64 {
    number(&net.update_raw(id, owner(), method, arg.to_vec()).expect("replies"))
}

/// A canister that replies 7 to "work".
pub const WORKER: &str = r#"
    (func (export "canister_update work") (call $bump) (call $answer (i64.const 7)))
"#;

/// Makes any call: the argument names callee, method, cycles and payload (see [`proxied`]). Replies
/// what the callee replied, or 1000 plus the reject code.
pub const PROXY: &str = r#"
    (table funcref (elem $on_reply $on_reject))
    (func $on_reply (param i32)
        (call $arg_copy (i32.const 4096) (i32.const 0) (call $arg_size))
        (call $refunded (i32.const 16))
        (call $append (i32.const 4096) (call $arg_size))
        (call $reply))
    (func $on_reject (param i32)
        (call $refunded (i32.const 16))
        (call $answer (i64.extend_i32_u (i32.add (i32.const 1000) (call $reject_code)))))
    (func $forward (local $name i32) (local $payload i32)
        (call $arg_copy (i32.const 4096) (i32.const 0) (call $arg_size))
        (local.set $name (i32.add (i32.const 4097) (i32.load8_u (i32.const 4096))))
        (local.set $payload (i32.add (i32.add (local.get $name) (i32.const 1))
            (i32.load8_u (local.get $name))))
        (call $call_new (i32.const 4097) (i32.load8_u (i32.const 4096))
            (i32.add (local.get $name) (i32.const 1)) (i32.load8_u (local.get $name))
            (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
        (call $add_cycles (i64.const 0) (i64.load (local.get $payload)))
        (call $call_append (i32.add (local.get $payload) (i32.const 8))
            (i32.sub (call $arg_size)
                (i32.sub (i32.add (local.get $payload) (i32.const 8)) (i32.const 4096)))))
    (func (export "canister_update proxy") (call $forward) (call $perform_or_boom))
    (func (export "canister_update proxy_best_effort")
        (call $forward) (call $best_effort (i32.const 10)) (call $perform_or_boom))
    (func (export "canister_update proxy_many") (local $made i64)
        (loop $again
            (call $forward)
            (if (i32.eqz (call $perform))
                (then (local.set $made (i64.add (local.get $made) (i64.const 1))) (br $again))))
        (call $answer (local.get $made)))
    (func (export "canister_query refunded") (call $answer (i64.load (i32.const 16))))
"#;

/// The argument of [`PROXY`].
pub fn proxied(callee: Principal, method: &str, cycles: u64, payload: &[u8]) -> Vec<u8> {
    let mut arg = vec![callee.as_slice().len() as u8];
    arg.extend(callee.as_slice());
    arg.push(method.len() as u8);
    arg.extend(method.as_bytes());
    arg.extend(cycles.to_le_bytes());
    arg.extend(payload);
    arg
}

/// The management canister.
pub fn management() -> Principal {
    Principal::management_canister()
}
