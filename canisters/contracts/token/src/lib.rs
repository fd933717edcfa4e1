//! An ICRC-1, ICRC-2 and ICRC-3 ledger: the token that the platform deploys, and the fee token of local runs.
//!
//! Read [`ledger`] first: what a ledger holds, how it decides, where it changes. [`block`] is what it leaves behind,
//! [`config`] what it is told; its factory hears of holders. The methods themselves are thin and private.

pub mod account;
pub mod block;
pub mod config;
mod endpoints;
pub mod ledger;
mod lifecycle;
pub mod memory;
mod state;

// Last: it exports the methods that were declared before it.
mod interface;
