//! What every canister of the platform shares.

pub mod api;
