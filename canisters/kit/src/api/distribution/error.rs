//! Why a distribution refuses.

use super::InvalidDistribution;
use crate::api::InternalError;
use cairn_events::{Amount, Hash, Principal, Timestamp};
use candid::{CandidType, Deserialize, Nat};

/// Why a distribution refused. Nothing was changed, unless the variant says so.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum DistributionError {
    /// The request must be mended.
    #[error(transparent)]
    Request(#[from] DistributionRequestError),
    /// Another attempt may succeed.
    #[error(transparent)]
    Temporary(#[from] DistributionTemporaryError),
    /// Something is wrong on our side.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl DistributionError {
    /// Something that cannot be.
    pub fn internal(message: &str) -> Self {
        DistributionError::Internal(InternalError { message: message.to_owned() })
    }
}

impl From<InvalidDistribution> for DistributionError {
    fn from(InvalidDistribution { field, problem }: InvalidDistribution) -> Self {
        DistributionRequestError::Invalid { field, problem }.into()
    }
}

/// What is wrong with a request to a distribution.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum DistributionRequestError {
    /// Anonymous callers own nothing.
    #[error("anonymous callers are refused")]
    Anonymous,
    /// The caller may not do this.
    #[error("{caller} may not call this")]
    Unauthorized {
        /// Who called.
        caller: Principal,
    },
    /// A field of the request.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which field.
        field: String,
        /// The value and the bound.
        problem: String,
    },
    /// No such category.
    #[error("no category {category}; there are {categories}")]
    UnknownCategory {
        /// What was asked for.
        category: u32,
        /// How many there are.
        categories: u32,
    },
    /// The category takes its people in another way.
    #[error("category {category} does not take people that way")]
    WrongMembership {
        /// Which category.
        category: u32,
    },
    /// The distribution does not allow it.
    #[error("the distribution does not allow {what}")]
    NotAllowed {
        /// What was asked for.
        what: String,
    },
    /// The status does not allow it.
    #[error("not possible while the distribution is {status}")]
    WrongStatus {
        /// The status.
        status: String,
    },
    /// It is over.
    #[error("over since {until}")]
    TooLate {
        /// Since when, in nanoseconds.
        until: Timestamp,
    },
    /// The caller is blocked.
    #[error("{recipient} is blocked")]
    Blocked {
        /// Who.
        recipient: Principal,
    },
    /// Nothing is allocated to the caller.
    #[error("{recipient} has no allocation; register first, or claim with a proof")]
    NotRegistered {
        /// Who.
        recipient: Principal,
    },
    /// The person has an allocation of this category already.
    #[error("{recipient} has an allocation of category {category} already")]
    AlreadyRegistered {
        /// Who.
        recipient: Principal,
        /// Which category.
        category: u32,
    },
    /// There are as many people as may be.
    #[error("{found} people; at most {max}")]
    Full {
        /// How many there are.
        found: u64,
        /// How many there may be.
        max: u64,
    },
    /// The budget of the category does not cover it.
    #[error("category {category} has {left} left, {required} needed")]
    BudgetExceeded {
        /// Which category.
        category: u32,
        /// What is left.
        left: Amount,
        /// What is needed.
        required: Amount,
    },
    /// The caller does not meet the conditions.
    #[error("not eligible: {condition}")]
    NotEligible {
        /// Which condition fails, and by how much.
        condition: String,
    },
    /// An NFT has served already.
    #[error("NFT {id} of {collection} has served already")]
    NftConsumed {
        /// The collection.
        collection: Principal,
        /// The NFT.
        id: Nat,
    },
    /// The category has no Merkle root yet.
    #[error("category {category} has no Merkle root")]
    NoMerkleRoot {
        /// Which category.
        category: u32,
    },
    /// The Merkle root is fixed by now.
    #[error("the Merkle root of category {category} is fixed: {root}")]
    MerkleRootFixed {
        /// Which category.
        category: u32,
        /// Its root.
        root: Hash,
    },
    /// The proof does not lead to the root.
    #[error("the proof does not lead to the root {root} of category {category}")]
    InvalidProof {
        /// Which category.
        category: u32,
        /// Its root.
        root: Hash,
    },
    /// The account of the leaf is not the caller's.
    #[error("the leaf pays {owner}, not the caller")]
    OtherAccount {
        /// Whom it pays.
        owner: Principal,
    },
    /// Less is unlocked than was asked for.
    #[error("{required} asked for, {claimable} is unlocked")]
    NotUnlocked {
        /// What is unlocked and not claimed.
        claimable: Amount,
        /// What was asked for.
        required: Amount,
    },
    /// A claim this small is not possible: the ledger's fee is paid from it.
    #[error("a claim of {found}; at least {minimum}, the ledger's fee of {fee} is paid from it")]
    BelowMinimum {
        /// What it would be.
        found: Amount,
        /// The smallest possible.
        minimum: Amount,
        /// The ledger's fee.
        fee: Amount,
    },
    /// Nothing of the allocation is left.
    #[error("nothing is left")]
    NothingLeft,
    /// Everything is funded.
    #[error("the distribution is funded")]
    AlreadyFunded,
    /// Something of the person's has been claimed.
    #[error("{recipient} has claimed {claimed} of category {category}")]
    HasClaimed {
        /// Who.
        recipient: Principal,
        /// Which category.
        category: u32,
        /// How much.
        claimed: Amount,
    },
    /// The ledger refused, and nothing was moved.
    #[error("the ledger refused: {reason}")]
    LedgerRefused {
        /// Why.
        reason: String,
    },
    /// No such thing.
    #[error("{what} does not exist")]
    NotFound {
        /// What was asked for.
        what: String,
    },
}

/// Why a distribution cannot do it right now.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize, thiserror::Error)]
pub enum DistributionTemporaryError {
    /// Not begun.
    #[error("not before {from}")]
    TooEarly {
        /// When, in nanoseconds.
        from: Timestamp,
    },
    /// The distribution is not funded yet.
    #[error("funded with {deposited} of {total}")]
    NotFunded {
        /// What is there.
        deposited: Amount,
        /// What is needed.
        total: Amount,
    },
    /// The owner has paused it.
    #[error("paused")]
    Paused,
    /// The owner has paused this category.
    #[error("category {category} is paused")]
    CategoryPaused {
        /// Which.
        category: u32,
    },
    /// A transfer of the same person, or of the same kind, is under way.
    #[error("transfer {transfer} is under way")]
    Busy {
        /// Which one.
        transfer: u64,
    },
    /// As many transfers as may be are under way.
    #[error("{found} transfers are under way, at most {max}")]
    Overloaded {
        /// How many are.
        found: u64,
        /// How many may be.
        max: u64,
    },
    /// The person has claimed as often as may be.
    #[error("claimed {claims} times; again at {retry_at}")]
    RateLimited {
        /// How often, in this window.
        claims: u32,
        /// When the next window begins, in nanoseconds.
        retry_at: Timestamp,
    },
    /// A ledger did not answer as hoped; nothing was moved.
    #[error("{canister} did not answer: {detail}")]
    Unreachable {
        /// Which one.
        canister: Principal,
        /// What happened.
        detail: String,
    },
    /// The ledger's fee has changed; nothing was moved, and the new fee is known now.
    #[error("the ledger's fee is {fee} now")]
    FeeChanged {
        /// The fee.
        fee: Amount,
    },
}
