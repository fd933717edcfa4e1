//! The interface of distributions: what their creators ask for, what is installed, what is refused.
//!
//! Amounts are in the token's smallest unit. Times are nanoseconds since 1970, durations nanoseconds. Shares are basis
//! points: 10,000 are the whole.

mod check;
mod error;
mod leaf;
mod lock;
mod view;

pub use check::{
    InvalidDistribution, MAX_ARGS_BYTES, MAX_CATEGORIES, MAX_CONDITIONS, MAX_DESCRIPTION, MAX_DURATION, MAX_NFTS,
    MAX_NOTE, MAX_STEPS, MAX_TITLE, MAX_TOTAL, check_recipient, earning_account,
};
pub use error::{DistributionError, DistributionRequestError, DistributionTemporaryError};
pub use leaf::merkle_leaf;
pub use lock::LockArgs;
pub use view::{
    AllocationView, CategoryView, ClaimReceipt, Claimable, Funding, HistoryEntry, PayoutStatus, RecipientView,
    Statistics, Terms, TransferKind, TransferView,
};

use cairn_events::payload::{Account, Subaccount};
use cairn_events::{Amount, Hash, Principal, Timestamp};
use candid::{CandidType, Nat};
use serde::{Deserialize, Serialize};

/// The whole, in basis points.
pub const WHOLE: u16 = 10_000;
/// Nanoseconds of a day.
pub const DAY: u64 = 86_400_000_000_000;

/// A distribution, as its creator wants it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DistributionArgs {
    /// 1 to 100 characters, at most 128 bytes.
    pub title: String,
    /// At most 1,000 bytes.
    pub description: String,
    /// Whether strangers may see the distribution listed, and read it.
    pub public: bool,
    /// What it is for.
    pub campaign: Campaign,
    /// The token that is given out.
    pub token: TokenInfo,
    /// What is given out in all: the sum of the categories' budgets.
    pub total: Amount,
    /// Who gets how much, and when; 1 to 10.
    pub categories: Vec<Category>,
    /// Those who are named from the start. More come by `addRecipients`, or by a Merkle root.
    pub recipients: Vec<RecipientArgs>,
    /// The most people there may be in all; no bound if absent.
    pub max_recipients: Option<u64>,
    /// When people may register; at any time before the end if absent.
    pub registration: Option<RegistrationPeriod>,
    /// Before this nothing is unlocked.
    pub start: Timestamp,
    /// From then on nothing can be claimed, and the rest goes back; never if absent.
    pub end: Option<Timestamp>,
    /// Whether people may have everything at once, less a penalty.
    pub early_unlock: Option<EarlyUnlock>,
    /// The smallest claim; the ledger's fee is a bound of its own.
    pub minimum_claim: Amount,
    /// How often one person may claim.
    pub claim_limit: Option<ClaimLimit>,
    /// Whether the owner may cancel, and get back what nobody has claimed.
    pub allow_cancel: bool,
    /// Whether the owner may pause, remove recipients and block people.
    pub allow_modification: bool,
    /// Gets back what is left over; the owner's default account if absent.
    pub refund_to: Option<Account>,
}

/// What a distribution is for.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Campaign {
    /// Given away.
    Airdrop,
    /// Earned over time.
    Vesting,
    /// Kept until a day.
    Lock,
    /// What a sale has sold. The launchpad may add recipients and fund it.
    LaunchpadDistribution {
        /// The sale.
        launchpad: Principal,
    },
}

/// The token, as its creator knows it; names are for display.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct TokenInfo {
    /// An ICRC-1 and ICRC-2 ledger.
    pub ledger: Principal,
    /// 1 to 16 characters, at most 32 bytes.
    pub symbol: String,
    /// At most 18.
    pub decimals: u8,
}

/// A part of the distribution, with people, a budget and a schedule of its own.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Category {
    /// 1 to 100 characters, unlike those of the others.
    pub name: String,
    /// What its people get in all, at most.
    pub budget: Amount,
    /// Who they are.
    pub members: Membership,
    /// When their share unlocks.
    pub schedule: Schedule,
    /// The share that is unlocked at the start, before the schedule unlocks the rest.
    pub initial_unlock: u16,
    /// When its schedule begins; with the distribution if absent, never before it.
    pub start: Option<Timestamp>,
}

/// Who the people of a category are.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Membership {
    /// Those whom the owner names, with an amount each.
    Listed,
    /// Those who register and are eligible, with the same amount each.
    Open {
        /// What each of them gets.
        allocation: Amount,
        /// Who may.
        eligibility: Eligibility,
        /// The most there may be; the budget is a bound of its own.
        max_participants: Option<u64>,
    },
    /// Those who prove that they are in a Merkle tree, whose root `setMerkleRoot` names: its leaves bind this canister,
    /// which is not known before it exists.
    Merkle,
}

/// Who may register.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Eligibility {
    /// Everyone.
    Open,
    /// Who is on the whitelist, holds tokens, or owns NFTs.
    If(Condition),
    /// Several of these.
    Hybrid {
        /// How they go together.
        logic: Logic,
        /// 2 to 5.
        conditions: Vec<Condition>,
    },
}

/// How conditions go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Logic {
    /// Every one must hold.
    And,
    /// The first that holds is enough.
    Or,
}

