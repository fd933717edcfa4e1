//! Inter-canister calls: contexts, callbacks, cleanup, rejections, cycles.

use crate::wat_canister::{PROXY, WORKER, call, count, install, management, number, owner, proxied};
use localnet::{MessageKind, Net, Outcome, Principal, RejectCode};

/// Forwards to "work" of the canister in the argument and replies what came back.
pub const CALLER: &str = r#"
    (table funcref (elem $on_reply $on_reject $on_cleanup_callback $reply_then_trap))
    (func $on_reply (param i32)
        (call $bump)
        (call $answer (i64.extend_i32_u (local.get 0))))
    (func $on_reject (param i32)
        (call $answer (i64.extend_i32_u (i32.add (i32.const 100) (call $reject_code)))))
    (func $on_cleanup_callback (param i32)
        (call $put (i32.add (call $get) (i32.mul (local.get 0) (i32.const 100)))))
    (func $reply_then_trap (param i32) (call $bump) (call $answer (i64.const 1)) (call $boom))
    (func (export "canister_update forward") (call $call_argument) (call $perform_or_boom))
    (func (export "canister_update fail_after_call")
        (call $call_argument) (call $perform_or_boom) (call $boom))
    (func (export "canister_update fail_in_callback")
        (call $bump)
        (call $arg_copy (i32.const 512) (i32.const 0) (i32.const 10))
        (call $call_new (i32.const 512) (i32.const 10) (i32.const 1040) (i32.const 4)
            (i32.const 3) (i32.const 0) (i32.const 3) (i32.const 0))
        (call $on_cleanup (i32.const 2) (i32.const 7))
        (call $perform_or_boom))
"#;

#[test]
pub fn a_reply_runs_the_reply_callback_with_its_environment() {
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

/// A callback that traps is rolled back, its cleanup runs with its environment, and the call is
/// rejected; what was done before the call stays.
#[test]
pub fn a_trapping_callback_is_cleaned_up_after() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    let arg = worker.as_slice().to_vec();
    let reject = net.update_raw(caller, owner(), "fail_in_callback", arg).unwrap_err();
    assert_eq!(reject.code, RejectCode::CanisterError);
    assert!(reject.message.contains("boom"), "{reject}");
    assert_eq!(count(&mut net, caller), 1 + 700);
    assert_eq!((count(&mut net, worker), net.open_calls(caller)), (1, 0));
    let kinds: Vec<_> = net.trace().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds[kinds.len() - 2..], [MessageKind::ReplyCallback, MessageKind::Cleanup]);
}

