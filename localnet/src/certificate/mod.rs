//! Certification: the root key, the state tree, certificates.

mod key;

pub(crate) use key::RootKey;
