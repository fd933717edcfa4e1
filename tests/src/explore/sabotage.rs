//! Seeded negatives (I20): the platform is weakened in one place, and the runs must find out; else they prove nothing.
//!
//! Each patch of `tests/sabotage` takes one rule away. It is applied to a copy of the sources, the canister is built
//! from there, and the flows are explored with it, in a process of its own.

use anyhow::{Context as _, bail};
use cairn::artifacts::{self, CANISTERS, WASM_DIR};
use localnet::explore::Report;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A way to weaken the platform.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name, and that of its patch.
    pub name: &'static str,
    /// The package that it is in.
    pub package: &'static str,
}

/// All of them.
pub const MUTANTS: [Mutant; 5] = [
    Mutant { name: "arbiter", package: "audit_storage" },
    Mutant { name: "epoch", package: "token_factory" },
    Mutant { name: "exact_version", package: "audit_storage" },
    Mutant { name: "frozen_arguments", package: "backend" },
    Mutant { name: "outcome_reserve", package: "audit_storage" },
];

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The patch of a mutant.
pub fn patch(mutant: &Mutant) -> PathBuf {
    workspace().join("tests/sabotage").join(format!("{}.patch", mutant.name))
}

/// Explores the mutant of this name, or each of them, and prints what it violates first; whether none survived.
///
/// # Errors
/// There is no such mutant, or it does not build.
pub fn run(name: &str) -> anyhow::Result<bool> {
    let mutants: Vec<Mutant> = MUTANTS.into_iter().filter(|mutant| name == "all" || mutant.name == name).collect();
    if mutants.is_empty() {
        bail!("there is no mutant {name}; there are {}", MUTANTS.map(|mutant| mutant.name).join(", "));
    }
    let mut all_found = true;
    for mutant in mutants {
        let modules = build(&mutant)?;
        let violation = search(&modules)?;
        all_found &= violation.is_some();
        let found = violation.unwrap_or_else(|| "nothing is violated".to_owned());
        println!("{:<18} {found}", mutant.name);
    }
    Ok(all_found)
}

/// Builds the mutant from a patched copy of the sources; the folder with all modules.
fn build(mutant: &Mutant) -> anyhow::Result<PathBuf> {
    let (sources, folder) = (workspace(), workspace().join("target/sabotage"));
    let copy = folder.join(mutant.name);
    let _ = std::fs::remove_dir_all(&copy);
    std::fs::create_dir_all(&copy)?;
    for entry in std::fs::read_dir(&sources)? {
        let entry = entry?;
        if ![".git", "target", "node_modules"].iter().any(|left_out| entry.file_name() == *left_out) {
            run_to_end(Command::new("cp").arg("-r").arg(entry.path()).arg(&copy))?;
        }
    }
    // Not a part of the repository around it.
    let mut apply = Command::new("git");
    apply.arg("apply").arg(patch(mutant)).current_dir(&copy).env("GIT_CEILING_DIRECTORIES", &folder);
    run_to_end(&mut apply)?;
    let modules = folder.join(format!("{}-modules", mutant.name));
    std::fs::create_dir_all(&modules)?;
    for package in CANISTERS.into_iter().filter(|package| *package != mutant.package) {
        std::fs::write(modules.join(format!("{package}.wasm")), artifacts::wasm(package)?)?;
    }
    let module = artifacts::build_mutant(&copy, &folder.join("target"), mutant.package)?;
    std::fs::write(modules.join(format!("{}.wasm", mutant.package)), module)?;
    Ok(modules)
}

/// The first violation that this program finds with those modules, if it finds any: in the flows as they are, or under
/// some fault.
fn search(modules: &Path) -> anyhow::Result<Option<String>> {
    let undisturbed = explore(modules, &["--sample", "0", "--pairs", "0"])?;
    if undisturbed.is_some() { Ok(undisturbed) } else { explore(modules, &["--all", "--first"]) }
}

fn explore(modules: &Path, extent: &[&str]) -> anyhow::Result<Option<String>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(extent).arg("--json").env(WASM_DIR, modules);
    let output = command.output()?;
    for line in String::from_utf8(output.stdout)?.lines() {
        let report: Report = serde_json::from_str(line).context("a report")?;
        if let Some(violation) = report.violations.first() {
            let violated = violation.violated.first().map(String::as_str).unwrap_or_default();
            return Ok(Some(format!("{violated}\n{:18} by {}", "", violation.plan)));
        }
    }
    // A platform that does not even boot is found out as well, but not by the flows.
    if output.status.success() { Ok(None) } else { bail!("{}", String::from_utf8_lossy(&output.stderr)) }
}

fn run_to_end(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status()?;
    if !status.success() {
        bail!("{command:?} failed");
    }
    Ok(())
}
