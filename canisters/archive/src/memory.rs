//! Where everything lies in stable memory. A number, once used, is never given another meaning.

use cairn_kit::stable::Memory;
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};

/// Whose archive it is.
pub const IDENTITY: MemoryId = MemoryId::new(0);
/// Where each body ends.
pub const ENDS: MemoryId = MemoryId::new(1);
/// The bodies, one after the other.
pub const BODIES: MemoryId = MemoryId::new(2);
/// What the runtime keeps: see [`cairn_kit::runtime::take_up`].
pub const TICKETS: MemoryId = MemoryId::new(3);

/// Pages of 64 KiB per bucket: with 16 MiB each, the manager reaches beyond the 500 GiB that the network gives.
const BUCKET_PAGES: u16 = 256;

thread_local! {
    static MANAGER: MemoryManager<DefaultMemoryImpl> =
        MemoryManager::init_with_bucket_size(DefaultMemoryImpl::default(), BUCKET_PAGES);
}

/// The memory of this number.
pub fn memory(id: MemoryId) -> Memory {
    MANAGER.with(|manager| manager.get(id))
}
