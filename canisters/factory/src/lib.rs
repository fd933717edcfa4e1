//! The one factory that the five faces share: from a dispatched deployment to a contract that is its owner's.
//!
//! A face supplies its [`ContractKind`] and the endpoints, by [`endpoints!`]; all behaviour is here.
//!
//! * [`deployment`]: admission, the driver, the arbiter.
//! * [`pool`]: empty canisters made ahead. [`template`]: what is installed into them.
//! * [`callback`]: what contracts tell their factory. [`role`]: what people say of it.
//! * [`upgrade`]: from a request to a contract that runs another version, or the one that it ran before.
//! * [`resources`]: cycles, of contracts and of the factory itself.
//! * [`state`]: what the factory knows, folded from its own events.
//! * [`index`]: the contracts that people can find, as the log tells.
//! * [`recovery`]: what runs by itself.

pub mod access;
pub mod callback;
pub mod deployment;
pub mod endpoints;
pub mod index;
pub mod kind;
pub mod lifecycle;
pub mod management;
pub mod memory;
pub mod metrics;
pub mod pool;
pub mod recovery;
pub mod refusal;
pub mod resources;
pub mod role;
pub mod state;
pub mod template;
pub mod upgrade;

pub use kind::{ContractKind, InstallContext, InvalidArgs, Listing};

#[cfg(test)]
mod tests;
