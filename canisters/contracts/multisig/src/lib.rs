//! A wallet that several signers decide about: the contract that the platform deploys for shared money.
//!
//! Read [`wallet`] first: what a wallet holds, how it decides, where it changes; it knows neither clock nor network.
//! [`driver`] performs what was decided, [`ledger`] speaks to ledgers. The methods themselves are thin and private.

pub mod driver;
mod endpoints;
pub mod ledger;
mod lifecycle;
pub mod memory;
mod state;
mod timer;
pub mod wallet;

// Last: it exports the methods that were declared before it.
mod interface;
