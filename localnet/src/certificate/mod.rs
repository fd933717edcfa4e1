//! Certification: the root key, the state tree, certificates, the node's signature on queries.
//!
//! Interface specification, "Certification" and "The system state tree".

mod access;
mod children;
mod content;
mod key;
mod node;
mod state;
mod tree;

pub use access::{Endpoint, Forbidden};
pub(crate) use key::RootKey;
pub use node::{Node, NodeSignature};
pub use state::CertifiedState;
pub(crate) use state::Certifier;
pub(crate) use tree::Tree;
