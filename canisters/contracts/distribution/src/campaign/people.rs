//! Who gets something: lists, Merkle roots, whitelists, and who is blocked.

use super::books::{add, plus, take};
use super::status::wrong;
use super::{Allocation, Answer, Books, Campaign, News, Recipient};
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::distribution::{
    DistributionRequestError as Request, DistributionTemporaryError as Temporary, Membership, MerkleRoot,
    RecipientArgs, check_recipient,
};
use cairn_kit::stable::{PrincipalKey, PrincipalNumberKey};
use std::collections::{BTreeMap, BTreeSet};

/// Most people that one call names.
pub const MAX_PEOPLE: usize = 500;

impl Campaign {
    /// The owner, or the launchpad, names people, before their category begins. All of them, or none.
    ///
    /// # Errors
    /// Not one of the two; a recipient that is not acceptable, or has an allocation of that category; a budget or a
    /// number of people that is exceeded.
    pub fn add_recipients(&mut self, caller: Principal, list: &[RecipientArgs], now: Timestamp) -> Answer<()> {
        self.require_manager(caller)?;
        page("recipients", list.len())?;
        let books = self.books();
        if books.stage.is_final() {
            return Err(wrong(&books));
        }
        let mut seen = BTreeSet::new();
        let mut newcomers = BTreeSet::new();
        let mut sums: BTreeMap<u32, Amount> = BTreeMap::new();
        for (number, listed) in list.iter().enumerate() {
            check_recipient(&format!("recipients[{number}]"), listed, &self.terms.args.categories)?;
            self.before_start(listed.category, now)?;
            let RecipientArgs { recipient, category, amount, .. } = *listed;
            let known = self.recipient(recipient);
            if !seen.insert((recipient, category)) || known.as_ref().is_some_and(|known| known.has(category)) {
                return Err(Request::AlreadyRegistered { recipient, category }.into());
            }
            if known.is_none_or(|known| known.allocations.is_empty()) {
                newcomers.insert(recipient);
            }
            let sum = sums.entry(category).or_default();
            *sum = plus(*sum, amount);
        }
        for (category, sum) in sums {
            self.budget_covers(category, sum)?;
        }
        self.room_for(&books, newcomers.len() as u64)?;
        for listed in list {
            self.enroll(listed.recipient, Allocation::listed(listed), now);
        }
        Ok(())
    }

    /// The owner takes allocations back, before their category begins. All of them, or none.
    ///
    /// # Errors
    /// Not the owner, not allowed at creation, begun; an allocation that does not exist, or has been claimed of; neither
    /// an end nor a cancel, so that what they leave could never go back.
    pub fn remove_recipients(&mut self, caller: Principal, list: &[(Principal, u32)], now: Timestamp) -> Answer<()> {
        self.require_modification(caller, "removing recipients")?;
        if self.terms.args.end.is_none() && !self.terms.args.allow_cancel {
            let what = "removing recipients where nothing can go back: neither an end nor cancelling".to_owned();
            return Err(Request::NotAllowed { what }.into());
        }
        page("recipients", list.len())?;
        let mut seen = BTreeSet::new();
        for &(who, category) in list {
            self.before_start(category, now)?;
            let recipient = self.recipient(who).filter(|recipient| recipient.has(category));
            let (Some(recipient), true) = (recipient, seen.insert((who, category))) else {
                return Err(Request::NotFound { what: format!("an allocation of category {category} to {who}") }.into());
            };
            if let Some(transfer) = recipient.open {
                return Err(Temporary::Busy { transfer }.into());
            }
            let claimed = recipient.of(category).fold(Amount::ZERO, |sum, allocation| plus(sum, allocation.gone()));
            if claimed > Amount::ZERO {
                return Err(Request::HasClaimed { recipient: who, category, claimed }.into());
            }
        }
        for &(who, category) in list {
            self.dismiss(who, category);
        }
        Ok(())
    }

    /// The owner, or the launchpad, names the root of a category's Merkle tree. Another root may follow as long as the
    /// category has not begun and nobody has claimed of it.
    ///
    /// # Errors
    /// Not one of the two, no such category, not a Merkle one, an empty tree, a root that is fixed.
    pub fn set_merkle_root(&mut self, caller: Principal, tree: MerkleRoot, now: Timestamp) -> Answer<()> {
        self.require_manager(caller)?;
        let MerkleRoot { category, root, leaves } = tree;
        if self.category(category)?.members != Membership::Merkle {
            return Err(Request::WrongMembership { category }.into());
        }
        if leaves == 0 {
            return Err(Request::Invalid { field: "leaves".to_owned(), problem: "0; at least 1".to_owned() }.into());
        }
        let mut state = self.category_state(category);
        if let Some((fixed, _)) = state.merkle
            && (state.participants > 0 || self.before_start(category, now).is_err())
        {
            return Err(Request::MerkleRootFixed { category, root: fixed }.into());
        }
        state.merkle = Some((root, leaves));
        self.save_category(category, state);
        Ok(())
    }

