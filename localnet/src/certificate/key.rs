//! The root key ("Root of trust"): a BLS key pair derived from the seed.

use ic_verify_bls_signature::PrivateKey;
use sha2::{Digest, Sha256};

/// Beginning of a BLS public key in DER ("Certification", "Public keys").
const DER_PREFIX: [u8; 37] = [
    0x30, 0x81, 0x82, 0x30, 0x1d, 0x06, 0x0d, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xdc, 0x7c, 0x05, 0x03, 0x01, 0x02,
    0x01, 0x06, 0x0c, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xdc, 0x7c, 0x05, 0x03, 0x02, 0x01, 0x03, 0x61, 0x00,
];

/// The key pair that signs the state tree.
pub(crate) struct RootKey {
    private: PrivateKey,
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RootKey").finish_non_exhaustive()
    }
}

impl RootKey {
    /// The key of a seed.
    pub(crate) fn from_seed(seed: u64) -> Self {
        let mut attempt = 0_u64;
        loop {
            let mut hasher = Sha256::new();
            hasher.update(b"localnet root key");
            hasher.update(seed.to_be_bytes());
            hasher.update(attempt.to_be_bytes());
            let mut scalar: [u8; 32] = hasher.finalize().into();
            // The group order begins with 0x73: with a smaller first byte almost every number is a
            // valid key.
            if let Some(first) = scalar.first_mut() {
                *first &= 0x3f;
            }
            if let Ok(private) = PrivateKey::deserialize(&scalar) {
                return Self { private };
            }
            attempt += 1;
        }
    }

    /// The public key in DER.
    pub(crate) fn der(&self) -> Vec<u8> {
        let mut der = DER_PREFIX.to_vec();
        der.extend_from_slice(&self.private.public_key().serialize());
        der
    }

    /// Signature over a message.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.private.sign(message).serialize().to_vec()
    }
}
