//! Flows of the whole factory against a model of log and management canister.

mod callbacks;
mod delivery;
mod histories;
mod life;
mod meanwhile;
mod pool;
mod resources;
mod roles;
mod rollouts;
mod templates;
mod upgrades;
mod world;
