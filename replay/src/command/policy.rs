//! What the auditor trusts, from the command line.

use super::arguments::Trust;
use super::{Exit, Failed, moment};
use crate::verify::Policy;
use std::fmt::Display;
use std::path::Path;

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    std::fs::read(path).map_err(|error| Failed::file(path, &error))
}

/// Reads a policy file.
pub fn read_policy(path: &Path) -> Result<Policy, Failed> {
    let malformed = |error: &dyn Display| Failed::new(Exit::Malformed, format_args!("{}: {error}", path.display()));
    let text = String::from_utf8(read(path)?).map_err(|error| malformed(&error))?;
    Policy::from_text(&text, moment::now()).map_err(|error| malformed(&error))
}

/// The policy file, or the policy of the options that stand for it.
pub fn policy(trust: &Trust) -> Result<Policy, Failed> {
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
