//! Install and upgrade.
//!
//! There is no `pre_upgrade`: everything is in stable memory at all times. After an upgrade every memory is opened and
//! the tip recomputed from the last block; whatever does not fit traps, and the platform restores the old code.

use crate::block::certified_root;
use crate::config::{Config, InvalidArgument};
use crate::ledger::{Ledger, Transfer};
use crate::memory::{self, Memories};
use crate::{endpoints, state};
use cairn_events::Timestamp;
use cairn_kit::api::ledger::{InitArgs, LedgerArg};
use cairn_kit::{notify, quarantine, runtime};
use ic_stable_structures::DefaultMemoryImpl;
use std::cell::Cell;

thread_local! {
    static UPGRADE_INSTRUCTIONS: Cell<u64> = const { Cell::new(0) };
}

/// Wasm instructions that the last upgrade took, 0 since an install.
pub fn upgrade_instructions() -> u64 {
    UPGRADE_INSTRUCTIONS.get()
}

#[ic_cdk::init]
fn init(argument: LedgerArg) {
    match install(argument) {
        Ok(ledger) => begin(ledger),
        Err(reason) => ic_cdk::trap(reason),
    }
}

#[ic_cdk::post_upgrade]
fn post_upgrade(argument: Option<LedgerArg>) {
    match upgrade(argument) {
        Ok(ledger) => {
            quarantine::after_upgrade(ic_cdk::api::msg_caller(), ledger.outbox().factory());
            begin(ledger);
        }
        Err(reason) => ic_cdk::trap(reason),
    }
    UPGRADE_INSTRUCTIONS.set(ic_cdk::api::instruction_counter());
}

/// The memories of this canister.
fn memories() -> Memories {
    let memories = Memories::new(DefaultMemoryImpl::default());
    runtime::take_up(memories.get(memory::TICKETS));
    memories
}

fn begin(ledger: Ledger) {
    state::install(ledger);
    certify();
    endpoints::prepare_replies();
    notify::open(|visitor| {
        state::mutate(|ledger| {
            let (outbox, accounts) = ledger.outbox_mut();
            visitor(outbox, accounts);
        });
    });
}

/// Certifies the tip. Called in the message that appends a block, before it ends.
pub fn certify() {
    ic_cdk::api::certified_data_set(certified_root(state::read(Ledger::tip)));
}

fn install(argument: LedgerArg) -> Result<Ledger, String> {
    let LedgerArg::Init(args) = argument else {
        let wrong = InvalidArgument::WrongVariant { hook: "an install", expected: "Init" };
        return Err(wrong.to_string());
    };
    let now = Timestamp(ic_cdk::api::time());
    new_ledger(&memories(), args, now)
}

/// A new ledger with its initial balances minted.
pub(crate) fn new_ledger(memories: &Memories, args: InitArgs, now: Timestamp) -> Result<Ledger, String> {
    let (config, balances) = Config::from_init(args).map_err(|error| error.to_string())?;
    let minter = config.minting_account;
    let mut ledger = Ledger::create(memories, config);
    for (to, amount) in balances {
        let mint = Transfer { from: minter, to, spender: None, amount, fee: None, memo: None, created_at: None };
        ledger.mint_initially(mint, now).map_err(|refusal| refusal.to_string())?;
    }
    Ok(ledger)
}

fn upgrade(argument: Option<LedgerArg>) -> Result<Ledger, String> {
    let memories = memories();
    let mut ledger = Ledger::open(&memories).map_err(|error| error.to_string())?;
    match argument {
        None | Some(LedgerArg::Upgrade(None)) => Ok(ledger),
        Some(LedgerArg::Upgrade(Some(args))) => {
            ledger.reconfigure(args).map_err(|error| error.to_string())?;
            Ok(ledger)
        }
        Some(LedgerArg::Init(_)) => {
            Err(InvalidArgument::WrongVariant { hook: "an upgrade", expected: "Upgrade" }.to_string())
        }
    }
}
