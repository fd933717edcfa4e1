//! What can be asked for.

use super::moment;
use crate::verify::{Form, rows};
use cairn_events::topic::Service;
use cairn_events::{DeploymentId, Family, Hash, Principal, Timestamp};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// How commands end; shown with the help.
const EXIT_CODES: &str = "Exit codes:
  0  everything is in order
  1  the command line is wrong
  2  a file is unreadable or malformed
  3  the events are not a log, or an answer is not true or not complete: a hash, a link, a number or a rule is broken
  4  the certificate does not vouch for what is shown
  5  the file is about another log, or another canister, than the policy
  6  the platform could not be run, or did not do what it should
  7  certified longer ago than the policy allows
  8  the network was not reached, or its audit canister refused
  9  two logs are not of one history";

/// Run the Cairn platform on this machine; ask its log, prove the answers, export it; verify; rebuild every index.
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
    #[cfg(feature = "platform")]
    #[command(after_help = EXIT_CODES)]
    Demo(Demo),
    /// Ask the log of a network, or an export of one, verify the answer, show it.
    #[command(after_help = EXIT_CODES)]
    Query(Query),
    /// Ask the log of a network, and write question, answer and proof to a file for anyone to verify offline.
    #[command(after_help = EXIT_CODES)]
    Prove(Prove),
    /// Write the log of a network with its certificate; without --network that of a demo, run in silence, and beside it
    /// the policy that an auditor holds (where the command was built with the platform).
    #[command(after_help = EXIT_CODES)]
    Export(Export),
    /// Verify an export or a bundle offline: chain, links, numbering, tree, certificate. Trusts the policy only, never
    /// the file.
    #[command(after_help = EXIT_CODES)]
    Verify(Verify),
    /// Show the events of a network as they come, each verified, and remember what was seen: a gap, another order or a
    /// rewritten history is caught, also after a restart.
    #[command(after_help = EXIT_CODES)]
    Follow(Follow),
    /// Compare two exports: equal, one extends the other, or where they fork.
    #[command(after_help = EXIT_CODES)]
    Diff(Diff),
    /// Rebuild every projection from an export, and print their digests.
    #[command(after_help = EXIT_CODES)]
    Rebuild(Rebuild),
}

#[cfg(feature = "platform")]
#[derive(Debug, Args)]
pub struct Demo {
    /// Everything random comes from here: the same seed gives the same log.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write the log to this file, and the auditor's policy beside it.
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// Afterwards serve the network at this port of 127.0.0.1, until Ctrl-C; 0 takes a free port.
    #[arg(long, value_name = "PORT", requires = "export")]
    pub serve: Option<u16>,
}

