//! The ledger: what it holds, how it decides, and the one place where it changes.
//!
//! [`Ledger::transfer`] and [`Ledger::approve`] are a decision, which reads the ledger and changes nothing, followed by
//! [`Ledger::apply`], which cannot refuse. The clock is an argument: nothing in here asks the platform for anything.

mod accounts;
mod allowances;
mod command;
mod decide;
mod recent;
mod refusal;
mod totals;
mod transition;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

pub use accounts::{Accounts, HolderChange};
pub use allowances::Allowance;
pub use command::{Approval, Transfer};
pub use recent::{PERMITTED_DRIFT, WINDOW};
pub use refusal::{Other, Refusal};

use crate::account::AllowanceKey;
use crate::block::{Block, BlockError, BlockIndex, BlockLog, Tip};
use crate::config::{Config, InvalidArgument, StoredConfig};
use crate::memory::{self, LAYOUT_VERSION, Memories, Memory};
use allowances::Allowances;
use cairn_events::{Amount, Timestamp};
use cairn_kit::api::ledger::UpgradeArgs;
use cairn_kit::notify::{self, Outbox};
use ic_stable_structures::Cell;
use icrc_ledger_types::icrc1::account::Account;
use recent::Recent;
use totals::Totals;

/// Rows of allowances that one page may read: expired ones that wait for removal are skipped, and only their owner can
/// make many of them.
const MAX_SCANNED: usize = 20_000;

/// Everything a token is, in stable memory.
pub struct Ledger {
    config: Cell<StoredConfig, Memory>,
    totals: Cell<Totals, Memory>,
    blocks: BlockLog,
    accounts: Accounts,
    allowances: Allowances,
    recent: Recent,
    outbox: Outbox,
}

/// Why stable memory does not hold a ledger that this code can serve.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A structure was never written.
    #[error("stable memory does not hold a token")]
    NotAToken,
    /// Another version wrote it.
    #[error("stable memory has layout {found}, this code reads layout {LAYOUT_VERSION}")]
    Layout {
        /// The version found.
        found: u32,
    },
    /// The last block does not hash to the recorded tip, or lengths disagree.
    #[error("the recorded tip {recorded:?} is not the tip of the log {computed:?}")]
    Tip {
        /// As recorded with the totals.
        recorded: Option<Tip>,
        /// As computed from the last block.
        computed: Option<Tip>,
    },
    /// The tables of accounts differ in length.
    #[error("the tables of accounts and balances disagree")]
    Accounts,
    /// The last block cannot be read.
    #[error(transparent)]
    Block(#[from] BlockError),
}

impl Ledger {
    /// A new, empty ledger.
    pub fn create(memories: &Memories, config: Config) -> Self {
        let mut ledger = Self::assemble(memories);
        ledger.outbox.begin(config.factory, config.callback_epoch);
        ledger.config.set(StoredConfig(Some(config)));
        ledger
    }

    /// The ledger that stable memory holds. The cost does not depend on its history.
    ///
    /// # Errors
    /// If stable memory holds no ledger of this layout, or one that contradicts itself.
    pub fn open(memories: &Memories) -> Result<Self, OpenError> {
        if !memories.all_in_use() {
            return Err(OpenError::NotAToken);
        }
        let ledger = Self::assemble(memories);
        let Some(config) = &ledger.config.get().0 else { return Err(OpenError::NotAToken) };
        if config.layout != LAYOUT_VERSION {
            return Err(OpenError::Layout { found: config.layout });
        }
        ledger.examine()?;
        Ok(ledger)
    }

    /// Whether what is recorded of the ledger agrees with the ledger, as far as that can be told at a constant cost.
    ///
    /// # Errors
    /// What does not agree.
    pub fn examine(&self) -> Result<(), OpenError> {
        let (recorded, computed) = (self.tip(), self.blocks.compute_tip()?);
        if recorded != computed {
            return Err(OpenError::Tip { recorded, computed });
        }
        if !self.accounts.is_consistent() {
            return Err(OpenError::Accounts);
        }
        Ok(())
    }

