//! Salted commitments: private fields stand in a public block as a commitment, their opening in an erasable side table.

use crate::Hash;
use candid::CandidType;
use serde::{Deserialize, Serialize};

/// The commitment to a private field: reveals nothing, binds to one content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
#[serde(transparent)]
pub struct Commitment(pub Hash);

impl Commitment {
    /// What tells the opening of this commitment in event `index` from all others.
    pub fn within(self, index: u64) -> Hash {
        Hash::of_fields("cairn.opening", &[&index.to_be_bytes(), self.0.as_bytes()])
    }
}

/// What a commitment commits to. Without its salt the content of a short field could be guessed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Opening {
    /// 256 random bits, used once.
    #[serde(rename = "s", with = "serde_bytes")]
    pub salt: [u8; 32],
    /// The private field's content.
    #[serde(rename = "c", with = "serde_bytes")]
    pub content: Vec<u8>,
}

impl Opening {
    /// The largest content that is accepted, in bytes.
    pub const MAX_CONTENT: usize = 1024;

    /// The commitment that this opens.
    pub fn commitment(&self) -> Commitment {
        Commitment(Hash::of_fields("cairn.commitment", &[&self.salt, &self.content]))
    }
}
