//! The audit canister: the log of the platform.
pub mod certificate;
pub mod log;
pub mod memory;
pub mod region;
pub mod view;
