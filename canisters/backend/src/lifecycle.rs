//! Installation and upgrades. There is no `pre_upgrade`: everything is in stable memory at all times.

use crate::memory::{self, LAYOUT_VERSION};
use crate::setup::{bootstrap, waking, watch};
use crate::{platform, recovery};
use cairn_events::Principal;
use cairn_kit::api::backend::BackendInit;
use cairn_kit::host::{self, HostConfig};
use cairn_kit::journal::{self, JournalConfig};
use cairn_kit::{layout, runtime};
use cairn_projections::Definition;
use cairn_projections::deployments::Deployments;
use cairn_projections::users::Users;

#[ic_cdk::init]
fn init(init: BackendInit) {
    if let Err(error) = layout::begin(&memory::get(memory::LAYOUT), LAYOUT_VERSION) {
        ic_cdk::trap(error.to_string());
    }
    if [runtime::id(), Principal::anonymous(), Principal::management_canister()].contains(&init.audit) {
        ic_cdk::trap("the audit canister must be another canister");
    }
    platform::change_setup(|setup| {
        setup.audit = Some(init.audit);
        setup.installer = Some(ic_cdk::api::msg_caller());
        setup.upgraded_at = runtime::now();
    });
    open(init.audit);
}

/// Its cost does not depend on what the memories hold. Traps if they hold another layout, so that the old code stays.
#[ic_cdk::post_upgrade]
fn post_upgrade() {
    if let Err(error) = layout::check(&memory::get(memory::LAYOUT), LAYOUT_VERSION) {
        ic_cdk::trap(error.to_string());
    }
    let Some(audit) = platform::setup().audit else { ic_cdk::trap("stable memory holds no setup") };
    let _ =
        platform::state(|state| (state.config(), state.deployments(), state.unfinished(), state.admins().has_room()));
    platform::change_setup(|setup| setup.upgraded_at = runtime::now());
    open(audit);
    recovery::arm_now();
    journal::upgraded(runtime::instructions());
}

fn open(audit: Principal) {
    runtime::take_up(memory::get(memory::TICKETS));
    let memory = memory::get(memory::JOURNAL);
    journal::init(JournalConfig { audit, apply: platform::apply, memory });
    let projections = vec![
        (Definition::of::<Users>(), memory::USERS.open()),
        (Definition::of::<Deployments>(), memory::DEPLOYMENTS.open()),
    ];
    host::init(HostConfig { audit, projections, certify: true });
    bootstrap::start();
    watch::start();
    waking::start();
    recovery::start();
}
