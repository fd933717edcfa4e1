//! What is fuzzed.

use crate::mutation::Shape;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken for what it says it is.
    Accepted,
    /// It was refused.
    Refused,
}

impl<T, E> From<&Result<T, E>> for Verdict {
    fn from(result: &Result<T, E>) -> Self {
        if result.is_ok() { Verdict::Accepted } else { Verdict::Refused }
    }
}

/// A decoder of untrusted bytes.
pub trait Target: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Valid inputs: what is mutated.
    fn corpus(&self) -> &[Vec<u8>];
    /// The structure of the inputs.
    fn shape(&self) -> Shape;
    /// Most bytes of memory for an input of this length.
    fn memory(&self, length: usize) -> u64 {
        4 * 1024 * 1024 + 256 * length as u64
    }
    /// Decodes an input, and checks what must hold of whatever is accepted.
    ///
    /// # Errors
    /// What does not hold.
    fn check(&self, input: &[u8]) -> Result<Verdict, String>;
}

/// That something holds.
///
/// # Errors
/// What does not hold.
pub fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
