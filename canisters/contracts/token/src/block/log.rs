//! The append-only log of blocks and its tip.

use super::{Block, Transaction};
use crate::memory::{self, Memories, Memory};
use cairn_events::{Hash, codec};
use candid::Nat;
use ic_stable_structures::storable::Bound;
use ic_stable_structures::{Log, Storable};
use std::borrow::Cow;

/// The position of a block in the log, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockIndex(pub u64);

impl From<BlockIndex> for Nat {
    fn from(index: BlockIndex) -> Self {
        Nat::from(index.0)
    }
}

/// The last block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its position.
    pub index: BlockIndex,
    /// Its hash, which stands for the whole log.
    pub hash: Hash,
}

/// A block as stored: CBOR of the same shape that is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct StoredBlock(Vec<u8>);

impl Storable for StoredBlock {
    const BOUND: Bound = Bound::Unbounded;

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.0)
    }
    fn into_bytes(self) -> Vec<u8> {
        self.0
    }
    fn from_bytes(bytes: Cow<[u8]>) -> Self {
        StoredBlock(bytes.into_owned())
    }
}

/// What should never happen to a block.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// It cannot be written or read back.
    #[error("block cannot be encoded or decoded: {0}")]
    Codec(#[from] codec::CodecError),
    /// It has no value of ICRC-3.
    #[error(transparent)]
    Value(#[from] cairn_events::value::UnsupportedValue),
    /// Stable memory could not grow.
    #[error("stable memory is full")]
    MemoryFull,
}

/// All blocks, in stable memory. The length is that of the underlying log.
pub struct BlockLog {
    blocks: Log<StoredBlock, Memory, Memory>,
}

impl BlockLog {
    /// Opens the log, or begins an empty one.
    pub fn open(memories: &Memories) -> Self {
        BlockLog { blocks: Log::init(memories.get(memory::BLOCK_INDEX), memories.get(memory::BLOCK_DATA)) }
    }

    /// The number of blocks.
    pub fn len(&self) -> u64 {
        self.blocks.len()
    }

    /// Whether there is no block.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Bytes that the blocks take.
    pub fn size_bytes(&self) -> u64 {
        self.blocks.log_size_bytes()
    }

    /// Appends a block and returns the new tip.
    ///
    /// # Errors
    /// If the block cannot be encoded, or stable memory cannot grow; nothing is appended then.
    pub fn append(&mut self, block: &Block) -> Result<Tip, BlockError> {
        let hash = block.hash()?;
        let stored = StoredBlock(codec::encode(block));
        let index = self.blocks.append(&stored).map_err(|_| BlockError::MemoryFull)?;
        Ok(Tip { index: BlockIndex(index), hash })
    }

    /// The block at `index` and the bytes it takes, `None` beyond the end.
    ///
    /// # Errors
    /// If stored bytes are not a block.
    pub fn get(&self, index: BlockIndex) -> Result<Option<(Block, usize)>, BlockError> {
        match self.blocks.get(index.0) {
            Some(stored) => Ok(Some((codec::decode_trusted(&stored.0)?, stored.0.len()))),
            None => Ok(None),
        }
    }

    /// The tip, computed from the last block; `None` if there is none.
    ///
    /// # Errors
    /// If the last block cannot be read.
    pub fn compute_tip(&self) -> Result<Option<Tip>, BlockError> {
        let Some(last) = self.len().checked_sub(1).map(BlockIndex) else { return Ok(None) };
        match self.get(last)? {
            Some((block, _)) => Ok(Some(Tip { index: last, hash: block.hash()? })),
            None => Ok(None),
        }
    }
}

/// A hash by which equal transactions are recognised: over the stored form, which is cheaper than hashing the value,
/// and equal exactly if the transactions are.
pub fn fingerprint(transaction: &Transaction) -> Hash {
    Hash::of(&[&codec::encode(transaction)])
}
