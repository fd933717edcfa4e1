//! The cairn command: run the platform, ask its log and prove the answers, export it, verify offline, rebuild every index.
//! Without the feature `platform` it is the auditor's part alone, without `network` what of that needs files only.

#[cfg(feature = "platform")]
pub mod artifacts;
pub mod command;
#[cfg(feature = "platform")]
pub mod demo;
pub mod download;
#[cfg(feature = "platform")]
pub mod export;
pub mod follow;
#[cfg(feature = "network")]
pub mod identity;
pub mod index;
#[cfg_attr(not(feature = "network"), path = "no_network.rs")]
pub mod network;
#[cfg(feature = "platform")]
pub mod platform;
pub mod source;

pub use cairn_verifier as verify;
