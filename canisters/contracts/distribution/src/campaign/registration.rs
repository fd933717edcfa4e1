//! Registration: people who come by themselves. What they have to show they show here, once; claims ask for nothing but
//! the allocation: see [`crate::eligibility`].
//!
//! Ledgers and collections are asked between the first check and the last: everything is checked again, since the world
//! may have changed.

use super::record::NftKey;
use super::status::wrong;
use super::{Allocation, Answer, Campaign, Recipient, Stage};
use crate::eligibility::{Fact, Nft, conditions, evaluate};
use cairn_events::{Principal, Timestamp};
use cairn_kit::api::distribution::{
    Condition, DistributionRequestError as Request, DistributionTemporaryError as Temporary, Eligibility, Logic,
    Membership,
};
use candid::Nat;

/// What is to be asked before somebody can register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Questions {
    /// How the conditions go together.
    pub logic: Logic,
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// Whether the person is on the whitelist.
    pub whitelisted: bool,
}

impl Campaign {
    /// Whether `who` may register for `category` with these NFTs, as far as is known here; and what else to ask.
    ///
    /// # Errors
    /// Blocked, registered, too early or late, full, an NFT that has served, a category that takes no registrations.
    pub fn may_register(&self, who: Principal, category: u32, nfts: &[Nft], now: Timestamp) -> Answer<Questions> {
        let (_, eligibility) = self.admission(who, category, now)?;
        let (logic, conditions) = conditions(eligibility);
        let collections = conditions.iter().filter_map(|condition| match condition {
            Condition::NftHolder { collection, .. } => Some(*collection),
            _ => None,
        });
        let collections: Vec<Principal> = collections.collect();
        let served = nfts.iter().find(|nft| collections.contains(&nft.0) && self.has_served(**nft));
        if let Some((collection, id)) = served {
            return Err(Request::NftConsumed { collection: *collection, id: Nat::from(*id) }.into());
        }
        let whitelisted = self.is_whitelisted(who, category);
        Ok(Questions { logic, conditions: conditions.to_vec(), whitelisted })
    }

    /// Registers `who`, given what the answers were.
    ///
    /// # Errors
    /// As [`Campaign::may_register`], and not eligible.
    pub fn register(&mut self, who: Principal, category: u32, facts: &[Fact], now: Timestamp) -> Answer<()> {
        let (allocation, eligibility) = self.admission(who, category, now)?;
        let (logic, conditions) = conditions(eligibility);
        if facts.len() != conditions.len() {
            return Err(Request::NotEligible { condition: "the conditions have changed".to_owned() }.into());
        }
        // The owner may have taken the person off the whitelist meanwhile.
        let whitelisted = self.is_whitelisted(who, category);
        let facts: Vec<Fact> = facts
            .iter()
            .zip(conditions)
            .map(|(fact, condition)| match condition {
                Condition::Whitelist if !whitelisted => Fact::Fails("not on the whitelist".to_owned()),
                _ => fact.clone(),
            })
            .collect();
        let used = evaluate(logic, &facts)?;
        if let Some((collection, id)) = used.iter().find(|nft| self.has_served(**nft)) {
            return Err(Request::NftConsumed { collection: *collection, id: Nat::from(*id) }.into());
        }
        for (collection, id) in used {
            self.nfts.insert(NftKey::new(collection, id), ());
        }
        self.enroll(who, allocation, now);
        Ok(())
    }

    /// Whether an NFT has served somebody.
    pub fn has_served(&self, (collection, id): Nft) -> bool {
        self.nfts.contains_key(&NftKey::new(collection, id))
    }

    /// What `who` would get of `category`, and under which conditions.
    fn admission(&self, who: Principal, category: u32, now: Timestamp) -> Answer<(Allocation, &Eligibility)> {
        let found = self.category(category);
        let Ok(Membership::Open { allocation, eligibility, max_participants }) = found.as_ref().map(|it| &it.members)
        else {
            // What categories there are is not for strangers to a private one.
            self.require_reader(who)?;
            return Err(found.err().unwrap_or(Request::WrongMembership { category }.into()));
        };
        let books = self.books();
        match books.stage {
            Stage::Pending | Stage::Active => {}
            Stage::Paused => return Err(Temporary::Paused.into()),
            Stage::Completed | Stage::Cancelled => return Err(wrong(&books)),
        }
        if let Some(until) = books.end.filter(|end| *end <= now) {
            return Err(Request::TooLate { until }.into());
        }
        let known = self.recipient(who);
        let newcomer = known.as_ref().is_none_or(|known| !self.has_registered(known));
        self.registration_is_open(books.registered, newcomer, now)?;
        if self.is_blocked(who) {
            return Err(Request::Blocked { recipient: who }.into());
        }
        if known.as_ref().is_some_and(|known| known.has(category)) {
            return Err(Request::AlreadyRegistered { recipient: who, category }.into());
        }
        let state = self.category_state(category);
        if state.paused {
            return Err(Temporary::CategoryPaused { category }.into());
        }
        if let Some(max) = max_participants.filter(|max| state.participants >= *max) {
            return Err(Request::Full { found: state.participants, max }.into());
        }
        if known.is_none_or(|known| known.allocations.is_empty()) {
            self.room_for(&books, 1)?;
        }
        self.budget_covers(category, *allocation)?;
        Ok((Allocation::new(category, *allocation), eligibility))
    }

    /// Whether somebody has an allocation by registration.
    pub(super) fn has_registered(&self, recipient: &Recipient) -> bool {
        recipient.allocations.iter().any(|allocation| self.takes_registrations(allocation.category))
    }

    /// Whether people register for a category.
    pub(super) fn takes_registrations(&self, category: u32) -> bool {
        self.category(category).is_ok_and(|category| matches!(category.members, Membership::Open { .. }))
    }

    fn registration_is_open(&self, registered: u64, newcomer: bool, now: Timestamp) -> Answer<()> {
        let Some(period) = self.terms.args.registration else { return Ok(()) };
        if now < period.from {
            return Err(Temporary::TooEarly { from: period.from }.into());
        }
        if now >= period.until {
            return Err(Request::TooLate { until: period.until }.into());
        }
        match period.max_participants {
            Some(max) if newcomer && registered >= max => Err(Request::Full { found: registered, max }.into()),
            _ => Ok(()),
        }
    }
}
