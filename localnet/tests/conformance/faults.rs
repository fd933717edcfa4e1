//! Fault plans: each thing that can go wrong goes wrong where it is aimed, as far as the network permits it.

use crate::wat_canister::{PROXY, WORKER, call, count, install, number, owner, proxied};
use localnet::{Action, Answer, Fault, Incident, MessageId, MessageKind, Net, Plan, Principal, RejectCode};
use std::time::Duration;

fn two() -> (Net, Principal, Principal) {
    let mut net = Net::default();
    let proxy = install(&mut net, PROXY);
    let worker = install(&mut net, WORKER);
    (net, proxy, worker)
}

fn submit(net: &mut Net, proxy: Principal, worker: Principal, method: &str) -> MessageId {
    net.submit_raw(proxy, owner(), method, proxied(worker, "work", 0, b""))
}

fn answer(net: &Net, message: MessageId) -> Option<u64> {
    net.poll_raw(&message).map(|reply| number(&reply.unwrap()))
}

/// "Bounded-wait calls": the caller may hear that the outcome is unknown, and the callee executes later.
#[test]
fn a_bounded_wait_may_end_before_the_callee_executes() {
    let (mut net, proxy, worker) = two();
    net.inject(Fault::new(Action::LateExecution(5)).method("work"));
    let arg = proxied(worker, "work", 0, b"");
    assert_eq!(call(&mut net, proxy, "proxy", &arg), 7, "a guaranteed response is never unknown");
    assert_eq!(call(&mut net, proxy, "proxy_best_effort", &arg), 1006);
    assert_eq!(count(&mut net, worker), 1);
    net.run_until_idle(20);
    assert_eq!(count(&mut net, worker), 2);
    net.inject(Fault::reject(RejectCode::SysUnknown).method("work"));
    assert_eq!(call(&mut net, proxy, "proxy", &arg), 7);
    assert_eq!(call(&mut net, proxy, "proxy_best_effort", &arg), 1006);
    net.run_until_idle(20);
    assert_eq!(count(&mut net, worker), 3, "the rejected one was never executed");
}

/// A rejection is a canister's own only if the canister executed.
#[test]
fn the_network_does_not_reject_in_a_canisters_name() {
    let (mut net, proxy, worker) = two();
    net.inject(Fault::reject(RejectCode::CanisterReject));
    assert_eq!(call(&mut net, proxy, "proxy", &proxied(worker, "work", 0, b"")), 7);
    assert_eq!(net.pending_faults().count(), 1);
}

#[test]
fn a_silent_callee_is_waited_for_until_the_deadline_or_the_end() {
    for (kind, executed) in [(MessageKind::Request, 0), (MessageKind::ReplyCallback, 1)] {
        let (mut net, proxy, worker) = two();
        net.inject(Fault::new(Action::Silence).method("work").kind(kind));
        let guaranteed = submit(&mut net, proxy, worker, "proxy");
        net.run_until_idle(100);
        net.advance(Duration::from_secs(3_600));
        net.run_until_idle(100);
        assert_eq!((answer(&net, guaranteed), net.open_calls(proxy)), (None, 1));
        assert_eq!(count(&mut net, worker), executed);
        net.clear_faults();
        net.run_until_idle(100);
        assert_eq!((answer(&net, guaranteed), count(&mut net, worker)), (Some(7), 1));

        net.inject(Fault::new(Action::Silence).method("work").kind(kind));
        let bounded = submit(&mut net, proxy, worker, "proxy_best_effort");
        net.run_until_idle(100);
        assert_eq!(answer(&net, bounded), None);
        net.advance(Duration::from_secs(301));
        net.tick();
        net.run_until_idle(100);
        assert_eq!((answer(&net, bounded), count(&mut net, worker)), (Some(1006), 1 + executed));
    }
}

#[test]
fn a_callee_may_answer_what_it_likes() {
    for (kind, executed) in [(MessageKind::Request, 0), (MessageKind::ReplyCallback, 1)] {
        let (net, proxy, worker) = two();
        let arg = proxied(worker, "work", 0, b"");
        let lied_to = |made_up: Answer| {
            let mut net = net.fork();
            net.inject(Fault::new(Action::Answer(made_up)).method("work").kind(kind));
            let reply = net.update_raw(proxy, owner(), "proxy", arg.clone());
            assert_eq!(count(&mut net, worker), executed);
            reply
        };
        assert_eq!(lied_to(Answer::Reply(b"a lie".to_vec())).unwrap(), b"a lie");
        assert_eq!(number(&lied_to(Answer::Reject("no".to_owned())).unwrap()), 1004);
        // More than the caller has room for.
        assert_eq!(lied_to(Answer::Oversized(2 << 20)).unwrap_err().error_code(), Some("IC0502"));
    }
}

