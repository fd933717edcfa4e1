//! How much of the wallet's memory one member can fill: what they do is recorded, and each has so much of it an hour.

use super::{Wallet, later};
use cairn_events::{Principal, Timestamp};
use cairn_kit::api::multisig::{TrailEvent, WalletError, WalletTemporaryError};
use serde::{Deserialize, Serialize};

/// Nanoseconds of a period: an hour.
const PERIOD: u64 = 3_600_000_000_000;
/// What a member may use up in a period.
pub const BUDGET: u32 = 240;
/// What a proposal takes of it.
const PROPOSAL: u32 = 8;

/// What a member has used up in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Who.
    #[serde(rename = "w")]
    pub who: Principal,
    /// In which period.
    #[serde(rename = "p")]
    pub period: u64,
    /// How much.
    #[serde(rename = "u")]
    pub used: u32,
}

impl Wallet {
    /// Whether `who` has some of the budget left.
    pub(super) fn check_budget(&self, who: Principal, now: Timestamp) -> Result<(), WalletError> {
        let period = now.0 / PERIOD;
        let exhausted = |usage: &Usage| usage.who == who && usage.period == period && usage.used >= BUDGET;
        if self.course().usage.iter().any(exhausted) {
            let retry_at = Timestamp(period.saturating_add(1).saturating_mul(PERIOD));
            return Err(later(WalletTemporaryError::RateLimited { retry_at }));
        }
        Ok(())
    }
}

/// Notes that `who` caused `event`. Only this period is remembered.
pub fn charge(usages: &mut Vec<Usage>, who: Principal, event: &TrailEvent, now: Timestamp) {
    let period = now.0 / PERIOD;
    let cost = match event {
        TrailEvent::Proposed { .. } | TrailEvent::RecoveryProposed { .. } => PROPOSAL,
        _ => 1,
    };
    usages.retain(|usage| usage.period == period);
    match usages.iter_mut().find(|usage| usage.who == who) {
        Some(usage) => usage.used = usage.used.saturating_add(cost),
        None => usages.push(Usage { who, period, used: cost }),
    }
}
