//! Claims: what is unlocked becomes a payout, an intent in stable memory before anything is sent.

use super::books::{add, plus};
use super::{Allocation, Answer, Books, Campaign, Recipient};
use crate::transfer::{Claim, Part, Purpose, Transfer, memo};
use crate::vesting::{share, unlocked};
use cairn_events::merkle::verify_inclusion;
use cairn_events::payload::{Account, Subaccount};
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::distribution::{
    ClaimArgs, DistributionError, DistributionRequestError as Request, DistributionTemporaryError as Temporary,
    Membership, MerkleClaim, merkle_leaf,
};

/// Most payouts that are worked on at once, of all people together.
pub const MAX_OPEN: u64 = 500;
/// The longest proof: trees have fewer than 2^64 leaves.
pub const MAX_PROOF: usize = 64;
/// Most leaves that one person can claim, of all categories: a row stays small.
pub const MAX_LEAVES: usize = 20;

impl Campaign {
    /// That `caller` may hear why a claim is refused: who may not read is told only that there is nothing for them.
    ///
    /// # Errors
    /// It is private, and the caller a stranger.
    pub fn admit_claimant(&self, caller: Principal) -> Answer<()> {
        self.require_reader(caller).map_err(|_| Request::NotRegistered { recipient: caller }.into())
    }

    /// The same, where a proof that names the caller is as good as being known.
    ///
    /// # Errors
    /// It is private, and the caller a stranger without a proof of their own.
    pub fn admit_prover(&self, caller: Principal, claim: &MerkleClaim) -> Answer<()> {
        let proven = claim.account.owner == caller && self.verify(claim).is_ok();
        if proven { Ok(()) } else { self.require_reader(caller) }
    }

    /// A claim of `caller`; the transfer to be made.
    ///
    /// # Errors
    /// Not now, not this person, not this much. Nothing has changed.
    pub fn begin_claim(&mut self, caller: Principal, claim: &ClaimArgs, fee: Amount, now: Timestamp) -> Answer<u64> {
        let books = self.open_for_claims(now)?;
        let recipient = self.claimant(caller, now)?;
        let allocations = self.claimed_of(caller, &recipient, claim.category)?;
        let parts = self.choose(&allocations, claim.amount, now)?;
        self.payable(&books, recipient.rest(), &parts, fee)?;
        Ok(self.commit(caller, parts, claim.to_subaccount, fee, now))
    }

    /// A claim of everything that a leaf of a Merkle tree allocates and that is unlocked, paid to the leaf's account. The
    /// first proof makes the allocation, one for each leaf; later claims need none.
    ///
    /// # Errors
    /// As [`Campaign::begin_claim`], and a proof that does not hold, for this canister, category, place, account, amount;
    /// one leaf too many.
    pub fn begin_merkle_claim(
        &mut self,
        caller: Principal,
        claim: &MerkleClaim,
        fee: Amount,
        now: Timestamp,
    ) -> Answer<u64> {
        let books = self.open_for_claims(now)?;
        self.verify(claim)?;
        let MerkleClaim { category, index, account, .. } = *claim;
        if account.owner != caller {
            return Err(Request::OtherAccount { owner: account.owner }.into());
        }
        let proven = Allocation { leaf: Some(index), ..Allocation::new(category, claim.allocation) };
        let mut recipient = self.recipient(caller).unwrap_or_else(|| Recipient::new(now));
        let joins = recipient.proven(category, index).is_none();
        if joins {
            self.may_join(&books, &recipient, &proven)?;
            recipient.allocations.push(proven.clone());
        }
        self.may_claim(caller, &recipient, now)?;
        let mut allocations = self.claimed_of(caller, &recipient, Some(category))?;
        allocations.retain(|allocation| allocation.leaf == Some(index));
        let parts = self.choose(&allocations, None, now)?;
        // What other leaves pay goes to other accounts: the last of this one may be small, whatever they have left.
        let rest = recipient.proven(category, index).map(Allocation::rest).unwrap_or_default();
        self.payable(&books, rest, &parts, fee)?;
        if joins {
            self.enroll(caller, proven, now);
        }
        Ok(self.commit(caller, parts, account.subaccount, fee, now))
    }

    /// That what a leaf has proven can become an allocation of somebody.
    fn may_join(&self, books: &Books, recipient: &Recipient, proven: &Allocation) -> Answer<()> {
        let found = recipient.leaves();
        if found >= MAX_LEAVES {
            let problem = format!("the caller has claimed of {found} leaves; at most {MAX_LEAVES}");
            return Err(Request::Invalid { field: "index".to_owned(), problem }.into());
        }
        self.budget_covers(proven.category, proven.amount)?;
        if recipient.allocations.is_empty() { self.room_for(books, 1) } else { Ok(()) }
    }

