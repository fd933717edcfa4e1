//! Who asks: a private key in a PEM file, or nobody.

use ic_agent::Identity;
use ic_agent::identity::{AnonymousIdentity, BasicIdentity, Prime256v1Identity, Secp256k1Identity};
use std::sync::Arc;

/// A file that holds no private key that could be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no private key of Ed25519, ECDSA on secp256k1 or on P-256 in PEM, without a password")]
pub struct NoKey;

/// Nobody in particular.
pub fn nobody() -> Arc<dyn Identity> {
    Arc::new(AnonymousIdentity)
}

/// The one who has the private key in this PEM file.
///
/// # Errors
/// [`NoKey`].
pub fn read(pem: &[u8]) -> Result<Arc<dyn Identity>, NoKey> {
    if let Ok(identity) = BasicIdentity::from_pem(pem) {
        return Ok(Arc::new(identity));
    }
    if let Ok(identity) = Secp256k1Identity::from_pem(pem) {
        return Ok(Arc::new(identity));
    }
    Prime256v1Identity::from_pem(pem).map(|identity| Arc::new(identity) as Arc<dyn Identity>).map_err(|_| NoKey)
}