/// A condition of eligibility, checked when a person registers.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Condition {
    /// The owner has put the person on the whitelist of the category.
    Whitelist,
    /// The person's default account on an ICRC-1 ledger holds this much.
    TokenHolder {
        /// The ledger.
        ledger: Principal,
        /// At least this much.
        minimum: Amount,
    },
    /// The person owns this many NFTs of an ICRC-7 collection, and names them; each serves once, whoever owns it later.
    NftHolder {
        /// The collection.
        collection: Principal,
        /// 1 to 10.
        count: u32,
    },
}

/// When an allocation unlocks.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Schedule {
    /// All of it at the start.
    Instant,
    /// Evenly over a time.
    Linear {
        /// How long.
        duration: u64,
        /// In which steps.
        frequency: Frequency,
    },
    /// A share after a cliff, the rest evenly over the time that follows.
    Cliff {
        /// Before it has passed, only the initial share.
        cliff: u64,
        /// Unlocked by the cliff.
        share: u16,
        /// How long the rest takes.
        vesting: u64,
        /// In which steps.
        frequency: Frequency,
    },
    /// Shares that together with the initial one are the whole.
    Stepped(Vec<Step>),
    /// All of it at once, later.
    Single {
        /// How long after the start.
        after: u64,
    },
    /// At given times. What is unlocked after the initial share is divided as the amounts are: an allocation without an
    /// initial share that is as large as their sum unlocks exactly these amounts.
    Custom(Vec<Tranche>),
}

/// How often a schedule unlocks something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Frequency {
    /// At every moment.
    Continuous,
    /// Every 24 hours.
    Daily,
    /// Every 7 days.
    Weekly,
    /// Every 30 days.
    Monthly,
    /// Every 90 days.
    Quarterly,
    /// Every 365 days.
    Yearly,
    /// Every so often.
    Every(u64),
}

impl Frequency {
    /// Nanoseconds between two steps.
    pub fn period(self) -> u64 {
        match self {
            Frequency::Continuous => 1,
            Frequency::Daily => DAY,
            Frequency::Weekly => 7 * DAY,
            Frequency::Monthly => 30 * DAY,
            Frequency::Quarterly => 90 * DAY,
            Frequency::Yearly => 365 * DAY,
            Frequency::Every(period) => period,
        }
    }
}

/// A share that unlocks some time after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Step {
    /// How long after the start; later than the step before.
    pub after: u64,
    /// How much.
    pub share: u16,
}

/// A part that unlocks at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Tranche {
    /// When; later than the tranche before.
    pub at: Timestamp,
    /// How much, in proportion to the sum of all.
    pub amount: Amount,
}

/// Someone who gets something.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct RecipientArgs {
    /// Who.
    pub recipient: Principal,
    /// Of which category: its place in the list, from 0.
    pub category: u32,
    /// How much.
    pub amount: Amount,
    /// At most 100 bytes.
    pub note: Option<String>,
}

/// When people may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct RegistrationPeriod {
    /// From then on.
    pub from: Timestamp,
    /// Up to but not including.
    pub until: Timestamp,
    /// The most who may.
    pub max_participants: Option<u64>,
}

/// How people get everything at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct EarlyUnlock {
    /// The share of what is still locked that is lost, rounded down.
    pub penalty: u16,
    /// Gets the penalty; it goes back with the rest if absent.
    pub penalty_to: Option<Account>,
    /// How long after the funding it is possible.
    pub min_lock: u64,
}

/// How often one person may claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ClaimLimit {
    /// Claims in one window.
    pub claims: u32,
    /// Its length.
    pub window: u64,
}

/// Install argument of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DistributionInit {
    /// What was asked for.
    pub args: DistributionArgs,
    /// Who manages it, and gets back what is left over.
    pub owner: Principal,
    /// Who is told about it; nobody if absent.
    pub factory: Option<Principal>,
    /// The epoch in which notifications are numbered from 1; 0 unless given.
    pub epoch: Option<u64>,
}

/// Argument of `registerForCampaign`.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct RegisterArgs {
    /// The category.
    pub category: u32,
    /// NFTs that make the caller eligible: collection and id. At most 50.
    pub nfts: Vec<(Principal, Nat)>,
}

/// Argument of `claim`.
#[derive(Clone, Debug, Default, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ClaimArgs {
    /// Of one category; of all, in their order, if absent.
    pub category: Option<u32>,
    /// The ledger's fee included; everything that is unlocked if absent.
    pub amount: Option<Amount>,
    /// Which of the caller's accounts is paid; the default one if absent.
    pub to_subaccount: Option<Subaccount>,
}

/// Argument of `claimWithMerkleProof`: a leaf of a category's Merkle tree, and its path. One person can claim of 20
/// leaves, of each what it allocates.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct MerkleClaim {
    /// The category.
    pub category: u32,
    /// The leaf's place in the tree.
    pub index: u64,
    /// The account that is paid; the caller's.
    pub account: Account,
    /// What the leaf allocates.
    pub allocation: Amount,
    /// The inclusion proof of RFC 9162, from the leaf upwards.
    pub proof: Vec<Hash>,
}

/// Argument of `setMerkleRoot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct MerkleRoot {
    /// The category.
    pub category: u32,
    /// The root of the tree of RFC 9162 over the leaves of [`merkle_leaf`].
    pub root: Hash,
    /// How many leaves it has.
    pub leaves: u64,
}
