//! Flows of the whole factory against a model of log and management canister.

mod callbacks;
mod delivery;
mod life;
mod pool;
mod resources;
mod rollouts;
mod templates;
mod upgrades;
mod world;
