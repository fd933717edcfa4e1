//! Every function that canisters can import.

use crate::wat_canister::owner;
use localnet::Net;

/// The functions of ic0 1.2.0 for 32-bit memories, then those of earlier versions.
const IMPORTS: &str = r#"
    (import "ic0" "msg_arg_data_size" (func (result i32)))
    (import "ic0" "msg_arg_data_copy" (func (param i32 i32 i32)))
    (import "ic0" "msg_caller_size" (func (result i32)))
    (import "ic0" "msg_caller_copy" (func (param i32 i32 i32)))
    (import "ic0" "msg_caller_info_data_size" (func (result i32)))
    (import "ic0" "msg_caller_info_data_copy" (func (param i32 i32 i32)))
    (import "ic0" "msg_caller_info_signer_size" (func (result i32)))
    (import "ic0" "msg_caller_info_signer_copy" (func (param i32 i32 i32)))
    (import "ic0" "msg_reject_code" (func (result i32)))
    (import "ic0" "msg_reject_msg_size" (func (result i32)))
    (import "ic0" "msg_reject_msg_copy" (func (param i32 i32 i32)))
    (import "ic0" "msg_deadline" (func (result i64)))
    (import "ic0" "msg_reply_data_append" (func (param i32 i32)))
    (import "ic0" "msg_reply" (func))
    (import "ic0" "msg_reject" (func (param i32 i32)))
    (import "ic0" "msg_cycles_available128" (func (param i32)))
    (import "ic0" "msg_cycles_refunded128" (func (param i32)))
    (import "ic0" "msg_cycles_accept128" (func (param i64 i64 i32)))
    (import "ic0" "cycles_burn128" (func (param i64 i64 i32)))
    (import "ic0" "canister_self_size" (func (result i32)))
    (import "ic0" "canister_self_copy" (func (param i32 i32 i32)))
    (import "ic0" "canister_cycle_balance128" (func (param i32)))
    (import "ic0" "canister_liquid_cycle_balance128" (func (param i32)))
    (import "ic0" "canister_status" (func (result i32)))
    (import "ic0" "canister_version" (func (result i64)))
    (import "ic0" "subnet_self_size" (func (result i32)))
    (import "ic0" "subnet_self_copy" (func (param i32 i32 i32)))
    (import "ic0" "subnet_self_node_count" (func (result i32)))
    (import "ic0" "msg_method_name_size" (func (result i32)))
    (import "ic0" "msg_method_name_copy" (func (param i32 i32 i32)))
    (import "ic0" "accept_message" (func))
    (import "ic0" "call_new" (func (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "ic0" "call_on_cleanup" (func (param i32 i32)))
    (import "ic0" "call_data_append" (func (param i32 i32)))
    (import "ic0" "call_with_best_effort_response" (func (param i32)))
    (import "ic0" "call_cycles_add128" (func (param i64 i64)))
    (import "ic0" "call_perform" (func (result i32)))
    (import "ic0" "stable64_size" (func (result i64)))
    (import "ic0" "stable64_grow" (func (param i64) (result i64)))
    (import "ic0" "stable64_write" (func (param i64 i64 i64)))
    (import "ic0" "stable64_read" (func (param i64 i64 i64)))
    (import "ic0" "root_key_size" (func (result i32)))
    (import "ic0" "root_key_copy" (func (param i32 i32 i32)))
    (import "ic0" "certified_data_set" (func (param i32 i32)))
    (import "ic0" "data_certificate_present" (func (result i32)))
    (import "ic0" "data_certificate_size" (func (result i32)))
    (import "ic0" "data_certificate_copy" (func (param i32 i32 i32)))
    (import "ic0" "time" (func (result i64)))
    (import "ic0" "global_timer_set" (func (param i64) (result i64)))
    (import "ic0" "performance_counter" (func (param i32) (result i64)))
    (import "ic0" "is_controller" (func (param i32 i32) (result i32)))
    (import "ic0" "in_replicated_execution" (func (result i32)))
    (import "ic0" "cost_call" (func (param i64 i64 i32)))
    (import "ic0" "cost_create_canister" (func (param i32)))
    (import "ic0" "cost_http_request" (func (param i64 i64 i32)))
    (import "ic0" "cost_http_request_v2" (func (param i32 i32 i32)))
    (import "ic0" "cost_sign_with_ecdsa" (func (param i32 i32 i32 i32) (result i32)))
    (import "ic0" "cost_sign_with_schnorr" (func (param i32 i32 i32 i32) (result i32)))
    (import "ic0" "cost_vetkd_derive_key" (func (param i32 i32 i32 i32) (result i32)))
    (import "ic0" "env_var_count" (func (result i32)))
    (import "ic0" "env_var_name_size" (func (param i32) (result i32)))
    (import "ic0" "env_var_name_copy" (func (param i32 i32 i32 i32)))
    (import "ic0" "env_var_name_exists" (func (param i32 i32) (result i32)))
    (import "ic0" "env_var_value_size" (func (param i32 i32) (result i32)))
    (import "ic0" "env_var_value_copy" (func (param i32 i32 i32 i32 i32)))
    (import "ic0" "debug_print" (func (param i32 i32)))
    (import "ic0" "trap" (func (param i32 i32)))

    (import "ic0" "stable_size" (func (result i32)))
    (import "ic0" "stable_grow" (func (param i32) (result i32)))
    (import "ic0" "stable_write" (func (param i32 i32 i32)))
    (import "ic0" "stable_read" (func (param i32 i32 i32)))
    (import "ic0" "canister_cycle_balance" (func (result i64)))
    (import "ic0" "msg_cycles_available" (func (result i64)))
    (import "ic0" "msg_cycles_refunded" (func (result i64)))
    (import "ic0" "msg_cycles_accept" (func (param i64) (result i64)))
    (import "ic0" "call_cycles_add" (func (param i64)))
"#;

#[test]
fn every_import_is_defined_with_its_type() {
    let mut net = Net::default();
    let id = net.create_canister(owner(), 0);
    let wasm = wat::parse_str(format!("(module {IMPORTS})")).unwrap();
    net.install(id, owner(), &wasm, vec![]).unwrap();
    assert_eq!(IMPORTS.matches("(import").count(), 76);
}
