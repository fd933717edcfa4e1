//! Seeds, forks, faults and the trace.

use crate::calls::CALLER;
use crate::saved_states::busy;
use crate::wat_canister::{PROXY, WORKER, call, count, install, management, number, owner, proxied};
use localnet::{Config, DirtyPages, Fault, MessageKind, Net, Outcome, Principal, RejectCode, TraceEntry};

/// A run with calls, traps, randomness and a fault: its trace, root key and random bytes.
fn scenario(seed: u64) -> (Vec<TraceEntry>, Vec<u8>, Vec<u8>) {
    scenario_on(Config { seed, ..Config::default() })
}

fn scenario_on(config: Config) -> (Vec<TraceEntry>, Vec<u8>, Vec<u8>) {
    let mut net = Net::new(config);
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    let proxy = install(&mut net, PROXY);
    net.inject(Fault::delay(3).method("work").occurrence(2));
    for method in ["forward", "fail_in_callback", "forward", "fail_after_call"] {
        net.submit_raw(caller, owner(), method, worker.as_slice().to_vec());
    }
    net.run_until_idle(100);
    let random = proxied(management(), "raw_rand", 0, b"DIDL\0\0");
    let bytes = net.update_raw(proxy, owner(), "proxy", random).unwrap();
    (net.trace().to_vec(), net.root_key(), bytes)
}

#[test]
fn the_same_seed_and_calls_give_the_same_run() {
    assert_eq!(scenario(1), scenario(1));
    let (one, two) = (scenario(1), scenario(2));
    assert_eq!(one.0, two.0);
    assert_ne!(one.1, two.1);
    assert_ne!(one.2, two.2);
}

/// How it is found out what was written to is not to be seen, in instructions neither.
#[test]
fn both_ways_to_find_dirty_pages_give_the_same_run() {
    let [mapped, compared] = [DirtyPages::PageMap, DirtyPages::Compared]
        .map(|dirty_pages| scenario_on(Config { dirty_pages, ..Config::default() }));
    assert_eq!(mapped, compared);
}

#[test]
fn a_fork_goes_its_own_way() {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    let message = net.submit_raw(caller, owner(), "forward", worker.as_slice().to_vec());
    net.tick();
    let mut fork = net.fork();
    fork.inject(Fault::reject(RejectCode::SysTransient).callee(worker));
    for net in [&mut net, &mut fork] {
        net.run_until_idle(10);
    }
    assert_eq!(number(&net.poll_raw(&message).unwrap().unwrap()), 10);
    assert_eq!(number(&fork.poll_raw(&message).unwrap().unwrap()), 102);
    assert_eq!((count(&mut net, worker), count(&mut fork, worker)), (1, 0));
    call(&mut fork, worker, "work", &[]);
    call(&mut fork, worker, "work", &[]);
    assert_eq!((count(&mut net, worker), count(&mut fork, worker)), (1, 2));
}

fn two() -> (Net, Principal, Principal) {
    let mut net = Net::default();
    let caller = install(&mut net, CALLER);
    let worker = install(&mut net, WORKER);
    (net, caller, worker)
}

#[test]
fn a_fault_rejects_the_message_it_is_meant_for() {
    let (mut net, caller, worker) = two();
    net.inject(Fault::reject(RejectCode::SysTransient).method("work").caller(caller).occurrence(2));
    let forward = |net: &mut Net| call(net, caller, "forward", worker.as_slice());
    assert_eq!((forward(&mut net), forward(&mut net), forward(&mut net)), (10, 102, 10));
    assert_eq!(count(&mut net, worker), 2);
    assert_eq!((net.struck_faults().len(), net.pending_faults().count()), (1, 0));
}

#[test]
fn a_fault_traps_the_callee_after_it_has_worked() {
    let (mut net, caller, worker) = two();
    net.inject(Fault::trap().callee(worker));
    assert_eq!(call(&mut net, caller, "forward", worker.as_slice()), 105);
    assert_eq!(count(&mut net, worker), 0);
    let faulted: Vec<_> = net.trace().iter().filter(|entry| entry.faulted).collect();
    assert_eq!(faulted.len(), 1);
    assert!(matches!(faulted[0].outcome, Outcome::Trapped(_)) && faulted[0].instructions > 0);
}

