//! Every scenario under faults of the network.

use crate::scenario::{Play, Scenario};
use localnet::explore::{Explorer, Report};

/// Single faults, and pairs of them, that are drawn from a seed.
fn sample(scenario: Scenario) -> (usize, usize) {
    if scenario == Scenario::Sound { (120, 20) } else { (25, 4) }
}

/// Explores the scenario: so many faults and pairs of them drawn from the seed, or every single fault.
fn explore(scenario: Scenario, seed: u64, drawn: Option<(usize, usize)>) -> Report {
    let play = Play::new(scenario, seed);
    let choice = play.choice();
    let examine = |play: &mut Play, ()| play.examine();
    let explorer = Explorer::new(play, Play::run, examine).faults(choice).threads(2);
    let report = match drawn {
        Some((singles, pairs)) => explorer.sample(seed, singles).pairs(seed, pairs).run(),
        None => explorer.run(),
    };
    println!("{scenario:?}: {report}");
    assert!(report.violations.is_empty(), "{scenario:?}: {report}");
    report
}

#[test]
fn an_upgrade_survives_faults_drawn_from_a_seed() {
    for scenario in Scenario::ALL {
        let (singles, pairs) = sample(scenario);
        let report = explore(scenario, 7, Some((singles, pairs)));
        assert!(report.runs > singles && report.struck >= singles, "{scenario:?}: {report}");
        assert!(report.messages >= if scenario == Scenario::Sound { 40 } else { 10 }, "{scenario:?}: {report}");
    }
}

/// Every single fault at every message of one upgrade.
mod every_single_fault {
    use super::{Scenario, explore};

    fn all(scenario: Scenario) {
        let report = explore(scenario, 8, None);
        assert!(report.runs > report.faults, "{scenario:?}: {report}");
    }

    #[test]
    #[ignore = "takes many minutes"]
    fn to_sound_code() {
        all(Scenario::Sound);
    }

    #[test]
    #[ignore = "takes many minutes"]
    fn to_code_that_traps() {
        all(Scenario::Traps);
    }

    #[test]
    #[ignore = "takes many minutes"]
    fn to_code_that_is_mute() {
        all(Scenario::Mute);
    }

    #[test]
    #[ignore = "takes many minutes"]
    fn to_code_that_is_unwell() {
        all(Scenario::Unwell);
    }

    #[test]
    #[ignore = "takes many minutes"]
    fn of_a_contract_that_refuses() {
        all(Scenario::Refused);
    }
}
