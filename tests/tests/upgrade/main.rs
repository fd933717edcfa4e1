//! Upgrades of contracts as compiled wasm: confirmed, refused, rolled back, under every fault of the network.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails here says enough")]

mod client;
mod contracts;
mod estate;
mod exploration;
mod interface;
mod outcomes;
mod quarantine;
mod rollouts;
mod scenario;
mod standin;
mod yard;
