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
    // It takes a length on trust, which other contents do not have.
    if let Ok(Ok(identity)) = std::panic::catch_unwind(|| BasicIdentity::from_pem(pem)) {
        return Ok(Arc::new(identity));
    }
    if let Ok(identity) = Secp256k1Identity::from_pem(pem) {
        return Ok(Arc::new(identity));
    }
    Prime256v1Identity::from_pem(pem).map(|identity| Arc::new(identity) as Arc<dyn Identity>).map_err(|_| NoKey)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test may fail

    use super::*;

    #[test]
    fn what_is_no_key_is_refused() {
        // With a field that only keys of 83 bytes and more have.
        let short = "-----BEGIN PRIVATE KEY-----\nMA4CAQEwBQYDK2VwBAChAA==\n-----END PRIVATE KEY-----\n";
        let empty = "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n";
        for text in [short, empty, "", "no key"] {
            assert_eq!(read(text.as_bytes()).err(), Some(NoKey), "{text:?}");
        }
    }
}
