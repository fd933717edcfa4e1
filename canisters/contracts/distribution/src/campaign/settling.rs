//! From an open transfer to its settlement: once, whatever is lost in between.

use super::books::{add, take};
use super::claiming::{gross, taken};
use super::funding::back_off_payback;
use super::record::{Kind, Settled};
use super::{Answer, Books, Campaign, Stage};
use crate::transfer::driver::Outcome;
use crate::transfer::search::{Found, Search};
use crate::transfer::settlement::{Failure, Reply, UNOBTAINABLE_AFTER, Verdict, settle};
use crate::transfer::{Claim, Phase, Purpose, Transfer, back_off, beginning};
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::distribution::DistributionRequestError as Request;
use cairn_kit::stable::{Cbor, PrincipalNumberKey};
use icrc_ledger_types::icrc3::blocks::BlockWithId;

/// Nanoseconds until a step of a search is repeated whose answer was lost.
const SEARCH_WAIT: u64 = 120 * 1_000_000_000;

/// What is to be done about a transfer now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send it, with its own arguments.
    Send(Box<Transfer>),
    /// Ask the ledger for blocks: the first one, and how many.
    Search((u64, u64)),
    /// Ask the ledger what it holds here; these are the books by now.
    Weigh(Box<Books>),
}

impl Campaign {
    /// The next step of a transfer, noted before it is made. `None` if it is settled, or in quarantine.
    pub fn step(&mut self, id: u64, now: Timestamp) -> Option<Step> {
        let mut transfer = self.transfer(id)?;
        let step = match &transfer.phase {
            Phase::Quarantined(_) => return None,
            Phase::Sending => {
                transfer.sent(now);
                Step::Send(Box::new(transfer.clone()))
            }
            Phase::Searching(search) => {
                transfer.retry_at = Timestamp(now.0.saturating_add(SEARCH_WAIT));
                Step::Search(search.question())
            }
            Phase::Weighing(_) => {
                transfer.retry_at = Timestamp(now.0.saturating_add(SEARCH_WAIT));
                Step::Weigh(Box::new(self.books()))
            }
        };
        self.save_transfer(id, transfer);
        Some(step)
    }

    /// The next step of a transfer cannot be made now, too much is under way or somebody else makes it: a little later.
    pub fn put_off_transfer(&mut self, id: u64, now: Timestamp) {
        if let Some(mut transfer) = self.transfer(id) {
            transfer.retry_at = transfer.retry_at.max(Timestamp(now.0.saturating_add(back_off(1))));
            transfer.note("put off");
            self.save_transfer(id, transfer);
        }
    }

    /// What the ledger replied to an attempt.
    pub fn replied(&mut self, id: u64, reply: Reply, now: Timestamp) -> Outcome {
        let Some(mut transfer) = self.transfer(id) else { return Outcome::Open };
        let earlier = transfer.open.saturating_sub(1);
        let executed_perhaps = matches!(reply, Reply::Unknown(_));
        match settle(earlier, reply, now.0.saturating_sub(transfer.created_at.0)) {
            Verdict::Moved(block) => self.made(id, &transfer, block, now),
            Verdict::Failed(failure) => self.failed(id, &transfer, failure, now),
            verdict => {
                if !executed_perhaps {
                    transfer.open = earlier;
                }
                match verdict {
                    Verdict::Search => {
                        transfer.phase = Phase::Searching(Search::Begin);
                        transfer.retry_at = now;
                    }
                    Verdict::Retry(said) => transfer.note(&said),
                    Verdict::Moved(_) | Verdict::Failed(_) => {}
                }
                self.save_transfer(id, transfer);
                Outcome::Open
            }
        }
    }

    /// What the ledger's log says to a search.
    pub fn searched(&mut self, id: u64, length: u64, blocks: &[BlockWithId], now: Timestamp) -> Outcome {
        let Some(mut transfer) = self.transfer(id) else { return Outcome::Open };
        let Phase::Searching(search) = transfer.phase else { return Outcome::Open };
        match search.answer(&transfer, self.canister, length, blocks) {
            Found::Block(block) => self.made(id, &transfer, Some(block), now),
            Found::Nothing => self.failed(id, &transfer, Failure::Absent, now),
            Found::Unreadable(why) => self.begin_weighing(id, transfer, &why, now),
            Found::Go(next) => {
                transfer.phase = Phase::Searching(next);
                transfer.retry_at = now;
                self.save_transfer(id, transfer);
                Outcome::Open
            }
        }
    }

