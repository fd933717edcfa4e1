//! Whether a transfer was made, told by what the ledger holds here, where the ledger's log does not tell.
//!
//! Nobody but this canister can take from its account. So what is missing there, against the books, has left by a
//! transfer that is in doubt; and where exactly what should be there is there, nothing has left. It is asked only once no
//! attempt can be executed any more, and believed only if nothing was settled between question and answer.
//!
//! Anyone can give to the account, and a gift can hide what has left. Where more is there than should be, it takes the
//! owner's word, by `retryTransfer`, that what was given may be paid out. So there always is a way out of quarantine that
//! costs nobody's allocation: whoever makes up for what is missing, and has the owner ask again, frees the claimants.

use super::{Books, Campaign};
use crate::transfer::driver::Outcome;
use crate::transfer::settlement::{Failure, UNOBTAINABLE_AFTER};
use crate::transfer::{Phase, Purpose, Transfer};
use cairn_events::{Amount, Timestamp};

/// What a balance says about a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// It was made.
    Made,
    /// It was not.
    NotMade,
    /// Nothing yet: others are under way.
    Later,
    /// Nothing.
    Unclear,
}

/// What else may have left the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Others {
    /// How much, at most.
    gross: u128,
    /// Whether there are any.
    any: bool,
    /// Whether more will be known about some of them, and without anybody's doing.
    working: bool,
}

impl Campaign {
    /// What the ledger holds here, asked when the books were `before`.
    pub fn weighed(&mut self, id: u64, before: &Books, balance: Amount, now: Timestamp) -> Outcome {
        let Some(mut transfer) = self.transfer(id) else { return Outcome::Open };
        let Phase::Weighing(why) = transfer.phase.clone() else { return Outcome::Open };
        let books = self.books();
        let moved = before.deposited != books.deposited || before.booked() != books.booked();
        let weight = if moved { Weight::Later } else { weigh(&transfer, &books, balance, self.others(id)) };
        match weight {
            Weight::Made => self.made(id, &transfer, None, now),
            Weight::NotMade => self.failed(id, &transfer, Failure::Unmoved, now),
            Weight::Unclear => self.quarantine(id, transfer, &why),
            Weight::Later => {
                transfer.ask_later(now);
                self.save_transfer(id, transfer);
                Outcome::Open
            }
        }
    }

    /// The ledger did not say what it holds: later again, and not for ever.
    pub fn weighing_failed(&mut self, id: u64, said: &str, now: Timestamp) -> Outcome {
        let Some(mut transfer) = self.transfer(id) else { return Outcome::Open };
        if now.0.saturating_sub(transfer.created_at.0) > UNOBTAINABLE_AFTER {
            return self.quarantine(id, transfer, said);
        }
        transfer.note(said);
        transfer.ask_later(now);
        self.save_transfer(id, transfer);
        Outcome::Open
    }

    fn others(&self, id: u64) -> Others {
        let others = self.transfers.iter().filter(|row| *row.key() != id);
        others.fold(Others::default(), |sum, row| {
            let other = row.value().0;
            let gross = if other.purpose == Purpose::Deposit { 0 } else { other.gross().0 };
            Others {
                gross: sum.gross.saturating_add(gross),
                any: true,
                working: sum.working || matches!(other.phase, Phase::Sending | Phase::Searching(_)),
            }
        })
    }
}

fn weigh(transfer: &Transfer, books: &Books, balance: Amount, others: Others) -> Weight {
    let undecided = if others.working { Weight::Later } else { Weight::Unclear };
    let booked = books.booked();
    let (missing, surplus) = (booked.saturating_sub(balance).0, balance.saturating_sub(booked));
    if transfer.purpose == Purpose::Deposit {
        // What is here can be counted as its deposit, whoever gave it.
        return match surplus >= transfer.amount {
            _ if others.any => undecided,
            true => Weight::Made,
            false => Weight::NotMade,
        };
    }
    if missing == 0 {
        return if surplus == Amount::ZERO || transfer.vouched { Weight::NotMade } else { Weight::Unclear };
    }
    // More is missing than all others together can have taken, and no more than they and this one.
    let most = others.gross.saturating_add(transfer.gross().0);
    if missing > others.gross && missing <= most { Weight::Made } else { undecided }
}
