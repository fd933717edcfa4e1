//! Flows of the whole factory against a model of log and management canister.

mod callbacks;
mod delivery;
mod histories;
mod pool;
mod roles;
mod templates;
mod world;
