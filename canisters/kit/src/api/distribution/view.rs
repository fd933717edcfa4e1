//! What a distribution answers.

use super::{Campaign, DistributionArgs, MerkleRoot};
use cairn_events::payload::{Account, ContractStatus};
use cairn_events::{Amount, Principal, Timestamp};
use candid::{CandidType, Deserialize};

/// What the distribution was installed with, and what has become of its times.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Terms {
    /// As its creator sent it, but for visibility and end.
    pub args: DistributionArgs,
    /// Who manages it.
    pub owner: Principal,
    /// Who is told about it.
    pub factory: Option<Principal>,
    /// When nothing can be claimed any more: later than asked for by as much as the funding was late.
    pub end: Option<Timestamp>,
    /// When it was funded.
    pub funded_at: Option<Timestamp>,
}

/// The money: `deposited = paid + fees + refunded + penalties + remaining + dust`.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Statistics {
    /// What it is for.
    pub campaign: Campaign,
    /// The status.
    pub status: ContractStatus,
    /// What is to be given out.
    pub total: Amount,
    /// What came in.
    pub deposited: Amount,
    /// What recipients received, fees not included.
    pub paid: Amount,
    /// What the ledger charged for payouts.
    pub fees: Amount,
    /// What went back.
    pub refunded: Amount,
    /// What was paid as penalties.
    pub penalties: Amount,
    /// What is here.
    pub remaining: Amount,
    /// What is here and never can leave, because a transfer would cost more.
    pub dust: Amount,
    /// Of what remains: on its way to somebody.
    pub in_flight: Amount,
    /// Of what remains: penalties that wait to be paid.
    pub penalties_due: Amount,
    /// What is allocated to people.
    pub allocated: Amount,
    /// Of that, claimed: fees, and what is on its way, included.
    pub claimed: Amount,
    /// People with an allocation.
    pub recipients: u64,
    /// Transfers that are open.
    pub open_transfers: u64,
    /// Those of them that nobody can tell the outcome of.
    pub quarantined: u64,
    /// The ledger's fee, as far as it is known.
    pub ledger_fee: Option<Amount>,
}

/// A category, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct CategoryView {
    /// Its place in the list.
    pub category: u32,
    /// Its name.
    pub name: String,
    /// Its budget.
    pub budget: Amount,
    /// Of that, allocated.
    pub allocated: Amount,
    /// Of that, claimed.
    pub claimed: Amount,
    /// People with an allocation of it.
    pub participants: u64,
    /// Whether it is paused.
    pub paused: bool,
    /// Its Merkle tree.
    pub merkle: Option<MerkleRoot>,
}

/// Somebody's part of a category; where a Merkle tree proves it, there is one for each leaf.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct AllocationView {
    /// Which category.
    pub category: u32,
    /// The place of the leaf that proved it, if one did.
    pub leaf: Option<u64>,
    /// How much in all.
    pub amount: Amount,
    /// Of that, unlocked by now.
    pub unlocked: Amount,
    /// Of that, claimed: fees, and what is on its way, included.
    pub claimed: Amount,
    /// Lost by an early unlock.
    pub forfeited: Amount,
    /// Claimable now, if the distribution and the category are open.
    pub claimable: Amount,
    /// The owner's note.
    pub note: Option<String>,
}

/// Somebody who gets something.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct RecipientView {
    /// Who.
    pub recipient: Principal,
    /// Since when.
    pub registered_at: Timestamp,
    /// What they get.
    pub allocations: Vec<AllocationView>,
    /// What they received, fees not included.
    pub received: Amount,
    /// What the ledger charged for it.
    pub fees: Amount,
    /// When they claimed last.
    pub last_claim: Option<Timestamp>,
    /// The transfer that is on its way to them.
    pub open_transfer: Option<u64>,
    /// Whether the owner has blocked them.
    pub blocked: bool,
}

/// What somebody can claim now.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Claimable {
    /// In all.
    pub amount: Amount,
    /// The ledger's fee, which is paid from it.
    pub fee: Option<Amount>,
    /// The smallest claim.
    pub minimum: Amount,
    /// When more unlocks, if more will.
    pub next_unlock: Option<Timestamp>,
}

/// What has become of a claim.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ClaimReceipt {
    /// The transfer.
    pub transfer: u64,
    /// What the claim takes from the allocation.
    pub claimed: Amount,
    /// What arrives.
    pub amount: Amount,
    /// The ledger's fee.
    pub fee: Amount,
    /// What is lost by an early unlock.
    pub penalty: Amount,
    /// Whether it has arrived.
    pub status: PayoutStatus,
}

/// Whether a transfer has been made.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum PayoutStatus {
    /// It has.
    #[serde(rename = "paid")]
    Paid {
        /// The ledger's block.
        block: Option<u64>,
    },
    /// Nobody knows yet: it is repeated until the ledger tells. It is never made twice.
    #[serde(rename = "pending")]
    Pending,
    /// Nobody can tell: the ledger's log does not say. `retryTransfer` asks again.
    #[serde(rename = "quarantined")]
    Quarantined {
        /// Why.
        reason: String,
    },
}

/// What has become of a funding.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Funding {
    /// What is here.
    pub deposited: Amount,
    /// What is needed.
    pub total: Amount,
    /// The deposit, if one was made.
    pub transfer: Option<u64>,
    /// Whether it has arrived.
    pub status: PayoutStatus,
}

/// What a transfer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum TransferKind {
    /// Money comes in.
    #[serde(rename = "deposit")]
    Deposit,
    /// A recipient is paid.
    #[serde(rename = "claim")]
    Claim,
    /// A penalty is paid.
    #[serde(rename = "penalty")]
    Penalty,
    /// The rest goes back.
    #[serde(rename = "refund")]
    Refund,
}

/// A transfer that is not settled.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct TransferView {
    /// Its number.
    pub transfer: u64,
    /// What it is for.
    pub kind: TransferKind,
    /// The other side: who pays, or is paid.
    pub account: Account,
    /// What arrives.
    pub amount: Amount,
    /// The ledger's fee.
    pub fee: Amount,
    /// Frozen with the rest, so that the ledger can tell a repetition.
    pub created_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// When the next one is due.
    pub retry_at: Timestamp,
    /// What was said last.
    pub last_error: Option<String>,
    /// Where it stands.
    pub status: PayoutStatus,
}

/// A settled transfer.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct HistoryEntry {
    /// Its number.
    pub transfer: u64,
    /// What it was for.
    pub kind: TransferKind,
    /// The other side.
    pub account: Account,
    /// What arrived; nothing, if it failed.
    pub amount: Amount,
    /// The ledger's fee.
    pub fee: Amount,
    /// When it was settled.
    pub settled_at: Timestamp,
    /// The ledger's block, if it was made and the block is known.
    pub block: Option<u64>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}
