//! Inter-canister calls: contexts, callbacks, cleanup, rejections, cycles.

use crate::wat_canister::{WORKER, call, count, install, owner};
use localnet::{Net, RejectCode};

/// Forwards to "work" of the canister in the argument and replies what came back.
const CALLER: &str = r#"
    (table funcref (elem $on_reply $on_reject $on_cleanup_callback))
    (func $on_reply (param i32)
        (call $bump)
        (call $answer (i64.extend_i32_u (local.get 0))))
    (func $on_reject (param i32)
        (call $answer (i64.extend_i32_u (i32.add (i32.const 100) (call $reject_code)))))
    (func $on_cleanup_callback (param i32) (call $put (i32.const 1000)))
    (func (export "canister_update forward") (call $call_argument) (call $perform_or_boom))
    (func (export "canister_update fail_after_call")
        (call $call_argument) (call $perform_or_boom) (call $boom))
"#;

#[test]
fn a_reply_runs_the_reply_callback_with_its_environment() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    assert_eq!(call(&mut net, caller, "forward", worker.as_slice()), 10);
    assert_eq!((count(&mut net, caller), count(&mut net, worker)), (1, 1));
    assert_eq!(net.open_calls(caller), 0);
}

/// A trap undoes the calls that were made before it.
#[test]
fn a_trap_sends_nothing() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    let arg = worker.as_slice().to_vec();
    let reject = net.update_raw(caller, owner(), "fail_after_call", arg).unwrap_err();
    assert_eq!(reject.code, RejectCode::CanisterError);
    net.run_until_idle(10);
    assert_eq!(count(&mut net, worker), 0);
}