    /// Everything at once, less a penalty on what is locked; possible once it is funded, before the start, too.
    ///
    /// # Errors
    /// As [`Campaign::begin_claim`]; not offered, or not yet.
    pub fn begin_early_unlock(
        &mut self,
        caller: Principal,
        category: Option<u32>,
        to: Option<Subaccount>,
        fee: Amount,
        now: Timestamp,
    ) -> Answer<u64> {
        let books = self.books();
        self.require_active(&books, now)?;
        let Some(early) = self.terms.args.early_unlock else {
            return Err(Request::NotAllowed { what: "early unlocking".to_owned() }.into());
        };
        let from = Timestamp(books.funded_at.unwrap_or(now).0.saturating_add(early.min_lock));
        if now < from {
            return Err(Temporary::TooEarly { from }.into());
        }
        let recipient = self.claimant(caller, now)?;
        let mut parts = Vec::new();
        for allocation in self.claimed_of(caller, &recipient, category)? {
            let rest = allocation.rest();
            let locked = rest.saturating_sub(self.claimable(allocation, now));
            let penalty = share(locked, early.penalty);
            if rest > Amount::ZERO {
                parts.push(allocation.part(rest.saturating_sub(penalty), penalty));
            }
        }
        if parts.is_empty() {
            return Err(Request::NothingLeft.into());
        }
        self.payable(&books, recipient.rest(), &parts, fee)?;
        Ok(self.commit(caller, parts, to, fee, now))
    }

    /// What can be claimed of an allocation, if it is open.
    pub(super) fn claimable(&self, allocation: &Allocation, now: Timestamp) -> Amount {
        self.unlocked(allocation, now).saturating_sub(allocation.gone())
    }

    /// What is unlocked of an allocation, claimed or not.
    pub(super) fn unlocked(&self, allocation: &Allocation, now: Timestamp) -> Amount {
        match self.category(allocation.category) {
            Ok(category) => unlocked(category, self.start_of(category), allocation.amount, now),
            Err(_) => Amount::ZERO,
        }
    }

    /// Whether a proof leads to the root of its category.
    ///
    /// # Errors
    /// No such category, not a Merkle one, no root yet, or a proof of something else.
    pub fn verify(&self, claim: &MerkleClaim) -> Answer<()> {
        let MerkleClaim { category, index, account, allocation, proof } = claim;
        let category = *category;
        if self.category(category)?.members != Membership::Merkle {
            return Err(Request::WrongMembership { category }.into());
        }
        let Some((root, leaves)) = self.category_state(category).merkle else {
            return Err(Request::NoMerkleRoot { category }.into());
        };
        let leaf = merkle_leaf(self.canister, category, *index, *account, *allocation);
        if proof.len() > MAX_PROOF || !verify_inclusion(&leaf, *index, leaves, proof, &root) {
            return Err(Request::InvalidProof { category, root }.into());
        }
        Ok(())
    }

    /// That claims are paid now.
    fn open_for_claims(&self, now: Timestamp) -> Answer<Books> {
        let books = self.books();
        self.require_active(&books, now)?;
        let from = self.terms.args.start;
        if now < from { Err(Temporary::TooEarly { from }.into()) } else { Ok(books) }
    }

    /// Somebody who may claim now.
    fn claimant(&self, caller: Principal, now: Timestamp) -> Answer<Recipient> {
        let recipient = self.recipient(caller).filter(|recipient| !recipient.allocations.is_empty());
        let recipient = recipient.ok_or(Request::NotRegistered { recipient: caller })?;
        self.may_claim(caller, &recipient, now)?;
        Ok(recipient)
    }

    fn may_claim(&self, caller: Principal, recipient: &Recipient, now: Timestamp) -> Answer<()> {
        if self.is_blocked(caller) {
            return Err(Request::Blocked { recipient: caller }.into());
        }
        if let Some(transfer) = recipient.open {
            return Err(Temporary::Busy { transfer }.into());
        }
        let (Some(limit), Some((since, claims))) = (self.terms.args.claim_limit, recipient.window) else {
            return Ok(());
        };
        let retry_at = Timestamp(since.0.saturating_add(limit.window));
        if now < retry_at && claims >= limit.claims {
            return Err(Temporary::RateLimited { claims, retry_at }.into());
        }
        Ok(())
    }

