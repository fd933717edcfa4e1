//! Signatures of users ("Signatures"): Ed25519, ECDSA on P-256 and secp256k1, Web Authentication,
//! canister signatures.

mod canister;
mod web_authn;

use ed25519_dalek::VerifyingKey;
use p256::pkcs8::{DecodePublicKey, ObjectIdentifier, SubjectPublicKeyInfoRef};

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP256K1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
/// A COSE key wrapped in DER.
const COSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.56387.1.1");
const CANISTER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.56387.1.2");

/// A key that authenticates a user.
pub(crate) enum PublicKey<'a> {
    Ed25519(VerifyingKey),
    Secp256k1(k256::ecdsa::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    /// A P-256 key in an authenticator.
    WebAuthn(p256::ecdsa::VerifyingKey),
    /// The key, in DER, of a canister that signs by what it certifies.
    Canister(&'a [u8]),
}

impl<'a> PublicKey<'a> {
    /// Reads a key in DER; the error says what is wrong with it.
    pub(crate) fn from_der(der: &'a [u8]) -> Result<Self, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("not a valid public key: {error}");
        let info = SubjectPublicKeyInfoRef::try_from(der).map_err(|error| wrong(&error))?;
        let bits = info.subject_public_key.as_bytes().ok_or_else(|| wrong(&"odd number of bits"))?;
        match info.algorithm.oid {
            ED25519 => {
                let key: &[u8; 32] = bits.try_into().map_err(|_| wrong(&"an Ed25519 key has 32 bytes"))?;
                VerifyingKey::from_bytes(key).map(Self::Ed25519).map_err(|error| wrong(&error))
            }
            EC => match info.algorithm.parameters_oid().map_err(|error| wrong(&error))? {
                P256 => DecodePublicKey::from_public_key_der(der).map(Self::P256).map_err(|error| wrong(&error)),
                SECP256K1 => {
                    DecodePublicKey::from_public_key_der(der).map(Self::Secp256k1).map_err(|error| wrong(&error))
                }
                curve => Err(wrong(&format_args!("the curve {curve} is not supported"))),
            },
            COSE => web_authn::key(bits).map(Self::WebAuthn).map_err(|error| wrong(&error)),
            CANISTER => Ok(Self::Canister(der)),
            scheme => Err(wrong(&format_args!("the scheme {scheme} is not supported"))),
        }
    }

    /// Checks a signature. Signatures of canisters are certified, by this network's root key.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8], root_key: &[u8]) -> Result<(), String> {
        match self {
            Self::Ed25519(key) => {
                let signature: ed25519_dalek::Signature =
                    signature.try_into().map_err(|_| "an Ed25519 signature has 64 bytes".to_owned())?;
                key.verify_strict(message, &signature).map_err(|error| error.to_string())
            }
            Self::Secp256k1(key) => {
                use k256::ecdsa::{Signature, signature::Verifier};
                let signature = Signature::from_slice(signature).map_err(|error| error.to_string())?;
                // Both forms of a signature are good; the library knows only the lower one.
                let signature = signature.normalize_s().unwrap_or(signature);
                key.verify(message, &signature).map_err(|error| error.to_string())
            }
            Self::P256(key) => {
                use p256::ecdsa::{Signature, signature::Verifier};
                let signature = Signature::from_slice(signature).map_err(|error| error.to_string())?;
                key.verify(message, &signature).map_err(|error| error.to_string())
            }
            Self::WebAuthn(key) => web_authn::verify(key, message, signature),
            Self::Canister(key) => canister::verify(key, message, signature, root_key),
        }
    }
}