    /// The ledger's log did not answer: later again, and not for ever.
    pub fn search_failed(&mut self, id: u64, said: &str, now: Timestamp) -> Outcome {
        let Some(mut transfer) = self.transfer(id) else { return Outcome::Open };
        if now.0.saturating_sub(transfer.created_at.0) > UNOBTAINABLE_AFTER {
            return self.begin_weighing(id, transfer, said, now);
        }
        transfer.note(said);
        transfer.ask_later(now);
        self.save_transfer(id, transfer);
        Outcome::Open
    }

    /// The ledger's log does not tell: its balances may.
    fn begin_weighing(&mut self, id: u64, mut transfer: Transfer, why: &str, now: Timestamp) -> Outcome {
        transfer.phase = Phase::Weighing(beginning(why));
        transfer.retry_at = now;
        self.save_transfer(id, transfer);
        Outcome::Open
    }

    pub(super) fn quarantine(&mut self, id: u64, mut transfer: Transfer, why: &str) -> Outcome {
        transfer.phase = Phase::Quarantined(beginning(why));
        self.save_transfer(id, transfer);
        let mut books = self.books();
        books.quarantined += 1;
        self.save_books(&books);
        Outcome::Open
    }

    /// The owner, or the other side, has a transfer in quarantine searched again. The owner's word counts where only a
    /// balance is left to tell: see [`super::weighing`].
    ///
    /// # Errors
    /// No such transfer in quarantine, or somebody else's.
    pub fn retry_transfer(&mut self, caller: Principal, id: u64, now: Timestamp) -> Answer<()> {
        let missing = || Request::NotFound { what: format!("transfer {id} in quarantine") };
        let transfer = self.transfer(id);
        // Strangers do not hear which transfers there are.
        if transfer.as_ref().is_none_or(|transfer| transfer.account.owner != caller) {
            self.require_owner(caller)?;
        }
        let mut transfer = transfer.ok_or_else(missing)?;
        if !matches!(transfer.phase, Phase::Quarantined(_)) {
            return Err(missing().into());
        }
        transfer.phase = Phase::Searching(Search::Begin);
        transfer.vouched |= caller == self.terms.owner;
        transfer.retry_at = now;
        self.save_transfer(id, transfer);
        let mut books = self.books();
        books.quarantined = books.quarantined.saturating_sub(1);
        self.save_books(&books);
        Ok(())
    }

    /// It was made.
    pub(super) fn made(&mut self, id: u64, transfer: &Transfer, block: Option<u64>, now: Timestamp) -> Outcome {
        let mut books = self.books();
        match &transfer.purpose {
            Purpose::Deposit => {
                books.open_deposit = None;
                books.deposit(transfer.amount);
                self.activate_if_funded(&mut books, now);
            }
            Purpose::Claim(claim) => self.claim_paid(&mut books, claim, transfer, now),
            Purpose::Penalty => {
                books.open_penalty = None;
                books.leave(transfer.gross(), transfer.fee);
                add(&mut books.penalties, transfer.amount);
                (books.payback_failures, books.payback_at) = (0, now);
            }
            Purpose::Refund => {
                books.open_refund = None;
                books.leave(transfer.gross(), transfer.fee);
                add(&mut books.refunded, transfer.amount);
                (books.payback_failures, books.payback_at) = (0, now);
            }
        }
        self.complete_if_claimed(&mut books);
        self.save_books(&books);
        self.close(id, transfer, Ok(block), now);
        Outcome::Paid(block)
    }

