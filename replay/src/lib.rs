//! The cairn command: run the platform, export, verify, rebuild.
