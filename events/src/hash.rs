//! 32-byte SHA-256 digests and the identifiers that are such digests.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};
use sha2::digest::generic_array::GenericArray;
use sha2::{Digest, Sha256, compress256};
use std::fmt;
use std::io::Write as _;
use std::slice;

/// Bytes that SHA-256 takes in at a time.
const BLOCK: usize = 64;
/// Bytes that its padding takes at least: a bit, and the length of the message.
const PADDING: usize = 9;
/// The state of SHA-256 before the first block (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
#[serde(transparent)]
pub struct Hash(#[serde(with = "serde_bytes")] pub [u8; 32]);

impl Hash {
    /// The digest of the concatenation of `parts`.
    pub fn of(parts: &[&[u8]]) -> Self {
        match parts.iter().map(|part| part.len()).sum() {
            length if length <= BLOCK - PADDING => Hash::of_blocks::<1>(parts, length),
            length if length <= 2 * BLOCK - PADDING => Hash::of_blocks::<2>(parts, length),
            _ => {
                let mut sha = Sha256::new();
                parts.iter().for_each(|part| sha.update(part));
                Hash(sha.finalize().into())
            }
        }
    }

    /// The digest of `parts`, of `length` bytes in all, which fill `N` blocks with their padding. Most of what is hashed
    /// is short: it is padded in place, without the buffer that longer messages go through.
    fn of_blocks<const N: usize>(parts: &[&[u8]], length: usize) -> Self {
        let mut blocks = [[0; BLOCK]; N];
        let mut message = blocks.as_flattened_mut();
        if let Some(end) = message.last_chunk_mut() {
            *end = (8 * length as u64).to_be_bytes();
        }
        // There is room: the caller has counted.
        for part in parts.iter().chain(&[&[0x80_u8][..]]) {
            let _ = message.write(part);
        }
        let mut state = INITIAL;
        for block in &blocks {
            compress256(&mut state, slice::from_ref(GenericArray::from_slice(block)));
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(state.map(u32::to_be_bytes).as_flattened());
        Hash(digest)
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

    /// The hexadecimal digits of each byte.
    pub(crate) fn hex(&self) -> [[u8; 2]; 32] {
        let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
        self.0.map(|byte| [digit(byte >> 4), digit(byte & 15)])
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
        f.write_str(std::str::from_utf8(self.hex().as_flattened()).unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Around every boundary of a block, and in several parts.
    #[test]
    fn messages_of_any_length_have_their_digest() {
        let message: Vec<u8> = (0..=255).collect();
        for length in 0..message.len() {
            let (whole, digest) = (&message[..length], Hash(Sha256::digest(&message[..length]).into()));
            assert_eq!(Hash::of(&[whole]), digest, "{length} bytes");
            let (begin, end) = whole.split_at(length / 3);
            assert_eq!(Hash::of(&[begin, &[], end]), digest, "{length} bytes in parts");
        }
    }
}
