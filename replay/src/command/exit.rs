//! How commands end.

use crate::verify::Failure;
use std::fmt::Display;
use std::path::Path;

/// How a command ends. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything is in order.
    Fine = 0,
    /// The command line is wrong.
    Usage = 1,
    /// A file is unreadable, or malformed.
    Malformed = 2,
    /// The events are not a log, or an answer is not true, or not complete.
    Log = 3,
    /// The certificate does not vouch for what is shown.
    Certificate = 4,
    /// The file is about another log than the policy.
    Policy = 5,
    /// The platform could not be run, or did not do what it should.
    Platform = 6,
    /// Certified longer ago than the policy allows.
    Stale = 7,
    /// The network was not reached, or its audit canister refused.
    Network = 8,
    /// Two logs are not of one history.
    Fork = 9,
}

/// Why a command ended otherwise than [`Exit::Fine`], in one line.
#[derive(Debug)]
pub struct Failed {
    /// The exit code.
    pub exit: Exit,
    /// The line.
    pub message: String,
}

impl Failed {
    /// What ends with `exit`, and why.
    pub fn new(exit: Exit, message: impl Display) -> Self {
        Failed { exit, message: message.to_string() }
    }

    /// A file that could not be read or written.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        Failed::new(Exit::Malformed, format_args!("{}: {error}; check the path", path.display()))
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        let (exit, advice) = judge(&failure);
        Failed::new(exit, format_args!("{failure}; {advice}"))
    }
}

/// The exit code of a failure, and what to do about it.
fn judge(failure: &Failure) -> (Exit, &'static str) {
    match failure {
        Failure::Malformed(_) => (Exit::Malformed, "get the file again; it is damaged, or neither export nor bundle"),
        Failure::Row { .. } => (Exit::Log, "do not trust this file; export the log anew"),
        Failure::Log(_) => (Exit::Log, "do not trust this file; ask its issuer for the log itself"),
        Failure::Certificate(_) => (Exit::Certificate, "do not trust this file; check the root key, or export anew"),
        Failure::Answer(_) | Failure::Bundle(_) => (Exit::Log, "do not trust this answer; ask the log again"),
        Failure::Page { failure, .. } => judge(failure),
        Failure::Stale { .. } => (Exit::Stale, "ask the log again, or let the policy say `archival`"),
        Failure::Policy(_) => (Exit::Policy, "check the policy, or get what is about that log"),
    }
}
