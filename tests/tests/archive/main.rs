//! Archives on real canisters: bodies move while the log is written and read and private fields are erased, and under
//! every single fault.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails here says enough"
)]

mod archiving;
mod boundary;
mod erasure;
mod exploration;
mod host;
mod stage;
mod told;
mod verdict;
