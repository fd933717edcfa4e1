//! What an exploration found.

use super::Verdict;
use crate::fault::Plan;
use crate::trace::TraceEntry;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an exploration found. Everything but the time is the same for the same start, scenario and choices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Messages of the run without faults.
    pub messages: usize,
    /// Single faults that can be aimed at them.
    pub faults: usize,
    /// Runs, each on a fork of its own.
    pub runs: usize,
    /// Faults that struck in those runs.
    pub struck: usize,
    /// What was violated, in the order of the runs.
    pub violations: Vec<Violation>,
    /// How long it took.
    pub seconds: f64,
}

/// A run that violated something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The smallest plan that brings it about.
    pub plan: Plan,
    /// What was violated.
    pub violated: Vec<String>,
    /// The messages of the run.
    pub trace: Vec<TraceEntry>,
}

impl Report {
    pub(super) fn take(&mut self, verdicts: Vec<Verdict>) {
        for Verdict { plan, struck, violations, trace } in verdicts {
            self.runs += 1;
            self.struck += struck;
            if !violations.is_empty() && self.violations.iter().all(|known| known.plan != plan) {
                self.violations.push(Violation { plan, violated: violations, trace });
            }
        }
    }
}

/// One line; then each violation with its plan as JSON, and the trace of the first.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, faults, runs, struck, violations, seconds } = self;
        write!(
            f,
            "{messages} messages, {faults} single faults, {runs} runs on as many forks, {struck} faults struck, \
             {} violations, {seconds:.1} s",
            violations.len()
        )?;
        for violation in violations {
            write!(f, "\nplan {}", violation.plan)?;
            violation.violated.iter().try_for_each(|violated| write!(f, "\n  {violated}"))?;
        }
        if let Some(first) = violations.first() {
            write!(f, "\ntrace of the first:")?;
            first.trace.iter().try_for_each(|entry| write!(f, "\n{entry}"))?;
        }
        Ok(())
    }
}
