//! An archive of the log: the bodies of old events, and nothing else.
//!
//! The log's canister creates archives, is their one controller and the only one that may write to them. Read [`store`]:
//! bodies have addresses, a repetition is harmless, other content is refused. What is here proves nothing by itself:
//! the log keeps every hash, and whoever reads checks what comes against them.

mod endpoints;
mod icrc3;
mod lifecycle;
mod memory;
mod state;
pub mod store;

// Last: it exports the methods that were declared before it.
mod interface;
