//! The cairn command: run the platform, ask its log and prove the answers, export it, verify offline, rebuild every index.

pub mod artifacts;
pub mod command;
pub mod demo;
pub mod download;
pub mod export;
pub mod follow;
pub mod identity;
pub mod index;
pub mod network;
pub mod platform;
pub mod source;

pub use cairn_verifier as verify;
