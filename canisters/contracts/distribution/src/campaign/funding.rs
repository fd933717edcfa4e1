//! Money that comes in, and money that goes back: deposits, penalties, refunds.

use super::books::plus;
use super::status::wrong;
use super::{Answer, Books, Campaign, Stage};
use crate::transfer::{Purpose, Transfer, back_off, memo};
use cairn_events::payload::{Account, Subaccount};
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::distribution::{
    DistributionRequestError as Request, DistributionTemporaryError as Temporary, MAX_TOTAL,
};
use cairn_kit::api::ledger::ledger_account;
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;

/// What the distribution pays by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payback {
    /// What early unlocks have cost, to whom the creator named.
    Penalty,
    /// What is left over, to the owner.
    Refund,
}

impl Campaign {
    /// The owner, or the launchpad, pays in what is missing, by ICRC-2; the transfer to be made.
    ///
    /// # Errors
    /// Not one of the two, funded, over, or a deposit is under way.
    pub fn begin_deposit(
        &mut self,
        caller: Principal,
        from: Option<Subaccount>,
        fee: Amount,
        now: Timestamp,
    ) -> Answer<u64> {
        self.require_manager(caller)?;
        let mut books = self.fundable()?;
        let account = Account { owner: caller, subaccount: from };
        let amount = books.missing(self.terms.args.total);
        let id = self.intend(&mut books, Purpose::Deposit, account, amount, fee, now);
        books.open_deposit = Some(id);
        self.save_books(&books);
        Ok(id)
    }

    /// That the ledger may be asked what is here; what should be.
    ///
    /// # Errors
    /// Not the owner nor the launchpad, funded, over, or something is under way.
    pub fn may_recognise(&self, caller: Principal) -> Answer<Amount> {
        self.require_manager(caller)?;
        Ok(self.countable()?.booked())
    }

    /// Counts what came in by plain transfers: up to what is missing, and once it is over all of it, which goes back like
    /// the rest. `balance` is what the ledger says is here, `booked` what should have been when it was asked. While nothing
    /// is under way, the difference can be nothing else; and what has left between question and answer counts as if it
    /// were still here.
    ///
    /// # Errors
    /// As [`Campaign::may_recognise`].
    pub fn recognise(&mut self, caller: Principal, balance: Amount, booked: Amount, now: Timestamp) -> Answer<()> {
        self.require_manager(caller)?;
        let mut books = self.countable()?;
        let here = books.booked().max(booked);
        let most = if books.stage.is_final() { MAX_TOTAL } else { self.terms.args.total };
        books.deposit(balance.saturating_sub(here).min(books.missing(most)));
        self.activate_if_funded(&mut books, now);
        self.save_books(&books);
        Ok(())
    }

    fn fundable(&self) -> Answer<Books> {
        let books = self.books();
        match books.stage {
            Stage::Pending => {}
            Stage::Active | Stage::Paused => return Err(Request::AlreadyFunded.into()),
            Stage::Completed | Stage::Cancelled => return Err(wrong(&books)),
        }
        match books.open_deposit {
            Some(transfer) => Err(Temporary::Busy { transfer }.into()),
            None => Ok(books),
        }
    }

    /// The books of a distribution of which a balance can show plain transfers: it waits for its money, or it is over and
    /// nothing is under way.
    fn countable(&self) -> Answer<Books> {
        let books = self.books();
        if !books.stage.is_final() {
            return self.fundable();
        }
        match self.transfers.first_key_value() {
            Some((transfer, _)) => Err(Temporary::Busy { transfer }.into()),
            None => Ok(books),
        }
    }

    /// Opens a distribution whose money is there. If that is late, the end is later by as much: people have the time they
    /// were promised.
    pub(super) fn activate_if_funded(&mut self, books: &mut Books, now: Timestamp) {
        if books.stage != Stage::Pending || books.missing(self.terms.args.total) > Amount::ZERO {
            return;
        }
        let late = now.0.saturating_sub(self.terms.args.start.0);
        books.end = books.end.map(|end| Timestamp(end.0.saturating_add(late)));
        books.funded_at = Some(now);
        self.enter(books, Stage::Active);
    }

    /// Whether a penalty, or a refund, is to be paid now.
    pub fn owes(&self, payback: Payback, now: Timestamp) -> bool {
        let books = self.books();
        books.payback_at <= now && self.is_owed(payback, &books)
    }

