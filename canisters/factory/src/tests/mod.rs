//! Flows of the whole factory against a model of log and management canister.

mod callbacks;
mod delivery;
mod pool;
mod templates;
mod world;
