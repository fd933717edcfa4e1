//! The global timer.

use crate::wat_canister::{count, install, module, owner};
use localnet::Net;
use std::time::Duration;

/// Sets the timer to the time in the argument; counts when it fires.
const TIMER: &str = r#"
    (func (export "canister_update set")
        (call $arg_copy (i32.const 300) (i32.const 0) (i32.const 8))
        (call $answer (call $set_timer (i64.load (i32.const 300)))))
    (func (export "canister_global_timer") (call $bump))
"#;

fn set(net: &mut Net, id: localnet::Principal, after: u64) {
    let at = net.now() + after;
    net.update_raw(id, owner(), "set", at.to_le_bytes().to_vec()).unwrap();
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn a_timer_fires_once_when_its_time_has_come() {
    let mut net = Net::default();
    let id = install(&mut net, TIMER);
    set(&mut net, id, 10 * SECOND);
    net.advance(Duration::from_secs(9));
    net.run_until_idle(10);
    assert_eq!(count(&mut net, id), 0);
    net.advance(Duration::from_secs(1));
    assert!(!net.is_idle());
    net.run_until_idle(10);
    assert_eq!((count(&mut net, id), net.global_timer(id)), (1, None));
    net.advance(Duration::from_secs(100));
    net.run_until_idle(10);
    assert_eq!(count(&mut net, id), 1);
}

#[test]
pub fn an_upgrade_clears_the_timer_and_post_upgrade_may_set_it() {
    let mut net = Net::default();
    let id = install(&mut net, TIMER);
    set(&mut net, id, 10 * SECOND);
    net.upgrade(id, owner(), &module(TIMER), vec![]).unwrap();
    assert_eq!(net.global_timer(id), None);
    let sets = format!(
        r#"{TIMER} (func (export "canister_post_upgrade")
            (drop (call $set_timer (i64.add (call $time) (i64.const 1000000000)))))"#
    );
    net.upgrade(id, owner(), &module(&sets), vec![]).unwrap();
    net.advance(Duration::from_secs(2));
    net.run_until_idle(10);
    assert_eq!(count(&mut net, id), 1);
}

#[test]
fn a_timer_that_traps_is_spent_and_a_stopped_canister_keeps_its_own() {
    let mut net = Net::default();
    let traps = TIMER.replace("(call $bump)", "(call $bump) (call $boom)");
    let id = install(&mut net, &traps);
    set(&mut net, id, SECOND);
    net.advance(Duration::from_secs(2));
    net.run_until_idle(10);
    assert_eq!((count(&mut net, id), net.global_timer(id)), (0, None));
    let id = install(&mut net, TIMER);
    set(&mut net, id, SECOND);
    net.stop(id, owner()).unwrap();
    net.advance(Duration::from_secs(2));
    net.run_until_idle(10);
    net.start_canister(id, owner()).unwrap();
    net.run_until_idle(10);
    assert_eq!(count(&mut net, id), 1);
}
