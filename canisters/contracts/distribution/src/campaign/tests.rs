//! The commands, on a world with a ledger that loses replies, forgets, changes its fee.

mod claims;
mod histories;
mod money;
mod people;
mod weaknesses;
mod world;
