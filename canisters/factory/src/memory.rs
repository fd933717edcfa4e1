//! Where everything lies in stable memory. A number, once used, is never given another meaning.

use cairn_kit::stable::Memory;
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};

/// Version of the whole layout; code of another version refuses to run.
pub const LAYOUT_VERSION: u32 = 2;

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
/// The upload under way.
pub const UPLOAD: MemoryId = MemoryId::new(13);
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
