//! ICRC-3: the block log and its certificate.

use crate::block::{BLOCK_TYPES, BlockError, BlockIndex, encode_tree};
use crate::ledger::Ledger;
use crate::state;
use cairn_events::Value;
use cairn_kit::quarantine::serving;
use candid::Nat;
use ic_cdk::query;
use icrc_ledger_types::icrc::generic_value::ICRC3Value;
use icrc_ledger_types::icrc3::archive::{GetArchivesArgs, GetArchivesResult};
use icrc_ledger_types::icrc3::blocks::{
    BlockWithId, GetBlocksRequest, GetBlocksResult, ICRC3DataCertificate, SupportedBlockType,
};
use serde_bytes::ByteBuf;

/// Blocks in one answer, as on the reference ledger.
const MAX_BLOCKS: usize = 100;
/// Bytes of storage that the blocks of one answer take. An answer is a few times larger, and may have 2 MiB.
const MAX_BYTES: usize = 300_000;

#[query(guard = "serving")]
fn icrc3_get_blocks(args: Vec<GetBlocksRequest>) -> GetBlocksResult {
    state::read(|ledger| GetBlocksResult {
        log_length: Nat::from(ledger.log_length()),
        blocks: match collect_blocks(ledger, &args) {
            Ok(blocks) => blocks,
            Err(error) => ic_cdk::trap(error.to_string()),
        },
        archived_blocks: Vec::new(),
    })
}

/// The blocks asked for that exist, in the order asked for, until one of the bounds is reached.
fn collect_blocks(ledger: &Ledger, ranges: &[GetBlocksRequest]) -> Result<Vec<BlockWithId>, BlockError> {
    let mut blocks = Vec::new();
    let mut bytes = 0usize;
    for range in ranges.iter().take(MAX_BLOCKS) {
        let (start, length) = (number(&range.start), number(&range.length));
        let end = start.saturating_add(length).min(ledger.log_length());
        for index in start..end {
            let Some((block, size)) = ledger.block(BlockIndex(index))? else { break };
            bytes = bytes.saturating_add(size);
            if blocks.len() == MAX_BLOCKS || bytes > MAX_BYTES {
                return Ok(blocks);
            }
            blocks.push(BlockWithId { id: Nat::from(index), block: to_candid(block.to_value()?) });
        }
    }
    Ok(blocks)
}

/// A position or a count; what does not fit 64 bits is beyond the end of any log.
fn number(nat: &Nat) -> u64 {
    u64::try_from(&nat.0).unwrap_or(u64::MAX)
}

fn to_candid(value: Value) -> ICRC3Value {
    match value {
        Value::Nat(n) => ICRC3Value::Nat(Nat::from(n)),
        Value::Text(text) => ICRC3Value::Text(text),
        Value::Blob(bytes) => ICRC3Value::Blob(bytes),
        Value::Array(items) => ICRC3Value::Array(items.into_iter().map(to_candid).collect()),
        Value::Map(entries) => {
            ICRC3Value::Map(entries.into_iter().map(|(key, value)| (key, to_candid(value))).collect())
        }
    }
}

#[query(guard = "serving")]
fn icrc3_get_archives(_args: GetArchivesArgs) -> GetArchivesResult {
    Vec::new()
}

#[query(guard = "serving")]
fn icrc3_get_tip_certificate() -> Option<ICRC3DataCertificate> {
    let certificate = ByteBuf::from(ic_cdk::api::data_certificate()?);
    let hash_tree = ByteBuf::from(encode_tree(state::read(Ledger::tip)));
    Some(ICRC3DataCertificate { certificate, hash_tree })
}

#[query(guard = "serving")]
fn icrc3_supported_block_types() -> Vec<SupportedBlockType> {
    let described =
        |(_, name, url): (_, &str, &str)| SupportedBlockType { block_type: name.to_owned(), url: url.to_owned() };
    BLOCK_TYPES.into_iter().map(described).collect()
}
