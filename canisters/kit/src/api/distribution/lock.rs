//! Locks: distributions with one recipient and a single date.

use super::{
    Campaign, Category, DistributionArgs, EarlyUnlock, InvalidDistribution, Membership, RecipientArgs, Schedule,
    TokenInfo,
};
use cairn_events::{Amount, Principal, Timestamp};
use candid::CandidType;
use serde::{Deserialize, Serialize};

/// A lock, as its creator wants it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct LockArgs {
    /// 1 to 100 characters, at most 128 bytes.
    pub title: String,
    /// At most 1,000 bytes.
    pub description: String,
    /// Whether strangers may see the lock listed, and read it.
    pub public: bool,
    /// The token that is locked.
    pub token: TokenInfo,
    /// How much of it.
    pub amount: Amount,
    /// Who gets it.
    pub beneficiary: Principal,
    /// When.
    pub unlock_at: Timestamp,
    /// Whether the beneficiary may have it earlier, less a penalty.
    pub early_unlock: Option<EarlyUnlock>,
}

impl LockArgs {
    /// The same lock as a distribution: nobody can cancel, pause or change it, and it has no end.
    pub fn into_distribution(self) -> DistributionArgs {
        let category = Category {
            name: "Lock".to_owned(),
            budget: self.amount,
            members: Membership::Listed,
            schedule: Schedule::Instant,
            initial_unlock: 0,
            start: None,
        };
        let recipient = RecipientArgs { recipient: self.beneficiary, category: 0, amount: self.amount, note: None };
        DistributionArgs {
            title: self.title,
            description: self.description,
            public: self.public,
            campaign: Campaign::Lock,
            token: self.token,
            total: self.amount,
            categories: vec![category],
            recipients: vec![recipient],
            max_recipients: Some(1),
            registration: None,
            start: self.unlock_at,
            end: None,
            early_unlock: self.early_unlock,
            minimum_claim: Amount::ZERO,
            claim_limit: None,
            allow_cancel: false,
            allow_modification: false,
            refund_to: None,
        }
    }

    /// Validates everything before money moves, at the time `now`.
    ///
    /// # Errors
    /// [`InvalidDistribution`] names the first field that is not acceptable, as it is called in the distribution.
    pub fn validate(&self, now: Timestamp) -> Result<(), InvalidDistribution> {
        self.clone().into_distribution().validate(now)
    }
}
