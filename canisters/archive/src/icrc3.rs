//! The archived part of the log as ICRC-3 has it. The certificate of the whole is the log's.

use crate::state;
use crate::store::Store;
use cairn_events::{Event, Kind, codec};
use cairn_kit::api::archive::Holdings;
use cairn_kit::api::audit::TipCertificate;
use cairn_kit::api::blocks::{Block, GetBlocksResult, MAX_BLOCK_BYTES, MAX_BLOCKS, indices};
use candid::Nat;
use ic_cdk::query;
use ic_stable_structures::Memory;
use icrc_ledger_types::icrc3::archive::{GetArchivesArgs, GetArchivesResult};
use icrc_ledger_types::icrc3::blocks::{GetBlocksRequest, SupportedBlockType};

/// Blocks that are here, of those asked for; `log_length` is how many are here. For anyone.
#[query]
fn icrc3_get_blocks(args: Vec<GetBlocksRequest>) -> GetBlocksResult {
    state::with(|store| {
        let Holdings { from, until, .. } = store.holdings();
        let log_length = Nat::from(until.saturating_sub(from));
        GetBlocksResult { log_length, blocks: blocks(store, &args), archived_blocks: Vec::new() }
    })
}

fn blocks<M: Memory>(store: &Store<M>, ranges: &[GetBlocksRequest]) -> Vec<Block> {
    let Holdings { from, until, .. } = store.holdings();
    let (mut blocks, mut bytes) = (Vec::new(), 0);
    for range in ranges.iter().take(MAX_BLOCKS) {
        let wanted = indices(range, until);
        for index in wanted.start.max(from)..wanted.end {
            let body = store.body(index).unwrap_or_default();
            bytes += body.len();
            if blocks.len() == MAX_BLOCKS || (bytes > MAX_BLOCK_BYTES && !blocks.is_empty()) {
                return blocks;
            }
            match codec::decode_trusted::<Event>(&body) {
                Ok(event) => blocks.push(Block { id: Nat::from(index), block: event.to_value() }),
                Err(error) => ic_cdk::trap(error.to_string()),
            }
        }
    }
    blocks
}

/// Archives of this archive: none. For anyone.
#[query]
fn icrc3_get_archives(_args: GetArchivesArgs) -> GetArchivesResult {
    Vec::new()
}

/// None: the log's canister has it. For anyone.
#[query]
fn icrc3_get_tip_certificate() -> Option<TipCertificate> {
    None
}

/// The kinds of blocks, each described at an address that the log's canister serves. For anyone.
#[query]
fn icrc3_supported_block_types() -> Vec<SupportedBlockType> {
    let audit = state::with(|store| store.holdings().audit);
    let described = |kind: &Kind| SupportedBlockType {
        block_type: kind.btype().to_owned(),
        url: format!("https://{audit}.raw.icp0.io/kinds#{}", kind.btype()),
    };
    Kind::ALL.iter().map(described).collect()
}
