//! A distribution: gives a token to many, each their allocation, as it unlocks.
//!
//! Read [`campaign`] first: what a distribution holds, how it decides, where it changes; all of it pure. [`vesting`] is
//! its arithmetic, [`eligibility`] its conditions. [`transfer`] is how money moves: an intent with frozen arguments, then
//! attempts until the ledger's own record settles it, once. The methods themselves are thin and private.

pub mod campaign;
pub mod eligibility;
mod endpoints;
mod lifecycle;
pub mod memory;
mod state;
pub mod transfer;
pub mod vesting;

// Last: it exports the methods that were declared before it.
mod interface;
