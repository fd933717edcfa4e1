//! What is fuzzed.

use crate::memory::measured;
use crate::mutation::Shape;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Longer than the work on one input may take by itself, unoptimised.
const MOST_TIME: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

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

/// Does our own work on an input of this length, beside that of what it is held against: in little time and memory.
///
/// # Errors
/// It took too much.
pub fn frugally<T>(length: usize, work: impl FnOnce() -> T) -> Result<T, String> {
    let begin = clock_gettime(ClockId::ThreadCPUTime);
    let (done, memory) = measured(work);
    let took = clock_gettime(ClockId::ThreadCPUTime) - begin;
    ensure(took < MOST_TIME, || format!("took {took:?}, at most {MOST_TIME:?} are in order"))?;
    let most = 8 * 1024 * 1024 + 256 * length as u64;
    ensure(memory <= most, || format!("took {memory} bytes of memory, at most {most} are in order"))?;
    Ok(done)
}
