//! The methods of the canister: they take caller and clock, ask the ledger, certify, reply.

mod consent;
mod http;
mod icrc1;
mod icrc2;
mod icrc3;
mod reply;
mod standards;
mod status;

// What the exported interface names.
pub use reply::prepare as prepare_replies;
pub use standards::StandardRecord;

use crate::block::BlockIndex;
use crate::ledger::{Ledger, Refusal};
use crate::lifecycle::certify;
use crate::{notify, state};
use cairn_events::Timestamp;
use candid::Nat;

fn now() -> Timestamp {
    Timestamp(ic_cdk::api::time())
}

/// Has the ledger execute one command. A new block is certified in this very message; the factory hears of holders
/// later, by timer.
fn execute<E: From<Refusal>>(
    command: impl FnOnce(&mut Ledger, Timestamp) -> Result<BlockIndex, Refusal>,
) -> Result<Nat, E> {
    let block = state::mutate(|ledger| command(ledger, now()))?;
    certify();
    notify::wake();
    Ok(block.into())
}
