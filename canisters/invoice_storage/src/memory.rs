//! Where everything lies in stable memory. A number, once used, is never given another meaning.

use cairn_kit::stable::Memory;
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};

/// Version of the whole layout; code of another version refuses to run.
pub const LAYOUT_VERSION: u32 = 1;

/// The layout's version.
pub const LAYOUT: MemoryId = MemoryId::new(0);
/// Log and whitelist.
pub const SETTINGS: MemoryId = MemoryId::new(1);
/// The admins.
pub const ADMINS: MemoryId = MemoryId::new(2);
/// What the runtime keeps: see [`cairn_kit::runtime::take_up`].
pub const TICKETS: MemoryId = MemoryId::new(3);
/// The journal's outbox.
pub const JOURNAL: MemoryId = MemoryId::new(20);
/// Where the projection stands.
pub const HOST: MemoryId = MemoryId::new(30);
/// One of the projection's two sets of rows.
pub const ROWS: MemoryId = MemoryId::new(31);
/// The other one.
pub const SPARE_ROWS: MemoryId = MemoryId::new(32);

thread_local! {
    static MANAGER: MemoryManager<DefaultMemoryImpl> = MemoryManager::init(DefaultMemoryImpl::default());
}

/// The memory of this number.
pub fn memory(id: MemoryId) -> Memory {
    MANAGER.with(|manager| manager.get(id))
}
