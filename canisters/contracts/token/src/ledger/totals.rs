//! The few numbers that change with every block.

use crate::block::{BlockIndex, Tip};
use cairn_events::{Amount, Hash};
use ic_stable_structures::Storable;
use ic_stable_structures::storable::Bound;
use std::borrow::Cow;

/// Supply and tip, written together with each block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tokens in existence.
    pub supply: Amount,
    /// The last block.
    pub tip: Option<Tip>,
}

const WITHOUT_TIP: usize = 16;
const WITH_TIP: usize = WITHOUT_TIP + 8 + 32;

impl Storable for Totals {
    const BOUND: Bound = Bound::Bounded { max_size: WITH_TIP as u32, is_fixed_size: false };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.into_bytes())
    }
    fn into_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(WITH_TIP);
        bytes.extend_from_slice(&self.supply.0.to_be_bytes());
        if let Some(Tip { index, hash }) = self.tip {
            bytes.extend_from_slice(&index.0.to_be_bytes());
            bytes.extend_from_slice(hash.as_bytes());
        }
        bytes
    }
    fn from_bytes(bytes: Cow<[u8]>) -> Self {
        let number = |from: usize, to: usize| {
            bytes.get(from..to).unwrap_or_default().iter().fold(0u128, |n, byte| n << 8 | u128::from(*byte))
        };
        let hash = bytes.get(24..).and_then(Hash::from_slice);
        Totals {
            supply: Amount(number(0, WITHOUT_TIP)),
            tip: hash.map(|hash| Tip { index: BlockIndex(number(WITHOUT_TIP, 24) as u64), hash }),
        }
    }
}
