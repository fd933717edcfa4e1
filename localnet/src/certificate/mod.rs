//! Certification: the root key, the state tree, certificates.
//!
//! Interface specification, "Certification" and "The system state tree".

mod key;
mod state;
mod tree;

pub(crate) use key::RootKey;
pub(crate) use state::{CertifiedState, Certifier};
