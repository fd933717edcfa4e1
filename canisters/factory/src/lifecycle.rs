//! Installation and upgrades.

use crate::kind::ContractKind;
use crate::memory::{self, LAYOUT_VERSION, memory};
use crate::state::{self, Settings};
use crate::{access, index, recovery, template};
use cairn_events::Principal;
use cairn_kit::api::factory::FactoryInit;
use cairn_kit::journal::{self, JournalConfig};
use cairn_kit::{layout, runtime};

/// Seconds between a template's confirmation and its publication, unless told otherwise.
const PUBLISH_DELAY_SECONDS: u64 = 86_400;

/// Sets the factory up; in `init`. The installer is its first admin. Traps if stable memory cannot grow.
pub fn init<K: ContractKind>(installer: Principal, init: FactoryInit) {
    if let Err(error) = layout::begin(&memory(memory::LAYOUT), LAYOUT_VERSION) {
        ic_cdk::trap(error.to_string());
    }
    let FactoryInit { audit, pool_target, contract_cycles, reserve_cycles, publish_delay_seconds } = init;
    let publish_delay = publish_delay_seconds.unwrap_or(PUBLISH_DELAY_SECONDS).saturating_mul(1_000_000_000);
    let settings = Settings { audit, pool_target, contract_cycles, reserve_cycles, backend: None, publish_delay };
    state::change(|state| state.set_settings(settings));
    access::begin(installer);
    open::<K>(audit);
}

/// Takes the factory up again; in `post_upgrade`. Touches every memory; its cost does not depend on what they hold.
/// Traps if they hold another layout, so that the old code stays.
pub fn post_upgrade<K: ContractKind>() {
    if let Err(error) = layout::check(&memory(memory::LAYOUT), LAYOUT_VERSION) {
        ic_cdk::trap(error.to_string());
    }
    let Some(settings) = state::read(|state| {
        let _ = (state.totals(), state.created(), state.pool_size());
        state.settings()
    }) else {
        ic_cdk::trap("stable memory holds no settings");
    };
    template::touch();
    open::<K>(settings.audit);
    journal::upgraded(runtime::instructions());
}

fn open<K: ContractKind>(audit: Principal) {
    runtime::take_up(memory(memory::TICKETS));
    journal::init(JournalConfig { audit, apply: state::apply, memory: memory(memory::JOURNAL) });
    index::open(audit);
    recovery::start::<K>();
}
