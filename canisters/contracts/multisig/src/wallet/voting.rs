//! Proposals, and what signers say of them.

use super::risk::required;
use super::{Proposal, Stage, Vote, Wallet, later, refuse};
use cairn_events::{Principal, Timestamp};
use cairn_kit::api::multisig::{
    Action, MIN_LIFETIME, MemberRole, ProposalArgs, ProposalStatus, TrailEvent, WalletError, WalletRequestError,
    WalletTemporaryError, length,
};
use cairn_kit::stable::PrincipalNumberKey;

/// Most characters of a title.
const MAX_TITLE: usize = 100;
/// Most bytes of a description.
const MAX_DESCRIPTION: usize = 2_000;
/// Most bytes of a note.
const MAX_NOTE: usize = 200;
/// Most proposals that one depends on.
const MAX_DEPENDENCIES: usize = 10;
/// Most open proposals of one signer: nobody can fill the wallet alone.
pub const MAX_OPEN: u64 = 20;
/// Votes that are kept although they do not count any more.
const MAX_STALE_VOTES: usize = 100;

impl Wallet {
    /// That `caller` votes, and has not done too much within the hour.
    ///
    /// # Errors
    /// [`WalletRequestError::Anonymous`], [`WalletRequestError::Unauthorized`], [`WalletTemporaryError::RateLimited`].
    pub fn require_signer(&self, caller: Principal, now: Timestamp) -> Result<(), WalletError> {
        self.require(caller, MemberRole::votes, now)
    }

    /// That `caller` has a role for which `may` holds, and has not done too much within the hour.
    pub(super) fn require(
        &self,
        caller: Principal,
        may: fn(MemberRole) -> bool,
        now: Timestamp,
    ) -> Result<(), WalletError> {
        if caller == Principal::anonymous() {
            return Err(refuse(WalletRequestError::Anonymous));
        }
        if self.charter().role(caller).is_some_and(may) {
            return self.check_budget(caller, now);
        }
        Err(refuse(WalletRequestError::Unauthorized { caller }))
    }

    /// Proposes, and approves in the name of `caller`. Only signers may, also while the wallet is frozen.
    ///
    /// # Errors
    /// Everything that is wrong with the proposal.
    pub fn propose(&mut self, caller: Principal, args: ProposalArgs, now: Timestamp) -> Result<u64, WalletError> {
        self.require_signer(caller, now)?;
        let expires_at = self.check_proposal(&args, now)?;
        let expired = self.make_room(caller, now)?;
        for key in expired {
            self.open.remove(&key);
        }
        let id = self.proposals.len();
        let ProposalArgs { title, description, action, depends_on, .. } = args;
        let entry = self.record(caller, TrailEvent::Proposed { proposal: id, action: action.clone() }, now);
        let timelock = match action {
            Action::EmergencyAction(_) => 0,
            _ => self.charter().rules.timelock,
        };
        let proposal = Proposal {
            action,
            title,
            description,
            proposer: caller,
            proposed_at: now,
            not_before: Timestamp(now.0.saturating_add(timelock)),
            expires_at,
            depends_on,
            votes: vec![Vote { signer: caller, approves: true, entry, at: now, note: None }],
            stage: Stage::Open,
            begun: None,
            effects: Vec::new(),
        };
        self.set_proposal(id, proposal);
        self.open.insert(PrincipalNumberKey(caller, id), expires_at.0);
        if self.charter().public {
            self.announce(super::News::Proposed(id, caller));
        }
        Ok(id)
    }

    /// Checks everything but the number of open proposals; when the proposal will be void.
    fn check_proposal(&self, args: &ProposalArgs, now: Timestamp) -> Result<Timestamp, WalletError> {
        length("title", args.title.chars().count(), 1, MAX_TITLE, "characters")?;
        length("description", args.description.len(), 0, MAX_DESCRIPTION, "bytes")?;
        length("depends_on", args.depends_on.len(), 0, MAX_DEPENDENCIES, "proposals")?;
        // What exists is older: there are no circles.
        for dependency in &args.depends_on {
            self.proposal(*dependency)?;
        }
        let rules = &self.charter().rules;
        let lifetime = args.lifetime.unwrap_or(rules.proposal_lifetime);
        let min = rules.timelock.saturating_add(MIN_LIFETIME);
        if !(min..=rules.proposal_lifetime).contains(&lifetime) {
            return Err(refuse(WalletRequestError::TimeOutOfRange {
                field: "lifetime".to_owned(),
                found: lifetime,
                min: min.saturating_sub(1),
                max: rules.proposal_lifetime,
            }));
        }
        self.screen(&args.action, now)?;
        Ok(Timestamp(now.0.saturating_add(lifetime)))
    }

