//! What readers see.

use super::risk::{required, risk};
use super::{Effect, Phase, Proposal, Wallet, refuse};
use cairn_events::{Principal, Timestamp, codec};
use cairn_kit::api::multisig::{
    EffectView, MemberView, ProposalPage, ProposalStatus, ProposalView, RecoveryView, VoteView, WalletError,
    WalletInfo, WalletPhase, WalletRequestError,
};

/// Most proposals of a page.
const MAX_PAGE: usize = 50;
/// Bytes after which a page ends.
const PAGE_BYTES: usize = 500_000;
/// Proposals that are looked at for one page, whatever is asked for.
const MAX_SCANNED: usize = 500;

impl Wallet {
    /// That `caller` may read: anybody a public wallet, members a private one.
    ///
    /// # Errors
    /// [`WalletRequestError::Unauthorized`], whatever was asked for.
    pub fn require_reader(&self, caller: Principal) -> Result<(), WalletError> {
        if self.charter().public || self.charter().member(caller).is_some() {
            return Ok(());
        }
        Err(refuse(WalletRequestError::Unauthorized { caller }))
    }

    /// The wallet, which holds `cycles`.
    pub fn info(&self, cycles: u64) -> WalletInfo {
        let charter = self.charter();
        let member = |member: &super::Member| MemberView {
            principal: member.principal,
            name: member.name.clone(),
            role: member.role,
            since: member.at,
        };
        WalletInfo {
            name: charter.name.clone(),
            description: charter.description.clone(),
            public: charter.public,
            phase: match self.phase() {
                Phase::Active => WalletPhase::Active,
                Phase::Frozen(freeze) => WalletPhase::Frozen { by: freeze.by, since: freeze.at, reason: freeze.reason },
                Phase::Recovering(armed) => {
                    WalletPhase::Recovering { plan: armed.plan, executable_at: armed.executable_at }
                }
            },
            rules: charter.rules.clone(),
            members: charter.members.iter().map(member).collect(),
            proposals: self.proposals.len(),
            executing: self.executing(),
            trail_length: self.trail_length(),
            cycles,
        }
    }

    /// The proposal `id` as it is at `now`.
    ///
    /// # Errors
    /// If there is none.
    pub fn proposal_view(&self, id: u64, now: Timestamp) -> Result<ProposalView, WalletError> {
        Ok(self.view_of(id, self.proposal(id)?, now))
    }

    /// A page of proposals, newest first, of one status if one is given, from number `before` on downwards.
    pub fn proposal_page(
        &self,
        before: Option<u64>,
        limit: usize,
        status: Option<ProposalStatus>,
        now: Timestamp,
    ) -> ProposalPage {
        let total = self.proposals.len();
        let (mut proposals, mut bytes, mut next) = (Vec::new(), 0, None);
        let from = before.unwrap_or(total).min(total);
        for (scanned, id) in (0..from).rev().enumerate() {
            if proposals.len() >= limit.min(MAX_PAGE) || bytes > PAGE_BYTES || scanned >= MAX_SCANNED {
                next = Some(id.saturating_add(1));
                break;
            }
            let Some(proposal) = self.proposals.get(&id).map(|row| row.0) else { continue };
            if status.is_none_or(|wanted| wanted == proposal.status(self.charter(), now)) {
                bytes += codec::encode(&proposal).len();
                proposals.push(self.view_of(id, proposal, now));
            }
        }
        ProposalPage { proposals, next, total }
    }

    fn view_of(&self, id: u64, proposal: Proposal, now: Timestamp) -> ProposalView {
        let charter = self.charter();
        let vote = |vote: &super::Vote| VoteView {
            signer: vote.signer,
            approves: vote.approves,
            at: vote.at,
            note: vote.note.clone(),
            counts: vote.counts(charter),
        };
        ProposalView {
            id,
            status: proposal.status(charter, now),
            earliest_execution: proposal.earliest_execution(charter),
            risk: risk(&proposal.action, &charter.rules),
            required_approvals: required(&proposal.action, charter),
            current_approvals: proposal.tally(charter).approvals(),
            votes: proposal.votes.iter().map(vote).collect(),
            executed_by: proposal.begun.map(|begun| (begun.by, begun.at)),
            effects: (0..).zip(&proposal.effects).map(|(item, effect)| view_of_effect(item, effect)).collect(),
            action: proposal.action,
            title: proposal.title,
            description: proposal.description,
            proposer: proposal.proposer,
            proposed_at: proposal.proposed_at,
            expires_at: proposal.expires_at,
            depends_on: proposal.depends_on,
        }
    }

    /// The guardians' plans.
    pub fn recovery_views(&self) -> Vec<RecoveryView> {
        let armed = |plan: u64| self.course().armed.as_ref().filter(|armed| armed.plan == plan);
        let view = |plan: &super::Plan| RecoveryView {
            plan: plan.number,
            proposer: plan.proposer,
            proposed_at: plan.proposed_at,
            signers: plan.signers.clone(),
            threshold: plan.threshold,
            approvals: plan.approvers(self.charter()).collect(),
            rules: self.charter().rules.recovery,
            executable_at: armed(plan.number).map(|armed| armed.executable_at),
        };
        self.course().plans.iter().map(view).collect()
    }
}

fn view_of_effect(item: u32, effect: &Effect) -> EffectView {
    EffectView {
        item,
        attempts: effect.attempts,
        fee: effect.frozen.as_ref().map(|frozen| frozen.fee),
        created_at: effect.frozen.as_ref().map(|frozen| Timestamp(frozen.created_at)),
        retry_at: effect.due(),
        outcome: effect.outcome().cloned(),
    }
}