#[test]
fn a_fault_traps_the_callback_and_cleanup_runs() {
    let (mut net, caller, worker) = two();
    net.inject(Fault::trap().callee(worker).kind(MessageKind::ReplyCallback));
    let arg = worker.as_slice().to_vec();
    net.update_raw(caller, owner(), "forward", arg).unwrap_err();
    assert_eq!((count(&mut net, caller), count(&mut net, worker)), (1200, 1));
}

#[test]
fn a_fault_delays_a_message() {
    let (mut net, caller, worker) = two();
    net.inject(Fault::delay(5).callee(worker));
    let arg = || worker.as_slice().to_vec();
    let late = net.submit_raw(caller, owner(), "forward", arg());
    // Not from the same canister: its requests would wait behind the late one.
    let other = install(&mut net, CALLER);
    let soon = net.submit_raw(other, owner(), "forward", arg());
    let mut done = (0, 0);
    for round in 1..20 {
        net.tick();
        if net.poll_raw(&late).is_some() && done.0 == 0 {
            done.0 = round;
        }
        if net.poll_raw(&soon).is_some() && done.1 == 0 {
            done.1 = round;
        }
    }
    assert_eq!(done, (8, 3));
}

/// The network never turns a guaranteed reply into a rejection; a bounded wait may end unknown.
#[test]
fn a_reply_is_only_lost_to_a_bounded_wait() {
    let mut net = Net::default();
    let (proxy, worker) = (install(&mut net, PROXY), install(&mut net, WORKER));
    net.inject(Fault::reject(RejectCode::SysUnknown).method("work").kind(MessageKind::ReplyCallback));
    let arg = proxied(worker, "work", 0, b"");
    assert_eq!(call(&mut net, proxy, "proxy", &arg), 7);
    assert_eq!(call(&mut net, proxy, "proxy_best_effort", &arg), 1006);
    assert_eq!(count(&mut net, worker), 2);
}

/// An embedder may move the network to another thread.
#[test]
fn a_network_is_send() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let mut net = is_send(Net::default());
    std::thread::spawn(move || net.tick()).join().unwrap();
}

/// The state after every round, and the trace, byte by byte.
type Course = (Vec<[u8; 32]>, String);

fn course(mut net: Net) -> Course {
    let mut states = vec![net.state_hash()];
    while !net.is_idle() {
        net.tick();
        states.push(net.state_hash());
    }
    (states, format!("{:?}", net.trace()))
}

#[test]
fn threads_leave_no_trace() {
    let alone = course(busy(5));
    assert!(alone.0.len() > 5);
    assert_eq!(alone, course(busy(5)), "twice");
    // Two threads run the scenario at once, and share compiled modules and what else a process has in common.
    let both = std::thread::scope(|scope| {
        let runs = [(); 2].map(|()| scope.spawn(|| course(busy(5))));
        runs.map(|run| run.join().unwrap())
    });
    assert!(both.iter().all(|run| *run == alone), "on two threads at once");
    // Two threads run forks, which share pages and live instances.
    let net = busy(5);
    let (one, two) = (net.fork(), net.fork());
    let before = format!("{:?}", net.trace());
    let forks = std::thread::scope(|scope| {
        let runs = [one, two].map(|fork| scope.spawn(move || course(fork)));
        runs.map(|run| run.join().unwrap())
    });
    let continued = |(states, trace): &Course| {
        let whole = format!("{}, {}", before.trim_end_matches(']'), trace.trim_start_matches('['));
        (states.clone(), whole)
    };
    assert!(forks.iter().all(|fork| continued(fork) == alone), "in two forks at once");
    // One network whose rounds are run by one thread after the other.
    let mut net = busy(5);
    let mut states = vec![net.state_hash()];
    while !net.is_idle() {
        net = std::thread::spawn(move || {
            net.tick();
            net
        })
        .join()
        .unwrap();
        states.push(net.state_hash());
    }
    assert_eq!((states, format!("{:?}", net.trace())), alone, "handed from thread to thread");
}
