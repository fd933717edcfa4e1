//! What is answered, and to whom: everybody if the distribution is public, otherwise its own people only.

use super::books::{Stage, plus};
use super::record::{Kind, Settled};
use super::{Allocation, Answer, Campaign, Recipient};
use crate::transfer::{Purpose, Transfer};
use crate::vesting::next_unlock;
use cairn_events::payload::{ContractStatus, Role};
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::distribution::{
    AllocationView, CategoryView, ClaimReceipt, Claimable, DistributionRequestError as Request, Funding, HistoryEntry,
    MerkleRoot, PayoutStatus, RecipientView, Statistics, Terms, TransferKind, TransferView,
};
use cairn_kit::notify::Subjects;
use cairn_kit::stable::{Cbor, PrincipalKey, PrincipalNumberKey};
use std::ops::Bound;

/// Most rows of a page.
pub const MAX_PAGE: u32 = 100;

fn page(limit: Option<u32>) -> usize {
    limit.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE) as usize
}

impl Campaign {
    /// That `caller` may read: anyone if it is public, otherwise owner, factory, launchpad, recipients, and whoever is on
    /// a whitelist.
    ///
    /// # Errors
    /// It is private, and the caller a stranger.
    pub fn require_reader(&self, caller: Principal) -> Answer<()> {
        let terms = &self.terms;
        let own = || {
            caller == terms.owner
                || Some(caller) == terms.factory
                || Some(caller) == terms.launchpad()
                || self.has_role(Role::Recipient, caller)
                || self.is_on_a_whitelist(caller)
        };
        if terms.args.public || own() { Ok(()) } else { Err(Request::Unauthorized { caller }.into()) }
    }

    fn is_on_a_whitelist(&self, caller: Principal) -> bool {
        (0..self.terms.args.categories.len() as u32).any(|category| self.is_whitelisted(caller, category))
    }

    /// What it was installed with. Recipients are on pages of their own.
    pub fn terms(&self) -> Terms {
        let books = self.books();
        Terms {
            args: self.terms.args.clone(),
            owner: self.terms.owner,
            factory: self.terms.factory,
            end: books.end,
            funded_at: books.funded_at,
        }
    }

    /// The stage, as it is at `now`.
    pub fn stage(&self, now: Timestamp) -> Stage {
        let books = self.books();
        let over = books.end.is_some_and(|end| end <= now);
        if over && matches!(books.stage, Stage::Active | Stage::Paused) { Stage::Completed } else { books.stage }
    }

    /// Money and counters.
    pub fn statistics(&self, now: Timestamp) -> Statistics {
        let books = self.books();
        Statistics {
            campaign: self.terms.args.campaign.clone(),
            status: self.stage(now).status(),
            total: self.terms.args.total,
            deposited: books.deposited,
            paid: books.paid,
            fees: books.fees,
            refunded: books.refunded,
            penalties: books.penalties,
            remaining: books.remaining,
            dust: books.dust,
            in_flight: books.in_flight,
            penalties_due: books.penalties_due,
            allocated: books.allocated,
            claimed: books.claimed,
            recipients: books.recipients,
            open_transfers: self.transfers.len(),
            quarantined: books.quarantined,
            ledger_fee: books.ledger_fee,
        }
    }

    /// All categories.
    pub fn category_views(&self) -> Vec<CategoryView> {
        let view = |(number, category): (usize, &cairn_kit::api::distribution::Category)| {
            let number = number as u32;
            let state = self.category_state(number);
            CategoryView {
                category: number,
                name: category.name.clone(),
                budget: category.budget,
                allocated: state.allocated,
                claimed: state.claimed,
                participants: state.participants,
                paused: state.paused,
                merkle: state.merkle.map(|(root, leaves)| MerkleRoot { category: number, root, leaves }),
            }
        };
        self.terms.args.categories.iter().enumerate().map(view).collect()
    }

