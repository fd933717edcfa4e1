//! What the factory should hear: who signs, who observes, what was proposed and paid.

use super::{Charter, Wallet};
use cairn_events::payload::{ContractStatus, Movement, Notification, ProposalCreated, Role};
use cairn_events::{Amount, Principal};
use cairn_kit::api::multisig::MemberRole;
use cairn_kit::notify::{Outbox, Subjects};
use cairn_kit::stable::{Cbor, PrincipalKey};
use std::collections::BTreeSet;
use std::ops::Bound;

/// Something new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody has a role, or has it no more.
    Role(Role, Principal, bool),
    /// Whether strangers may read.
    Visibility(bool),
    /// The status has changed.
    Status(ContractStatus, ContractStatus),
    /// Something was proposed in a public wallet.
    Proposed(u64, Principal),
    /// A public wallet has paid.
    Paid {
        /// The ledger.
        ledger: Principal,
        /// Who.
        to: Principal,
        /// How much.
        amount: Amount,
    },
}

impl News {
    /// Puts it into the outbox of the wallet `id`.
    pub fn tell(self, id: Principal, outbox: &mut Outbox) {
        match self {
            News::Role(role, who, has) => outbox.role_changed(role, who, has),
            News::Visibility(public) => outbox.visibility_changed(public),
            News::Status(before, after) => outbox.status_changed(before, after),
            News::Proposed(proposal, proposer) => {
                outbox.fact(Notification::ProposalCreated(ProposalCreated { proposal, proposer }));
            }
            News::Paid { ledger, to, amount } => outbox.fact(Notification::Transfer(Movement {
                token: Some(ledger),
                from: Some(id),
                to: Some(to),
                amount,
            })),
        }
    }
}

impl Wallet {
    /// What is new since this was last asked.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    pub(super) fn announce(&mut self, news: News) {
        self.news.push(news);
    }

    /// Puts `next` in force, and announces what differs.
    pub(super) fn adopt(&mut self, next: Charter) {
        let before = self.charter().clone();
        for (role, is) in [(Role::Signer, MemberRole::votes as fn(MemberRole) -> bool), (Role::Observer, observes)] {
            let of = |charter: &Charter| -> BTreeSet<Principal> {
                charter.members.iter().filter(|member| is(member.role)).map(|member| member.principal).collect()
            };
            let (old, new) = (of(&before), of(&next));
            for who in new.difference(&old) {
                let ever = if role == Role::Signer { &mut self.ever_signers } else { &mut self.ever_observers };
                ever.insert(PrincipalKey(*who), ());
                self.announce(News::Role(role, *who, true));
            }
            for who in old.difference(&new) {
                self.announce(News::Role(role, *who, false));
            }
        }
        if before.public != next.public && !before.members.is_empty() {
            self.announce(News::Visibility(next.public));
        }
        self.charter.set(Cbor(next));
    }

    /// Announces a change between active and frozen.
    pub(super) fn announce_status(&mut self, before: ContractStatus) {
        let after = self.status();
        if before != after {
            self.announce(News::Status(before, after));
        }
    }
}

fn observes(role: MemberRole) -> bool {
    role == MemberRole::Observer
}

impl Subjects for Wallet {
    fn has_role(&self, role: Role, who: Principal) -> bool {
        let held = self.charter().role(who);
        match role {
            Role::Signer => held.is_some_and(MemberRole::votes),
            Role::Observer => held.is_some_and(observes),
            _ => false,
        }
    }

    fn is_public(&self) -> bool {
        self.charter().public
    }

    fn status(&self) -> ContractStatus {
        let still = self.course().freeze.is_some() || self.course().armed.is_some();
        if still { ContractStatus::Frozen } else { ContractStatus::Active }
    }

    fn roles_after(&self, after: Option<(Role, Principal)>, limit: usize) -> Vec<(Role, Principal, bool)> {
        let after_in = |role: Role| match after {
            Some((last, _)) if last > role => None,
            Some((last, who)) if last == role => Some(Bound::Excluded(PrincipalKey(who))),
            _ => Some(Bound::Unbounded),
        };
        let mut roles = [(Role::Signer, &self.ever_signers), (Role::Observer, &self.ever_observers)];
        roles.sort_by_key(|(role, _)| *role);
        let everybody = roles.into_iter().filter_map(|(role, ever)| Some((role, ever, after_in(role)?)));
        let keys = everybody.flat_map(|(role, ever, from)| {
            ever.keys_range((from, Bound::Unbounded)).map(move |PrincipalKey(who)| (role, who))
        });
        keys.take(limit).map(|(role, who)| (role, who, self.has_role(role, who))).collect()
    }
}