    fn assemble(memories: &Memories) -> Self {
        Ledger {
            config: Cell::init(memories.get(memory::CONFIG), StoredConfig(None)),
            totals: Cell::init(memories.get(memory::TOTALS), Totals::default()),
            blocks: BlockLog::open(memories),
            accounts: Accounts::open(memories),
            allowances: Allowances::open(memories),
            recent: Recent::open(memories),
            outbox: Outbox::open(notify::Memories {
                state: memories.get(memory::OUTBOX),
                changes: memories.get(memory::OUTBOX_CHANGES),
                numbered: memories.get(memory::OUTBOX_NUMBERED),
                facts: memories.get(memory::OUTBOX_FACTS),
            }),
        }
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`Other::Internal`] if there is none; a ledger that was created or opened has one.
    pub fn config(&self) -> Result<&Config, Refusal> {
        let config = self.config.get().0.as_ref();
        config.ok_or_else(|| Other::Internal("the ledger has no configuration".to_owned()).into())
    }

    /// Changes the configuration, as upgrades may. A later epoch begins the notifications anew.
    ///
    /// # Errors
    /// The first argument that is out of bounds; nothing has changed then.
    pub fn reconfigure(&mut self, args: UpgradeArgs) -> Result<(), InvalidArgument> {
        let Some(before) = self.config.get().0.clone() else { return Ok(()) };
        let config = before.upgraded(args)?;
        self.outbox.begin_epoch(config.callback_epoch);
        self.config.set(StoredConfig(Some(config)));
        Ok(())
    }

    /// The last block, `None` before the first.
    pub fn tip(&self) -> Option<Tip> {
        self.totals.get().tip
    }

    /// Tokens in existence.
    pub fn total_supply(&self) -> Amount {
        self.totals.get().supply
    }

    /// What `account` holds.
    pub fn balance(&self, account: &Account) -> Amount {
        self.accounts.find(account).balance()
    }

    /// What `spender` may take from `account` at `now`.
    pub fn allowance(&self, account: &Account, spender: &Account, now: Timestamp) -> Option<Allowance> {
        self.allowances.in_force(&AllowanceKey::new(account, spender), now)
    }

    /// A page of the allowances on accounts of one owner, see ICRC-103.
    pub fn allowances(
        &self,
        from: &Account,
        previous: Option<&Account>,
        now: Timestamp,
        limit: usize,
    ) -> Vec<(Account, Account, Allowance)> {
        self.allowances.page(from, previous, now, limit, MAX_SCANNED)
    }

    /// The number of blocks.
    pub fn log_length(&self) -> u64 {
        self.blocks.len()
    }

    /// The block at `index` and the bytes it takes in storage.
    ///
    /// # Errors
    /// If stored bytes are not a block.
    pub fn block(&self, index: BlockIndex) -> Result<Option<(Block, usize)>, BlockError> {
        self.blocks.get(index)
    }

    /// Sizes, for the metrics.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            blocks: self.blocks.len(),
            block_bytes: self.blocks.size_bytes(),
            accounts: self.accounts.count(),
            allowances: self.allowances.count(),
            recent: self.recent.count(),
        }
    }

    /// The notifications to the factory.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The notifications to the factory, and the holders they speak of.
    pub fn outbox_mut(&mut self) -> (&mut Outbox, &Accounts) {
        (&mut self.outbox, &self.accounts)
    }
}

/// How large the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Blocks in the log.
    pub blocks: u64,
    /// Bytes they take.
    pub block_bytes: u64,
    /// Accounts ever credited.
    pub accounts: u64,
    /// Allowances, expired ones not yet removed included.
    pub allowances: u64,
    /// Transactions remembered for deduplication.
    pub recent: u64,
}
