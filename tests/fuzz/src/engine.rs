//! Runs a target on mutated inputs, and looks for what must not be.

use crate::memory::measured;
use crate::mutation::mutate;
use crate::target::{Target, Verdict};
use cairn_events::testing::Dice;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any input may take, on a machine that has other things to do.
const SLOW: Duration = Duration::from_secs(5);
/// So many findings of a thread are enough to begin with.
const ENOUGH: usize = 5;

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// After so many inputs.
    Inputs(u64),
    /// After this time of the processor, of all cores together: a busy machine does not shorten the search.
    Time(Duration),
}

impl Limit {
    fn is_reached(self, inputs: u64, begin: Duration) -> bool {
        match self {
            Limit::Inputs(most) => inputs >= most,
            Limit::Time(most) => processor_time().saturating_sub(begin) >= most,
        }
    }
}

/// How long the processor has worked for this process so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

/// An input that shows a fault.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// From which seed it follows,
    pub seed: u64,
    /// as which input.
    pub number: u64,
    /// What is wrong.
    pub problem: String,
    /// The input, in hexadecimal.
    pub input: String,
}

/// What came of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The target.
    pub target: String,
    /// How many inputs were tried.
    pub inputs: u64,
    /// How many of them were accepted.
    pub accepted: u64,
    /// How long the processor worked, in seconds.
    pub seconds: f64,
    /// The longest time for an input, in milliseconds.
    pub slowest: f64,
    /// The most memory for an input, in bytes.
    pub memory: u64,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, other: Report) {
        self.inputs += other.inputs;
        self.accepted += other.accepted;
        self.slowest = self.slowest.max(other.slowest);
        self.memory = self.memory.max(other.memory);
        self.findings.extend(other.findings);
    }
}

/// Input `number` of a seed.
pub fn input(target: &dyn Target, seed: u64, number: u64) -> Vec<u8> {
    let mut dice = Dice(seed.rotate_left(32) ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    mutate(&mut dice, target.shape(), target.corpus())
}

/// Runs a target on `threads` threads.
pub fn run(target: &dyn Target, seed: u64, limit: Limit, threads: u64) -> Report {
    listen();
    // What is set up once and for all is no input's doing.
    if let Some(valid) = target.corpus().first() {
        let _ = measured(|| target.check(valid));
    }
    let begin = processor_time();
    let worker = |first: u64| {
        let mut report = Report::default();
        let mut number = first;
        while !limit.is_reached(number, begin) && report.findings.len() < ENOUGH {
            attempt(target, seed, number, &mut report);
            number += threads;
        }
        report
    };
    let mut whole = Report { target: target.name().to_owned(), ..Report::default() };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|first| scope.spawn(move || worker(first))).collect();
        for worker in workers {
            whole.add(worker.join().unwrap());
        }
    });
    whole.seconds = processor_time().saturating_sub(begin).as_secs_f64();
    whole
}

/// Tries one input.
pub fn attempt(target: &dyn Target, seed: u64, number: u64, report: &mut Report) {
    let input = input(target, seed, number);
    let (begin, before) = (Instant::now(), processor_time());
    let (outcome, memory) = measured(|| panic::catch_unwind(AssertUnwindSafe(|| target.check(&input))));
    // Neither other threads nor other programs make an input slow.
    let took = begin.elapsed().min(processor_time().saturating_sub(before));
    let most = target.memory(input.len());
    report.inputs += 1;
    report.slowest = report.slowest.max(took.as_secs_f64() * 1e3);
    report.memory = report.memory.max(memory);
    let problem = match outcome {
        Err(_) => Some(format!("panic: {}", PANIC.take())),
        Ok(Err(broken)) => Some(broken),
        Ok(Ok(_)) if took > SLOW => Some(format!("took {} ms", took.as_millis())),
        Ok(Ok(_)) if memory > most => Some(format!("took {memory} bytes of memory, at most {most} are in order")),
        Ok(Ok(verdict)) => {
            report.accepted += u64::from(verdict == Verdict::Accepted);
            None
        }
    };
    report.findings.extend(problem.map(|problem| Finding { seed, number, problem, input: hex::encode(&input) }));
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics noted instead of printed.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| panic::set_hook(Box::new(|panic| PANIC.set(panic.to_string()))));
}