/// Who is asked, and what is trusted.
#[derive(Debug, Args)]
pub struct Network {
    /// The network, by the address of its HTTP interface. The canister asked is the one that is trusted.
    #[arg(long = "network", value_name = "URL")]
    pub url: String,
    #[command(flatten)]
    pub trust: Trust,
    /// Who asks, as a private key in a PEM file: what concerns people is told to them, to auditors and to admins only.
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

/// Topics: what has all of them.
#[derive(Debug, Args)]
pub struct Topics {
    /// Where this principal acted, or is named.
    #[arg(long, value_name = "ID", value_parser = principal)]
    pub party: Vec<Principal>,
    /// About this contract.
    #[arg(long, value_name = "ID", value_parser = principal)]
    pub contract: Vec<Principal>,
    /// About this deployment.
    #[arg(long, value_name = "HEX", value_parser = deployment)]
    pub deployment: Vec<DeploymentId>,
    /// About this service, such as token_factory.
    #[arg(long, value_name = "NAME", value_parser = service)]
    pub service: Vec<Service>,
    /// Of this family: platform, deployments, money or contracts.
    #[arg(long, value_name = "NAME", value_parser = family)]
    pub family: Vec<Family>,
}

/// A question: everything, unless it is about topics; the whole log, unless it is about a part.
#[derive(Debug, Args)]
pub struct Asked {
    #[command(flatten)]
    pub topics: Topics,
    /// This one event.
    #[arg(long, value_name = "INDEX", conflicts_with_all = ["from", "until"])]
    pub event: Option<u64>,
    /// From this index on.
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    pub from: u64,
    /// Before this index.
    #[arg(long, value_name = "INDEX")]
    pub until: Option<u64>,
    /// From this time on: 2026-11-21T14:05:09Z, or 2026-11-21.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub from_time: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub until_time: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub struct Query {
    /// The network, by the address of its HTTP interface. The canister asked is the one that is trusted.
    #[arg(long = "network", value_name = "URL", required_unless_present = "log")]
    pub url: Option<String>,
    /// An export to look into, instead of a network: all of it is verified first.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "identity"])]
    pub log: Option<PathBuf>,
    #[command(flatten)]
    pub trust: Trust,
    /// Who asks the network, as a private key in a PEM file: what concerns people is told to them, to auditors and to
    /// admins only.
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    #[command(flatten)]
    pub asked: Asked,
    /// At most so many events.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// The newest of them, not the oldest.
    #[arg(long)]
    pub newest: bool,
}

#[derive(Debug, Args)]
pub struct Prove {
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    #[command(flatten)]
    pub network: Network,
    #[command(flatten)]
    pub asked: Asked,
}

#[derive(Debug, Args)]
pub struct Follow {
    #[command(flatten)]
    pub network: Network,
    /// The file that remembers what was seen. It is made by the first run.
    #[arg(long, value_name = "FILE")]
    pub state: PathBuf,
    #[command(flatten)]
    pub topics: Topics,
    /// The first run begins with this index.
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    pub from: u64,
    /// End once there is nothing more.
    #[arg(long)]
    pub once: bool,
    /// Seconds between questions.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub pause: u64,
}

#[derive(Debug, Args)]
pub struct Diff {
    /// An export.
    pub first: PathBuf,
    /// Another one.
    pub second: PathBuf,
    /// Verify both against this policy file first.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The file to write; the policy of a demo goes to FILE.policy. What has come so far is kept in FILE.part: the same
    /// command goes on from there.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The form of the file: cairn (bytes), jsonl (JSON Lines, each event with its proof) or csv.
    #[arg(long, value_name = "FORM", default_value = "cairn", value_parser = form)]
    pub format: Form,
    /// The network whose log it is, by the address of its HTTP interface.
    #[arg(long, value_name = "URL", requires = "policy", conflicts_with = "seed")]
    pub network: Option<String>,
    /// What is trusted; names the canister that is asked.
    #[arg(long, value_name = "FILE", requires = "network")]
    pub policy: Option<PathBuf>,
    /// Everything random comes from here: the same seed gives the same log.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The export, or the bundle.
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

fn principal(text: &str) -> Result<Principal, String> {
    Principal::from_text(text).map_err(|error| error.to_string())
}

fn deployment(text: &str) -> Result<DeploymentId, String> {
    Hash::from_hex(text).map(DeploymentId).ok_or_else(|| "a deployment's id has 64 hexadecimal digits".to_owned())
}

fn form(text: &str) -> Result<Form, String> {
    Form::from_name(text).ok_or_else(|| format!("the forms are {}", Form::ALL.map(Form::name).join(", ")))
}

fn service(text: &str) -> Result<Service, String> {
    let names = || Service::ALL.map(Service::name).join(", ");
    Service::from_name(text).ok_or_else(|| format!("the services are {}", names()))
}

fn family(text: &str) -> Result<Family, String> {
    let families = [Family::Platform, Family::Deployments, Family::Money, Family::Contracts];
    let found = families.into_iter().find(|family| rows::family_name(*family) == text);
    found.ok_or_else(|| format!("the families are {}", families.map(rows::family_name).join(", ")))
}
