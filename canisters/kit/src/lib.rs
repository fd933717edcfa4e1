//! What every canister of the platform shares.
//!
//! * [`api`]: the Candid types that our canisters, and those who call them, agree on.
//! * [`runtime`]: everything a canister asks of the network, behind one trait.
//! * [`journal`]: a writer's way into the log. A canister's decision state changes in the journal's `apply` only.
//! * [`reading`]: events of the log, wherever their bodies lie.
//! * [`host`]: a projection of the log, kept in stable memory, rebuilt beside the one that serves.
//! * [`notify`], [`quarantine`], [`contract`]: what contracts tell and owe their factory.
//! * [`arguments`]: what strangers send, decoded within bounds.
//! * [`heap`]: one that forgets what is private.
//! * [`access`], [`guard`], [`http`], [`layout`], [`stable`]: who calls, what is under way, what is shown to operators,
//!   what stable memory holds.

pub mod access;
pub mod api;
pub mod arguments;
pub mod contract;
pub mod guard;
pub mod heap;
pub mod host;
pub mod http;
pub mod journal;
pub mod layout;
pub mod message;
pub mod notify;
pub mod quarantine;
pub mod reading;
pub mod runtime;
pub mod stable;
