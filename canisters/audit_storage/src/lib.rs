//! The audit canister: the log of the platform.
//!
//! Read [`log`] first: how a batch is accepted, where events lie, how they are found again. [`memory`] is the layout of
//! stable memory, [`certificate`] what the network certifies. The methods themselves are thin and private. There is
//! none that deletes, rewrites or resets an event, for anyone; what a commitment in it commits to can be erased, and
//! another event says so. Bodies of old events may lie in archives ([`log::archiving`]). Who controls the canister could
//! still reinstall it, and everyone would see another log id.

mod archiving;
mod asking;
pub mod certificate;
mod commitment;
mod endpoints;
mod icrc3;
mod lifecycle;
pub mod log;
pub mod memory;
mod monitor;
mod region;
mod state;
pub mod view;

/// What is freed is forgotten: openings pass through here.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: cairn_kit::heap::Wiping = cairn_kit::heap::WIPING;

// Last: it exports the methods that were declared before it.
mod interface;
