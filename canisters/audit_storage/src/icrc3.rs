//! The log as ICRC-3 has it: every event is a block. Open to all; private fields stand in blocks as commitments.

use crate::log::Log;
use crate::{certificate, state};
use cairn_events::{Kind, Value};
use cairn_kit::api::audit::TipCertificate;
use cairn_kit::runtime;
use candid::{CandidType, Nat};
use ic_cdk::query;
use ic_stable_structures::Memory;
use icrc_ledger_types::icrc3::archive::{GetArchivesArgs, GetArchivesResult};
use icrc_ledger_types::icrc3::blocks::{GetBlocksRequest, SupportedBlockType};
use serde_bytes::ByteBuf;

/// Blocks in one answer, as on the reference ledger.
const MAX_BLOCKS: usize = 100;
/// Bytes of stored events in one answer. Their blocks are a few times larger, and an answer may have 2 MiB.
const MAX_BYTES: usize = 400_000;

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
    /// How many blocks the log has.
    pub log_length: Nat,
    /// Those asked for that exist, in the order asked for, until an answer's bounds are reached.
    pub blocks: Vec<Block>,
    /// Where to find others: this log has no archives.
    pub archived_blocks: Vec<ArchivedBlocks>,
}

// The method of an archive that serves its blocks.
candid::define_function!(pub GetArchivedBlocks : (Vec<GetBlocksRequest>) -> (GetBlocksResult) query);

/// Blocks that an archive has.
#[derive(Clone, Debug, PartialEq, Eq, CandidType)]
pub struct ArchivedBlocks {
    /// Which of them to ask for.
    pub args: Vec<GetBlocksRequest>,
    /// Where.
    pub callback: GetArchivedBlocks,
}

/// Blocks of the log. For anyone.
#[query]
fn icrc3_get_blocks(args: Vec<GetBlocksRequest>) -> GetBlocksResult {
    state::read(|log| GetBlocksResult {
        log_length: Nat::from(log.counters().events),
        blocks: blocks(log, &args),
        archived_blocks: Vec::new(),
    })
}

fn blocks<M: Memory>(log: &Log<M>, ranges: &[GetBlocksRequest]) -> Vec<Block> {
    let (mut blocks, mut bytes) = (Vec::new(), 0);
    for range in ranges.iter().take(MAX_BLOCKS) {
        let start = number(&range.start);
        let end = start.saturating_add(number(&range.length)).min(log.counters().events);
        for index in start..end {
            bytes += log.event_size(index);
            if blocks.len() == MAX_BLOCKS || (bytes > MAX_BYTES && !blocks.is_empty()) {
                return blocks;
            }
            match log.event(index) {
                Ok(event) => blocks.push(Block { id: Nat::from(index), block: event.to_value() }),
                Err(error) => ic_cdk::trap(error.to_string()),
            }
        }
    }
    blocks
}

/// A position or a count; what does not fit 64 bits is beyond the end of any log.
fn number(nat: &Nat) -> u64 {
    u64::try_from(&nat.0).unwrap_or(u64::MAX)
}

/// The archives: none. For anyone.
#[query]
fn icrc3_get_archives(_args: GetArchivesArgs) -> GetArchivesResult {
    Vec::new()
}

/// The network's certificate of the log's end, and the tree it certifies. For anyone, as a query.
#[query]
fn icrc3_get_tip_certificate() -> Option<TipCertificate> {
    let certificate = ByteBuf::from(ic_cdk::api::data_certificate()?);
    let tree = state::read(|log| certificate::tree(log.tip().ok().as_ref()));
    Some(TipCertificate { certificate, hash_tree: ByteBuf::from(certificate::encode(&tree)) })
}

/// The kinds of blocks, each described at an address that this canister serves itself. For anyone.
#[query]
fn icrc3_supported_block_types() -> Vec<SupportedBlockType> {
    let id = runtime::id();
    let described = |kind: &Kind| SupportedBlockType {
        block_type: kind.btype().to_owned(),
        url: format!("https://{id}.raw.icp0.io/kinds#{}", kind.btype()),
    };
    Kind::ALL.iter().map(described).collect()
}
