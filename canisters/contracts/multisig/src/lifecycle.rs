//! Install and upgrade.
//!
//! There is no `pre_upgrade`: everything is in stable memory at all times. After an upgrade every memory is opened and
//! the tip of the trail recomputed; whatever does not fit traps, and the platform restores the old code.

use crate::memory::{self, Memories};
use crate::state;
use crate::timer;
use crate::wallet::Wallet;
use cairn_events::Timestamp;
use cairn_kit::api::multisig::WalletInit;
use cairn_kit::{notify, quarantine, runtime};
use ic_stable_structures::DefaultMemoryImpl;

#[ic_cdk::init]
fn init(argument: WalletInit) {
    let memories = memories();
    let (factory, epoch) = (argument.factory, argument.epoch);
    match Wallet::create(&memories, runtime::id(), argument, Timestamp(runtime::now())) {
        Ok(wallet) => {
            let mut outbox = state::outbox_in(&memories);
            outbox.begin(factory, epoch);
            state::install(wallet, outbox);
            notify::open(state::desk);
        }
        Err(reason) => ic_cdk::trap(reason.to_string()),
    }
}

#[ic_cdk::post_upgrade]
fn post_upgrade() {
    let memories = memories();
    match Wallet::open(&memories) {
        Ok(wallet) => {
            let outbox = state::outbox_in(&memories);
            quarantine::after_upgrade(ic_cdk::api::msg_caller(), outbox.factory());
            state::install(wallet, outbox);
            timer::resume();
            notify::open(state::desk);
        }
        Err(reason) => ic_cdk::trap(reason.to_string()),
    }
}

/// The memories of this canister.
fn memories() -> Memories {
    let memories = Memories::new(DefaultMemoryImpl::default());
    runtime::take_up(memories.get(memory::TICKETS));
    memories
}
