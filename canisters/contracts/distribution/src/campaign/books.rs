//! The money of a distribution, and its stage.
//!
//! `deposited = paid + fees + refunded + penalties + remaining + dust`, after every step. What remains is, in part, on
//! its way to somebody, or a penalty that waits to be paid; the rest is owed, or free.

use cairn_events::payload::ContractStatus;
use cairn_events::{Amount, Timestamp};
use serde::{Deserialize, Serialize};

/// Where a distribution stands. From the last two there is no way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Waits for its money.
    #[default]
    #[serde(rename = "pending")]
    Pending,
    /// Funded: it pays.
    #[serde(rename = "active")]
    Active,
    /// Funded; the owner has paused it.
    #[serde(rename = "paused")]
    Paused,
    /// Over: what is left goes back.
    #[serde(rename = "completed")]
    Completed,
    /// The owner has cancelled it: what is left goes back.
    #[serde(rename = "cancelled")]
    Cancelled,
}

impl Stage {
    /// The stage as the platform calls it.
    pub fn status(self) -> ContractStatus {
        match self {
            Stage::Pending => ContractStatus::Pending,
            Stage::Active => ContractStatus::Active,
            Stage::Paused => ContractStatus::Paused,
            Stage::Completed => ContractStatus::Completed,
            Stage::Cancelled => ContractStatus::Cancelled,
        }
    }

    /// The stage in an error.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Pending => "pending",
            Stage::Active => "active",
            Stage::Paused => "paused",
            Stage::Completed => "completed",
            Stage::Cancelled => "cancelled",
        }
    }

    /// Whether there is no way back.
    pub fn is_final(self) -> bool {
        matches!(self, Stage::Completed | Stage::Cancelled)
    }
}

/// Money, stage, and counters. Sums of amounts below 2^121: additions cannot overflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Where the distribution stands.
    pub stage: Stage,
    /// What came in.
    pub deposited: Amount,
    /// What recipients received.
    pub paid: Amount,
    /// What the ledger charged for payouts of any kind.
    pub fees: Amount,
    /// What went back.
    pub refunded: Amount,
    /// What was paid as penalties.
    pub penalties: Amount,
    /// What is here.
    pub remaining: Amount,
    /// What is here and never can leave: at most one fee each time something went back.
    pub dust: Amount,
    /// Of what remains: taken for payouts that are not settled, penalties included.
    pub in_flight: Amount,
    /// Of what remains: penalties to be paid.
    pub penalties_due: Amount,
    /// What is allocated to people.
    pub allocated: Amount,
    /// Of that, claimed, or on its way.
    pub claimed: Amount,
    /// Of that, lost by early unlocks.
    pub forfeited: Amount,
    /// People with an allocation.
    pub recipients: u64,
    /// Those of them who have registered themselves.
    pub registered: u64,
    /// Number of the next transfer.
    pub next_transfer: u64,
    /// Transfers in quarantine.
    pub quarantined: u64,
    /// The ledger's fee, as far as it is known.
    pub ledger_fee: Option<Amount>,
    /// When everything was there.
    pub funded_at: Option<Timestamp>,
    /// When it is over, if ever.
    pub end: Option<Timestamp>,
    /// The deposit under way.
    pub open_deposit: Option<u64>,
    /// The payment of a penalty under way.
    pub open_penalty: Option<u64>,
    /// The refund under way.
    pub open_refund: Option<u64>,
    /// Failed payments of penalties and refunds in a row.
    pub payback_failures: u32,
    /// When the next one may be tried.
    pub payback_at: Timestamp,
}

/// `one + other`: see [`Books`].
pub fn plus(one: Amount, other: Amount) -> Amount {
    Amount(one.0.saturating_add(other.0))
}

/// Adds to an amount of the books.
pub fn add(to: &mut Amount, amount: Amount) {
    *to = plus(*to, amount);
}

/// Takes from an amount of the books, which has it.
pub fn take(from: &mut Amount, amount: Amount) {
    *from = from.saturating_sub(amount);
}

impl Books {
    /// Whether every unit that came in is accounted for, once.
    pub fn balanced(&self) -> bool {
        let terms = [self.paid, self.fees, self.refunded, self.penalties, self.remaining, self.dust];
        let accounted = terms.into_iter().try_fold(Amount::ZERO, Amount::checked_add);
        accounted == Some(self.deposited) && plus(self.in_flight, self.penalties_due) <= self.remaining
    }

    /// What remains and is neither on its way nor a penalty.
    pub fn free(&self) -> Amount {
        self.remaining.saturating_sub(self.in_flight).saturating_sub(self.penalties_due)
    }

    /// What the ledger should hold here, gifts aside.
    pub fn booked(&self) -> Amount {
        plus(self.remaining, self.dust)
    }

    /// What is missing of `total`.
    pub fn missing(&self, total: Amount) -> Amount {
        total.saturating_sub(self.deposited)
    }

    /// Money has come in.
    pub fn deposit(&mut self, amount: Amount) {
        add(&mut self.deposited, amount);
        add(&mut self.remaining, amount);
    }

    /// An amount has left, of which the ledger kept `fee`.
    pub fn leave(&mut self, gross: Amount, fee: Amount) {
        take(&mut self.in_flight, gross);
        take(&mut self.remaining, gross);
        add(&mut self.fees, fee);
    }

    /// What is free can never leave.
    pub fn write_off(&mut self) {
        let free = self.free();
        take(&mut self.remaining, free);
        add(&mut self.dust, free);
    }
}
