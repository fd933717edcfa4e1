//! `cairn verify`: what a file is, its first bytes say.

use super::arguments::Verify;
use super::policy::{policy, read};
use super::query::Found;
use super::{Failed, Report, moment, progress};
use crate::verify::{Policy, Verdict, bundle, verify_each};
use serde::Serialize;
use std::fmt;

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

/// A file that was verified.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Checked {
    /// A whole log.
    Export(Verified),
    /// An answer.
    Bundle(Found),
}

impl Report for Checked {}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Checked::Export(verified) => verified.fmt(f),
            Checked::Bundle(found) => found.fmt(f),
        }
    }
}

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
pub fn run(options: &Verify) -> Result<Checked, Failed> {
    let policy = policy(&options.trust)?;
    let bytes = read(&options.file)?;
    if bytes.starts_with(bundle::MAGIC) {
        return Ok(Checked::Bundle(Found::from(&bundle::verify(&bytes, &policy)?)));
    }
    verify(&bytes, &policy).map(|verdict| Checked::Export(Verified::from(&verdict)))
}

/// Verifies an export, with a bar.
pub fn verify(bytes: &[u8], policy: &Policy) -> Result<Verdict, Failed> {
    let bar = progress::bar("verifying", 0);
    let verdict = verify_each(bytes, policy, |event, total| {
        bar.set_length(total);
        bar.set_position(event.index);
    });
    bar.finish_and_clear();
    verdict.map_err(Failed::from)
}
