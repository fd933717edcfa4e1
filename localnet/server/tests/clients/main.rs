//! Clients that others wrote, against a running server.

// Helpers of tests may fail a test like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod agent;
mod canister;
mod gateway;
mod http_api;
mod icp_tool;
mod identities;
mod javascript;
mod lies;
mod running;
