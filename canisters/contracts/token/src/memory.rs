//! Where everything lives in stable memory. A number is never given another meaning.

use ic_stable_structures::memory_manager::{MemoryId, MemoryManager, VirtualMemory};
use ic_stable_structures::{DefaultMemoryImpl, Memory as _};

/// One of the memories that stable memory is divided into.
pub type Memory = VirtualMemory<DefaultMemoryImpl>;

/// The [`Config`](crate::config::Config), with the version of this layout.
pub const CONFIG: MemoryId = MemoryId::new(0);
/// Total supply, length and tip hash of the block log.
pub const TOTALS: MemoryId = MemoryId::new(1);
/// Where each block ends.
pub const BLOCK_INDEX: MemoryId = MemoryId::new(2);
/// The blocks.
pub const BLOCK_DATA: MemoryId = MemoryId::new(3);
/// Account to account number.
pub const ACCOUNTS: MemoryId = MemoryId::new(4);
/// Account number to balance.
pub const BALANCES: MemoryId = MemoryId::new(5);
/// Owner to the number of their accounts that hold something.
pub const HOLDERS: MemoryId = MemoryId::new(6);
/// (account, spender) to allowance.
pub const ALLOWANCES: MemoryId = MemoryId::new(7);
/// Allowances that expire, by time.
pub const EXPIRIES: MemoryId = MemoryId::new(8);
/// Recent transactions with a creation time, for deduplication.
pub const RECENT: MemoryId = MemoryId::new(9);
/// Counters and back-off of the notifications to the factory.
pub const OUTBOX: MemoryId = MemoryId::new(10);
/// What has changed and is not yet numbered.
pub const OUTBOX_CHANGES: MemoryId = MemoryId::new(11);
/// Numbered notifications that are not yet acknowledged.
pub const OUTBOX_NUMBERED: MemoryId = MemoryId::new(12);
/// Facts that are not yet numbered: a token tells none so far.
pub const OUTBOX_FACTS: MemoryId = MemoryId::new(14);
/// What the runtime keeps: see [`cairn_kit::runtime::take_up`].
pub const TICKETS: MemoryId = MemoryId::new(13);

const ALL: [MemoryId; 14] = [
    CONFIG,
    TOTALS,
    BLOCK_INDEX,
    BLOCK_DATA,
    ACCOUNTS,
    BALANCES,
    HOLDERS,
    ALLOWANCES,
    EXPIRIES,
    RECENT,
    OUTBOX,
    OUTBOX_CHANGES,
    OUTBOX_NUMBERED,
    OUTBOX_FACTS,
];

/// The version of this layout and of the encodings in it.
pub const LAYOUT_VERSION: u32 = 2;

/// Pages of 64 KiB that a memory grows by. Fixed at the first install: 1 MiB keeps an idle token small (14 MiB), and
/// still leaves 32 GiB, some 150 million transfers.
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

    /// Whether every memory has been written to: a structure opened on an empty memory would silently start anew.
    pub fn all_in_use(&self) -> bool {
        ALL.iter().all(|id| self.get(*id).size() > 0)
    }
}
