//! Where everything lies in stable memory. A number, once used, is never given another meaning.

use cairn_kit::stable::Memory;
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};

/// Version of the whole layout; code of another version refuses to run.
pub const LAYOUT_VERSION: u32 = 3;

/// The layout's version.
pub const LAYOUT: MemoryId = MemoryId::new(0);
/// Log, whitelist, cycles.
pub const SETTINGS: MemoryId = MemoryId::new(1);
/// Counters folded from the factory's events.
pub const TOTALS: MemoryId = MemoryId::new(2);
/// What the backend asked for, by deployment.
pub const REQUESTS: MemoryId = MemoryId::new(3);
/// Deployments that are not settled.
pub const OPEN: MemoryId = MemoryId::new(4);
/// Where each deployment stands.
pub const JOBS: MemoryId = MemoryId::new(5);
/// Every canister that the factory ever created.
pub const CANISTERS: MemoryId = MemoryId::new(6);
/// Empty canisters.
pub const POOL: MemoryId = MemoryId::new(7);
/// Accepted notifications, by contract and number.
pub const NOTIFICATIONS: MemoryId = MemoryId::new(8);
/// The canister that the creation in flight has yielded.
pub const CREATED: MemoryId = MemoryId::new(9);
/// Published templates, by version.
pub const TEMPLATES: MemoryId = MemoryId::new(10);
/// Where each module's bytes lie.
pub const MODULES: MemoryId = MemoryId::new(11);
/// The modules' bytes.
pub const MODULE_BYTES: MemoryId = MemoryId::new(12);
// 13 was the one upload under way, up to layout 2.
/// The admins.
pub const ADMINS: MemoryId = MemoryId::new(14);
/// What the runtime keeps: see [`cairn_kit::runtime::take_up`].
pub const TICKETS: MemoryId = MemoryId::new(15);
/// The journal's outbox.
pub const JOURNAL: MemoryId = MemoryId::new(20);
/// Where the hosted projection stands.
pub const HOST: MemoryId = MemoryId::new(30);
/// One of the hosted projection's two sets of tables.
pub const TABLES_A: MemoryId = MemoryId::new(31);
/// The other one.
pub const TABLES_B: MemoryId = MemoryId::new(32);
/// How each contract may be upgraded, where that is not as at its delivery.
pub const MANAGED: MemoryId = MemoryId::new(53);
/// Every upgrade, by number.
pub const UPGRADES: MemoryId = MemoryId::new(54);
/// Upgrades that are not settled.
pub const OPEN_UPGRADES: MemoryId = MemoryId::new(55);
/// Upgrades, by contract and number.
pub const UPGRADES_OF: MemoryId = MemoryId::new(56);
/// Contracts that take part in rollouts.
pub const PARTICIPANTS: MemoryId = MemoryId::new(57);
/// Every rollout, by number.
pub const ROLLOUTS: MemoryId = MemoryId::new(58);
/// Deposits under way, by contract.
pub const TOP_UPS: MemoryId = MemoryId::new(59);
/// Contracts that are to be let go.
pub const RELEASES: MemoryId = MemoryId::new(60);
/// Whether the factory's cycles are low.
pub const SUPPLY: MemoryId = MemoryId::new(61);

/// Uploads under way.
pub const UPLOADS: MemoryId = MemoryId::new(45);
/// Which blocks of the modules' bytes are free.
pub const GROUND: MemoryId = MemoryId::new(46);
/// Interfaces of templates, by hash.
pub const INTERFACES: MemoryId = MemoryId::new(47);
/// Proposed templates, by version.
pub const PROPOSALS: MemoryId = MemoryId::new(48);
/// Versions of published templates, by module.
pub const TEMPLATE_VERSIONS: MemoryId = MemoryId::new(49);
/// From when on granted admins count as a second person.
pub const GRANTS: MemoryId = MemoryId::new(50);

/// Roles that contracts gave, and what people said of them.
pub const CLAIMS: MemoryId = MemoryId::new(40);
/// What each contract has had recorded.
pub const TALLIES: MemoryId = MemoryId::new(41);
/// How much each person has said.
pub const ANSWERERS: MemoryId = MemoryId::new(42);

/// Pages that a memory grows by: 1 MiB, so that twenty small memories stay small and all together may have 32 GiB.
const BUCKET_PAGES: u16 = 16;

thread_local! {
    static MANAGER: MemoryManager<DefaultMemoryImpl> =
        MemoryManager::init_with_bucket_size(DefaultMemoryImpl::default(), BUCKET_PAGES);
}

/// The memory of this number.
pub fn memory(id: MemoryId) -> Memory {
    MANAGER.with(|manager| manager.get(id))
}
