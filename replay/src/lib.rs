//! The cairn command: run the platform, export its log, verify an export offline, rebuild every index from it.

pub mod artifacts;
pub mod command;
pub mod demo;
pub mod export;
pub mod index;
pub mod platform;
pub mod verify;
