//! The methods of the canister: they take caller and clock, ask the ledger, certify, reply.

mod consent;
mod http;
mod icrc1;
mod icrc2;
mod icrc3;
mod reply;
mod standards;

// What the exported interface names.
pub use reply::prepare as prepare_replies;
pub use standards::StandardRecord;

use crate::block::BlockIndex;
use crate::ledger::{Ledger, Refusal};
use crate::{lifecycle, state};
use cairn_events::Timestamp;
use cairn_kit::notify::{self, Outbox};
use candid::Nat;

cairn_kit::contract_endpoints! {
    outbox: outbox,
    resume: rest,
    can_upgrade: ready,
    examine: examine,
}

fn outbox<T>(reader: impl FnOnce(&Outbox) -> T) -> T {
    state::read(|ledger| reader(ledger.outbox()))
}

/// A ledger has no timers but that of its notifications.
fn rest() {}

/// A ledger waits for nobody.
fn ready() -> Result<(), String> {
    Ok(())
}

fn examine() -> Result<(), String> {
    state::read(|ledger| ledger.examine().map_err(|error| error.to_string()))
}

fn now() -> Timestamp {
    Timestamp(ic_cdk::api::time())
}

/// Has the ledger execute one command. A new block is certified in this very message; the factory hears of holders
/// later, by timer.
fn execute<E: From<Refusal>>(
    command: impl FnOnce(&mut Ledger, Timestamp) -> Result<BlockIndex, Refusal>,
) -> Result<Nat, E> {
    let block = state::mutate(|ledger| command(ledger, now()))?;
    lifecycle::certify();
    notify::wake();
    Ok(block.into())
}
