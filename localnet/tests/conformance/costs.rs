//! Cycles under a price list.

use crate::wat_canister::{PROXY, WORKER, call, management, module, number, owner, proxied, text};
use localnet::management_types::{CanisterIdRecord, CanisterSettings, CanisterStatusResult};
use localnet::{Config, Costs, Limits, Net, Principal, RejectCode};
use std::time::Duration;

const T: u128 = 1_000_000_000_000;
/// The longest execution.
const EXECUTION: u128 = 5_000_000 + 40_000_000_000;
/// The transmission of the largest response.
const RESPONSE: u128 = 2 * 1024 * 1024 * 1_000;
const DAY: Duration = Duration::from_secs(86_400);

/// Replies what a call of four letters and 100 bytes costs.
const PRICED: &str = r#"
    (import "ic0" "canister_liquid_cycle_balance128" (func $liquid (param i32)))
    (func (export "canister_update price")
        (call $cost_call (i64.const 4) (i64.const 100) (i32.const 300))
        (call $answer (i64.load (i32.const 300))))
    (func (export "canister_query liquid") (call $liquid (i32.const 300)) (call $answer (i64.load (i32.const 300))))
    (func (export "canister_update burn")
        (call $arg_copy (i32.const 300) (i32.const 0) (i32.const 8))
        (call $burn (i64.const 0) (i64.load (i32.const 300)) (i32.const 400))
        (call $answer (i64.load (i32.const 400))))
    (func (export "canister_update grow") (drop (memory.grow (i32.const 1600))) (call $answer (i64.const 0)))
"#;

/// The text form wants imports first.
fn priced() -> Vec<u8> {
    let (import, definitions) = PRICED.trim().split_once('\n').unwrap();
    wat::parse_str(text(definitions).replacen("(module", &format!("(module {import}"), 1)).unwrap()
}

fn net() -> Net {
    Net::new(Config { costs: Costs::thirteen_nodes(), ..Config::default() })
}

fn rich(net: &mut Net, wasm: &[u8]) -> Principal {
    let id = net.create_canister(owner(), 10 * T);
    net.install(id, owner(), wasm, vec![]).unwrap();
    id
}

fn status(net: &mut Net, canister_id: Principal) -> CanisterStatusResult {
    net.update(management(), owner(), "canister_status", (CanisterIdRecord { canister_id },)).unwrap()
}

fn set_freezing_threshold(net: &mut Net, id: Principal, seconds: u64) {
    let settings = CanisterSettings { freezing_threshold: Some(seconds.into()), ..CanisterSettings::default() };
    net.update_settings(id, owner(), settings).unwrap();
}

#[test]
fn nothing_but_creation_costs_by_default() {
    let mut net = Net::default();
    let id = net.create_canister(owner(), T);
    net.install(id, owner(), &priced(), vec![]).unwrap();
    let price = net.update_raw(id, owner(), "price", vec![]).unwrap();
    net.advance(10 * DAY);
    net.tick();
    assert_eq!((number(&price), net.cycles(id)), (0, Some(T)));
}

#[test]
fn messages_and_executions_are_charged() {
    let mut net = net();
    let id = rich(&mut net, &priced());
    let before = net.cycles(id).unwrap();
    let price = net.update_raw(id, owner(), "price", vec![]).unwrap();
    assert_eq!(u128::from(number(&price)), 260_000 + 104 * 1_000 + RESPONSE + EXECUTION);
    let ingress = 1_200_000 + 5 * 2_000;
    let execution = 5_000_000 + u128::from(net.last_instructions());
    assert_eq!(net.cycles(id).unwrap(), before - ingress - execution);
    // A query is free.
    let before = net.cycles(id);
    net.query_raw(id, owner(), "get", vec![]).unwrap();
    assert_eq!(net.cycles(id), before);
}

#[test]
fn instructions_cost_twice_as_much_with_64_bit_memories() {
    let wasm = |pointer: &str| {
        let text = format!(
            r#"(module (import "ic0" "msg_reply" (func $reply)) (memory {pointer} 1)
            (func (export "canister_update run") (call $reply)))"#
        );
        wat::parse_str(text).unwrap()
    };
    for (pointer, factor) in [("i32", 1), ("i64", 2)] {
        let mut net = net();
        let id = rich(&mut net, &wasm(pointer));
        let before = net.cycles(id).unwrap();
        net.update_raw(id, owner(), "run", vec![]).unwrap();
        let execution = 5_000_000 + factor * u128::from(net.last_instructions());
        assert_eq!(before - net.cycles(id).unwrap(), 1_200_000 + 3 * 2_000 + execution);
    }
}

