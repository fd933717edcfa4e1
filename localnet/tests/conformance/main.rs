//! Conformance of the engine to the interface specification, one rule per test, on canisters in
//! WebAssembly's text form.

// Helpers of tests may fail a test like the tests themselves.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::indexing_slicing)]

mod calls;
mod certification;
mod costs;
mod determinism;
mod explorer;
mod faults;
mod heap;
mod imports;
mod lifecycle;
mod limits;
mod management;
mod metering;
mod outcalls;
mod queries;
mod rollback;
mod sabotage;
mod saved_states;
mod scheduling;
mod snapshots;
mod timers;
mod views;
mod wat_canister;
