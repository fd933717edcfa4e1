//! Where everything lives in stable memory. A number is never given another meaning.

use cairn_kit::stable::Memory;
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};

/// The version of the layout.
pub const LAYOUT: MemoryId = MemoryId::new(0);
/// Who belongs to the wallet, and its rules: [`Charter`](crate::wallet::Charter).
pub const CHARTER: MemoryId = MemoryId::new(1);
/// What it can do now, counters, what is being executed: [`Course`](crate::wallet::Course).
pub const COURSE: MemoryId = MemoryId::new(2);
/// Number to proposal.
pub const PROPOSALS: MemoryId = MemoryId::new(3);
/// (Proposer, number) of proposals that are neither decided nor known to have expired, with the end of their life.
pub const OPEN: MemoryId = MemoryId::new(4);
/// Number to entry of the trail.
pub const TRAIL: MemoryId = MemoryId::new(5);
/// (Ledger, period) to what left within it.
pub const SPENDING: MemoryId = MemoryId::new(6);
/// Ledger to what it said of our balance.
pub const ASSETS: MemoryId = MemoryId::new(7);
/// Everybody who ever was a signer.
pub const EVER_SIGNERS: MemoryId = MemoryId::new(8);
/// Everybody who ever was an observer.
pub const EVER_OBSERVERS: MemoryId = MemoryId::new(9);
/// The notifications to the factory: their state.
pub const NOTIFY_STATE: MemoryId = MemoryId::new(10);
/// What is to be told and has no number yet.
pub const NOTIFY_CHANGES: MemoryId = MemoryId::new(11);
/// What has a number and is not acknowledged yet.
pub const NOTIFY_NUMBERED: MemoryId = MemoryId::new(12);
/// What is told once and has no number yet.
pub const NOTIFY_FACTS: MemoryId = MemoryId::new(13);
/// What the runtime keeps: see [`cairn_kit::runtime::take_up`].
pub const TICKETS: MemoryId = MemoryId::new(14);

/// The version of this layout and of the encodings in it.
pub const LAYOUT_VERSION: u32 = 1;

/// Pages of 64 KiB that a memory grows by. Fixed at the first install.
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
