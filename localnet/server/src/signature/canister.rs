//! Signatures of canisters ("Canister signatures").

use ic_signature_verification::verify_canister_sig;

/// Bytes of a BLS public key, at the end of its DER encoding.
const BLS_KEY: usize = 96;

/// Checks a signature against a root key in DER.
pub(super) fn verify(key: &[u8], message: &[u8], signature: &[u8], root_key: &[u8]) -> Result<(), String> {
    let raw = root_key.len().checked_sub(BLS_KEY).and_then(|prefix| root_key.get(prefix..));
    let raw = raw.ok_or_else(|| "the root key is too short".to_owned())?;
    verify_canister_sig(message, signature, key, raw)
}
