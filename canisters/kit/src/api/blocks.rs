//! The log as ICRC-3 has it: every event is a block. What the log and its archives answer alike.

use cairn_events::Value;
use candid::{CandidType, Nat, Principal};
use icrc_ledger_types::icrc3::blocks::GetBlocksRequest;

/// Blocks in one answer, as on the reference ledger.
pub const MAX_BLOCKS: usize = 100;
/// Bytes of stored events in one answer. Their blocks are a few times larger, and an answer may have 2 MiB.
pub const MAX_BLOCK_BYTES: usize = 400_000;

/// A block and its index.
#[derive(Clone, Debug, PartialEq, Eq, CandidType)]
pub struct Block {
    /// The index.
    pub id: Nat,
    /// The block. Our values are those of the standard but for `Int`, which we do not use.
    pub block: Value,
}

/// Answer of `icrc3_get_blocks`.
#[derive(Clone, Debug, PartialEq, Eq, CandidType)]
pub struct GetBlocksResult {
    /// How many blocks the log has; an archive counts its own.
    pub log_length: Nat,
    /// Those asked for that are here, in the order asked for, until an answer's bounds are reached.
    pub blocks: Vec<Block>,
    /// Where to find others.
    pub archived_blocks: Vec<ArchivedBlocks>,
}

#[allow(missing_docs, reason = "the macro writes none")]
mod callback {
    use super::{GetBlocksRequest, GetBlocksResult};
    // The method of an archive that serves its blocks.
    candid::define_function!(pub GetArchivedBlocks : (Vec<GetBlocksRequest>) -> (GetBlocksResult) query);
}
pub use callback::GetArchivedBlocks;

/// Blocks that an archive has.
#[derive(Clone, Debug, PartialEq, Eq, CandidType)]
pub struct ArchivedBlocks {
    /// Which of them to ask for.
    pub args: Vec<GetBlocksRequest>,
    /// Where.
    pub callback: GetArchivedBlocks,
}

impl ArchivedBlocks {
    /// The blocks `from..until` of `archive`.
    pub fn of(archive: Principal, from: u64, until: u64) -> Self {
        let args = vec![GetBlocksRequest { start: Nat::from(from), length: Nat::from(until.saturating_sub(from)) }];
        ArchivedBlocks { args, callback: GetArchivedBlocks::new(archive, "icrc3_get_blocks".to_owned()) }
    }
}

/// The indices of a range that exist in a log of `length`; what does not fit 64 bits is beyond the end of any log.
pub fn indices(range: &GetBlocksRequest, length: u64) -> std::ops::Range<u64> {
    let number = |nat: &Nat| u64::try_from(&nat.0).unwrap_or(u64::MAX);
    let start = number(&range.start);
    start..start.saturating_add(number(&range.length)).min(length)
}
