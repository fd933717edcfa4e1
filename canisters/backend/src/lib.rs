//! Payment gate and coordinator.
//!
//! A person pays in an ICRC-2 token and gets a contract; if that fails, the price goes back by itself. Everything this
//! canister decides is first an event in the log ([`cairn_kit::journal`]); its [`state`] is the fold of its own events.
//!
//! * [`request`]: what comes in, checked in full before money moves.
//! * [`deployment`]: the pure course of a deployment: its progress, its money, what a ledger's reply proves, what is next.
//! * [`driver`] performs that, for the request and for the timer of [`recovery`] alike.
//! * [`erasure`] of private fields.
//! * [`config`] and [`setup`]: what is offered, by whom, for how much.

pub mod config;
pub mod deployment;
pub mod driver;
mod endpoints;
pub mod erasure;
pub mod ledger;
mod lifecycle;
pub mod memory;
pub mod metrics;
pub mod platform;
mod readers;
pub mod recovery;
pub mod request;
pub mod setup;
pub mod state;

/// What is freed is forgotten: private references pass through here.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: cairn_kit::heap::Wiping = cairn_kit::heap::WIPING;

// Last: it exports the methods that were declared before it.
mod interface;
