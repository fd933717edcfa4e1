//! Every single fault, at every message: a scenario is run under each of them, and invariants are checked.
//!
//! The scenario is run once without faults, and the messages it produces are noted. For every message and everything
//! that could happen to it there is a run of its own, on a fork of the same start; a seeded sample of pairs can follow.
//! A violation comes with the smallest plan that brings it about, which [`replay`] runs again, message by message.
//!
//! ```no_run
//! use localnet::explore::Explorer;
//! use localnet::{Action, Net, Principal};
//!
//! # fn example(net: Net, wallet: Principal, user: Principal) {
//! let explorer = Explorer::new(
//!     net,
//!     |net| net.update::<u64>(wallet, user, "pay", (5_u64,)),
//!     |net, _answer| {
//!         net.clear_faults();
//!         net.run_until_idle(1_000);
//!         let sum: u64 = net.query(wallet, user, "sum", ()).unwrap();
//!         if sum == 100 { Vec::new() } else { vec![format!("{sum} in all")] }
//!     },
//! );
//! let report = explorer.faults(Action::possible_at).threads(2).run();
//! println!("{report}");
//! assert!(report.violations.is_empty());
//! # }
//! ```

mod plans;
mod replay;
mod report;
mod workers;

pub use replay::{Run, replay};
pub use report::{Report, Violation};

use crate::fault::{Action, Message, Plan};
use crate::net::Net;
use plans::Candidates;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use workers::in_parallel;

/// What a scenario plays on: a network, alone or together with what drives it.
pub trait Subject: Send {
    /// A second one in the same state, independent from now on.
    #[must_use]
    fn fork(&self) -> Self;
    /// Its network.
    fn net(&mut self) -> &mut Net;
}

impl Subject for Net {
    fn fork(&self) -> Self {
        Net::fork(self)
    }

    fn net(&mut self) -> &mut Net {
        self
    }
}

/// What may happen to a message, as the embedder sees it.
type Choice<'a> = Box<dyn Fn(&Message) -> Vec<Action> + Send + Sync + 'a>;

/// A scenario to be run under every fault.
pub struct Explorer<'a, S, P, C> {
    start: Mutex<S>,
    scenario: P,
    check: C,
    choice: Choice<'a>,
    threads: usize,
    singles: Option<(u64, usize)>,
    pairs: (u64, usize),
    until_violated: bool,
}

/// Plans that are run before it is looked at what they violated.
const BATCH: usize = 64;

impl<'a, S, O, P, C> Explorer<'a, S, P, C>
where
    S: Subject,
    P: Fn(&mut S) -> O + Send + Sync,
    C: Fn(&mut S, O) -> Vec<String> + Send + Sync,
{
    /// Runs `scenario` from `start`; then `check` ends the faults, lets everything come to rest, and names what is
    /// violated.
    pub fn new(start: S, scenario: P, check: C) -> Self {
        Self {
            start: Mutex::new(start),
            scenario,
            check,
            choice: Box::new(Action::possible_at),
            threads: 1,
            singles: None,
            pairs: (0, 0),
            until_violated: false,
        }
    }

    /// What happens to each message; everything that the network permits at any, by default.
    #[must_use]
    pub fn faults(mut self, choice: impl Fn(&Message) -> Vec<Action> + Send + Sync + 'a) -> Self {
        self.choice = Box::new(choice);
        self
    }

    /// How many runs there are at a time. The report does not depend on it.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Only so many of the single faults, drawn from a seed.
    #[must_use]
    pub fn sample(mut self, seed: u64, singles: usize) -> Self {
        self.singles = Some((seed, singles));
        self
    }

    /// So many pairs of faults as well, drawn from a seed.
    #[must_use]
    pub fn pairs(mut self, seed: u64, pairs: usize) -> Self {
        self.pairs = (seed, pairs);
        self
    }

    /// Ends soon after something was violated: for searches that are to find out whether anything is.
    #[must_use]
    pub fn until_violated(mut self) -> Self {
        self.until_violated = true;
        self
    }

    /// What is violated under one plan.
    pub fn try_plan(&self, plan: &Plan) -> Vec<String> {
        self.run_under(plan).violations
    }

    /// Runs everything.
    pub fn run(&self) -> Report {
        let began = Instant::now();
        let mut report = Report::default();
        let (violated, candidates) = self.without_faults();
        report.messages = candidates.messages();
        report.faults = candidates.singles().len();
        report.take(vec![violated.unwrap_or_default()]);
        let singles = match self.singles {
            Some((seed, count)) => candidates.sampled(seed, count),
            None => candidates.singles(),
        };
        let alone = self.run_all(&singles);
        let guilty: BTreeMap<String, bool> =
            alone.iter().map(|verdict| (verdict.plan.to_string(), !verdict.violations.is_empty())).collect();
        report.take(alone);
        let pairs = candidates.pairs(self.pairs.0, self.pairs.1);
        let together = self.run_all(&pairs);
        report.take(together.into_iter().map(|verdict| self.shrunk(verdict, &guilty)).collect());
        report.seconds = began.elapsed().as_secs_f64();
        report
    }

    fn run_all(&self, plans: &[Plan]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(plans.len());
        for batch in plans.chunks(BATCH) {
            verdicts.extend(in_parallel(self.threads, batch, |plan| self.run_under(plan)));
            if self.until_violated && verdicts.iter().any(|verdict: &Verdict| !verdict.violations.is_empty()) {
                break;
            }
        }
        verdicts
    }

    /// The run in which nothing goes wrong must violate nothing; its messages are what faults are aimed at.
    fn without_faults(&self) -> (Option<Verdict>, Candidates) {
        let mut subject = self.forked();
        subject.net().observe();
        let outcome = (self.scenario)(&mut subject);
        let candidates = Candidates::new(subject.net().observed(), &self.choice);
        let trace = subject.net().trace().to_vec();
        let violations = (self.check)(&mut subject, outcome);
        (Some(Verdict { plan: Plan::default(), struck: 0, violations, trace }), candidates)
    }

    fn run_under(&self, plan: &Plan) -> Verdict {
        let mut subject = self.forked();
        subject.net().apply(plan);
        let outcome = (self.scenario)(&mut subject);
        let violations = (self.check)(&mut subject, outcome);
        let net = subject.net();
        let trace = if violations.is_empty() { Vec::new() } else { net.trace().to_vec() };
        Verdict { plan: plan.clone(), struck: net.struck_faults().len(), violations, trace }
    }

    fn forked(&self) -> S {
        let mut fork = self.start.lock().unwrap_or_else(PoisonError::into_inner).fork();
        fork.net().clear_trace();
        fork
    }

    /// If one fault of a guilty pair does it alone, that one.
    fn shrunk(&self, verdict: Verdict, known: &BTreeMap<String, bool>) -> Verdict {
        if verdict.violations.is_empty() {
            return verdict;
        }
        for fault in &verdict.plan.faults {
            let plan = Plan { faults: vec![fault.clone()], order: verdict.plan.order };
            if known.get(&plan.to_string()) != Some(&false) {
                let alone = self.run_under(&plan);
                if !alone.violations.is_empty() {
                    return alone;
                }
            }
        }
        verdict
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    plan: Plan,
    struck: usize,
    violations: Vec<String>,
    trace: Vec<crate::trace::TraceEntry>,
}
