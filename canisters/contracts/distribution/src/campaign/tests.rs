//! The commands, on a world with a ledger that loses replies, forgets, changes its fee.

mod claims;
mod doubts;
mod histories;
mod leaves;
mod money;
mod people;
mod proofs;
mod weaknesses;
mod world;
