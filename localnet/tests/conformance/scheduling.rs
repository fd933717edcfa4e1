//! Order of messages, deadlines, tasks, the clock.

use crate::calls::CALLER;
use crate::wat_canister::{PROXY, WORKER, call, count, install, management, number, owner, proxied};
use localnet::management_types::{CanisterIdRecord, CanisterSettings, CanisterStatusType};
use localnet::{Config, Fault, MessageKind, Net, Outcome, Plan, Principal, RejectCode};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

/// "work" answers only when "release" is called by way of a call to itself that hangs: it calls `hang` of
/// the canister in the argument and waits.
const WAITS: &str = r#"
    (table funcref (elem $done))
    (func $done (param i32) (call $bump) (call $answer (i64.const 9)))
    (func (export "canister_update work")
        (i32.store (i32.const 1040) (i32.const 0x676e6168)) ;; "hang"
        (call $self_copy (i32.const 512) (i32.const 0) (i32.const 10))
        (call $call_new (i32.const 512) (i32.const 10) (i32.const 1040) (i32.const 4)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
        (call $perform_or_boom))
    (func (export "canister_update hang") (call $answer (i64.const 1)))
"#;

/// A net whose next call of "hang" arrives only so many rounds later.
fn net_that_hangs(rounds: u64) -> Net {
    let mut net = Net::default();
    net.inject(Fault::delay(rounds).method("hang"));
    net
}

/// "Call expiry": the caller gets `SYS_UNKNOWN` once, the late response is dropped, its cycles are lost.
#[test]
fn a_bounded_wait_call_expires() {
    let mut net = net_that_hangs(60);
    let (proxy, callee) = (install(&mut net, PROXY), install(&mut net, WAITS));
    let held = net.cycles(proxy).unwrap();
    let arg = proxied(callee, "work", 1_000, b"");
    let message = net.submit_raw(proxy, owner(), "proxy_best_effort", arg);
    for _ in 0..20 {
        net.tick();
    }
    assert_eq!((net.poll_raw(&message), net.open_calls(proxy)), (None, 1));
    net.advance(Duration::from_secs(12));
    net.tick();
    assert_eq!(number(&net.poll_raw(&message).unwrap().unwrap()), 1_006);
    assert_eq!(net.open_calls(proxy), 0);
    // The callee still works; what it answers reaches nobody.
    assert_eq!(net.open_calls(callee), 1);
    net.run_until_idle(100);
    assert_eq!((count(&mut net, callee), net.open_calls(callee)), (1, 0));
    let callbacks = net.trace().iter().filter(|entry| entry.caller == proxy);
    let kinds: Vec<_> = callbacks.map(|entry| entry.kind).collect();
    assert_eq!(kinds, [MessageKind::Request, MessageKind::RejectCallback]);
    assert_eq!(net.cycles(proxy).unwrap(), held - 1_000);
}

/// Up to its deadline a bounded-wait call is like any other.
#[test]
fn a_bounded_wait_call_that_is_answered_in_time_does_not_expire() {
    let mut net = net_that_hangs(20);
    let (proxy, callee) = (install(&mut net, PROXY), install(&mut net, WAITS));
    let message = net.submit_raw(proxy, owner(), "proxy_best_effort", proxied(callee, "work", 7, b""));
    let held = net.cycles(proxy).unwrap();
    net.advance(Duration::from_secs(9));
    net.run_until_idle(100);
    assert_eq!(number(&net.poll_raw(&message).unwrap().unwrap()), 9);
    assert_eq!(net.cycles(proxy).unwrap(), held);
    net.advance(Duration::from_secs(100));
    assert!(net.is_idle() && net.next_due().is_none());
}

/// A request that was not executed before its deadline is dropped.
#[test]
fn a_request_whose_caller_waits_no_longer_is_not_executed() {
    let mut net = Net::default();
    let (proxy, worker) = (install(&mut net, PROXY), install(&mut net, WORKER));
    net.inject(Fault::delay(5).method("work"));
    let message = net.submit_raw(proxy, owner(), "proxy_best_effort", proxied(worker, "work", 7, b""));
    let held = net.cycles(proxy).unwrap();
    net.tick();
    net.tick();
    net.advance(Duration::from_secs(12));
    net.run_until_idle(100);
    assert_eq!(number(&net.poll_raw(&message).unwrap().unwrap()), 1_006);
    assert_eq!(count(&mut net, worker), 0);
    assert_eq!(net.cycles(proxy).unwrap(), held - 7);
    let dropped =
        net.trace().iter().find(|entry| entry.method == "work" && entry.kind == MessageKind::Request).unwrap();
    let Outcome::Rejected(reject) = &dropped.outcome else { panic!("{dropped}") };
    assert_eq!((reject.code, reject.error_code()), (RejectCode::SysUnknown, Some("IC0601")));
}

/// Deadlines are kept in whole seconds.
#[test]
fn a_deadline_is_rounded_to_seconds() {
    let mut net = Net::default();
    let proxy = install(&mut net, PROXY);
    let callee = install(&mut net, r#"(func (export "canister_update work") (call $answer (call $deadline)))"#);
    net.advance(Duration::from_millis(1_700));
    let second = net.now() - net.now() % SECOND;
    let deadline = call(&mut net, proxy, "proxy_best_effort", &proxied(callee, "work", 0, b""));
    assert_eq!(deadline, second + 10 * SECOND);
}

/// "work" replies how many messages were there before, and "note" remembers the order of its arguments.
const NOTES: &str = r#"
    (func (export "canister_update note")
        (call $arg_copy (i32.add (i32.const 64) (call $get)) (i32.const 0) (i32.const 1))
        (call $bump)
        (call $answer (i64.const 0)))
    (func (export "canister_query notes") (call $append (i32.const 64) (call $get)) (call $reply))
"#;

fn notes(net: &mut Net, id: Principal) -> String {
    String::from_utf8(net.query_raw(id, owner(), "notes", vec![]).unwrap()).unwrap()
}

/// "Ordering guarantees": requests between two canisters arrive in order, also if one is late.
#[test]
fn requests_between_two_canisters_keep_their_order() {
    let mut net = Net::default();
    let (one, two) = (install(&mut net, PROXY), install(&mut net, PROXY));
    let callee = install(&mut net, NOTES);
    net.inject(Fault::delay(9).method("note").caller(one));
    for letter in [b"a", b"b", b"c"] {
        net.submit_raw(one, owner(), "proxy", proxied(callee, "note", 0, letter));
        net.submit_raw(two, owner(), "proxy", proxied(callee, "note", 0, &letter.to_ascii_uppercase()));
        net.tick();
    }
    net.run_until_idle(50);
    assert_eq!(notes(&mut net, callee), "ABCabc");
}

/// Between different pairs there is no order, within a pair there is.
#[test]
fn messages_are_shuffled_by_seed_and_pairs_keep_their_order() {
    let run = |seed: u64| {
        let mut net = Net::default();
        net.apply(&Plan::ordered_by(seed));
        let callee = install(&mut net, NOTES);
        let (one, two) = (install(&mut net, PROXY), install(&mut net, PROXY));
        // All six requests are in one round.
        let many = |net: &mut Net, from: Principal, letters: &str| {
            for letter in letters.bytes() {
                let arg = proxied(callee, "note", 0, &[letter]);
                let id = net.submit_raw(from, owner(), "proxy", arg);
                assert_eq!(net.poll_raw(&id), None);
            }
        };
        many(&mut net, one, "a");
        many(&mut net, two, "A");
        net.tick();
        many(&mut net, one, "b");
        many(&mut net, two, "B");
        net.run_until_idle(50);
        notes(&mut net, callee)
    };
    let orders: std::collections::BTreeSet<String> = (0..40).map(run).collect();
    assert!(orders.len() > 2, "{orders:?}");
    for order in &orders {
        let position = |letter| order.find(letter).unwrap();
        assert!(position('a') < position('b') && position('A') < position('B'), "{order}");
    }
    assert_eq!(run(7), run(7));
}

/// "IC method stop_canister": after five minutes the request is rejected, the canister stays stopping.
#[test]
fn a_stop_that_takes_too_long_is_rejected() {
    let mut net = net_that_hangs(400);
    let callee = install(&mut net, WAITS);
    let record = CanisterIdRecord { canister_id: callee };
    let work = net.submit_raw(callee, owner(), "work", vec![]);
    net.tick();
    let stop = net.submit(management(), owner(), "stop_canister", (record.clone(),));
    net.tick();
    net.advance(Duration::from_secs(200));
    let later = net.submit(management(), owner(), "stop_canister", (record,));
    net.tick();
    net.advance(Duration::from_secs(101));
    net.tick();
    let reject = net.poll::<()>(&stop).unwrap().unwrap_err();
    assert_eq!((reject.code, reject.error_code()), (RejectCode::SysTransient, Some("IC0206")));
    assert_eq!(net.canister_status(callee), Some(CanisterStatusType::Stopping));
    assert_eq!(net.poll::<()>(&later), None);
    net.run_until_idle(500);
    assert_eq!(net.poll::<()>(&later), Some(Ok(())));
    assert_eq!(net.canister_status(callee), Some(CanisterStatusType::Stopped));
    assert_eq!(number(&net.poll_raw(&work).unwrap().unwrap()), 9);
    assert_eq!(net.next_due(), None);
}

/// A heartbeat comes with every round, but not to a canister that is not running.
#[test]
fn heartbeats_come_with_every_round() {
    let mut net = Net::default();
    let id = install(&mut net, r#"(func (export "canister_heartbeat") (call $bump))"#);
    let before = count(&mut net, id);
    net.tick();
    net.tick();
    assert_eq!(count(&mut net, id), before + 2);
    assert_eq!(net.next_due(), Some(net.now()));
    net.stop(id, owner()).unwrap();
    net.tick();
    assert!(net.is_idle() && net.next_due().is_none());
    net.start_canister(id, owner()).unwrap();
    let before = count(&mut net, id);
    net.tick();
    assert_eq!(count(&mut net, id), before + 1);
}

/// Grows its heap on demand; the hook counts by tens.
const GROWS: &str = r#"
    (func (export "canister_update grow") (drop (memory.grow (i32.const 1))) (call $answer (i64.const 0)))
    (func (export "canister_update work") (call $bump) (call $answer (i64.extend_i32_u (call $get))))
    (func (export "canister_on_low_wasm_memory")
        (call $put (i32.add (call $get) (i32.const 10))))
"#;

/// "On low wasm memory": once after the condition has arisen, before any other message.
#[test]
fn the_low_memory_hook_runs_once() {
    const PAGE: u64 = 65_536;
    let mut net = Net::default();
    let id = install(&mut net, GROWS);
    let settings = |limit: u64, threshold: u64| CanisterSettings {
        wasm_memory_limit: Some(limit.into()),
        wasm_memory_threshold: Some(threshold.into()),
        ..Default::default()
    };
    net.update_settings(id, owner(), settings(10 * PAGE, 8 * PAGE)).unwrap();
    call(&mut net, id, "grow", &[]);
    assert_eq!(count(&mut net, id), 0);
    let grow = net.submit_raw(id, owner(), "grow", vec![]);
    let work = net.submit_raw(id, owner(), "work", vec![]);
    net.run_until_idle(10);
    // The growth, the hook, then the message that had been waiting behind the growth.
    assert!(net.poll_raw(&grow).unwrap().is_ok());
    assert_eq!(number(&net.poll_raw(&work).unwrap().unwrap()), 11);
    call(&mut net, id, "grow", &[]);
    assert_eq!(count(&mut net, id), 11);
    // It is armed again when the condition is gone.
    net.update_settings(id, owner(), settings(100 * PAGE, 8 * PAGE)).unwrap();
    net.update_settings(id, owner(), settings(5 * PAGE, 8 * PAGE)).unwrap();
    net.run_until_idle(10);
    assert_eq!(count(&mut net, id), 21);
}

/// A server sets the clock, runs rounds, and sleeps until something is due.
#[test]
fn the_clock_of_a_server_is_set_from_outside() {
    let mut net = Net::new(Config { round_duration: Duration::ZERO, ..Config::default() });
    let timer = install(
        &mut net,
        r#"(func (export "canister_update work")
            (drop (call $set_timer (i64.add (call $time) (i64.const 5000000000))))
            (call $answer (call $time)))
        (func (export "canister_global_timer") (call $bump))"#,
    );
    assert_eq!(net.next_due(), None);
    let start = net.now() + 3 * SECOND;
    net.set_time(start);
    let work = net.submit_raw(timer, owner(), "work", vec![]);
    assert_eq!(net.next_due(), Some(start));
    net.tick();
    assert_eq!(number(&net.poll_raw(&work).unwrap().unwrap()), start);
    assert_eq!(net.next_due(), Some(start + 5 * SECOND));
    net.set_time(start - SECOND);
    assert_eq!(net.now(), start);
    net.set_time(start + 5 * SECOND);
    net.tick();
    assert_eq!((count(&mut net, timer), net.next_due()), (1, None));
}

/// Idle canisters are not looked at: a timer among many fires alone.
#[test]
fn a_stopped_canister_finishes_its_calls_and_takes_no_new_ones() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    net.stop(worker, owner()).unwrap();
    assert_eq!(call(&mut net, caller, "forward", worker.as_slice()), 105);
    let reject = net.query_raw(worker, owner(), "get", vec![]).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0508"));
}
