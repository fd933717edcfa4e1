//! What executions cost in instructions, operator by operator.

use crate::wat_canister::owner;
use localnet::{Config, Limits, Metering, Net};

/// What an update with this body costs beyond an empty one that replies.
fn cost_with(metering: Metering, pointer: &str, definitions: &str, body: &str) -> u64 {
    let mut net = Net::new(Config { metering, cache_dir: None, ..Config::default() });
    let instructions = |net: &mut Net, body: &str| {
        let wasm = format!(
            r#"(module
            (import "ic0" "msg_reply" (func $reply))
            (import "ic0" "msg_reply_data_append" (func $append (param {pointer} {pointer})))
            (import "ic0" "stable64_grow" (func $stable_grow (param i64) (result i64)))
            (import "ic0" "stable64_write" (func $stable_write (param i64 i64 i64)))
            (import "ic0" "stable64_read" (func $stable_read (param i64 i64 i64)))
            (import "ic0" "time" (func $time (result i64)))
            (import "ic0" "performance_counter" (func $counter (param i32) (result i64)))
            (memory {pointer} 4)
            {definitions}
            (func (export "canister_update run") (local $i i32) {body} (call $reply)))"#
        );
        let id = net.create_canister(owner(), 1_000_000_000_000);
        net.install(id, owner(), &wat::parse_str(wasm).unwrap(), vec![]).unwrap();
        net.update_raw(id, owner(), "run", vec![]).unwrap();
        net.last_instructions()
    };
    instructions(&mut net, body) - instructions(&mut net, "")
}

fn cost(body: &str) -> u64 {
    cost_with(Metering::Network, "i32", "", body)
}

/// Counts from 0 to 1,000: per turn four operators of weight 1 to count, three to compare, and a
/// branch of weight 2.
const LOOP: &str = r#"
    (loop $again
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 1000))))"#;

#[test]
fn a_loop_costs_what_its_operators_weigh() {
    assert_eq!(cost(LOOP), 1_000 * (4 + 3 + 2));
    assert_eq!(cost_with(Metering::Operators, "i32", "", LOOP), 1_000 * 8);
}

#[test]
fn operators_have_the_weights_of_the_network() {
    let weigh = |body: &str, parameters: u64| cost(&format!("(drop {body})")) - 1 - parameters;
    for (body, weight) in [
        ("(i32.add (i32.const 1) (i32.const 1))", 1),
        ("(i64.mul (i64.const 1) (i64.const 1))", 1),
        ("(i32.div_s (i32.const 1) (i32.const 1))", 10),
        ("(i64.rem_u (i64.const 1) (i64.const 1))", 10),
        ("(f64.add (f64.const 1) (f64.const 1))", 2),
        ("(f64.div (f64.const 1) (f64.const 1))", 5),
        ("(f32.div (f32.const 1) (f32.const 1))", 3),
        ("(f64.min (f64.const 1) (f64.const 1))", 18),
        ("(f64.lt (f64.const 1) (f64.const 1))", 3),
    ] {
        assert_eq!(weigh(body, 2), weight, "{body}");
    }
    for (body, weight) in [
        ("(i32.load (i32.const 0))", 1),
        ("(f64.sqrt (f64.const 4))", 8),
        ("(i32.trunc_f64_s (f64.const 4))", 20),
        ("(f64.convert_i32_u (i32.const 4))", 16),
        ("(memory.grow (i32.const 1))", 300),
    ] {
        assert_eq!(weigh(body, 1), weight, "{body}");
    }
    assert_eq!(weigh("(memory.size)", 0), 20);
    assert_eq!(cost("(if (i32.const 1) (then (nop)))"), 1 + 2 + 1);
    // A call, and the function that is entered.
    let functions = "(func $f) (type $t (func)) (table funcref (elem $f)) (global $g (mut i32) (i32.const 0))";
    let with_functions = |body: &str| cost_with(Metering::Network, "i32", functions, body);
    assert_eq!(with_functions("(call $f)"), 5 + 1);
    assert_eq!(with_functions("(call_indirect (type $t) (i32.const 0))"), 1 + 10 + 1);
    assert_eq!(with_functions("(global.set $g (global.get $g))"), 4);
}