/// "Reject codes", as the caller sees them.
#[test]
fn failures_come_back_as_reject_codes() {
    let mut net = Net::default();
    let caller = install(&mut net, CALLER);
    let code = |net: &mut Net, callee: Principal| call(net, caller, "forward", callee.as_slice()) - 100;
    let missing = Principal::from_slice(&[0, 0, 0, 1, 0, 9, 9, 9, 1, 1]);
    assert_eq!(code(&mut net, missing), 3);
    let empty = net.create_canister(owner(), 0);
    assert_eq!(code(&mut net, empty), 5);
    let without_method = install(&mut net, "");
    assert_eq!(code(&mut net, without_method), 5);
    let traps = install(&mut net, r#"(func (export "canister_update work") (call $boom))"#);
    assert_eq!(code(&mut net, traps), 5);
    let silent = install(&mut net, r#"(func (export "canister_update work"))"#);
    assert_eq!(code(&mut net, silent), 5);
    let rejects =
        install(&mut net, r#"(func (export "canister_update work") (call $reject (i32.const 1024) (i32.const 4)))"#);
    assert_eq!(code(&mut net, rejects), 4);
    let stopped = install(&mut net, WORKER);
    net.stop(stopped, owner()).unwrap();
    assert_eq!(code(&mut net, stopped), 5);
    let proxy = install(&mut net, PROXY);
    let unknown = proxied(management(), "make_coffee", 0, b"DIDL\0\0");
    assert_eq!(call(&mut net, proxy, "proxy", &unknown), 1003);
    let texts = net.trace().iter().filter_map(|entry| match &entry.outcome {
        Outcome::Rejected(reject) | Outcome::Trapped(reject) => reject.error_code(),
        _ => None,
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["IC0301", "IC0537", "IC0536", "IC0503", "IC0508", "IC0302"]);
}

/// A user sees the same codes.
#[test]
fn an_ingress_message_is_rejected_alike() {
    let mut net = Net::default();
    let silent = install(&mut net, r#"(func (export "canister_update work"))"#);
    let reject = net.update_raw(silent, owner(), "work", vec![]).unwrap_err();
    assert_eq!((reject.code, reject.error_code()), (RejectCode::CanisterError, Some("IC0506")));
    let reject = net.update_raw(silent, owner(), "rest", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0536"));
    let reject = net.update_raw(owner(), owner(), "work", vec![]).unwrap_err();
    assert_eq!(reject.code, RejectCode::DestinationInvalid);
}

/// Answering twice is a violation, also in different executions.
#[test]
fn a_call_is_answered_once() {
    let mut net = Net::default();
    let id = install(&mut net, r#"(func (export "canister_update twice") (call $reply) (call $reply))"#);
    let reject = net.update_raw(id, owner(), "twice", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0504"));
    // The callback of a call that was answered already cannot answer; it is cleaned up after.
    let early = install(
        &mut net,
        &CALLER.replace(
            r#"(call $call_argument) (call $perform_or_boom))
    (func (export "canister_update fail_after"#,
            r#"(call $call_argument) (call $perform_or_boom) (call $answer (i64.const 3)))
    (func (export "canister_update fail_after"#,
        ),
    );
    let worker = install(&mut net, WORKER);
    assert_eq!(call(&mut net, early, "forward", worker.as_slice()), 3);
    net.run_until_idle(10);
    assert_eq!(count(&mut net, early), 1200);
}

/// Accepts 30 cycles in "work", traps after accepting in "trap".
const ACCEPTS: &str = r#"
    (func $take (call $accept (i64.const 0) (i64.const 30) (i32.const 300)))
    (func (export "canister_update work") (call $take) (call $answer (i64.load (i32.const 300))))
    (func (export "canister_update trap") (call $take) (call $boom))
    (func (export "canister_query look") (call $take) (call $answer (i64.load (i32.const 300))))
"#;

/// "Cycles": what is accepted moves, the rest is refunded, a trap accepts nothing.
#[test]
pub fn cycles_are_accepted_and_refunded() {
    let mut net = Net::default();
    let (proxy, callee) = (install(&mut net, PROXY), install(&mut net, ACCEPTS));
    let before = |net: &Net| (net.cycles(proxy).unwrap(), net.cycles(callee).unwrap());
    let refund = |net: &mut Net| number(&net.query_raw(proxy, owner(), "refunded", vec![]).unwrap());
    let (one, two) = before(&net);
    assert_eq!(call(&mut net, proxy, "proxy", &proxied(callee, "work", 100, b"")), 30);
    assert_eq!(refund(&mut net), 70);
    assert_eq!(before(&net), (one - 30, two + 30));
    assert_eq!(call(&mut net, proxy, "proxy", &proxied(callee, "work", 20, b"")), 20);
    assert_eq!(before(&net), (one - 50, two + 50));
    assert_eq!(call(&mut net, proxy, "proxy", &proxied(callee, "trap", 100, b"")), 1005);
    assert_eq!(refund(&mut net), 100);
    assert_eq!(before(&net), (one - 50, two + 50));
    // More than the balance cannot be attached.
    let too_much = proxied(callee, "work", u64::MAX, b"");
    let reject = net.update_raw(proxy, owner(), "proxy", too_much).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0501"));
    assert_eq!(before(&net), (one - 50, two + 50));
    // An ingress message brings none.
    assert_eq!(call(&mut net, callee, "work", &[]), 0);
}

/// 500 calls from one canister to another, then `call_perform` fails.
#[test]
fn the_queue_between_two_canisters_is_bounded() {
    let mut net = Net::default();
    let (proxy, worker) = (install(&mut net, PROXY), install(&mut net, WORKER));
    let arg = proxied(worker, "work", 1, b"");
    let held = net.cycles(proxy).unwrap();
    assert_eq!(call(&mut net, proxy, "proxy_many", &arg), 500);
    net.run_until_idle(10);
    assert_eq!(count(&mut net, worker), 500);
    assert_eq!(net.cycles(proxy).unwrap(), held);
}

/// "ic0.msg_deadline": zero unless the caller waits for a bounded time.
#[test]
fn a_best_effort_call_has_a_deadline() {
    let mut net = Net::default();
    let proxy = install(&mut net, PROXY);
    let callee = install(&mut net, r#"(func (export "canister_update work") (call $answer (call $deadline)))"#);
    let arg = proxied(callee, "work", 0, b"");
    assert_eq!(call(&mut net, proxy, "proxy", &arg), 0);
    let deadline = call(&mut net, proxy, "proxy_best_effort", &arg);
    assert!(deadline > net.now() && deadline < net.now() + 11_000_000_000);
}