    fn claim_paid(&mut self, books: &mut Books, claim: &Claim, transfer: &Transfer, now: Timestamp) {
        books.leave(gross(&claim.parts), transfer.fee);
        add(&mut books.paid, transfer.amount);
        let penalty = taken(&claim.parts).saturating_sub(gross(&claim.parts));
        take(&mut books.in_flight, penalty);
        if self.terms.args.early_unlock.is_some_and(|early| early.penalty_to.is_some()) {
            add(&mut books.penalties_due, penalty);
        }
        let Some(mut recipient) = self.recipient(claim.recipient) else { return };
        recipient.open = None;
        recipient.last_claim = Some(now);
        add(&mut recipient.received, transfer.amount);
        add(&mut recipient.fees, transfer.fee);
        self.save_recipient(claim.recipient, recipient);
    }

    /// It is over when everything is claimed, or lost.
    fn complete_if_claimed(&mut self, books: &mut Books) {
        let claimed = super::books::plus(books.claimed, books.forfeited);
        let open = books.in_flight > Amount::ZERO;
        let running = matches!(books.stage, Stage::Active | Stage::Paused);
        if running && claimed >= self.terms.args.total && !open {
            self.enter(books, Stage::Completed);
        }
    }

    /// It was not made, and never will be: everything is as before it.
    pub(super) fn failed(&mut self, id: u64, transfer: &Transfer, failure: Failure, now: Timestamp) -> Outcome {
        let mut books = self.books();
        if failure == Failure::Fee {
            books.ledger_fee = None;
        }
        match &transfer.purpose {
            Purpose::Deposit => books.open_deposit = None,
            Purpose::Claim(claim) => self.give_back(&mut books, claim),
            Purpose::Penalty => {
                books.open_penalty = None;
                take(&mut books.in_flight, transfer.gross());
                add(&mut books.penalties_due, transfer.gross());
                back_off_payback(&mut books, now);
            }
            Purpose::Refund => {
                books.open_refund = None;
                take(&mut books.in_flight, transfer.gross());
                back_off_payback(&mut books, now);
            }
        }
        // A penalty may have been the last thing under way.
        self.complete_if_claimed(&mut books);
        self.save_books(&books);
        self.close(id, transfer, Err(failure.clone()), now);
        Outcome::Failed(failure)
    }

    /// What a claim took is claimable again.
    fn give_back(&mut self, books: &mut Books, claim: &Claim) {
        take(&mut books.in_flight, taken(&claim.parts));
        let Some(mut recipient) = self.recipient(claim.recipient) else { return };
        for part in &claim.parts {
            let mut state = self.category_state(part.category);
            for (claimed, forfeited) in recipient
                .allocations
                .iter_mut()
                .filter(|allocation| allocation.gives(part))
                .map(|allocation| (&mut allocation.claimed, &mut allocation.forfeited))
                .chain([(&mut state.claimed, &mut state.forfeited), (&mut books.claimed, &mut books.forfeited)])
            {
                take(claimed, part.amount);
                take(forfeited, part.penalty);
            }
            self.save_category(part.category, state);
        }
        recipient.open = None;
        recipient.window = recipient.window.map(|(since, claims)| (since, claims.saturating_sub(1)));
        self.save_recipient(claim.recipient, recipient);
    }

    /// The transfer is settled: it moves to the history. One that failed at once leaves no trace, as if refused: whoever
    /// began it is told. After anything else was said, somebody may have heard that it is pending.
    fn close(&mut self, id: u64, transfer: &Transfer, outcome: Result<Option<u64>, Failure>, now: Timestamp) {
        self.drop_transfer(id);
        if outcome.is_err() && transfer.attempts <= 1 && transfer.last_error.is_none() {
            return;
        }
        let kind = match transfer.purpose {
            Purpose::Deposit => Kind::Deposit,
            Purpose::Claim(_) => Kind::Claim,
            Purpose::Penalty => Kind::Penalty,
            Purpose::Refund => Kind::Refund,
        };
        let Transfer { account, amount, fee, .. } = *transfer;
        let (block, failure) = match outcome {
            Ok(block) => (block, None),
            Err(failure) => (None, Some(failure.to_string())),
        };
        let settled = Settled { kind, account, amount, fee, at: now, block, failure };
        self.history.insert(PrincipalNumberKey(account.owner, id), Cbor(settled));
    }
}
