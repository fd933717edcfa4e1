//! Installation, by the log, and upgrades.

use crate::memory::{self, memory};
use crate::state;
use crate::store::{Identity, LAYOUT};
use cairn_kit::api::archive::ArchiveInit;
use cairn_kit::runtime;

/// Sets the archive up for the log's canister, which installs it.
#[ic_cdk::init]
fn init(argument: ArchiveInit) {
    runtime::take_up(memory(memory::TICKETS));
    let ArchiveInit { log, from } = argument;
    state::create(Identity { layout: LAYOUT, log, audit: ic_cdk::api::msg_caller(), from });
}

/// Takes the archive up again; traps if stable memory holds another layout, so that the old code stays.
#[ic_cdk::post_upgrade]
fn post_upgrade() {
    runtime::take_up(memory(memory::TICKETS));
    if let Err(error) = state::open() {
        ic_cdk::trap(error.to_string());
    }
}
