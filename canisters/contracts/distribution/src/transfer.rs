//! How money moves: a transfer is an intent with frozen arguments, in stable memory before the first call; attempts with
//! these same arguments; and one settlement, by the ledger's own record.
//!
//! [`settlement`] says what a reply proves, [`search`] finds the block of a transfer that the ledger no longer tells a
//! repetition of, [`crate::campaign::weighing`] reads its balances where it keeps no log. [`ledger`] makes the calls,
//! [`driver`] goes from one step to the next.

pub mod driver;
pub mod ledger;
pub mod search;
pub mod settlement;

use cairn_events::payload::Account;
use cairn_events::{Amount, Hash, Principal, Timestamp};
use cairn_kit::api::distribution::{PayoutStatus, TransferKind};
use search::Search;
use serde::{Deserialize, Serialize};

/// One second, in nanoseconds.
const SECOND: u64 = 1_000_000_000;
/// The wait after the first attempt.
const FIRST_WAIT: u64 = 10 * SECOND;
/// The longest wait between attempts. Shorter than the ledger's window, so that a repetition still meets it.
const LONGEST_WAIT: u64 = 3_600 * SECOND;
/// Bytes of what a ledger said that are kept.
const MAX_SAID: usize = 200;

/// A transfer that is not settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// What it is for.
    pub purpose: Purpose,
    /// The other side: who pays, or is paid.
    pub account: Account,
    /// What arrives.
    pub amount: Amount,
    /// The ledger's fee when the intent was made; frozen with the rest.
    pub fee: Amount,
    /// Tells this transfer from all others, of all canisters.
    pub memo: Hash,
    /// When the intent was made; frozen with the rest.
    pub created_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// Of these, the ones that may have been executed.
    pub open: u32,
    /// When the last of those was sent.
    pub last_sent: Timestamp,
    /// When the next step is due.
    pub retry_at: Timestamp,
    /// What was said last.
    pub last_error: Option<String>,
    /// What is being done.
    pub phase: Phase,
    /// Whether the owner has had it looked for again: what was given beyond the deposits may be paid out then, if nothing
    /// but a balance tells whether it was made.
    #[serde(default)]
    pub vouched: bool,
}

/// What a transfer is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Money comes in, by ICRC-2.
    #[serde(rename = "deposit")]
    Deposit,
    /// A recipient is paid.
    #[serde(rename = "claim")]
    Claim(Claim),
    /// A penalty is paid.
    #[serde(rename = "penalty")]
    Penalty,
    /// The rest goes back.
    #[serde(rename = "refund")]
    Refund,
}

/// Whose allocations a payout takes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Whose.
    pub recipient: Principal,
    /// How much of which.
    pub parts: Vec<Part>,
}

/// What a payout takes from one allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Of which category.
    pub category: u32,
    /// The leaf that proved it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u64>,
    /// How much.
    pub amount: Amount,
    /// What is lost beside it, by an early unlock.
    pub penalty: Amount,
}

/// What is being done about a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It is sent, with the same arguments, until the ledger tells.
    #[serde(rename = "sending")]
    Sending,
    /// The ledger's window for it has closed: its block is searched.
    #[serde(rename = "searching")]
    Searching(Search),
    /// The ledger's log does not tell, for this reason: what the ledger holds here may.
    #[serde(rename = "weighing")]
    Weighing(String),
    /// Nothing tells: nothing more is done by itself.
    #[serde(rename = "quarantined")]
    Quarantined(String),
}

impl Transfer {
    /// A new intent, due at once.
    pub fn new(
        purpose: Purpose,
        account: Account,
        amount: Amount,
        fee: Amount,
        memo: Hash,
        created_at: Timestamp,
    ) -> Self {
        Transfer {
            purpose,
            account,
            amount,
            fee,
            memo,
            created_at,
            attempts: 0,
            open: 0,
            last_sent: created_at,
            retry_at: created_at,
            last_error: None,
            phase: Phase::Sending,
            vouched: false,
        }
    }

    /// What leaves the account that pays. Amount and fee come from one amount that was split, or were added when made.
    pub fn gross(&self) -> Amount {
        Amount(self.amount.0.saturating_add(self.fee.0))
    }

    /// What it is called outside.
    pub fn kind(&self) -> TransferKind {
        match self.purpose {
            Purpose::Deposit => TransferKind::Deposit,
            Purpose::Claim(_) => TransferKind::Claim,
            Purpose::Penalty => TransferKind::Penalty,
            Purpose::Refund => TransferKind::Refund,
        }
    }

    /// Where it stands.
    pub fn status(&self) -> PayoutStatus {
        match &self.phase {
            Phase::Sending | Phase::Searching(_) | Phase::Weighing(_) => PayoutStatus::Pending,
            Phase::Quarantined(reason) => PayoutStatus::Quarantined { reason: reason.clone() },
        }
    }

    /// Notes that an attempt is about to be sent: from here on it may have been executed, whatever is lost.
    pub fn sent(&mut self, now: Timestamp) {
        self.attempts = self.attempts.saturating_add(1);
        self.open = self.open.saturating_add(1);
        self.last_sent = now;
        self.wait(now);
    }

    /// Puts the next step off, longer each time.
    pub fn wait(&mut self, now: Timestamp) {
        self.retry_at = Timestamp(now.0.saturating_add(back_off(self.attempts)));
    }

    /// Puts the next question about it off: once the ledger's window has closed, an hour does not matter.
    pub fn ask_later(&mut self, now: Timestamp) {
        self.retry_at = Timestamp(now.0.saturating_add(LONGEST_WAIT));
    }

    /// Keeps the beginning of what was said.
    pub fn note(&mut self, said: &str) {
        self.last_error = Some(beginning(said));
    }
}

/// How long to wait after so many attempts: ten seconds, twice as long each time, an hour at most.
pub fn back_off(attempts: u32) -> u64 {
    let doublings = attempts.saturating_sub(1).min(16);
    FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

/// The memo of transfer `id` of `canister`.
pub fn memo(canister: Principal, id: u64) -> Hash {
    Hash::of_fields("cairn.distribution.transfer", &[canister.as_slice(), &id.to_be_bytes()])
}

/// The beginning of a text that others chose.
pub fn beginning(text: &str) -> String {
    let end = (0..=MAX_SAID.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default().to_owned()
}
