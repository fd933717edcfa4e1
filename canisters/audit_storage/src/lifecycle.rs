//! Install, upgrade, and the two events that the log owes to itself.
//!
//! There is no `pre_upgrade`: everything is in stable memory at all times. `post_upgrade` opens every memory, checks the
//! layout and the last event, certifies the end of the log again, and traps if anything does not fit; its cost does not
//! depend on the log's length. Event 0 needs the network's randomness, the event of an upgrade the network's word on
//! our module: both are fetched by timers, again and again until they are there.

use crate::log::Log;
use crate::memory::{self, Bucketed, Memories};
use crate::{archiving, commitment, state};
use cairn_events::Principal;
use cairn_kit::api::audit::AuditInit;
use cairn_kit::runtime;
use std::time::Duration;

/// Waiting time before the second attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest waiting time.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

#[ic_cdk::init]
fn init(argument: AuditInit) {
    let installer = ic_cdk::api::msg_caller();
    let canister = runtime::id();
    if [canister, Principal::anonymous(), Principal::management_canister()].contains(&argument.money_writer) {
        ic_cdk::trap("the money writer must be another canister");
    }
    state::install(Log::create(memories(), canister, installer, argument.money_writer));
    resume();
}

#[ic_cdk::post_upgrade]
fn post_upgrade() {
    match Log::open(memories()) {
        Ok(log) => state::install(log),
        Err(reason) => ic_cdk::trap(reason.to_string()),
    }
    state::note(|log| log.note_upgrade(runtime::instructions()));
    resume();
}

/// The log's memories, once the runtime has its own.
fn memories() -> Memories<Bucketed> {
    let (log, tickets) = memory::memories();
    runtime::take_up(tickets);
    log
}

/// Arms the timers for what is still owed, if anything is.
fn resume() {
    commitment::begin();
    archiving::begin();
    runtime::after(Duration::ZERO, settle(FIRST_WAIT));
}

/// Appends what is owed. The next attempt is armed before the first await, so that a trap cannot end the series.
async fn settle(wait: Duration) {
    if !state::read(Log::owes) {
        return;
    }
    runtime::after(wait, settle((wait * 2).min(LONGEST_WAIT)));
    if begin().await {
        record_upgrades().await;
    }
}

/// Appends event 0, if the network gives its randomness. Whether the log has begun then.
async fn begin() -> bool {
    if state::read(|log| log.id().is_ok()) {
        return true;
    }
    let Ok(randomness) = runtime::randomness().await else { return false };
    state::write(|log, means| log.begin(&randomness, means)).is_ok()
}

/// Appends the events of upgrades, with the hash of our module as the network knows it.
async fn record_upgrades() {
    if !state::read(Log::owes) {
        return;
    }
    let module_hash = runtime::canister_info(runtime::id()).await.ok().and_then(|info| info.module_hash);
    while state::read(Log::owes) {
        if state::write(|log, means| log.record_upgrade(module_hash, means)).is_err() {
            return;
        }
    }
}