    /// The rows of expired proposals of `proposer`, if those that are left allow one more.
    fn make_room(&self, proposer: Principal, now: Timestamp) -> Result<Vec<PrincipalNumberKey>, WalletError> {
        let mine = PrincipalNumberKey(proposer, 0)..=PrincipalNumberKey(proposer, u64::MAX);
        let (mut expired, mut found) = (Vec::new(), 0);
        for row in self.open.range(mine) {
            if row.value() <= now.0 {
                expired.push(*row.key());
            } else {
                found += 1;
            }
        }
        if found >= MAX_OPEN {
            return Err(refuse(WalletRequestError::TooManyOpen { found, max: MAX_OPEN }));
        }
        Ok(expired)
    }

    /// Approves. Only signers may; an opposition of theirs is void then.
    ///
    /// # Errors
    /// If the proposal is not open, or the caller has approved already.
    pub fn approve(
        &mut self,
        caller: Principal,
        id: u64,
        note: Option<String>,
        now: Timestamp,
    ) -> Result<(), WalletError> {
        let mut proposal = self.votable(caller, id, true, note.as_deref(), now)?;
        let entry = self.record(caller, TrailEvent::Approved { proposal: id }, now);
        self.cast(&mut proposal, Vote { signer: caller, approves: true, entry, at: now, note });
        self.set_proposal(id, proposal);
        Ok(())
    }

    /// Opposes. Only signers may; an approval of theirs is void then. Once so many oppose that the others are too few,
    /// the proposal is rejected for good.
    ///
    /// # Errors
    /// If the proposal is not open, or the caller has opposed already.
    pub fn reject(
        &mut self,
        caller: Principal,
        id: u64,
        note: Option<String>,
        now: Timestamp,
    ) -> Result<(), WalletError> {
        let mut proposal = self.votable(caller, id, false, note.as_deref(), now)?;
        let entry = self.record(caller, TrailEvent::Opposed { proposal: id }, now);
        self.cast(&mut proposal, Vote { signer: caller, approves: false, entry, at: now, note });
        let possible = self.charter().signer_count().saturating_sub(proposal.tally(self.charter()).opponents);
        if possible < required(&proposal.action, self.charter()) {
            self.record(self.id(), TrailEvent::Rejected { proposal: id }, now);
            self.close(id, &mut proposal, Stage::Rejected);
        }
        self.set_proposal(id, proposal);
        Ok(())
    }

    /// Takes a proposal back. Only who proposed it may.
    ///
    /// # Errors
    /// If it is not open, or another's.
    pub fn cancel(&mut self, caller: Principal, id: u64, now: Timestamp) -> Result<(), WalletError> {
        self.require_signer(caller, now)?;
        let mut proposal = self.open_proposal(id, now)?;
        if proposal.proposer != caller {
            return Err(refuse(WalletRequestError::NotProposer { proposal: id, proposer: proposal.proposer }));
        }
        self.record(caller, TrailEvent::Cancelled { proposal: id }, now);
        self.close(id, &mut proposal, Stage::Cancelled);
        self.set_proposal(id, proposal);
        Ok(())
    }

    fn votable(
        &self,
        caller: Principal,
        id: u64,
        approves: bool,
        note: Option<&str>,
        now: Timestamp,
    ) -> Result<Proposal, WalletError> {
        self.require_signer(caller, now)?;
        length("note", note.map_or(0, str::len), 0, MAX_NOTE, "bytes")?;
        let proposal = self.open_proposal(id, now)?;
        let same = |vote: &Vote| vote.signer == caller && vote.approves == approves && vote.counts(self.charter());
        if proposal.votes.iter().any(same) {
            return Err(refuse(WalletRequestError::AlreadyVoted { proposal: id, signer: caller }));
        }
        Ok(proposal)
    }

    /// The proposal `id`, if it is still to be decided.
    pub(super) fn open_proposal(&self, id: u64, now: Timestamp) -> Result<Proposal, WalletError> {
        let proposal = self.proposal(id)?;
        match proposal.status(self.charter(), now) {
            ProposalStatus::Pending | ProposalStatus::Approved => Ok(proposal),
            ProposalStatus::Executing => Err(later(WalletTemporaryError::Busy)),
            status => Err(refuse(WalletRequestError::NotOpen { proposal: id, status })),
        }
    }

    fn cast(&self, proposal: &mut Proposal, vote: Vote) {
        proposal.votes.retain(|known| known.signer != vote.signer);
        if proposal.votes.len() >= MAX_STALE_VOTES {
            proposal.votes.retain(|known| known.counts(self.charter()));
        }
        proposal.votes.push(vote);
    }

    /// Ends the time in which a proposal is open.
    pub(super) fn close(&mut self, id: u64, proposal: &mut Proposal, stage: Stage) {
        proposal.stage = stage;
        self.open.remove(&PrincipalNumberKey(proposal.proposer, id));
    }
}
