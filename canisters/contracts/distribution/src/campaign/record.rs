//! What is stored: rows apart from what is answered.

use super::books::plus;
use crate::transfer::Part;
use cairn_events::payload::Account;
use cairn_events::{Amount, Hash, Principal, Timestamp};
use cairn_kit::api::distribution::{Campaign, DistributionArgs, RecipientArgs};
use ic_stable_structures::storable::{Bound, Storable};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What the distribution was installed with. The recipients named from the start are rows of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTerms {
    /// As its creator sent it, but for recipients and visibility.
    pub args: DistributionArgs,
    /// Who manages it.
    pub owner: Principal,
    /// Who is told about it.
    pub factory: Option<Principal>,
}

impl StoredTerms {
    /// The launchpad that it gives out for, if there is one.
    pub fn launchpad(&self) -> Option<Principal> {
        match self.args.campaign {
            Campaign::LaunchpadDistribution { launchpad } => Some(launchpad),
            _ => None,
        }
    }

    /// Who gets back what is left over.
    pub fn refund_to(&self) -> Account {
        self.args.refund_to.unwrap_or(Account { owner: self.owner, subaccount: None })
    }
}

/// What has become of a category.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryState {
    /// What is allocated to people; at most the budget.
    pub allocated: Amount,
    /// Of that, claimed: fees, and what is on its way, included.
    pub claimed: Amount,
    /// Of that, lost by early unlocks.
    pub forfeited: Amount,
    /// People with an allocation.
    pub participants: u64,
    /// Whether nothing of it can be claimed for now.
    pub paused: bool,
    /// Root and leaves of its Merkle tree.
    pub merkle: Option<(Hash, u64)>,
}

/// Somebody who gets, or got, something. The row stays when nothing is allocated any more: the factory may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Since when.
    pub registered_at: Timestamp,
    /// What is allocated: at most one per category, and where a Merkle tree proves it one per leaf.
    pub allocations: Vec<Allocation>,
    /// What arrived.
    pub received: Amount,
    /// What the ledger charged for it.
    pub fees: Amount,
    /// The last claim that was paid.
    pub last_claim: Option<Timestamp>,
    /// The payout under way: there is one at most.
    pub open: Option<u64>,
    /// Claims since this time, for the limit.
    pub window: Option<(Timestamp, u32)>,
}

impl Recipient {
    /// Somebody new.
    pub fn new(now: Timestamp) -> Self {
        Recipient {
            registered_at: now,
            allocations: Vec::new(),
            received: Amount::ZERO,
            fees: Amount::ZERO,
            last_claim: None,
            open: None,
            window: None,
        }
    }

    /// What is allocated of a category.
    pub fn of(&self, category: u32) -> impl Iterator<Item = &Allocation> {
        self.allocations.iter().filter(move |allocation| allocation.category == category)
    }

    /// Whether anything is allocated of a category.
    pub fn has(&self, category: u32) -> bool {
        self.of(category).next().is_some()
    }

    /// What a leaf of a category has proven.
    pub fn proven(&self, category: u32, leaf: u64) -> Option<&Allocation> {
        self.of(category).find(|allocation| allocation.leaf == Some(leaf))
    }

    /// Leaves that have proven something.
    pub fn leaves(&self) -> usize {
        self.allocations.iter().filter(|allocation| allocation.leaf.is_some()).count()
    }

    /// What of everything has neither been claimed nor lost.
    pub fn rest(&self) -> Amount {
        self.allocations.iter().fold(Amount::ZERO, |sum, allocation| plus(sum, allocation.rest()))
    }
}

/// What somebody gets of a category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Which category.
    pub category: u32,
    /// How much in all.
    pub amount: Amount,
    /// Of that, claimed: fees, and what is on its way, included.
    pub claimed: Amount,
    /// Of that, lost by an early unlock.
    pub forfeited: Amount,
    /// The leaf that proved it.
    pub leaf: Option<u64>,
    /// The owner's note.
    pub note: Option<String>,
}

impl Allocation {
    /// A new one.
    pub fn new(category: u32, amount: Amount) -> Self {
        Allocation { category, amount, claimed: Amount::ZERO, forfeited: Amount::ZERO, leaf: None, note: None }
    }

    /// The one that a list names.
    pub fn listed(listed: &RecipientArgs) -> Self {
        Allocation { note: listed.note.clone(), ..Allocation::new(listed.category, listed.amount) }
    }

    /// What has been claimed or lost.
    pub fn gone(&self) -> Amount {
        plus(self.claimed, self.forfeited)
    }

    /// What has neither been claimed nor lost.
    pub fn rest(&self) -> Amount {
        self.amount.saturating_sub(self.gone())
    }

    /// The part of a payout that takes so much of it, and loses so much.
    pub fn part(&self, amount: Amount, penalty: Amount) -> Part {
        Part { category: self.category, leaf: self.leaf, amount, penalty }
    }

    /// Whether a part of a payout takes from it. Earlier versions named no leaf: then the person had one allocation of
    /// the category.
    pub fn gives(&self, part: &Part) -> bool {
        self.category == part.category && (part.leaf.is_none() || part.leaf == self.leaf)
    }
}

/// A settled transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// What it was for.
    pub kind: Kind,
    /// The other side.
    pub account: Account,
    /// What arrived, or would have.
    pub amount: Amount,
    /// The ledger's fee.
    pub fee: Amount,
    /// When it was settled.
    pub at: Timestamp,
    /// The ledger's block, if it was made and the block is known.
    pub block: Option<u64>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// What a settled transfer was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Money came in.
    #[serde(rename = "deposit")]
    Deposit,
    /// A recipient was paid.
    #[serde(rename = "claim")]
    Claim,
    /// A penalty was paid.
    #[serde(rename = "penalty")]
    Penalty,
    /// The rest went back.
    #[serde(rename = "refund")]
    Refund,
}

/// An NFT of a collection, as a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NftKey(Vec<u8>);

/// Bytes of the longest key: a principal, and a number of 128 bits.
const NFT_KEY: u32 = 1 + 29 + 16;

impl NftKey {
    /// The NFT `id` of `collection`.
    pub fn new(collection: Principal, id: u128) -> Self {
        let collection = collection.as_slice();
        let mut key = vec![collection.len() as u8];
        key.extend_from_slice(collection);
        key.extend_from_slice(&id.to_be_bytes());
        NftKey(key)
    }
}

impl Storable for NftKey {
    const BOUND: Bound = Bound::Bounded { max_size: NFT_KEY, is_fixed_size: false };

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.0)
    }

    fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        NftKey(bytes.into_owned())
    }
}
