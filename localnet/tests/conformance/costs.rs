//! Cycles under a price list.

use crate::wat_canister::{PROXY, WORKER, install, number, owner, proxied};
use localnet::{Config, Costs, Net};

/// Replies what a call of four letters and 100 bytes costs.
const PRICED: &str = r#"
    (func (export "canister_update price")
        (call $cost_call (i64.const 4) (i64.const 100) (i32.const 300))
        (call $answer (i64.load (i32.const 300))))
"#;

#[test]
fn nothing_but_creation_costs_by_default() {
    let mut net = Net::default();
    let id = install(&mut net, PRICED);
    let held = net.cycles(id);
    let price = net.update_raw(id, owner(), "price", vec![]).unwrap();
    assert_eq!((number(&price), net.cycles(id)), (0, held));
}

#[test]
fn messages_executions_and_calls_are_charged() {
    let mut net = Net::new(Config { costs: Costs::thirteen_nodes(), ..Config::default() });
    let id = install(&mut net, PRICED);
    let before = net.cycles(id).unwrap();
    let price = net.update_raw(id, owner(), "price", vec![]).unwrap();
    assert_eq!(number(&price), 260_000 + 104 * 1_000);
    let ingress = 1_200_000 + 5 * 2_000;
    let execution = 5_000_000 + u128::from(net.last_instructions());
    assert_eq!(net.cycles(id).unwrap(), before - ingress - execution);
    // A query is free.
    let before = net.cycles(id);
    net.query_raw(id, owner(), "get", vec![]).unwrap();
    assert_eq!(net.cycles(id), before);
}

#[test]
fn a_canister_without_cycles_takes_no_messages_and_makes_no_calls() {
    let mut net = Net::new(Config { costs: Costs::thirteen_nodes(), ..Config::default() });
    let (proxy, worker) = (install(&mut net, PROXY), install(&mut net, WORKER));
    let poor = net.create_canister(owner(), 0);
    net.install(poor, owner(), &crate::wat_canister::module(WORKER), vec![]).unwrap();
    let reject = net.update_raw(poor, owner(), "work", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0207"));
    // Everything is attached to the call: nothing is left to pay for it.
    let rest = net.cycles(proxy).unwrap() - 1_200_000 - 2_000 * 36;
    let arg = proxied(worker, "work", u64::try_from(rest).unwrap(), b"");
    let reject = net.update_raw(proxy, owner(), "proxy", arg).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0503"), "{reject}");
}