/// Grows the memory that its method names, and answers the size that was before; -1 for a refusal.
const GROWS: &str = r#"
    (func (export "canister_update heap") (call $answer (i64.extend_i32_s (memory.grow (i32.const 1)))))
    (func (export "canister_update stable") (call $answer (call $stable_grow (i64.const 1))))
"#;

#[test]
fn memory_may_be_refused_for_a_while() {
    for (method, first) in [("heap", 1), ("stable", 0)] {
        let mut net = Net::default();
        let id = install(&mut net, GROWS);
        net.inject(Fault::new(Action::RefuseGrowth(2)).callee(id).occurrence(2));
        let sizes: Vec<_> = (0..4).map(|_| call(&mut net, id, method, &[]) as i64).collect();
        assert_eq!(sizes, [first, -1, -1, first + 1]);
    }
}

#[test]
fn the_output_queue_may_be_full() {
    let (mut net, proxy, worker) = two();
    net.inject(Fault::new(Action::RefuseCall(1)).callee(proxy));
    let arg = proxied(worker, "work", 0, b"");
    assert_eq!(net.update_raw(proxy, owner(), "proxy", arg.clone()).unwrap_err().error_code(), Some("IC0503"));
    net.inject(Fault::new(Action::RefuseCall(2)).callee(proxy));
    assert_eq!(call(&mut net, proxy, "proxy", &arg), 7, "there is no second call");
}

#[test]
fn a_canister_may_be_stopped_between_call_and_reply() {
    let (mut net, proxy, worker) = two();
    let arg = proxied(worker, "work", 0, b"");
    net.inject(Fault::before(Incident::Stop { canister: worker, rounds: Some(3) }).method("work"));
    assert_eq!(call(&mut net, proxy, "proxy", &arg), 1005);
    (0..3).for_each(|_| net.tick());
    assert_eq!(call(&mut net, proxy, "proxy", &arg), 7);
    // One that waits for a reply gets it while it is stopping, and takes nothing new until the faults end.
    let stop = Incident::Stop { canister: proxy, rounds: None };
    net.inject(Fault::before(stop).method("work").kind(MessageKind::ReplyCallback));
    assert_eq!(call(&mut net, proxy, "proxy", &arg), 7);
    assert_eq!(net.update_raw(proxy, owner(), "proxy", arg.clone()).unwrap_err().error_code(), Some("IC0508"));
    net.clear_faults();
    assert_eq!(call(&mut net, proxy, "proxy", &arg), 7);
}

/// Counts in its heap what it forwarded; an upgrade forgets that.
#[test]
fn a_canister_may_be_upgraded_between_call_and_reply() {
    for again in [true, false] {
        let mut net = Net::default();
        let (caller, worker) = (install(&mut net, crate::calls::CALLER), install(&mut net, WORKER));
        let forward = |net: &mut Net| call(net, caller, "forward", worker.as_slice());
        assert_eq!((forward(&mut net), forward(&mut net), count(&mut net, caller)), (10, 10, 2));
        let incident = if again {
            Incident::Upgrade { canister: caller, arg: Vec::new() }
        } else {
            Incident::Reinstall { canister: caller, arg: Vec::new() }
        };
        net.inject(Fault::before(incident).method("work").kind(MessageKind::ReplyCallback));
        assert_eq!((forward(&mut net), count(&mut net, caller)), (10, 1), "the callback runs in the new instance");
        assert_eq!(count(&mut net, worker), 3);
    }
}

#[test]
fn a_canister_may_be_set_back_to_where_it_was() {
    let (mut net, proxy, worker) = two();
    let arg = proxied(worker, "work", 0, b"");
    assert_eq!(call(&mut net, proxy, "proxy", &arg), 7);
    net.apply(&Fault::before(Incident::LoadSnapshot { canister: worker }).method("work").occurrence(3).into());
    let counts: Vec<_> = (0..3)
        .map(|_| {
            call(&mut net, proxy, "proxy", &arg);
            count(&mut net, worker)
        })
        .collect();
    assert_eq!(counts, [2, 3, 2]);
}

