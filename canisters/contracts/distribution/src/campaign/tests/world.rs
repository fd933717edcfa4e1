//! A distribution, the ledger of its token, and the time.

use crate::campaign::{Campaign, Payback, Step};
use crate::memory::Memories;
use crate::transfer::driver::Outcome;
use crate::transfer::settlement::Reply;
use crate::transfer::{Purpose, Transfer};
use cairn_events::payload::Account;
use cairn_events::{Amount, Hash, Principal, Timestamp};
use cairn_kit::api::distribution::{
    Campaign as Kind, Category, ClaimArgs, DAY, DistributionArgs, DistributionError, DistributionInit, Membership,
    PayoutStatus, RecipientArgs, Schedule, TokenInfo,
};
use candid::Nat;
use ic_stable_structures::DefaultMemoryImpl;
use icrc_ledger_types::icrc::generic_value::ICRC3Value;
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use icrc_ledger_types::icrc3::blocks::BlockWithId;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

pub const FEE: u128 = 10;
pub const HOUR: u64 = DAY / 24;
pub const START: Timestamp = Timestamp(1_000 * DAY);

pub fn canister() -> Principal {
    Principal::from_slice(&[0xca, 1])
}

pub fn owner() -> Principal {
    Principal::from_slice(&[0xee, 1])
}

pub fn person(n: u8) -> Principal {
    Principal::from_slice(&[n, 1])
}

pub fn category(budget: u128, schedule: Schedule) -> Category {
    Category {
        name: format!("of {budget}"),
        budget: Amount(budget),
        members: Membership::Listed,
        schedule,
        initial_unlock: 0,
        start: None,
    }
}

pub fn named(n: u8, category: u32, amount: u128) -> RecipientArgs {
    RecipientArgs { recipient: person(n), category, amount: Amount(amount), note: None }
}

/// One category of 1,000 that is unlocked at the start: 600 for person 1, 300 for person 2.
pub fn airdrop() -> DistributionArgs {
    DistributionArgs {
        title: "Airdrop".to_owned(),
        description: String::new(),
        public: true,
        campaign: Kind::Airdrop,
        token: TokenInfo { ledger: Principal::from_slice(&[0x1e, 1]), symbol: "TT".to_owned(), decimals: 8 },
        total: Amount(1_000),
        categories: vec![category(1_000, Schedule::Instant)],
        recipients: vec![named(1, 0, 600), named(2, 0, 300)],
        max_recipients: None,
        registration: None,
        start: START,
        end: None,
        early_unlock: None,
        minimum_claim: Amount::ZERO,
        claim_limit: None,
        allow_cancel: true,
        allow_modification: true,
        refund_to: None,
    }
}

/// What befalls an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The ledger executes it, and its reply arrives.
    Fine,
    /// The ledger executes it, and its reply is lost.
    Lost,
    /// It never arrives, and nobody knows.
    Swallowed,
    /// It never arrives, and that is known.
    Bounced,
    /// The canister is upgraded before the reply arrives.
    Upgraded,
}

/// A ledger with the window of the reference one.
pub struct Ledger {
    pub fee: u128,
    pub balances: BTreeMap<Principal, u128>,
    pub blocks: Vec<(u64, Transfer)>,
    /// Whether it looks at the fee before it looks at the time.
    pub fee_first: bool,
    /// Whether it keeps no log.
    pub logless: bool,
    /// Whose default account burns what it is paid.
    pub minter: Option<Principal>,
}

impl Ledger {
    pub fn held(&self, who: Principal) -> u128 {
        self.balances.get(&who).copied().unwrap_or_default()
    }

    fn execute(&mut self, transfer: &Transfer, now: u64) -> Reply {
        let bad_fee = || Reply::BadFee("bad fee".to_owned());
        let burns = transfer.purpose != Purpose::Deposit && Some(transfer.account.owner) == self.minter;
        let fee = if burns { 0 } else { self.fee };
        if self.fee_first && transfer.fee.0 != fee {
            return bad_fee();
        }
        if transfer.created_at.0 + DAY + 120_000_000_000 < now {
            return Reply::TooOld;
        }
        let same = |(_, made): &(u64, Transfer)| made.memo == transfer.memo && made.amount == transfer.amount;
        if let Some(block) = self.blocks.iter().position(same) {
            return Reply::Moved(Some(block as u64));
        }
        if transfer.fee.0 != fee {
            return bad_fee();
        }
        let (from, to) = match transfer.purpose {
            Purpose::Deposit => (transfer.account.owner, canister()),
            _ => (canister(), transfer.account.owner),
        };
        let Some(left) = self.held(from).checked_sub(transfer.gross().0) else {
            return Reply::Refused("insufficient funds".to_owned());
        };
        self.balances.insert(from, left);
        *self.balances.entry(to).or_default() += transfer.amount.0;
        self.blocks.push((now, transfer.clone()));
        Reply::Moved(Some(self.blocks.len() as u64 - 1))
    }