#[test]
fn a_call_is_paid_by_its_bytes_and_what_was_set_aside_comes_back() {
    let mut net = net();
    let (proxy, worker) = (rich(&mut net, &module(PROXY)), rich(&mut net, &module(WORKER)));
    net.clear_trace();
    let before = net.cycles(proxy).unwrap();
    let arg = proxied(worker, "work", 1_000, b"12345");
    let ingress = 1_200_000 + (arg.len() as u128 + 5) * 2_000;
    net.update_raw(proxy, owner(), "proxy", arg).unwrap();
    // Request and callback are executed by the caller, the call by the callee.
    let executed: Vec<u128> = net.trace().iter().map(|entry| 5_000_000 + u128::from(entry.instructions)).collect();
    let transmitted = 260_000 + (4 + 5) * 1_000 + 8 * 1_000;
    assert_eq!(before - net.cycles(proxy).unwrap(), ingress + executed[0] + executed[2] + transmitted);
    assert!(net.cycles_account().is_balanced(), "{:?}", net.cycles_account());
}

#[test]
fn a_canister_without_cycles_takes_no_messages_and_makes_no_calls() {
    let mut net = net();
    let (proxy, worker) = (rich(&mut net, &module(PROXY)), rich(&mut net, &module(WORKER)));
    let poor = net.create_canister(owner(), 0);
    let reject = net.install(poor, owner(), &module(WORKER), vec![]).unwrap_err();
    assert_eq!((reject.code, reject.error_code()), (RejectCode::SysTransient, Some("IC0207")));
    net.add_cycles(poor, T).unwrap();
    net.install(poor, owner(), &module(WORKER), vec![]).unwrap();
    set_freezing_threshold(&mut net, poor, u64::MAX);
    let reject = net.update_raw(poor, owner(), "work", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0207"));
    let reject = net.query_raw(poor, owner(), "get", vec![]).unwrap_err();
    assert!(reject.message.contains("frozen"), "{reject}");
    // Called by a canister it rejects too: it cannot pay for the execution.
    let refused = call(&mut net, proxy, "proxy", &proxied(poor, "work", 0, b""));
    assert_eq!(refused, 1_000 + u64::from(RejectCode::SysTransient.number()));
    // Almost everything is attached to the call: what is left does not pay for the response.
    let balance = net.cycles(proxy).unwrap() - EXECUTION - RESPONSE - T / 100;
    let arg = proxied(worker, "work", u64::try_from(balance).unwrap(), b"");
    let reject = net.update_raw(proxy, owner(), "proxy", arg).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0503"), "{reject}");
    assert!(net.cycles_account().is_balanced());
}

#[test]
fn memory_costs_by_the_second_and_the_status_says_how_much() {
    let mut net = net();
    let id = rich(&mut net, &priced());
    call(&mut net, id, "grow", &[]);
    let bytes = u128::try_from(status(&mut net, id).memory_size.0).unwrap();
    assert!(bytes > 100 << 20);
    let per_day = bytes * 127_000 * 86_400 / (1 << 30);
    assert_eq!(status(&mut net, id).idle_cycles_burned_per_day, per_day);
    let before = net.cycles(id).unwrap();
    net.advance(DAY);
    net.tick();
    let burned = before - net.cycles(id).unwrap();
    assert!(burned >= per_day && burned <= per_day + per_day / 1_000, "{burned} of {per_day}");
    assert!(net.cycles_account().is_balanced());
}

#[test]
fn allocations_cost_by_the_second() {
    let mut net = net();
    let id = rich(&mut net, &priced());
    net.add_cycles(id, 100 * T).unwrap();
    let settings = CanisterSettings {
        compute_allocation: Some(2_u8.into()),
        memory_allocation: Some((1_u64 << 30).into()),
        ..CanisterSettings::default()
    };
    net.update_settings(id, owner(), settings).unwrap();
    let per_second = 2 * 10_000_000 + 127_000;
    assert_eq!(status(&mut net, id).idle_cycles_burned_per_day, per_second * 86_400_u128);
}

#[test]
fn the_freezing_threshold_is_not_to_be_spent() {
    let mut net = net();
    let id = rich(&mut net, &priced());
    set_freezing_threshold(&mut net, id, 365 * 86_400);
    let per_day = u128::try_from(status(&mut net, id).idle_cycles_burned_per_day.0).unwrap();
    let frozen = per_day * 365;
    let liquid = u128::from(number(&net.query_raw(id, owner(), "liquid", vec![]).unwrap()));
    assert_eq!(liquid, net.cycles(id).unwrap() - frozen);
    let burned = call(&mut net, id, "burn", &u64::MAX.to_le_bytes());
    let left = net.cycles(id).unwrap();
    // What was set aside for the execution has come back.
    assert!(left > frozen && left <= frozen + EXECUTION, "{left}");
    assert!(u128::from(burned) < liquid);
    // Memory that the rest does not pay for is not to be had.
    let reject = net.update_raw(id, owner(), "grow", vec![]).unwrap_err();
    assert!(["IC0532", "IC0207"].contains(&reject.error_code().unwrap()), "{reject}");
    assert!(net.cycles_account().is_balanced());
}

#[test]
fn a_canister_that_cannot_pay_for_its_memory_is_uninstalled() {
    let mut net = net();
    let id = net.create_canister(owner(), T);
    net.install(id, owner(), &priced(), vec![]).unwrap();
    call(&mut net, id, "grow", &[]);
    net.advance(DAY * 365 * 5);
    net.tick();
    assert_eq!((net.module_hash(id), net.cycles(id)), (None, Some(0)));
    assert!(net.stable_memory(id).unwrap_or_default().is_empty());
    let reject = net.query_raw(id, owner(), "get", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0537"));
    assert!(net.cycles_account().is_balanced());
}

#[test]
fn a_canister_pays_for_its_creation() {
    let mut net = net();
    let proxy = rich(&mut net, &module(PROXY));
    let create = |net: &mut Net, cycles: u64| {
        let arg = proxied(
            management(),
            "create_canister",
            cycles,
            &candid::encode_one(localnet::management_types::CreateCanisterArgs::default()).unwrap(),
        );
        net.update_raw(proxy, owner(), "proxy", arg).unwrap()
    };
    assert_eq!(number(&create(&mut net, 499_999_999_999)), 1_004);
    let reply = create(&mut net, 700_000_000_000);
    let created: CanisterIdRecord = candid::decode_one(&reply).unwrap();
    assert_eq!(net.cycles(created.canister_id), Some(200_000_000_000));
    assert!(net.cycles_account().is_balanced());
}

/// Random calls with random cycles, some of them to nobody, traps, stops, deletions, time.
#[test]
fn cycles_are_conserved() {
    for seed in 0..20_u64 {
        let limits = Limits { queue_messages: 3, ..Limits::default() };
        let mut net = Net::new(Config { seed, limits, costs: Costs::thirteen_nodes(), ..Config::default() });
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = |bound: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % bound
        };
        let taker = format!("{WORKER} {TAKER}");
        let takers: Vec<Principal> = (0..3).map(|_| rich(&mut net, &module(&taker))).collect();
        let proxies: Vec<Principal> = (0..3).map(|_| rich(&mut net, &module(PROXY))).collect();
        for _ in 0..60 {
            let (proxy, taker) = (proxies[below(3) as usize], takers[below(3) as usize]);
            let callee = if below(8) == 0 { Principal::anonymous() } else { taker };
            let method = ["work", "take", "take_and_trap", "none"][below(4) as usize];
            let kind = ["proxy", "proxy_best_effort", "proxy_many"][below(3) as usize];
            net.submit_raw(proxy, owner(), kind, proxied(callee, method, below(1 << 30), b"payload"));
            match below(12) {
                0 => net.advance(DAY),
                5 => drop(net.add_cycles(proxy, 12_345)),
                choice => {
                    let methods = ["stop_canister", "start_canister", "delete_canister", "uninstall_code"];
                    if let Some(method) = methods.get(choice as usize - 1) {
                        net.submit(management(), owner(), method, (CanisterIdRecord { canister_id: taker },));
                    }
                }
            }
            if below(3) > 0 {
                net.tick();
            }
            let account = net.cycles_account();
            assert!(account.is_balanced(), "seed {seed}: {account:?}");
        }
        net.run_until_idle(1_000);
        let account = net.cycles_account();
        assert!(account.is_balanced() && account.burned > 0, "seed {seed}: {account:?}");
    }
}

/// Accepts a half of the cycles, or all of them and traps.
const TAKER: &str = r#"
    (func $take (param $shift i64)
        (call $available (i32.const 600))
        (call $accept (i64.const 0) (i64.shr_u (i64.load (i32.const 600)) (local.get $shift)) (i32.const 616)))
    (func (export "canister_update take") (call $take (i64.const 1)) (call $answer (i64.const 7)))
    (func (export "canister_update take_and_trap") (call $take (i64.const 0)) (call $boom))
"#;
