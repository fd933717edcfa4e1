//! The stable memories, by what they hold. A number is never given to something else.

use cairn_kit::host::Memories;
use cairn_kit::stable::Memory;
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};
use std::cell::RefCell;

/// The version of all that these memories hold.
pub const LAYOUT_VERSION: u32 = 1;

/// The layout's version.
pub const LAYOUT: MemoryId = MemoryId::new(0);
/// The journal's outbox.
pub const JOURNAL: MemoryId = MemoryId::new(1);
/// What was set up, and secrets.
pub const SETUP: MemoryId = MemoryId::new(2);
/// The contracts that factories or the log have named.
pub const DELIVERIES: MemoryId = MemoryId::new(3);
/// What the runtime keeps: see [`cairn_kit::runtime::take_up`].
pub const TICKETS: MemoryId = MemoryId::new(4);

/// The decision state in force.
pub const DECISIONS: DecisionMemories = DecisionMemories { first: 10 };
/// The decision state refolded beside it, for comparison.
pub const REFOLDED: DecisionMemories = DecisionMemories { first: 20 };

/// The projection of users.
pub const USERS: ProjectionMemories = ProjectionMemories { first: 30 };
/// The projection of deployments.
pub const DEPLOYMENTS: ProjectionMemories = ProjectionMemories { first: 33 };

/// The memories of one projection: three, from the first on.
#[derive(Clone, Copy, Debug)]
pub struct ProjectionMemories {
    first: u8,
}

impl ProjectionMemories {
    /// They, as its host wants them.
    pub fn open(self) -> Memories {
        let at = |offset| get(MemoryId::new(self.first + offset));
        Memories { state: at(0), rows: at(1), spare: at(2) }
    }
}

/// The memories of one decision state: nine, from the first on.
#[derive(Clone, Copy, Debug)]
pub struct DecisionMemories {
    first: u8,
}

impl DecisionMemories {
    /// The admins.
    pub fn admins(self) -> Memory {
        self.at(0)
    }

    /// The configuration.
    pub fn config(self) -> Memory {
        self.at(1)
    }

    /// What was asked for, per deployment.
    pub fn requests(self) -> Memory {
        self.at(2)
    }

    /// The progress of each deployment.
    pub fn progress(self) -> Memory {
        self.at(3)
    }

    /// The deployments that are not final.
    pub fn unfinished(self) -> Memory {
        self.at(4)
    }

    /// How much each caller has asked for.
    pub fn usage(self) -> Memory {
        self.at(5)
    }

    /// The auditors.
    pub fn auditors(self) -> Memory {
        self.at(6)
    }

    /// The openings that were erased.
    pub fn erased(self) -> Memory {
        self.at(7)
    }

    /// What was last recorded of the audit canister.
    pub fn watched(self) -> Memory {
        self.at(8)
    }

    fn at(self, offset: u8) -> Memory {
        get(MemoryId::new(self.first + offset))
    }
}

/// Pages of 64 KiB that a memory grows by: small, as most of the memories are.
const BUCKET_PAGES: u16 = 16;

thread_local! {
    static MANAGER: RefCell<MemoryManager<DefaultMemoryImpl>> =
        RefCell::new(MemoryManager::init_with_bucket_size(DefaultMemoryImpl::default(), BUCKET_PAGES));
}

/// The memory with this id.
pub fn get(id: MemoryId) -> Memory {
    MANAGER.with_borrow(|manager| manager.get(id))
}