    /// The allocations that a claim is about: those of a category that must be open, or of all that are.
    fn claimed_of<'a>(
        &self,
        caller: Principal,
        recipient: &'a Recipient,
        category: Option<u32>,
    ) -> Answer<Vec<&'a Allocation>> {
        let Some(category) = category else {
            let open = |allocation: &&Allocation| !self.category_state(allocation.category).paused;
            let open: Vec<&Allocation> = recipient.allocations.iter().filter(open).collect();
            return match recipient.allocations.first() {
                Some(Allocation { category, .. }) if open.is_empty() => {
                    Err(Temporary::CategoryPaused { category: *category }.into())
                }
                _ => Ok(open),
            };
        };
        self.category(category)?;
        if !recipient.has(category) {
            return Err(Request::NotRegistered { recipient: caller }.into());
        }
        if self.category_state(category).paused {
            return Err(Temporary::CategoryPaused { category }.into());
        }
        Ok(recipient.of(category).collect())
    }

    /// What a claim of `amount`, or of everything, takes from which of these allocations, in their order.
    fn choose(&self, allocations: &[&Allocation], amount: Option<Amount>, now: Timestamp) -> Answer<Vec<Part>> {
        let mut parts = Vec::new();
        let (mut claimable, mut left) = (Amount::ZERO, amount);
        for allocation in allocations {
            let here = self.claimable(allocation, now);
            add(&mut claimable, here);
            let taken = left.map_or(here, |left| left.min(here));
            left = left.map(|left| left.saturating_sub(taken));
            if taken > Amount::ZERO {
                parts.push(allocation.part(taken, Amount::ZERO));
            }
        }
        if left.is_some_and(|left| left > Amount::ZERO) {
            return Err(Request::NotUnlocked { claimable, required: amount.unwrap_or_default() }.into());
        }
        if parts.is_empty() && allocations.iter().all(|allocation| allocation.rest() == Amount::ZERO) {
            return Err(Request::NothingLeft.into());
        }
        Ok(parts)
    }

    /// That a payout of these parts, out of `whole`, can be made: large enough, and not one too many.
    fn payable(&self, books: &Books, whole: Amount, parts: &[Part], fee: Amount) -> Answer<()> {
        let (found, taken) = (gross(parts), taken(parts));
        let smallest = plus(fee, Amount(1));
        // The last of an allocation may be less than the creator wanted claims to be.
        let minimum = if taken == whole { smallest } else { smallest.max(self.terms.args.minimum_claim) };
        if found < minimum {
            return Err(Request::BelowMinimum { found, minimum, fee }.into());
        }
        if taken > books.free() {
            return Err(DistributionError::internal("less is here than is allocated"));
        }
        // Those in quarantine are worked on no more, and must not keep everybody else from claiming.
        let open = self.transfers.len().saturating_sub(books.quarantined);
        if open >= MAX_OPEN {
            return Err(Temporary::Overloaded { found: open, max: MAX_OPEN }.into());
        }
        Ok(())
    }

    /// Writes the intent: from here on the parts are taken, until the transfer is made, or known never to be.
    fn commit(&mut self, who: Principal, parts: Vec<Part>, to: Option<Subaccount>, fee: Amount, now: Timestamp) -> u64 {
        let (mut books, mut recipient) = (self.books(), self.recipient(who).unwrap_or_else(|| Recipient::new(now)));
        let gross = gross(&parts);
        for part in &parts {
            let mut state = self.category_state(part.category);
            for (claimed, forfeited) in recipient
                .allocations
                .iter_mut()
                .filter(|allocation| allocation.gives(part))
                .map(|allocation| (&mut allocation.claimed, &mut allocation.forfeited))
                .chain([(&mut state.claimed, &mut state.forfeited), (&mut books.claimed, &mut books.forfeited)])
            {
                add(claimed, part.amount);
                add(forfeited, part.penalty);
            }
            self.save_category(part.category, state);
        }
        // The penalty stays, but nobody else may have it before it is known whose it is.
        add(&mut books.in_flight, taken(&parts));
        let id = books.next_transfer;
        books.next_transfer += 1;
        recipient.open = Some(id);
        recipient.window = self.counted(&recipient, now);
        let account = Account { owner: who, subaccount: to };
        let purpose = Purpose::Claim(Claim { recipient: who, parts });
        let amount = gross.saturating_sub(fee);
        self.save_transfer(id, Transfer::new(purpose, account, amount, fee, memo(self.canister, id), now));
        self.save_recipient(who, recipient);
        self.save_books(&books);
        id
    }

    /// The claim counted, where claims are limited.
    fn counted(&self, recipient: &Recipient, now: Timestamp) -> Option<(Timestamp, u32)> {
        let limit = self.terms.args.claim_limit?;
        match recipient.window {
            Some((since, claims)) if now.0 < since.0.saturating_add(limit.window) => {
                Some((since, claims.saturating_add(1)))
            }
            _ => Some((now, 1)),
        }
    }
}

/// What these parts take from allocations: what leaves, and what is lost.
pub(super) fn taken(parts: &[Part]) -> Amount {
    parts.iter().fold(gross(parts), |sum, part| plus(sum, part.penalty))
}

/// What leaves for these parts.
pub(super) fn gross(parts: &[Part]) -> Amount {
    parts.iter().fold(Amount::ZERO, |sum, part| plus(sum, part.amount))
}
