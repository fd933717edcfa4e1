//! Where everything lives in stable memory. A number is never given another meaning.

use cairn_kit::stable::Memory;
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};

/// The version of this layout and of the encodings in it.
pub const LAYOUT_VERSION: u32 = 1;

/// That version.
pub const LAYOUT: MemoryId = MemoryId::new(0);
/// What the distribution was installed with.
pub const TERMS: MemoryId = MemoryId::new(1);
/// Stage, money, counters.
pub const BOOKS: MemoryId = MemoryId::new(2);
/// Category to what has become of it.
pub const CATEGORIES: MemoryId = MemoryId::new(3);
/// Principal to what is allocated and claimed.
pub const RECIPIENTS: MemoryId = MemoryId::new(4);
/// Transfers that are not settled, by number.
pub const TRANSFERS: MemoryId = MemoryId::new(5);
/// Settled transfers, by principal and number.
pub const HISTORY: MemoryId = MemoryId::new(6);
/// NFTs that have served.
pub const NFTS: MemoryId = MemoryId::new(7);
/// Principal and category: who is on which whitelist.
pub const WHITELIST: MemoryId = MemoryId::new(8);
/// Who is blocked.
pub const BLOCKED: MemoryId = MemoryId::new(9);
/// Counters and back-off of the notifications to the factory.
pub const OUTBOX: MemoryId = MemoryId::new(10);
/// What changed, and is not numbered yet.
pub const OUTBOX_CHANGES: MemoryId = MemoryId::new(11);
/// Numbered notifications that are not acknowledged yet.
pub const OUTBOX_NUMBERED: MemoryId = MemoryId::new(12);
/// Facts that are told once.
pub const OUTBOX_FACTS: MemoryId = MemoryId::new(13);
/// What the runtime keeps: see [`cairn_kit::runtime::take_up`].
pub const TICKETS: MemoryId = MemoryId::new(14);
/// When which transfer is due.
pub const DUE: MemoryId = MemoryId::new(15);

/// Pages of 64 KiB that a memory grows by. Fixed at the first install: 1 MiB keeps an idle distribution at 16 MiB, and
/// still leaves 32 GiB.
const BUCKET_PAGES: u16 = 16;

/// Stable memory, divided.
pub struct Memories(MemoryManager<DefaultMemoryImpl>);

impl Memories {
    /// Divides `memory`, or recovers its division.
    pub fn new(memory: DefaultMemoryImpl) -> Self {
        Memories(MemoryManager::init_with_bucket_size(memory, BUCKET_PAGES))
    }

    /// The memory `id`.
    pub fn get(&self, id: MemoryId) -> Memory {
        self.0.get(id)
    }
}