#[test]
fn cycles_may_run_out_and_the_clock_may_jump() {
    let (mut net, proxy, worker) = two();
    let (held, now) = (net.cycles(worker).unwrap(), net.now());
    let drain = Fault::before(Incident::DrainCycles { canister: worker }).method("work");
    let jump = Fault::before(Incident::Clock(Duration::from_secs(90_000))).method("work").occurrence(2);
    net.apply(&Plan::from(drain).and(jump));
    let arg = proxied(worker, "work", 0, b"");
    call(&mut net, proxy, "proxy", &arg);
    assert!(net.cycles(worker).unwrap() < held && net.now() < now + 90_000_000_000_000);
    net.clear_faults();
    assert_eq!(net.cycles(worker), Some(held));
    net.apply(&Fault::before(Incident::Clock(Duration::from_secs(90_000))).method("work").into());
    call(&mut net, proxy, "proxy", &arg);
    assert!(net.now() >= now + 90_000_000_000_000);
}

/// Keeps the first byte of each argument, in the order of arrival, and answers the last eight.
const RECORDS: &str = r#"
    (func (export "canister_update work")
        (call $arg_copy (i32.const 512) (i32.const 0) (i32.const 1))
        (i64.store (i32.const 600) (i64.or
            (i64.shl (i64.load (i32.const 600)) (i64.const 8)) (i64.load8_u (i32.const 512))))
        (call $answer (i64.load (i32.const 600))))
    (func (export "canister_query record") (call $answer (i64.load (i32.const 600))))
"#;

#[test]
fn independent_messages_come_in_any_order() {
    let record = |seed: Option<u64>| {
        let mut net = Net::default();
        let id = install(&mut net, RECORDS);
        net.apply(&Plan { faults: Vec::new(), order: seed });
        for byte in 1..=8 {
            net.submit_raw(id, owner(), "work", vec![byte]);
        }
        net.run_until_idle(100);
        number(&net.query_raw(id, owner(), "record", vec![]).unwrap()).to_be_bytes()
    };
    assert_eq!(record(None), [1, 2, 3, 4, 5, 6, 7, 8]);
    let orders: Vec<_> = (0..4).map(|seed| record(Some(seed))).collect();
    assert!(orders.iter().any(|order| *order != orders[0]), "{orders:?}");
    assert_eq!(record(Some(2)), orders[2]);
    for order in orders {
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

/// "Ordering guarantees": requests from one canister to another arrive in the order in which they were sent.
#[test]
fn requests_between_two_canisters_stay_in_order() {
    for seed in 0..4 {
        let mut net = Net::default();
        let (proxy, records) = (install(&mut net, PROXY), install(&mut net, RECORDS));
        for byte in 1..=8 {
            net.submit_raw(proxy, owner(), "proxy", proxied(records, "work", 0, &[byte]));
        }
        net.tick();
        net.apply(&Plan::ordered_by(seed));
        net.run_until_idle(100);
        let record = number(&net.query_raw(records, owner(), "record", vec![]).unwrap());
        assert_eq!(record.to_be_bytes(), [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

#[test]
fn a_plan_is_written_and_read() {
    let worker = Principal::from_slice(&[1, 2, 3]);
    let mut plan = Plan::ordered_by(5);
    let actions = [
        Action::Reject(RejectCode::SysFatal, "no".to_owned()),
        Action::Answer(Answer::Reply(vec![0, 255])),
        Action::Before(Incident::Upgrade { canister: worker, arg: vec![1] }),
        Action::Before(Incident::Clock(Duration::from_secs(60))),
    ];
    for action in actions {
        plan = plan.and(Fault::new(action).callee(worker).kind(MessageKind::Request).occurrence(7));
    }
    assert_eq!(plan.to_string().parse::<Plan>().unwrap(), plan);
    assert!("{\"faults\": [{}]}".parse::<Plan>().is_err());
}

/// Counts how often its timer fired.
const TICKS: &str = r#"
    (func (export "canister_global_timer") (call $bump))
    (func (export "canister_update arm")
        (drop (call $set_timer (i64.add (call $time) (i64.const 1))))
        (call $answer (i64.const 0)))
"#;

/// "Global timer": it is spent by the message that it starts, also by one that traps; not while the canister is stopped.
#[test]
fn a_timer_is_lost_by_a_trap_and_waits_for_a_stopped_canister() {
    let mut net = Net::default();
    let id = install(&mut net, TICKS);
    net.inject(Fault::before(Incident::Stop { canister: id, rounds: Some(3) }).kind(MessageKind::Timer));
    call(&mut net, id, "arm", &[]);
    (0..2).for_each(|_| net.tick());
    assert!(net.global_timer(id).is_some());
    (0..5).for_each(|_| net.tick());
    assert_eq!((count(&mut net, id), net.global_timer(id)), (1, None));
    net.inject(Fault::trap().kind(MessageKind::Timer));
    call(&mut net, id, "arm", &[]);
    (0..5).for_each(|_| net.tick());
    assert_eq!((count(&mut net, id), net.global_timer(id)), (1, None));
}