#[test]
fn loads_and_stores_cost_twice_as_much_in_64_bit_memories() {
    let wide = |body: &str| cost_with(Metering::Network, "i64", "", body);
    assert_eq!(wide("(drop (i64.load (i64.const 0)))"), 1 + 2 + 1);
    assert_eq!(cost("(drop (i64.load (i32.const 0)))"), 1 + 1 + 1);
    assert_eq!(wide(LOOP), cost(LOOP));
}

#[test]
fn bulk_operations_are_charged_by_the_byte_and_changed_pages_by_the_page() {
    let fill = |bytes: u32| cost(&format!("(memory.fill (i32.const 4096) (i32.const 1) (i32.const {bytes}))"));
    assert_eq!(fill(0), 3 + 100);
    assert_eq!(fill(1_000), 3 + 100 + 1_000 + 1_000);
    assert_eq!(fill(8_192), 3 + 100 + 8_192 + 2 * 1_000);
    assert_eq!(cost("(i32.store (i32.const 0) (i32.const 7))"), 3 + 1_000);
    // The network counts what was written, here what has changed is counted.
    assert_eq!(cost("(i32.store (i32.const 0) (i32.const 0))"), 3);
}

#[test]
fn system_calls_are_charged_and_the_bytes_they_move() {
    assert_eq!(cost("(drop (call $time))"), 5 + 500 + 1);
    assert_eq!(cost("(drop (call $counter (i32.const 0)))"), 1 + 5 + 200 + 1);
    let append = |bytes: u32| cost(&format!("(call $append (i32.const 0) (i32.const {bytes}))"));
    assert_eq!(append(0), 2 + 5 + 500);
    assert_eq!(append(100), 2 + 5 + 500 + 50 * 100);
    let grow = "(drop (call $stable_grow (i64.const 1)))";
    assert_eq!(cost(grow), 1 + 5 + 100 + 1);
    let after_growth = |body: &str| cost(&format!("{grow} {body}")) - cost(grow);
    let write = |offset: u32, bytes: u32| {
        format!("(call $stable_write (i64.const {offset}) (i64.const 0) (i64.const {bytes}))")
    };
    assert_eq!(after_growth(&write(0, 100)), 3 + 5 + 20 + 100 + 1_000);
    // The second write finds its page dirty; one across a border dirties two.
    assert_eq!(after_growth(&format!("{}{}", write(0, 100), write(200, 100))), 2 * (3 + 5 + 20 + 100) + 1_000);
    assert_eq!(after_growth(&write(4_095, 2)), 3 + 5 + 20 + 2 + 2_000);
    assert_eq!(after_growth("(call $stable_read (i64.const 0) (i64.const 0) (i64.const 64))"), 3 + 5 + 20 + 64);
    assert_eq!(cost_with(Metering::Operators, "i32", "", "(drop (call $time))"), 1);
}

#[test]
fn a_system_call_ends_the_execution_that_cannot_pay_for_it() {
    let limits = Limits { update_instructions: 3_000, ..Limits::default() };
    let mut net = Net::new(Config { limits, cache_dir: None, ..Config::default() });
    let wasm = r#"(module
        (import "ic0" "msg_reply" (func $reply))
        (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
        (memory 1)
        (func (export "canister_update ten") (call $append (i32.const 0) (i32.const 10)) (call $reply))
        (func (export "canister_update many") (call $append (i32.const 0) (i32.const 100)) (call $reply)))"#;
    let id = net.create_canister(owner(), 0);
    net.install(id, owner(), &wat::parse_str(wasm).unwrap(), vec![]).unwrap();
    assert_eq!(net.update_raw(id, owner(), "ten", vec![]).unwrap().len(), 10);
    let reject = net.update_raw(id, owner(), "many", vec![]).unwrap_err();
    assert_eq!((reject.error_code(), net.last_instructions()), (Some("IC0522"), 3_000));
}
