//! Fuzzing of every decoder of untrusted bytes, on the stable toolchain.
//!
//! A [`Target`] has valid inputs and says what must hold of any input. The [`engine`] mutates the valid ones, blindly and
//! along their structure, and looks for panics, for rules broken, for time and for memory. Every input follows from a
//! seed and a number: `cairn-fuzz --target NAME --seed SEED --number NUMBER` makes it again.

// What cannot be set up has nothing to say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

pub mod engine;
mod memory;
pub mod mutation;
pub mod target;
mod targets;
pub mod tree;

#[path = "../../../replay/verifier/tests/verifier/sample.rs"]
#[allow(dead_code, unreachable_pub)]
mod sample;

pub use engine::{Finding, Limit, Report, run};
pub use target::{Target, Verdict};
pub use targets::all;
