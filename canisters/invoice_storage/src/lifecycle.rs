//! Installation and upgrades.

use crate::access;
use crate::memory::{self, LAYOUT_VERSION, memory};
use cairn_events::Principal;
use cairn_kit::api::invoice::InvoiceInit;
use cairn_kit::host::{self, HostConfig, Memories};
use cairn_kit::journal::{self, JournalConfig};
use cairn_kit::{layout, runtime};
use cairn_projections::{Definition, Payments};

/// Sets the canister up. The installer is its first admin. Traps if stable memory cannot grow.
#[ic_cdk::init]
fn init(argument: InvoiceInit) {
    install(ic_cdk::api::msg_caller(), argument);
}

/// As [`init`], for the installer given.
pub fn install(installer: Principal, argument: InvoiceInit) {
    if let Err(error) = layout::begin(&memory(memory::LAYOUT), LAYOUT_VERSION) {
        ic_cdk::trap(error.to_string());
    }
    access::begin(installer, argument.audit);
    open(argument.audit);
}

/// Takes the canister up again. Touches every memory; its cost does not depend on what they hold. Traps if they hold
/// another layout, so that the old code stays.
#[ic_cdk::post_upgrade]
fn post_upgrade() {
    resume();
}

/// See [`post_upgrade`].
pub fn resume() {
    if let Err(error) = layout::check(&memory(memory::LAYOUT), LAYOUT_VERSION) {
        ic_cdk::trap(error.to_string());
    }
    let Some(settings) = access::settings().filter(|_| access::admins() > 0) else {
        ic_cdk::trap("stable memory holds no settings");
    };
    open(settings.audit);
    journal::upgraded(runtime::instructions());
}

fn open(audit: Principal) {
    runtime::take_up(memory(memory::TICKETS));
    journal::init(JournalConfig { audit, apply: host::recorded, memory: memory(memory::JOURNAL) });
    let memories =
        Memories { state: memory(memory::HOST), rows: memory(memory::ROWS), spare: memory(memory::SPARE_ROWS) };
    let projections = vec![(Definition::of::<Payments>(), memories)];
    host::init(HostConfig { audit, projections, certify: true });
}
