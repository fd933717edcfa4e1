//! The log as ICRC-3 has it: every event is a block. Open to all; private fields stand in blocks as commitments.

use crate::log::Log;
use crate::{certificate, state};
use cairn_events::{Kind, Principal};
use cairn_kit::api::audit::TipCertificate;
use cairn_kit::api::blocks::{ArchivedBlocks, Block, GetBlocksResult, MAX_BLOCK_BYTES, MAX_BLOCKS, indices};
use cairn_kit::runtime;
use candid::Nat;
use ic_cdk::query;
use ic_stable_structures::Memory;
use icrc_ledger_types::icrc3::archive::{GetArchivesArgs, GetArchivesResult, ICRC3ArchiveInfo};
use icrc_ledger_types::icrc3::blocks::{GetBlocksRequest, SupportedBlockType};
use serde_bytes::ByteBuf;
use std::ops::Range;

/// Blocks of the log. For anyone.
#[query]
fn icrc3_get_blocks(args: Vec<GetBlocksRequest>) -> GetBlocksResult {
    state::read(|log| GetBlocksResult {
        log_length: Nat::from(log.counters().events),
        blocks: blocks(log, &args),
        archived_blocks: archived(log, &args),
    })
}

fn blocks<M: Memory>(log: &Log<M>, ranges: &[GetBlocksRequest]) -> Vec<Block> {
    let (mut blocks, mut bytes) = (Vec::new(), 0);
    for range in ranges.iter().take(MAX_BLOCKS) {
        let wanted = indices(range, log.counters().events);
        for index in wanted.start.max(log.kept_from())..wanted.end {
            bytes += log.event_size(index);
            if blocks.len() == MAX_BLOCKS || (bytes > MAX_BLOCK_BYTES && !blocks.is_empty()) {
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

/// Where the blocks are that archives have: of every range asked for, the part in each.
fn archived<M: Memory>(log: &Log<M>, ranges: &[GetBlocksRequest]) -> Vec<ArchivedBlocks> {
    let mut parts = Vec::new();
    for range in ranges.iter().take(MAX_BLOCKS) {
        let wanted = indices(range, log.kept_from());
        for (archive, held) in log.archives() {
            let (from, until) = (wanted.start.max(held.start), wanted.end.min(held.end));
            if from < until && parts.len() < MAX_BLOCKS {
                parts.push(ArchivedBlocks::of(archive, from, until));
            }
        }
    }
    parts
}

/// The archives that have blocks, in order. For anyone.
#[query]
fn icrc3_get_archives(args: GetArchivesArgs) -> GetArchivesResult {
    state::read(|log| {
        let archives = log.archives().filter(|(_, held)| !held.is_empty());
        // After the one named, as the standard has it; of one that is unknown, nothing.
        let after: Vec<_> = match args.from {
            None => archives.collect(),
            Some(from) => archives.skip_while(|(archive, _)| *archive != from).skip(1).collect(),
        };
        let info = |(canister_id, held): (Principal, Range<u64>)| ICRC3ArchiveInfo {
            canister_id,
            start: Nat::from(held.start),
            end: Nat::from(held.end - 1),
        };
        after.into_iter().map(info).collect()
    })
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