    /// Somebody's allocations.
    ///
    /// # Errors
    /// There are none.
    pub fn recipient_view(&self, who: Principal, now: Timestamp) -> Answer<RecipientView> {
        let recipient = self.recipient(who).ok_or(Request::NotRegistered { recipient: who })?;
        Ok(self.view_of(who, recipient, now))
    }

    fn view_of(&self, who: Principal, recipient: Recipient, now: Timestamp) -> RecipientView {
        let allocation = |allocation: &Allocation| AllocationView {
            category: allocation.category,
            leaf: allocation.leaf,
            amount: allocation.amount,
            unlocked: self.unlocked(allocation, now),
            claimed: allocation.claimed,
            forfeited: allocation.forfeited,
            claimable: self.claimable(allocation, now),
            note: allocation.note.clone(),
        };
        RecipientView {
            recipient: who,
            registered_at: recipient.registered_at,
            allocations: recipient.allocations.iter().map(allocation).collect(),
            received: recipient.received,
            fees: recipient.fees,
            last_claim: recipient.last_claim,
            open_transfer: recipient.open,
            blocked: self.is_blocked(who),
        }
    }

    /// A page of people, after `after`, in the order of principals.
    pub fn recipient_views(&self, after: Option<Principal>, limit: Option<u32>, now: Timestamp) -> Vec<RecipientView> {
        let rows = self.recipients.range((start_after(after.map(PrincipalKey)), Bound::Unbounded));
        let rows = rows.map(|row| (row.key().0, row.value().0));
        let present = rows.filter(|(_, recipient)| !recipient.allocations.is_empty());
        present.take(page(limit)).map(|(who, recipient)| self.view_of(who, recipient, now)).collect()
    }

    /// What somebody can claim now, over all categories that are open; and when there will be more.
    ///
    /// # Errors
    /// The person has no allocation.
    pub fn claimable_view(&self, who: Principal, now: Timestamp) -> Answer<Claimable> {
        let recipient = self.recipient(who).ok_or(Request::NotRegistered { recipient: who })?;
        let (mut amount, mut next) = (Amount::ZERO, None);
        for allocation in &recipient.allocations {
            if !self.category_state(allocation.category).paused && now >= self.terms.args.start {
                amount = plus(amount, self.claimable(allocation, now));
            }
            let category = self.category(allocation.category)?;
            let later = next_unlock(category, self.start_of(category), now);
            next = [next, later.filter(|_| allocation.rest() > Amount::ZERO)].into_iter().flatten().min();
        }
        let fee = self.ledger_fee();
        let smallest = plus(fee.unwrap_or_default(), Amount(1));
        let minimum = smallest.max(self.terms.args.minimum_claim);
        Ok(Claimable { amount, fee, minimum, next_unlock: next })
    }

    /// A page of somebody's settled transfers, before the number `before`, the newest first.
    pub fn history_view(&self, who: Principal, before: Option<u64>, limit: Option<u32>) -> Vec<HistoryEntry> {
        let (first, last) = (PrincipalNumberKey(who, 0), PrincipalNumberKey(who, before.unwrap_or(u64::MAX)));
        let rows = self.history.range((Bound::Included(first), Bound::Excluded(last))).rev();
        rows.take(page(limit)).map(|row| entry(row.key().1, row.value().0)).collect()
    }

    /// A page of the transfers that are not settled, after the number `after`.
    pub fn transfer_views(&self, after: Option<u64>, limit: Option<u32>) -> Vec<TransferView> {
        let rows = self.transfers.range((start_after(after), Bound::Unbounded));
        rows.take(page(limit)).map(|row| open_transfer(*row.key(), row.value().0)).collect()
    }

    /// What has become of a claim that was just begun: `block` if it was paid in this very call.
    pub fn receipt(&self, id: u64, intent: &Transfer, paid: Option<Option<u64>>) -> ClaimReceipt {
        let penalty = match &intent.purpose {
            Purpose::Claim(claim) => claim.parts.iter().fold(Amount::ZERO, |sum, part| plus(sum, part.penalty)),
            _ => Amount::ZERO,
        };
        let status = self.payout_status(id, paid);
        let Transfer { amount, fee, .. } = *intent;
        ClaimReceipt { transfer: id, claimed: intent.gross(), amount, fee, penalty, status }
    }