    fn is_owed(&self, payback: Payback, books: &Books) -> bool {
        let over = books.stage.is_final();
        let fee = books.ledger_fee.unwrap_or_default();
        match payback {
            Payback::Penalty => {
                let due = books.penalties_due;
                let settled = over && books.in_flight == Amount::ZERO;
                books.open_penalty.is_none() && due > Amount::ZERO && (due > fee || settled)
            }
            Payback::Refund => {
                let free = books.free();
                let settled = books.in_flight == Amount::ZERO && books.penalties_due == Amount::ZERO;
                over && books.open_refund.is_none() && free > Amount::ZERO && (free > fee || settled)
            }
        }
    }

    /// Begins what is owed; the transfer to be made. What is not more than the fee never can be paid: a penalty then goes
    /// back with the rest, the rest is dust. Give a fee that was just asked for: there is no way back from dust.
    ///
    /// To pay the account `minting` is to burn: ledgers charge nothing for that, and refuse it with a fee.
    pub fn begin_payback(
        &mut self,
        payback: Payback,
        fee: Amount,
        minting: Option<LedgerAccount>,
        now: Timestamp,
    ) -> Option<u64> {
        let mut books = Books { ledger_fee: Some(fee), ..self.books() };
        if !self.is_owed(payback, &books) {
            return None;
        }
        let due = match payback {
            Payback::Penalty => books.penalties_due,
            Payback::Refund => books.free(),
        };
        if due <= fee {
            match payback {
                Payback::Penalty => books.penalties_due = Amount::ZERO,
                Payback::Refund => books.write_off(),
            }
            self.save_books(&books);
            return None;
        }
        let penalty_to = self.terms.args.early_unlock.and_then(|early| early.penalty_to);
        let (purpose, account) = match payback {
            Payback::Penalty => (Purpose::Penalty, penalty_to.unwrap_or(self.terms.refund_to())),
            Payback::Refund => (Purpose::Refund, self.terms.refund_to()),
        };
        let fee = if minting == Some(ledger_account(account)) { Amount::ZERO } else { fee };
        books.in_flight = plus(books.in_flight, due);
        let id = self.intend(&mut books, purpose, account, due.saturating_sub(fee), fee, now);
        match payback {
            Payback::Penalty => (books.penalties_due, books.open_penalty) = (Amount::ZERO, Some(id)),
            Payback::Refund => books.open_refund = Some(id),
        }
        self.save_books(&books);
        Some(id)
    }

    /// Puts off what is owed: longer each time it fails.
    pub fn put_off(&mut self, now: Timestamp) {
        let mut books = self.books();
        back_off_payback(&mut books, now);
        self.save_books(&books);
    }

    /// When something is to be done, if ever: a transfer, the end, what is owed.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let books = self.books();
        let transfer = self.due.first_key_value().map(|(key, ())| Timestamp((key >> 64) as u64));
        let end = books.end.filter(|_| matches!(books.stage, Stage::Active | Stage::Paused));
        let owed = [Payback::Penalty, Payback::Refund].into_iter().any(|payback| self.is_owed(payback, &books));
        let payback = owed.then_some(books.payback_at);
        [transfer, end, payback].into_iter().flatten().min().map(|due| due.max(now))
    }

    /// The transfers that are due, the longest waiting first; at most `limit`.
    pub fn due(&self, now: Timestamp, limit: usize) -> Vec<u64> {
        let until = u128::from(now.0) << 64 | u128::from(u64::MAX);
        self.due.keys_range(..=until).take(limit).map(|key| key as u64).collect()
    }

    /// Writes an intent that is no claim.
    fn intend(
        &mut self,
        books: &mut Books,
        purpose: Purpose,
        account: Account,
        amount: Amount,
        fee: Amount,
        now: Timestamp,
    ) -> u64 {
        let id = books.next_transfer;
        books.next_transfer += 1;
        self.save_transfer(id, Transfer::new(purpose, account, amount, fee, memo(self.canister, id), now));
        id
    }
}

/// The next attempt of what is owed, later each time.
pub(super) fn back_off_payback(books: &mut Books, now: Timestamp) {
    books.payback_failures = books.payback_failures.saturating_add(1);
    books.payback_at = Timestamp(now.0.saturating_add(back_off(books.payback_failures)));
}
