//! The templates that contracts are made from.
//!
//! * [`upload`]: a module's bytes arrive in chunks; many uploads at once, each its owner's.
//! * [`store`]: the bytes, under the hash that is computed here, and the interfaces.
//! * [`module`]: what a module exports.
//! * [`interface`]: whether clients of one interface can use another one.
//! * [`registry`]: one admin proposes a version, another one confirms it, and after a delay it is published. It never
//!   changes then, but it can be withdrawn.
//!
//! Bytes and interfaces are inputs, under their hashes; everything else is folded from events.

pub mod endpoints;
pub mod interface;
pub mod module;
pub mod registry;
pub mod store;
pub mod upload;

pub use store::{PART, bytes, parts, size};

/// Opens the memories of modules and uploads; traps if they are not what they should be.
pub fn touch() {
    store::touch();
    upload::touch();
}