    fn page(&self, start: u64, count: u64) -> Vec<BlockWithId> {
        let rows = self.blocks.iter().enumerate().skip(start as usize).take(count as usize);
        rows.map(|(id, (time, transfer))| BlockWithId { id: Nat::from(id), block: block(*time, transfer) }).collect()
    }
}

fn block(time: u64, transfer: &Transfer) -> ICRC3Value {
    let map = |fields: Vec<(&str, ICRC3Value)>| {
        ICRC3Value::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let blob = |bytes: &[u8]| ICRC3Value::Blob(ByteBuf::from(bytes));
    let account = |Account { owner, subaccount }: Account| {
        let parts = std::iter::once(blob(owner.as_slice()));
        ICRC3Value::Array(parts.chain(subaccount.map(|subaccount| blob(&subaccount.0))).collect())
    };
    let ours = Account { owner: canister(), subaccount: None };
    let mut tx = vec![("amt", ICRC3Value::Nat(Nat::from(transfer.amount.0))), ("memo", blob(transfer.memo.as_bytes()))];
    match transfer.purpose {
        Purpose::Deposit => {
            tx.extend([("from", account(transfer.account)), ("to", account(ours)), ("spender", account(ours))]);
        }
        _ => tx.extend([("from", account(ours)), ("to", account(transfer.account))]),
    }
    map(vec![("ts", ICRC3Value::Nat(Nat::from(time))), ("tx", map(tx))])
}

/// A distribution, its ledger, the time.
pub struct World {
    memory: DefaultMemoryImpl,
    pub campaign: Campaign,
    pub ledger: Ledger,
    pub now: Timestamp,
}

impl World {
    /// A day before the start; the owner and strangers have tokens.
    pub fn new(args: DistributionArgs) -> Self {
        let memory = DefaultMemoryImpl::default();
        let init = DistributionInit { args, owner: owner(), factory: None, epoch: None };
        let now = Timestamp(START.0 - DAY);
        let campaign = Campaign::create(&Memories::new(memory.clone()), canister(), init, now).unwrap();
        let balances = [(owner(), 1 << 120)].into();
        let ledger = Ledger { fee: FEE, balances, blocks: Vec::new(), fee_first: false, logless: false, minter: None };
        World { memory, campaign, ledger, now }
    }

    /// The same, funded, at the start.
    pub fn funded(args: DistributionArgs) -> Self {
        let mut world = World::new(args);
        world.deposit(Fate::Fine).unwrap();
        world.now = START;
        world
    }

    /// All but stable memory is lost.
    pub fn upgrade(&mut self) {
        self.campaign = Campaign::open(&Memories::new(self.memory.clone()), canister()).unwrap();
    }

    pub fn pass(&mut self, time: u64) {
        self.now = Timestamp(self.now.0 + time);
    }

    pub fn fee(&self) -> Amount {
        self.campaign.ledger_fee().unwrap_or(Amount(self.ledger.fee))
    }

    /// Takes a transfer one step further.
    pub fn advance(&mut self, id: u64, fate: Fate) -> Outcome {
        match self.campaign.step(id, self.now) {
            None => Outcome::Open,
            Some(Step::Search((start, count))) => {
                let (length, page) = (self.ledger.blocks.len() as u64, self.ledger.page(start, count));
                match fate {
                    Fate::Fine if !self.ledger.logless => self.campaign.searched(id, length, &page, self.now),
                    _ => self.campaign.search_failed(id, "silence", self.now),
                }
            }
            Some(Step::Weigh(before)) => match fate {
                Fate::Fine => self.campaign.weighed(id, &before, Amount(self.ledger.held(canister())), self.now),
                _ => self.campaign.weighing_failed(id, "silence", self.now),
            },
            Some(Step::Send(transfer)) => {
                let executed = matches!(fate, Fate::Fine | Fate::Lost | Fate::Upgraded);
                let reply = executed.then(|| self.ledger.execute(&transfer, self.now.0));
                let unknown = || Reply::Unknown("silence".to_owned());
                match fate {
                    Fate::Fine => self.campaign.replied(id, reply.unwrap_or_else(unknown), self.now),
                    Fate::Lost | Fate::Swallowed => self.campaign.replied(id, unknown(), self.now),
                    Fate::Bounced => self.campaign.replied(id, Reply::NotExecuted("no".to_owned()), self.now),
                    Fate::Upgraded => {
                        self.upgrade();
                        Outcome::Open
                    }
                }
            }
        }
    }

    pub fn deposit(&mut self, fate: Fate) -> Result<Outcome, DistributionError> {
        let id = self.campaign.begin_deposit(owner(), None, self.fee(), self.now)?;
        Ok(self.advance(id, fate))
    }

    pub fn claim_some(&mut self, n: u8, amount: Option<u128>, fate: Fate) -> Result<Outcome, DistributionError> {
        let args = ClaimArgs { amount: amount.map(Amount), ..ClaimArgs::default() };
        let id = self.campaign.begin_claim(person(n), &args, self.fee(), self.now)?;
        Ok(self.advance(id, fate))
    }

    pub fn claim(&mut self, n: u8) -> Result<Outcome, DistributionError> {
        self.claim_some(n, None, Fate::Fine)
    }

    pub fn unlock(&mut self, n: u8, fate: Fate) -> Result<Outcome, DistributionError> {
        let id = self.campaign.begin_early_unlock(person(n), None, None, self.fee(), self.now)?;
        Ok(self.advance(id, fate))
    }

    /// One round of the timer.
    pub fn round(&mut self, fate: Fate) {
        self.campaign.pass_time(self.now);
        for id in self.campaign.due(self.now, 20) {
            self.advance(id, fate);
        }
        for payback in [Payback::Penalty, Payback::Refund] {
            if self.campaign.owes(payback, self.now) {
                let (fee, minter) = (Amount(self.ledger.fee), self.ledger.minter.map(LedgerAccount::from));
                self.campaign.learn_fee(fee);
                if let Some(id) = self.campaign.begin_payback(payback, fee, minter, self.now) {
                    self.advance(id, fate);
                }
            }
        }
    }

    /// Lets time pass and the timer work, without faults, until nothing is open: longer than the ledger's window.
    pub fn settle(&mut self) {
        self.ledger.logless = false;
        self.retry();
        for _ in 0..100 {
            self.round(Fate::Fine);
            self.pass(HOUR);
        }
        // What was being weighed may end in quarantine, although there is a log now.
        if self.retry() {
            self.settle();
        }
        let open = self.campaign.transfer_views(None, None);
        assert!(open.is_empty(), "still open: {open:?}");
    }

    /// Has everything in quarantine searched again; whether there is anything.
    fn retry(&mut self) -> bool {
        let mut open = self.campaign.transfer_views(None, None);
        open.retain(|view| matches!(view.status, PayoutStatus::Quarantined { .. }));
        for view in &open {
            self.campaign.retry_transfer(owner(), view.transfer, self.now).unwrap();
        }
        !open.is_empty()
    }

    /// What the ledger has paid to somebody, by its own record.
    pub fn received(&self, n: u8) -> u128 {
        self.ledger.held(person(n))
    }

    /// The invariant I18, against the ledger's record. To be called when nothing is open.
    pub fn check(&self) {
        let books = self.campaign.books();
        assert!(books.balanced(), "{books:?}");
        assert_eq!(books.in_flight, Amount::ZERO);
        assert_eq!(self.ledger.held(canister()), books.remaining.0 + books.dust.0, "{books:?}");
        let sum = |made: fn(&Purpose) -> bool| -> u128 {
            self.ledger.blocks.iter().filter(|(_, made_)| made(&made_.purpose)).map(|(_, made)| made.amount.0).sum()
        };
        assert_eq!(books.paid.0, sum(|purpose| matches!(purpose, Purpose::Claim(_))));
        assert_eq!(books.refunded.0, sum(|purpose| matches!(purpose, Purpose::Refund)));
        assert_eq!(books.penalties.0, sum(|purpose| matches!(purpose, Purpose::Penalty)));
        assert!(books.deposited.0 >= sum(|purpose| matches!(purpose, Purpose::Deposit)));
        let fees: u128 = self
            .ledger
            .blocks
            .iter()
            .filter(|(_, made)| made.purpose != Purpose::Deposit)
            .map(|(_, made)| made.fee.0)
            .sum();
        assert_eq!(books.fees.0, fees);
        let mut memos: Vec<Hash> = self.ledger.blocks.iter().map(|(_, made)| made.memo).collect();
        memos.sort_unstable();
        memos.dedup();
        assert_eq!(memos.len(), self.ledger.blocks.len(), "nothing is paid twice");
        self.check_people();
    }

    fn check_people(&self) {
        for view in self.campaign.recipient_views(None, None, self.now) {
            let total: u128 = view.allocations.iter().map(|allocation| allocation.amount.0).sum();
            let claimed: u128 = view.allocations.iter().map(|allocation| allocation.claimed.0).sum();
            let lost: u128 = view.allocations.iter().map(|allocation| allocation.forfeited.0).sum();
            assert_eq!(view.received.0 + view.fees.0, claimed, "{view:?}");
            assert!(claimed + lost <= total, "{view:?}");
            for allocation in &view.allocations {
                let gone = allocation.claimed.0 + allocation.forfeited.0;
                assert!(gone <= allocation.amount.0);
                assert!(gone == allocation.amount.0 || allocation.claimed <= allocation.unlocked, "{view:?}");
            }
        }
    }

    /// All that decides what the distribution will do next, for "nothing has changed".
    pub fn snapshot(&self) -> String {
        format!(
            "{:?} {:?} {:?} {:?} {:?}",
            self.campaign.books(),
            self.campaign.terms(),
            self.campaign.category_views(),
            self.campaign.recipient_views(None, None, self.now),
            self.campaign.transfer_views(None, None),
        )
    }
}
