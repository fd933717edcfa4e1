//! A running platform, seen from outside: what the invariants are computed from.

use crate::invariants::{CanisterState, World};
use crate::ledger::Block;
use anyhow::Context as _;
use cairn::platform::Platform;
use cairn_events::Hash;
use std::collections::BTreeSet;

/// What can be witnessed of `platform` now.
///
/// # Errors
/// A canister does not answer, or the ledger's blocks are not those of ICRC-3.
pub fn witness(platform: &mut Platform) -> anyhow::Result<World> {
    let blocks = platform.blocks()?;
    let blocks = blocks.iter().enumerate().map(|(index, block)| Block::parse(index as u64, block));
    let blocks = blocks.collect::<Option<Vec<Block>>>().context("a block of the fee ledger is not readable")?;
    let canisters = platform.net.canisters().into_iter().map(|id| CanisterState {
        id,
        module_hash: platform.net.module_hash(id).map(Hash),
        controllers: platform.net.controllers(id).unwrap_or_default().into_iter().collect(),
    });
    Ok(World {
        audit: platform.audit,
        log: platform.log,
        backend: platform.backend,
        factories: platform.factories().into_iter().map(|(_, id)| id).collect(),
        others: BTreeSet::from([platform.invoices, platform.ledger]),
        canisters: canisters.collect(),
        events: platform.events()?.to_vec(),
        blocks,
    })
}
