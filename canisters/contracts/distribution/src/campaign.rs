//! What a distribution holds, how it decides, where it changes. Pure but for stable memory: time, caller and what ledgers
//! say are arguments.
//!
//! Every command checks everything first and then changes everything, or answers with an error and has changed nothing.
//! Tables are B-trees keyed by person or transfer: no command reads more than it changes, however many people there are.
//!
//! [`books`] is the money, [`record`] what is stored. Commands by subject: [`status`], [`people`], [`registration`],
//! [`claiming`], [`funding`], [`settling`], [`weighing`]. [`reading`] is what is answered.

pub mod books;
pub mod claiming;
pub mod funding;
pub mod people;
pub mod reading;
pub mod record;
pub mod registration;
pub mod settling;
pub mod status;
pub mod weighing;

pub use books::{Books, Stage};
pub use funding::Payback;
pub use record::{Allocation, CategoryState, Recipient, StoredTerms};
pub use settling::Step;

use crate::memory::{self, Memories};
use crate::transfer::{Phase, Transfer};
use cairn_events::payload::ContractStatus;
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::distribution::{
    Category, DistributionError, DistributionInit, DistributionRequestError as Request, InvalidDistribution,
};
use cairn_kit::stable::{Cbor, Memory, PrincipalKey, PrincipalNumberKey, Slot};
use ic_stable_structures::StableBTreeMap;
use record::{NftKey, Settled};

/// What a command answers.
pub type Answer<T> = Result<T, DistributionError>;

/// Something the factory is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody has become a recipient, or is none any more.
    Recipient(Principal, bool),
    /// Strangers may see it, or not.
    Visibility(bool),
    /// Another status.
    Status(ContractStatus, ContractStatus),
}

/// The one distribution of a canister.
pub struct Campaign {
    canister: Principal,
    /// As in `stored_terms`, decoded: it is read with every command and hardly ever changes.
    terms: StoredTerms,
    stored_terms: Slot<Option<StoredTerms>>,
    /// As in `stored_books`, decoded.
    books: Books,
    stored_books: Slot<Books>,
    categories: StableBTreeMap<u32, Cbor<CategoryState>, Memory>,
    recipients: StableBTreeMap<PrincipalKey, Cbor<Recipient>, Memory>,
    transfers: StableBTreeMap<u64, Cbor<Transfer>, Memory>,
    due: StableBTreeMap<u128, (), Memory>,
    history: StableBTreeMap<PrincipalNumberKey, Cbor<Settled>, Memory>,
    nfts: StableBTreeMap<NftKey, (), Memory>,
    whitelist: StableBTreeMap<PrincipalNumberKey, (), Memory>,
    blocked: StableBTreeMap<PrincipalKey, (), Memory>,
    news: Vec<News>,
}

impl Campaign {
    /// A new distribution of the canister `canister`, as `init` wants it.
    ///
    /// # Errors
    /// [`InvalidDistribution`], if the arguments are not acceptable.
    pub fn create(
        memories: &Memories,
        canister: Principal,
        init: DistributionInit,
        now: Timestamp,
    ) -> Result<Self, InvalidDistribution> {
        init.args.check()?;
        let DistributionInit { mut args, owner, factory, .. } = init;
        let recipients = std::mem::take(&mut args.recipients);
        let books = Books { end: args.end, ..Books::default() };
        let mut campaign = Campaign::on(memories, canister, StoredTerms { args, owner, factory });
        campaign.save_terms();
        campaign.save_books(&books);
        // A factory that hears nothing takes a contract for active.
        campaign.news.push(News::Status(ContractStatus::Active, books.stage.status()));
        for recipient in recipients {
            let allocation = Allocation::listed(&recipient);
            campaign.enroll(recipient.recipient, allocation, now);
        }
        Ok(campaign)
    }

    /// The distribution that `memories` hold; `None` if there is none.
    pub fn open(memories: &Memories, canister: Principal) -> Option<Self> {
        let terms = Slot::<Option<StoredTerms>>::open(memories.get(memory::TERMS)).get()?;
        Some(Campaign::on(memories, canister, terms))
    }

    fn on(memories: &Memories, canister: Principal, terms: StoredTerms) -> Self {
        let stored_books = Slot::<Books>::open(memories.get(memory::BOOKS));
        Campaign {
            canister,
            terms,
            stored_terms: Slot::open(memories.get(memory::TERMS)),
            books: stored_books.get(),
            stored_books,
            categories: StableBTreeMap::init(memories.get(memory::CATEGORIES)),
            recipients: StableBTreeMap::init(memories.get(memory::RECIPIENTS)),
            transfers: StableBTreeMap::init(memories.get(memory::TRANSFERS)),
            due: StableBTreeMap::init(memories.get(memory::DUE)),
            history: StableBTreeMap::init(memories.get(memory::HISTORY)),
            nfts: StableBTreeMap::init(memories.get(memory::NFTS)),
            whitelist: StableBTreeMap::init(memories.get(memory::WHITELIST)),
            blocked: StableBTreeMap::init(memories.get(memory::BLOCKED)),
            news: Vec::new(),
        }
    }

