//! The payment flow under faults drawn from a seed; `cargo run -p cairn-tests --bin cairn-explore -- --all` runs every
//! single one.

#![allow(clippy::unwrap_used, reason = "a test that fails here says enough")]

use cairn_tests::explore::sabotage::{MUTANTS, patch, workspace};
use cairn_tests::explore::{Flow, Stage, Wanted, explorer};
use localnet::explore::{Subject as _, replay};
use localnet::{Fault, MessageKind, Plan, RejectCode};
use std::process::Command;

/// Single faults, and pairs, drawn for each flow.
const SAMPLE: (usize, usize) = (45, 12);

#[test]
fn a_payment_survives_faults_drawn_from_a_seed() {
    let (tokens, everything) = (Stage::boot(31).unwrap(), Stage::boot_all(31).unwrap());
    for flow in Flow::ALL {
        let stage = if flow.wanted() == Wanted::Token { tokens.fork() } else { everything.fork() };
        let report = explorer(flow, stage).sample(31, SAMPLE.0).pairs(31, SAMPLE.1).threads(2).run();
        assert!(report.violations.is_empty(), "{flow:?}: {report}");
        assert!(report.struck >= SAMPLE.0 && report.messages >= 80, "{flow:?}: {report}");
        println!("{flow:?}: {report}");
    }
}

/// The factory's commit is lost after it has installed the token, whose timer is on its way by then: code installed anew
/// would get the answers to calls of the old one.
#[test]
fn a_token_that_has_begun_to_live_is_not_installed_anew() {
    let stage = Stage::boot(33).unwrap();
    let lost = Fault::reject(RejectCode::SysTransient).method("append").caller(stage.platform.factory).occurrence(2);
    let violations = explorer(Flow::Delivered, stage.fork()).try_plan(&Plan::from(lost));
    assert!(violations.is_empty(), "{violations:?}");
}

/// The network forgets a canister's timer if the message that it sets off traps. Nobody calls one that only hosts a
/// projection, and a rebuild is under way in it.
#[test]
fn a_host_that_has_lost_its_timer_is_waked() {
    let stage = Stage::boot(34).unwrap();
    let trap = Fault::trap().callee(stage.platform.invoices).kind(MessageKind::Timer);
    let violations = explorer(Flow::Rebuilt, stage.fork()).try_plan(&Plan::from(trap));
    assert!(violations.is_empty(), "{violations:?}");
}

/// A run of the whole platform is replayed from its plan, to the byte; on another thread, too.
#[test]
fn a_run_of_the_platform_is_replayed_exactly() {
    let stage = Stage::boot(32).unwrap();
    let lost = Fault::trap().caller(stage.platform.backend).kind(MessageKind::ReplyCallback).occurrence(4);
    let plan = Plan { order: Some(7), ..Plan::from(lost) };
    let (one, _) = replay(&stage, &plan, |stage| Flow::Delivered.play(stage));
    let fork = stage.fork();
    let two = std::thread::spawn(move || replay(&fork, &plan, |stage| Flow::Delivered.play(stage)).0).join().unwrap();
    assert_eq!(serde_json::to_vec(&one).unwrap(), serde_json::to_vec(&two).unwrap());
    assert!(one.trace.iter().any(|entry| entry.faulted));
}

/// What weakens the platform still fits its sources: `cairn-explore --sabotage all` shows that it is found out.
#[test]
fn every_patch_of_the_seeded_negatives_applies() {
    for mutant in MUTANTS {
        let mut git = Command::new("git");
        let check = git.args(["apply", "--check"]).arg(patch(&mutant)).current_dir(workspace()).output().unwrap();
        assert!(check.status.success(), "{}: {}", mutant.name, String::from_utf8_lossy(&check.stderr));
    }
}
