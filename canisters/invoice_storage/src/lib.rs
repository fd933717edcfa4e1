//! The invoices of the platform: host of the payment projection.
//!
//! It decides nothing. [`invoices`] answers from the projection's rows, and only to those whom an invoice concerns;
//! [`access`] says who that is. The rows come from the log alone and can be made anew from it at any time; that, and its
//! own upgrades, is all that this canister ever writes to the log.

mod access;
mod endpoints;
mod invoices;
mod lifecycle;
mod memory;
mod monitor;

#[cfg(test)]
mod tests;

// Last: it exports the methods that were declared before it.
mod interface;
