//! What can be asked for.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// How commands end; shown with the help.
const EXIT_CODES: &str = "Exit codes:
  0  everything is in order
  1  the command line is wrong
  2  a file is unreadable or malformed
  3  the events are not a log: a hash, a link, a number or a rule is broken
  4  the certificate does not vouch for the log
  5  the file is about another log, or another canister, than the policy
  6  the platform could not be run, or did not do what it should";

/// Run the Cairn platform on this machine, export its log, verify an export, rebuild every index from it.
#[derive(Debug, Parser)]
#[command(name = "cairn", version, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    pub task: Task,
    /// Print one JSON object, as the last line.
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// Run the whole platform on canister wasm: people pay, get tokens or their money back; canisters are upgraded,
    /// every index is rebuilt from the log, the log is verified offline.
    #[command(after_help = EXIT_CODES)]
    Demo(Demo),
    /// Run the demo in silence and write its log with its certificate, and beside it the policy that an auditor holds.
    #[command(after_help = EXIT_CODES)]
    Export(Export),
    /// Verify an export offline: chain, links, numbering, tree, certificate. Trusts the policy only, never the file.
    #[command(after_help = EXIT_CODES)]
    Verify(Verify),
    /// Rebuild every projection from an export, and print their digests.
    #[command(after_help = EXIT_CODES)]
    Rebuild(Rebuild),
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Everything random comes from here: the same seed gives the same log.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write the log to this file, and the auditor's policy beside it.
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The file to write; the policy goes to FILE.policy.json.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Everything random comes from here: the same seed gives the same log.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The export.
    pub file: PathBuf,
    #[command(flatten)]
    pub trust: Trust,
}

/// What the auditor trusts.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Trust {
    /// A policy file, instead of the three options below.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root_key", "canister", "log_id"])]
    pub policy: Option<PathBuf>,
    /// The network's root key in DER: hexadecimal, or a file.
    #[arg(long, value_name = "HEX|FILE", requires_all = ["canister", "log_id"])]
    pub root_key: Option<String>,
    /// The audit canister.
    #[arg(long, value_name = "ID", requires_all = ["root_key", "log_id"])]
    pub canister: Option<String>,
    /// The log.
    #[arg(long, value_name = "HEX", requires_all = ["root_key", "canister"])]
    pub log_id: Option<String>,
}

#[derive(Debug, Args)]
pub struct Rebuild {
    /// The export.
    pub file: PathBuf,
    /// Verify the export against this policy file first.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Stop before the event with this index: the state as of then.
    #[arg(long, value_name = "INDEX")]
    pub until: Option<u64>,
}
