//! What readers of a wallet see.

use super::{Action, RecoveryRules, WalletRules};
use cairn_events::{Amount, Hash, Principal, Timestamp};
use candid::{CandidType, Deserialize};
use serde::Serialize;
use serde_bytes::ByteBuf;
use std::fmt;

/// The roles in a wallet. Everybody has one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, CandidType, Serialize, Deserialize)]
pub enum MemberRole {
    /// Votes, and may freeze.
    Owner,
    /// Votes.
    Signer,
    /// Reads.
    Observer,
    /// Reads, may freeze, and recovers together with others.
    Guardian,
}

impl MemberRole {
    /// Whether the role has a vote.
    pub fn votes(self) -> bool {
        matches!(self, MemberRole::Owner | MemberRole::Signer)
    }

    /// Whether the role may freeze the wallet alone.
    pub fn freezes(self) -> bool {
        matches!(self, MemberRole::Owner | MemberRole::Guardian)
    }
}

impl fmt::Display for MemberRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MemberRole::Owner => "an owner",
            MemberRole::Signer => "a signer",
            MemberRole::Observer => "an observer",
            MemberRole::Guardian => "a guardian",
        })
    }
}

/// Somebody with a role.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct MemberView {
    /// Who.
    pub principal: Principal,
    /// For people.
    pub name: Option<String>,
    /// Which role.
    pub role: MemberRole,
    /// Since when, in nanoseconds.
    pub since: Timestamp,
}

/// What a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum ProposalStatus {
    /// It lacks approvals.
    Pending,
    /// It has them; it may still have to wait, or lose them when signers change.
    Approved,
    /// It is being executed.
    Executing,
    /// Everything was done.
    Executed,
    /// It was executed, and not everything was done: see the effects.
    Failed,
    /// Too many said no.
    Rejected,
    /// Who proposed took it back.
    Cancelled,
    /// It is void: its time is over.
    Expired,
}

impl fmt::Display for ProposalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProposalStatus::Pending => "pending",
            ProposalStatus::Approved => "approved",
            ProposalStatus::Executing => "being executed",
            ProposalStatus::Executed => "executed",
            ProposalStatus::Failed => "executed in part or not at all",
            ProposalStatus::Rejected => "rejected",
            ProposalStatus::Cancelled => "cancelled",
            ProposalStatus::Expired => "expired",
        })
    }
}

/// How dangerous an action is; what it needs follows from that. `n` signers, threshold `t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, CandidType, Deserialize)]
pub enum RiskLevel {
    /// `t` approvals.
    Medium,
    /// The larger of `t + 1` and two thirds of `n`, at most `n`.
    High,
    /// All `n`.
    Critical,
}

/// What became of a payment or a call.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum EffectOutcome {
    /// The ledger has it.
    Transferred {
        /// Its block.
        block: Amount,
    },
    /// The callee replied.
    Replied {
        /// The beginning of the reply, at most 1,000 bytes.
        reply: ByteBuf,
        /// SHA-256 of the whole reply.
        digest: Hash,
    },
    /// It was certainly not done.
    Failed {
        /// Why.
        reason: String,
    },
    /// It may or may not have been done, and will not be tried again: look at the ledger, or ask the callee.
    Unknown {
        /// Why nobody can say.
        reason: String,
    },
}

/// A payment or call of a proposal, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct EffectView {
    /// Which one, from 0.
    pub item: u32,
    /// How often it was sent.
    pub attempts: u32,
    /// The fee offered, once it was sent.
    pub fee: Option<Amount>,
    /// The transfer's `created_at_time`, the same in all attempts.
    pub created_at: Option<Timestamp>,
    /// When it is tried again, if it is waiting.
    pub retry_at: Option<Timestamp>,
    /// What became of it, once known.
    pub outcome: Option<EffectOutcome>,
}

/// A signer's word on a proposal.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct VoteView {
    /// Whose.
    pub signer: Principal,
    /// Yes or no.
    pub approves: bool,
    /// When, in nanoseconds.
    pub at: Timestamp,
    /// For people.
    pub note: Option<String>,
    /// Whether it counts now: not if its signer was removed since.
    pub counts: bool,
}

/// A proposal.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ProposalView {
    /// Its number.
    pub id: u64,
    /// What it is.
    pub status: ProposalStatus,
    /// What is approved, and done.
    pub action: Action,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// Who proposed.
    pub proposer: Principal,
    /// When, in nanoseconds.
    pub proposed_at: Timestamp,
    /// Not executed before.
    pub earliest_execution: Timestamp,
    /// Not executed from then on.
    pub expires_at: Timestamp,
    /// Proposals that must have been executed first.
    pub depends_on: Vec<u64>,
    /// How dangerous it is.
    pub risk: RiskLevel,
    /// Approvals that it needs of present signers.
    pub required_approvals: u32,
    /// Approvals that it has of present signers.
    pub current_approvals: u32,
    /// Who said what.
    pub votes: Vec<VoteView>,
    /// Who began the execution, and when.
    pub executed_by: Option<(Principal, Timestamp)>,
    /// Its payments and calls, once the execution has begun.
    pub effects: Vec<EffectView>,
}

/// A page of proposals, newest first.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct ProposalPage {
    /// The proposals.
    pub proposals: Vec<ProposalView>,
    /// Where the next page begins, if there is one.
    pub next: Option<u64>,
    /// Proposals in all.
    pub total: u64,
}

/// What a wallet can do now.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub enum WalletPhase {
    /// Everything.
    Active,
    /// Nothing leaves it.
    Frozen {
        /// Who froze it.
        by: Principal,
        /// Since when, in nanoseconds.
        since: Timestamp,
        /// Why, as was said.
        reason: String,
    },
    /// The guardians recover it: nothing leaves it, nothing is changed.
    Recovering {
        /// By which plan.
        plan: u64,
        /// When that can be executed, in nanoseconds.
        executable_at: Timestamp,
    },
}

/// A wallet.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct WalletInfo {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Whether strangers may read it.
    pub public: bool,
    /// What it can do now.
    pub phase: WalletPhase,
    /// How it decides.
    pub rules: WalletRules,
    /// Everybody with a role.
    pub members: Vec<MemberView>,
    /// Proposals so far.
    pub proposals: u64,
    /// Those being executed.
    pub executing: Vec<u64>,
    /// Entries of the trail.
    pub trail_length: u64,
    /// Cycles held.
    pub cycles: u64,
}

/// A guardian's plan of recovery.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct RecoveryView {
    /// Its number.
    pub plan: u64,
    /// Who planned it.
    pub proposer: Principal,
    /// When, in nanoseconds.
    pub proposed_at: Timestamp,
    /// Who would be signers.
    pub signers: Vec<super::NewSigner>,
    /// The threshold from then on.
    pub threshold: u32,
    /// The guardians that agree.
    pub approvals: Vec<Principal>,
    /// The rules in force.
    pub rules: Option<RecoveryRules>,
    /// When it can be executed, once enough agree.
    pub executable_at: Option<Timestamp>,
}

/// What the wallet holds of a watched asset, as its ledger said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct AssetView {
    /// The ledger.
    pub ledger: Principal,
    /// What it said, in the smallest unit; absent before the first answer.
    pub balance: Option<Amount>,
    /// When it was asked, in nanoseconds.
    pub as_of: Option<Timestamp>,
    /// The limit of 24 hours, if there is one.
    pub daily_limit: Option<Amount>,
    /// What left within the last 24 hours, rounded up to periods of ten minutes.
    pub spent: Amount,
}
