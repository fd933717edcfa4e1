//! `cairn verify`.

use super::arguments::{Trust, Verify};
use super::{Exit, Failed, Report, moment, progress};
use crate::verify::{Failure, Policy, Verdict, verify_each};
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// A log that was verified.
#[derive(Serialize)]
pub struct Verified {
    verified: bool,
    events: u64,
    log_id: String,
    canister: String,
    last_block_hash: String,
    merkle_root: String,
    begin: String,
    end: String,
    certified_at: String,
    network: &'static str,
}

impl From<&Verdict> for Verified {
    fn from(verdict: &Verdict) -> Self {
        Verified {
            verified: true,
            events: verdict.events,
            log_id: verdict.log.to_string(),
            canister: verdict.canister.to_text(),
            last_block_hash: verdict.last_hash.to_string(),
            merkle_root: verdict.root.to_string(),
            begin: moment::utc(verdict.begin),
            end: moment::utc(verdict.end),
            certified_at: moment::utc(verdict.certified_at),
            network: if verdict.public_network { "public" } else { "local or test" },
        }
    }
}

impl Report for Verified {}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "verified: {} events of log {}", self.events, self.log_id)?;
        writeln!(f, "  audit canister  {} on a {} network", self.canister, self.network)?;
        writeln!(f, "  first event     {}", self.begin)?;
        writeln!(f, "  last event      {}", self.end)?;
        writeln!(f, "  certified       {} (silent about later)", self.certified_at)?;
        writeln!(f, "  last hash       {}", self.last_block_hash)?;
        writeln!(f, "  Merkle root     {}", self.merkle_root)
    }
}

/// Verifies a file.
pub fn run(options: &Verify) -> Result<Verified, Failed> {
    let policy = policy(&options.trust)?;
    let bytes = read(&options.file)?;
    verify(&bytes, &policy).map(|verdict| Verified::from(&verdict))
}

/// Verifies bytes, with a bar.
pub fn verify(bytes: &[u8], policy: &Policy) -> Result<Verdict, Failed> {
    let bar = progress::bar("verifying", 0);
    let verdict = verify_each(bytes, policy, |event, total| {
        bar.set_length(total);
        bar.set_position(event.index);
    });
    bar.finish_and_clear();
    verdict.map_err(Failed::from)
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        let (exit, advice) = match &failure {
            Failure::Malformed(_) => (Exit::Malformed, "get the file again; it is damaged, or no export"),
            Failure::Log(_) => (Exit::Log, "do not trust this file; ask its issuer for the log itself"),
            Failure::Certificate(_) => {
                (Exit::Certificate, "do not trust this file; check the root key, or export anew")
            }
            Failure::Answer(_) => (Exit::Log, "do not trust this answer; ask the log again"),
            Failure::Policy(_) => (Exit::Policy, "check the policy, or get the export of that log"),
        };
        Failed::new(exit, format_args!("{failure}; {advice}"))
    }
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    std::fs::read(path).map_err(|error| Failed::file(path, &error))
}

/// Reads a policy file.
pub fn read_policy(path: &Path) -> Result<Policy, Failed> {
    Policy::from_json(&read(path)?)
        .map_err(|error| Failed::new(Exit::Malformed, format_args!("{}: {error}", path.display())))
}

fn policy(trust: &Trust) -> Result<Policy, Failed> {
    if let Some(path) = &trust.policy {
        return read_policy(path);
    }
    let (Some(key), Some(canister), Some(log)) = (&trust.root_key, &trust.canister, &trust.log_id) else {
        return Err(Failed::new(Exit::Usage, "give --policy, or --root-key, --canister and --log-id"));
    };
    let path = Path::new(key);
    let key = if path.is_file() { read(path)? } else { key.as_bytes().to_vec() };
    Policy::new(&key, canister, log).map_err(|error| Failed::new(Exit::Usage, error))
}
