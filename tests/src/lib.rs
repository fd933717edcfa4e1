//! What the end-to-end tests and the benchmark share: the invariants that hold whatever went wrong, and a log that can
//! be grown to any length.

pub mod bench;
pub mod explore;
pub mod factory_fixture;
pub mod invariants;
pub mod ledger;
pub mod log_fixture;
pub mod methods;
pub mod page;
pub mod rest;
pub mod witness;
