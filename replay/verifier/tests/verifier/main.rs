//! Exports and bundles: what is true is accepted, and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

mod bundles;
mod delegations;
mod exports;
mod forms;
mod sample;
mod vectors;
