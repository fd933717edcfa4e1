//! What the end-to-end tests share: the invariants that hold whatever went wrong.

pub mod invariants;
pub mod ledger;
