//! What a ledger's reply to a frozen transfer proves, given what may have happened before.
//!
//! A reply speaks for its own attempt only. While an earlier attempt of the same intent may have been executed, nothing
//! but the ledger's own record of it (`Ok`, `Duplicate`) settles the intent; after the ledger's window for it has
//! closed, the balance of the deployment's own account does.

use cairn_events::Amount;
use cairn_events::kind::Effect;
use cairn_events::payload::{Evidence, Reason, Transfer};

/// What may have happened before the attempt that got the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Nothing: the intent was appended just before, by this very run.
    Fresh,
    /// The same transfer may have been made before.
    Open,
}

/// What came back from the ledger for one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It moved, in this block (absent if the block's number is beyond 64 bits).
    Moved(Option<u64>),
    /// It had moved before, in that block.
    Duplicate(Option<u64>),
    /// The ledger's window for it has closed.
    TooOld,
    /// The fee is another one.
    BadFee(Reason),
    /// The account debited, or the allowance, does not cover it.
    Short(Reason),
    /// Refused for another reason.
    Refused(Reason),
    /// Not now: the ledger is unavailable, or its clock behind.
    Later(Reason),
    /// Never executed: it was not sent, or rejected before it reached the ledger (codes 1 to 3).
    NotExecuted(Reason),
    /// Nobody knows (codes 4 to 6), or the reply cannot be read.
    Unknown(Reason),
}

/// What follows for the intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It moved.
    Moved {
        /// The ledger's block.
        block: Option<u64>,
        /// How it is known.
        evidence: Evidence,
    },
    /// It did not move, and never will.
    Failed(Reason),
    /// Still open: repeat the identical transfer later.
    Retry,
    /// Closed by the ledger's clock: the escrow balance tells.
    Weigh,
    /// Open, and nobody could tell for too long.
    Unobtainable(Reason),
}

/// Age from which refusals that a ledger checks before its window, and so hide that the window has closed, count as
/// `TooOld`: the standard's window of 24 hours, its drift, and a margin. Nothing sent can be under way that long.
pub const CLOSED_AFTER: u64 = 25 * 3_600 * 1_000_000_000;

/// Age from which an attempt that nobody answers for is left to a person.
pub const UNOBTAINABLE_AFTER: u64 = 30 * 24 * 3_600 * 1_000_000_000;

/// The settlement of an intent for `effect`, `age` nanoseconds after its `created_at`.
pub fn settle(effect: Effect, history: History, reply: Reply, age: u64) -> Settlement {
    match (reply, history) {
        (Reply::Moved(block), _) => Settlement::Moved { block, evidence: Evidence::Reply },
        (Reply::Duplicate(block), _) => Settlement::Moved { block, evidence: Evidence::Duplicate },
        (Reply::TooOld, History::Open) => Settlement::Weigh,
        (Reply::TooOld, History::Fresh) => Settlement::Failed(Reason::new("too_old", "")),
        (Reply::BadFee(_) | Reply::Short(_) | Reply::Refused(_), History::Open) if age > CLOSED_AFTER => {
            Settlement::Weigh
        }
        (Reply::Unknown(reason) | Reply::NotExecuted(reason) | Reply::Later(reason), History::Open)
            if age > UNOBTAINABLE_AFTER =>
        {
            Settlement::Unobtainable(reason)
        }
        (_, History::Open) | (Reply::Unknown(_), _) => Settlement::Retry,
        (Reply::BadFee(reason) | Reply::Short(reason), History::Fresh) => Settlement::Failed(reason),
        // The payer can ask again: better than to keep them waiting. A payout is owed, so it is repeated.
        (Reply::Refused(reason) | Reply::Later(reason) | Reply::NotExecuted(reason), History::Fresh) => {
            if effect == Effect::Payment { Settlement::Failed(reason) } else { Settlement::Retry }
        }
    }
}

/// The settlement by the balance of the deployment's escrow account, once the window has closed.
///
/// Only this canister can debit that account. What strangers send there can make a capture look done, and then the
/// money is there; or a payout look undone, and then the repetition spends no more than they sent.
pub fn weigh(effect: Effect, transfer: &Transfer, balance: Amount) -> Settlement {
    let debit = transfer.amount.checked_add(transfer.fee);
    let moved = match effect {
        Effect::Payment => balance >= transfer.amount,
        _ => debit.is_none_or(|debit| balance < debit),
    };
    if moved {
        Settlement::Moved { block: None, evidence: Evidence::Balance }
    } else {
        Settlement::Failed(Reason::new("too_old", "closed by the ledger's clock, settled by the balance"))
    }
}
