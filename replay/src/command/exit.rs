//! How commands end.

use crate::verify::Failure;
use std::fmt::Display;
use std::path::Path;

pub use crate::verify::Exit;

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
        Failed::new(failure.exit(), format_args!("{failure}; {}", advice(&failure)))
    }
}

/// What to do about a failure.
fn advice(failure: &Failure) -> &'static str {
    match failure {
        Failure::Malformed(_) => "get the file again; it is damaged, or neither export nor bundle",
        Failure::Row { .. } => "do not trust this file; export the log anew",
        Failure::Log(_) => "do not trust this file; ask its issuer for the log itself",
        Failure::Certificate(_) => "do not trust this file; check the root key, or export anew",
        Failure::Answer(_) | Failure::Bundle(_) => "do not trust this answer; ask the log again",
        Failure::Page { failure, .. } => advice(failure),
        Failure::Stale { .. } => "ask the log again, or let the policy say `archival`",
        Failure::Policy(_) => "check the policy, or get what is about that log",
    }
}