    /// What the factory is to be told since this was last asked.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// The ledger of the token.
    pub fn ledger(&self) -> Principal {
        self.terms.args.token.ledger
    }

    /// The ledger's fee, as far as it is known.
    pub fn ledger_fee(&self) -> Option<Amount> {
        self.books().ledger_fee
    }

    /// Keeps the ledger's fee, until a refusal says that it is another one.
    pub fn learn_fee(&mut self, fee: Amount) {
        let books = Books { ledger_fee: Some(fee), ..self.books() };
        self.save_books(&books);
    }

    /// The money and the counters.
    pub fn books(&self) -> Books {
        self.books.clone()
    }

    fn save_books(&mut self, books: &Books) {
        self.stored_books.set(books);
        self.books = books.clone();
    }

    fn save_terms(&mut self) {
        self.stored_terms.set(&Some(self.terms.clone()));
    }

    /// Moves the stage, and says so.
    fn enter(&mut self, books: &mut Books, stage: Stage) {
        let (before, after) = (books.stage.status(), stage.status());
        books.stage = stage;
        if before != after {
            self.news.push(News::Status(before, after));
        }
    }

    fn category(&self, number: u32) -> Answer<&Category> {
        let categories = &self.terms.args.categories;
        let category = usize::try_from(number).ok().and_then(|index| categories.get(index));
        let unknown = Request::UnknownCategory { category: number, categories: categories.len() as u32 };
        Ok(category.ok_or(unknown)?)
    }

    /// When the schedule of a category begins.
    fn start_of(&self, category: &Category) -> Timestamp {
        category.start.unwrap_or(self.terms.args.start)
    }

    fn category_state(&self, number: u32) -> CategoryState {
        self.categories.get(&number).map(|Cbor(state)| state).unwrap_or_default()
    }

    fn save_category(&mut self, number: u32, state: CategoryState) {
        self.categories.insert(number, Cbor(state));
    }

    fn recipient(&self, who: Principal) -> Option<Recipient> {
        self.recipients.get(&PrincipalKey(who)).map(|Cbor(recipient)| recipient)
    }

    fn save_recipient(&mut self, who: Principal, recipient: Recipient) {
        self.recipients.insert(PrincipalKey(who), Cbor(recipient));
    }

    fn is_blocked(&self, who: Principal) -> bool {
        self.blocked.contains_key(&PrincipalKey(who))
    }

    fn transfer(&self, id: u64) -> Option<Transfer> {
        self.transfers.get(&id).map(|Cbor(transfer)| transfer)
    }

    /// Keeps a transfer, and when it is due; in quarantine it never is.
    fn save_transfer(&mut self, id: u64, transfer: Transfer) {
        if let Some(before) = self.transfer(id) {
            self.due.remove(&due_key(before.retry_at, id));
        }
        if !matches!(transfer.phase, Phase::Quarantined(_)) {
            self.due.insert(due_key(transfer.retry_at, id), ());
        }
        self.transfers.insert(id, Cbor(transfer));
    }

    fn drop_transfer(&mut self, id: u64) {
        if let Some(Cbor(transfer)) = self.transfers.remove(&id) {
            self.due.remove(&due_key(transfer.retry_at, id));
        }
    }

    /// The owner of the distribution.
    fn require_owner(&self, caller: Principal) -> Answer<()> {
        if caller == self.terms.owner { Ok(()) } else { Err(Request::Unauthorized { caller }.into()) }
    }

    /// The owner, or the launchpad that it gives out for.
    fn require_manager(&self, caller: Principal) -> Answer<()> {
        if self.terms.launchpad() == Some(caller) { Ok(()) } else { self.require_owner(caller) }
    }

    /// The owner, where the creator has allowed modification.
    fn require_modification(&self, caller: Principal, what: &str) -> Answer<()> {
        self.require_owner(caller)?;
        if self.terms.args.allow_modification {
            return Ok(());
        }
        Err(Request::NotAllowed { what: what.to_owned() }.into())
    }
}

fn due_key(at: Timestamp, id: u64) -> u128 {
    u128::from(at.0) << 64 | u128::from(id)
}

#[cfg(test)]
mod tests;