    /// What has become of the funding.
    pub fn funding(&self, transfer: Option<u64>, paid: Option<Option<u64>>) -> Funding {
        let deposited = self.books().deposited;
        let status = match transfer {
            Some(id) => self.payout_status(id, paid),
            None => PayoutStatus::Paid { block: None },
        };
        Funding { deposited, total: self.terms.args.total, transfer, status }
    }

    fn payout_status(&self, id: u64, paid: Option<Option<u64>>) -> PayoutStatus {
        match (paid, self.transfer(id)) {
            (Some(block), _) => PayoutStatus::Paid { block },
            (None, Some(transfer)) => transfer.status(),
            (None, None) => PayoutStatus::Pending,
        }
    }

    /// A transfer that is not settled.
    pub fn open_intent(&self, id: u64) -> Option<Transfer> {
        self.transfer(id)
    }

    /// What is wrong with this code or its books, if something is. Not a transfer in quarantine, which a version may be
    /// there to cure.
    ///
    /// # Errors
    /// The books do not add up.
    pub fn sound(&self) -> Result<(), String> {
        if self.books().balanced() { Ok(()) } else { Err("the books do not add up".to_owned()) }
    }

    /// What is wrong, if something is, for whoever watches.
    ///
    /// # Errors
    /// As [`sound`](Self::sound), or a transfer is in quarantine.
    pub fn health(&self) -> Result<(), String> {
        self.sound()?;
        match self.books().quarantined {
            0 => Ok(()),
            found => Err(format!("{found} transfers in quarantine")),
        }
    }
}

fn start_after<K>(after: Option<K>) -> Bound<K> {
    after.map_or(Bound::Unbounded, Bound::Excluded)
}

fn entry(transfer: u64, settled: Settled) -> HistoryEntry {
    let Settled { kind, account, amount, fee, at: settled_at, block, failure } = settled;
    let kind = match kind {
        Kind::Deposit => TransferKind::Deposit,
        Kind::Claim => TransferKind::Claim,
        Kind::Penalty => TransferKind::Penalty,
        Kind::Refund => TransferKind::Refund,
    };
    let amount = if failure.is_none() { amount } else { Amount::ZERO };
    HistoryEntry { transfer, kind, account, amount, fee, settled_at, block, failure }
}

fn open_transfer(id: u64, transfer: Transfer) -> TransferView {
    TransferView {
        transfer: id,
        kind: transfer.kind(),
        account: transfer.account,
        amount: transfer.amount,
        fee: transfer.fee,
        created_at: transfer.created_at,
        attempts: transfer.attempts,
        retry_at: transfer.retry_at,
        status: transfer.status(),
        last_error: transfer.last_error,
    }
}

impl Subjects for Campaign {
    fn has_role(&self, role: Role, who: Principal) -> bool {
        role == Role::Recipient && self.recipient(who).is_some_and(|recipient| !recipient.allocations.is_empty())
    }

    fn is_public(&self) -> bool {
        self.terms.args.public
    }

    fn status(&self) -> ContractStatus {
        self.books().stage.status()
    }

    fn roles_after(&self, after: Option<(Role, Principal)>, limit: usize) -> Vec<(Role, Principal, bool)> {
        let start = match after {
            Some((role, _)) if role > Role::Recipient => return Vec::new(),
            Some((Role::Recipient, who)) => Bound::Excluded(PrincipalKey(who)),
            _ => Bound::Unbounded,
        };
        let rows = self.recipients.range((start, Bound::Unbounded)).take(limit);
        rows.map(|row| {
            let Cbor(recipient) = row.value();
            (Role::Recipient, row.key().0, !recipient.allocations.is_empty())
        })
        .collect()
    }
}
