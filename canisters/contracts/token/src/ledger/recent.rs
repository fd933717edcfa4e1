//! Recent transactions, so that a repeated one is answered with the block of the first.

use crate::block::BlockIndex;
use crate::memory::{self, Memories, Memory};
use cairn_events::{Hash, Timestamp};
use ic_stable_structures::BTreeMap;

/// How long a transaction is remembered: 24 hours, in nanoseconds.
pub const WINDOW: u64 = 24 * 60 * 60 * 1_000_000_000;
/// By how much a caller's clock may differ from the ledger's: 60 seconds, in nanoseconds.
pub const PERMITTED_DRIFT: u64 = 60 * 1_000_000_000;

/// Forgotten transactions removed for each one remembered: the table stays within the window, and no caller pays for a
/// backlog.
const PRUNED_PER_TRANSACTION: usize = 2;

/// The creation time, then the first 16 bytes of the fingerprint. One table serves as index and as queue: it is
/// ordered by the time after which a row may go. 16 bytes leave an attacker 2^128 work to hit another's transaction;
/// colliding two of one's own gains a refusal.
type Key = [u8; 24];

fn key(created_at: Timestamp, fingerprint: &Hash) -> Key {
    let mut key = [0; 24];
    let (time, prefix) = key.split_at_mut(8);
    time.copy_from_slice(&created_at.0.to_be_bytes());
    prefix.iter_mut().zip(fingerprint.as_bytes()).for_each(|(to, from)| *to = *from);
    key
}

fn created_at(key: &Key) -> Timestamp {
    Timestamp(key.iter().take(8).fold(0, |n, byte| n << 8 | u64::from(*byte)))
}

/// Whether a transaction of that time has passed out of the window.
pub fn is_too_old(created_at: Timestamp, now: Timestamp) -> bool {
    created_at.0 < now.0.saturating_sub(WINDOW).saturating_sub(PERMITTED_DRIFT)
}

/// Whether a transaction of that time comes from a clock too far ahead.
pub fn is_in_future(created_at: Timestamp, now: Timestamp) -> bool {
    created_at.0 > now.0.saturating_add(PERMITTED_DRIFT)
}

/// The transactions of the window that have a creation time.
pub struct Recent {
    blocks: BTreeMap<Key, u64, Memory>,
}

impl Recent {
    /// Opens the table, or begins an empty one.
    pub fn open(memories: &Memories) -> Self {
        Recent { blocks: BTreeMap::init(memories.get(memory::RECENT)) }
    }

    /// Transactions remembered.
    pub fn count(&self) -> u64 {
        self.blocks.len()
    }

    /// The block of an equal transaction.
    pub fn find(&self, created_at: Timestamp, fingerprint: &Hash) -> Option<BlockIndex> {
        self.blocks.get(&key(created_at, fingerprint)).map(BlockIndex)
    }

    /// Remembers a transaction, and forgets a few that are too old.
    pub fn remember(&mut self, created_at_time: Timestamp, fingerprint: &Hash, block: BlockIndex, now: Timestamp) {
        for _ in 0..PRUNED_PER_TRANSACTION {
            match self.blocks.first_key_value() {
                Some((oldest, _)) if is_too_old(created_at(&oldest), now) => self.blocks.remove(&oldest),
                _ => break,
            };
        }
        self.blocks.insert(key(created_at_time, fingerprint), block.0);
    }
}
