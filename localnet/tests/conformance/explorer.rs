//! The explorer finds what a single fault can break, says how, and finds nothing where nothing breaks.

use crate::calls::CALLER;
use crate::wat_canister::{WORKER, count, install, owner};
use localnet::explore::{Explorer, Report, replay};
use localnet::{Action, MessageId, MessageKind, Net, Plan, Principal, RejectCode};

fn two() -> (Net, Principal, Principal) {
    let mut net = Net::default();
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    (net, caller, worker)
}

fn forward(net: &mut Net, caller: Principal, worker: Principal) -> MessageId {
    let message = net.submit_raw(caller, owner(), "forward", worker.as_slice().to_vec());
    net.run_until_idle(100);
    message
}

fn settle(net: &mut Net) {
    net.clear_faults();
    net.run_until_idle(100);
}

/// The caller counts in its callback, so a callback that traps makes the counts differ.
fn explore_counts(threads: usize, pairs: usize) -> Report {
    let (net, caller, worker) = two();
    let check = |net: &mut Net, _| {
        settle(net);
        let (counted, worked) = (count(net, caller), count(net, worker));
        if counted == worked { Vec::new() } else { vec![format!("{worked} worked, {counted} counted")] }
    };
    let scenario = |net: &mut Net| forward(net, caller, worker);
    Explorer::new(net, scenario, check).threads(threads).pairs(3, pairs).run()
}

#[test]
fn a_flaw_is_found_with_the_plan_that_shows_it() {
    let (net, caller, worker) = two();
    let report = explore_counts(1, 0);
    assert_eq!(report.messages, 3, "ingress, request, callback");
    assert_eq!(report.runs, report.faults + 1);
    assert!(!report.violations.is_empty());
    for violation in &report.violations {
        let fault = violation.plan.faults.first().unwrap();
        assert_eq!((violation.plan.faults.len(), fault.kind), (1, Some(MessageKind::ReplyCallback)));
        assert!(violation.trace.iter().any(|entry| entry.faulted) && !violation.violated.is_empty());
    }
    assert!(report.violations.iter().any(|violation| violation.plan.faults[0].action == Action::Trap));
    let text = report.to_string();
    let json = text.lines().find_map(|line| line.strip_prefix("plan ")).unwrap();
    let plan: Plan = json.parse().unwrap();
    let (_, counts) = replay(&net, &plan, |net| {
        forward(net, caller, worker);
        settle(net);
        (count(net, caller), count(net, worker))
    });
    assert_ne!(counts.0, counts.1, "the printed plan shows it again");
}

#[test]
fn what_holds_is_not_reported() {
    let (net, caller, worker) = two();
    let scenario = |net: &mut Net| forward(net, caller, worker);
    // A guaranteed call is answered, whatever happens; and the worker works at most once.
    let check = |net: &mut Net, message: MessageId| {
        settle(net);
        let mut violated = Vec::new();
        if net.poll_raw(&message).is_none() {
            violated.push("no answer".to_owned());
        }
        if count(net, worker) > 1 {
            violated.push("worked twice".to_owned());
        }
        violated
    };
    let report = Explorer::new(net, scenario, check).pairs(1, 40).run();
    assert_eq!((report.violations.as_slice(), report.runs), ([].as_slice(), report.faults + 41), "{report}");
    assert!(report.struck > report.faults, "every single fault strikes, and most of the pairs");
}

#[test]
fn threads_make_no_difference() {
    let report = |threads| Report { seconds: 0.0, ..explore_counts(threads, 30) };
    let one = report(1);
    assert_eq!(one, report(2));
    assert!(one.violations.iter().all(|violation| violation.plan.faults.len() == 1), "pairs shrink to what is guilty");
}

#[test]
fn a_sample_is_part_of_the_whole() {
    let (net, caller, worker) = two();
    let scenario = |net: &mut Net| forward(net, caller, worker);
    let check = |net: &mut Net, _| {
        settle(net);
        net.struck_faults().iter().map(|fault| Plan::from(fault.clone()).to_string()).collect()
    };
    let explorer = Explorer::new(net, scenario, check);
    let all: Vec<_> = explorer.run().violations;
    let sample: Vec<_> = explorer.sample(9, 5).run().violations;
    assert!(sample.len() == 5 && sample.iter().all(|violation| all.contains(violation)));
}

/// The same start, calls and plan: the same trace to the byte, and the same state.
#[test]
fn a_run_is_replayed_exactly() {
    let (net, caller, worker) = two();
    let plans = [
        Plan::default(),
        Plan::ordered_by(4),
        Plan::from(localnet::Fault::trap().callee(worker)),
        Plan::from(localnet::Fault::reject(RejectCode::SysTransient)),
    ];
    let run = |plan: &Plan| {
        let (run, _) = replay(&net, plan, |net| forward(net, caller, worker));
        serde_json::to_string(&run).unwrap()
    };
    let runs: Vec<_> = plans.iter().map(run).collect();
    assert_eq!(runs, plans.iter().map(run).collect::<Vec<_>>());
    assert_ne!(runs[0], runs[2]);
    // On another thread, too.
    let other = net.fork();
    let elsewhere = std::thread::spawn(move || replay(&other, &Plan::default(), |net| forward(net, caller, worker)).0);
    assert_eq!(serde_json::to_string(&elsewhere.join().unwrap()).unwrap(), runs[0]);
}

#[test]
fn the_state_hash_tells_states_apart() {
    let (mut net, caller, worker) = two();
    let (before, fork) = (net.state_hash(), net.fork());
    assert_eq!(before, fork.state_hash());
    forward(&mut net, caller, worker);
    assert_ne!(before, net.state_hash());
    let mut other = fork.fork();
    forward(&mut other, caller, worker);
    assert_eq!(other.state_hash(), net.state_hash());
    // Balance, stable memory and clock count, too.
    let mut richer = fork.fork();
    richer.add_cycles(worker, 1).unwrap();
    assert_ne!(richer.state_hash(), before);
}
