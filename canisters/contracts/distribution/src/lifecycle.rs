//! Install and upgrade.
//!
//! There is no `pre_upgrade`: everything is in stable memory at all times. After an upgrade every memory is opened and
//! the layout checked; whatever does not fit traps, and the platform restores the old code. After an upgrade by the
//! factory the canister is in quarantine until the factory confirms it.

use crate::campaign::Campaign;
use crate::memory::{self, LAYOUT_VERSION, Memories};
use crate::state;
use crate::transfer::driver;
use cairn_events::Timestamp;
use cairn_kit::api::distribution::DistributionInit;
use cairn_kit::notify::{self, Outbox};
use cairn_kit::{layout, quarantine, runtime};
use ic_stable_structures::DefaultMemoryImpl;

/// The memories of this canister.
fn memories() -> Memories {
    let memories = Memories::new(DefaultMemoryImpl::default());
    runtime::take_up(memories.get(memory::TICKETS));
    memories
}

fn outbox(memories: &Memories) -> Outbox {
    Outbox::open(notify::Memories {
        state: memories.get(memory::OUTBOX),
        changes: memories.get(memory::OUTBOX_CHANGES),
        numbered: memories.get(memory::OUTBOX_NUMBERED),
        facts: memories.get(memory::OUTBOX_FACTS),
    })
}

#[ic_cdk::init]
fn init(argument: DistributionInit) {
    let memories = memories();
    if let Err(error) = install(&memories, argument) {
        ic_cdk::trap(error);
    }
    notify::open(state::desk);
    driver::resume();
}

fn install(memories: &Memories, argument: DistributionInit) -> Result<(), String> {
    layout::begin(&memories.get(memory::LAYOUT), LAYOUT_VERSION).map_err(|error| error.to_string())?;
    let (factory, epoch) = (argument.factory, argument.epoch.unwrap_or_default());
    let campaign = Campaign::create(memories, runtime::id(), argument, Timestamp(runtime::now()));
    let campaign = campaign.map_err(|error| error.to_string())?;
    let mut outbox = outbox(memories);
    outbox.begin(factory, epoch);
    state::install(campaign, outbox);
    Ok(())
}

#[ic_cdk::post_upgrade]
fn post_upgrade() {
    let memories = memories();
    if let Err(error) = layout::check(&memories.get(memory::LAYOUT), LAYOUT_VERSION) {
        ic_cdk::trap(error.to_string());
    }
    let Some(campaign) = Campaign::open(&memories, runtime::id()) else {
        ic_cdk::trap("stable memory holds no distribution");
    };
    let outbox = outbox(&memories);
    quarantine::after_upgrade(ic_cdk::api::msg_caller(), outbox.factory());
    state::install(campaign, outbox);
    notify::open(state::desk);
    if !quarantine::is_active() {
        driver::resume();
    }
}

/// Whether the code may be replaced now: not while an answer of a ledger is awaited, which would find other code.
/// Nothing would be lost by it, but a payment would have to be asked for again.
pub fn can_upgrade() -> Result<(), String> {
    match driver::in_flight() {
        0 => Ok(()),
        found => Err(format!("{found} transfers wait for a ledger's answer")),
    }
}
