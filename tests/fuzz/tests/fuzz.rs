//! A short seeded run of every fuzz target; `cairn-fuzz` makes long ones.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may fail

use cairn_fuzz::engine::{Report, attempt};
use cairn_fuzz::mutation::Shape;
use cairn_fuzz::{Limit, Target, Verdict, all, run};
use std::time::Duration;

#[test]
fn nothing_is_found_in_a_short_run_of_every_target() {
    for target in all().unwrap() {
        let verdicts: Vec<_> = target.corpus().iter().map(|valid| target.check(valid).unwrap()).collect();
        assert!(verdicts.contains(&Verdict::Accepted), "{}: nothing valid is accepted", target.name());
        let report = run(target.as_ref(), 1, Limit::Time(Duration::from_millis(1_500)), 2);
        assert!(report.findings.is_empty(), "{report:#?}");
        assert!(report.inputs > 50, "{report:?}");
        assert!(report.accepted < report.inputs, "nothing was spoiled: {report:?}");
    }
}

/// A decoder with faults: those that the runs look for.
struct Faulty;

impl Target for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }
    fn corpus(&self) -> &[Vec<u8>] {
        static CORPUS: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(|| vec![vec![0; 64]]);
        &CORPUS
    }
    fn shape(&self) -> Shape {
        Shape::Bytes
    }
    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        match input.iter().find(|byte| **byte != 0) {
            Some(1) => panic!("on purpose"),
            Some(2) => Err("a rule is broken".to_owned()),
            Some(4) => {
                std::hint::black_box(vec![0_u8; 64 << 20]);
                Ok(Verdict::Accepted)
            }
            _ => Ok(Verdict::Refused),
        }
    }
}

#[test]
fn what_is_wrong_is_found_and_found_again_by_its_number() {
    let report = run(&Faulty, 3, Limit::Inputs(20_000), 2);
    let found = |what: &str| report.findings.iter().find(|finding| finding.problem.contains(what));
    for what in ["on purpose", "a rule is broken", "bytes of memory"] {
        let Some(finding) = found(what) else { panic!("{what}: {report:#?}") };
        let mut again = Report::default();
        attempt(&Faulty, finding.seed, finding.number, &mut again);
        assert_eq!(again.findings.first().map(|finding| &finding.input), Some(&finding.input));
    }
}