    /// The owner, or the launchpad, puts people on the whitelist of a category, or takes them off.
    ///
    /// # Errors
    /// Not one of the two, no such category, not an open one, too many at once.
    pub fn change_whitelist(
        &mut self,
        caller: Principal,
        category: u32,
        people: &[Principal],
        listed: bool,
    ) -> Answer<()> {
        self.require_manager(caller)?;
        page("people", people.len())?;
        if !matches!(self.category(category)?.members, Membership::Open { .. }) {
            return Err(Request::WrongMembership { category }.into());
        }
        for who in people {
            let key = PrincipalNumberKey(*who, category.into());
            if listed {
                self.whitelist.insert(key, ());
            } else {
                self.whitelist.remove(&key);
            }
        }
        Ok(())
    }

    /// The owner keeps people from registering and claiming, or no longer does.
    ///
    /// # Errors
    /// Not the owner, not allowed at creation, too many at once.
    pub fn change_blocked(&mut self, caller: Principal, people: &[Principal], blocked: bool) -> Answer<()> {
        self.require_modification(caller, "blocking")?;
        page("people", people.len())?;
        for who in people {
            if blocked {
                self.blocked.insert(PrincipalKey(*who), ());
            } else {
                self.blocked.remove(&PrincipalKey(*who));
            }
        }
        Ok(())
    }

    /// Whether somebody is on the whitelist of a category.
    pub(super) fn is_whitelisted(&self, who: Principal, category: u32) -> bool {
        self.whitelist.contains_key(&PrincipalNumberKey(who, category.into()))
    }

    /// That a category has not begun.
    fn before_start(&self, category: u32, now: Timestamp) -> Answer<()> {
        let until = self.start_of(self.category(category)?);
        if now < until { Ok(()) } else { Err(Request::TooLate { until }.into()) }
    }

    /// That the budget of a category has room for `required` more.
    pub(super) fn budget_covers(&self, category: u32, required: Amount) -> Answer<()> {
        let left = self.category(category)?.budget.saturating_sub(self.category_state(category).allocated);
        if required <= left {
            return Ok(());
        }
        Err(Request::BudgetExceeded { category, left, required }.into())
    }

    /// That so many more people may come.
    pub(super) fn room_for(&self, books: &Books, newcomers: u64) -> Answer<()> {
        let found = books.recipients.saturating_add(newcomers);
        match self.terms.args.max_recipients {
            Some(max) if found > max => Err(Request::Full { found: books.recipients, max }.into()),
            _ => Ok(()),
        }
    }

    /// Gives somebody an allocation that has been checked.
    pub(super) fn enroll(&mut self, who: Principal, allocation: Allocation, now: Timestamp) {
        let mut books = self.books();
        let mut state = self.category_state(allocation.category);
        let mut recipient = self.recipient(who).unwrap_or_else(|| Recipient::new(now));
        if recipient.allocations.is_empty() {
            books.recipients += 1;
            self.news.push(News::Recipient(who, true));
        }
        if self.takes_registrations(allocation.category) && !self.has_registered(&recipient) {
            books.registered += 1;
        }
        add(&mut books.allocated, allocation.amount);
        add(&mut state.allocated, allocation.amount);
        let category = allocation.category;
        if !recipient.has(category) {
            state.participants += 1;
        }
        recipient.allocations.push(allocation);
        self.save_books(&books);
        self.save_category(category, state);
        self.save_recipient(who, recipient);
    }

    /// Takes back what somebody has of a category, which has been checked.
    fn dismiss(&mut self, who: Principal, category: u32) {
        let (mut books, mut state) = (self.books(), self.category_state(category));
        let Some(mut recipient) = self.recipient(who).filter(|recipient| recipient.has(category)) else { return };
        let freed = recipient.of(category).fold(Amount::ZERO, |sum, allocation| plus(sum, allocation.amount));
        recipient.allocations.retain(|allocation| allocation.category != category);
        if self.takes_registrations(category) && !self.has_registered(&recipient) {
            books.registered = books.registered.saturating_sub(1);
        }
        take(&mut books.allocated, freed);
        take(&mut state.allocated, freed);
        state.participants = state.participants.saturating_sub(1);
        if recipient.allocations.is_empty() {
            books.recipients = books.recipients.saturating_sub(1);
            self.news.push(News::Recipient(who, false));
        }
        self.save_books(&books);
        self.save_category(category, state);
        self.save_recipient(who, recipient);
    }
}

/// That a call names neither nobody nor too many.
fn page(field: &str, found: usize) -> Answer<()> {
    if (1..=MAX_PEOPLE).contains(&found) {
        return Ok(());
    }
    let problem = format!("{found} people; at least 1, at most {MAX_PEOPLE}");
    Err(Request::Invalid { field: field.to_owned(), problem }.into())
}
