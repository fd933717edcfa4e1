//! 32-byte SHA-256 digests and the identifiers that are such digests.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
#[serde(transparent)]
pub struct Hash(#[serde(with = "serde_bytes")] pub [u8; 32]);

impl Hash {
    /// The digest of the concatenation of `parts`.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut sha = Sha256::new();
        for part in parts {
            sha.update(part);
        }
        Hash(sha.finalize().into())
    }

    /// The digest of `parts`, each preceded by its length, under a domain: no two lists of parts collide.
    pub fn of_fields(domain: &str, parts: &[&[u8]]) -> Self {
        let mut sha = Sha256::new();
        for part in std::iter::once(&domain.as_bytes()).chain(parts) {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        Hash(sha.finalize().into())
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a digest from exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Hash)
    }

    /// Reads a digest from 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let digit = |byte: u8| (byte as char).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let &[high, low] = pair else { return None };
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Some(Hash(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // At once, not byte by byte: streams are named after deployments in every block that is hashed.
        let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
        let digits = self.0.map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        f.write_str(std::str::from_utf8(digits.as_flattened()).unwrap_or_default())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The identity of a log: it stands in event 0, in every event and in the certified tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
#[serde(transparent)]
pub struct LogId(pub crate::hash::Hash);

impl LogId {
    /// The id of the log that `canister` begins with the random `seed`.
    pub fn derive(canister: Principal, seed: &[u8; 32]) -> Self {
        LogId(crate::hash::Hash::of_fields("cairn.log", &[canister.as_slice(), seed]))
    }
}

/// The identity of one deployment: what a caller asked for under one request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
#[serde(transparent)]
pub struct DeploymentId(pub crate::hash::Hash);

impl DeploymentId {
    /// The deployment of `(caller, request_id)` in `log`. A clone of the platform has another log, so other ids.
    pub fn derive(log: LogId, caller: Principal, request_id: &str) -> Self {
        DeploymentId(crate::hash::Hash::of_fields(
            "cairn.deployment",
            &[log.0.as_bytes(), caller.as_slice(), request_id.as_bytes()],
        ))
    }

    /// The ICRC-1 subaccount of the gateway that holds this deployment's money, and nobody else's.
    pub fn escrow_subaccount(&self) -> [u8; 32] {
        self.0.0
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
