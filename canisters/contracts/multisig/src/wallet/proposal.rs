//! A proposal as it is stored: what was proposed, who said what, how far its execution is.

use super::Charter;
use super::effect::Effect;
use super::risk::required;
use cairn_events::{Principal, Timestamp};
use cairn_kit::api::multisig::{Action, EffectOutcome, ProposalStatus};
use serde::{Deserialize, Serialize};

/// A proposal. Everything above the votes never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What is approved, and done.
    #[serde(rename = "a")]
    pub action: Action,
    /// For people.
    #[serde(rename = "t")]
    pub title: String,
    /// For people.
    #[serde(rename = "d")]
    pub description: String,
    /// Who proposed.
    #[serde(rename = "p")]
    pub proposer: Principal,
    /// When.
    #[serde(rename = "c")]
    pub proposed_at: Timestamp,
    /// Not executed before, as far as the timelock of that time goes.
    #[serde(rename = "l")]
    pub not_before: Timestamp,
    /// Not executed from then on.
    #[serde(rename = "x")]
    pub expires_at: Timestamp,
    /// Proposals that must have been executed first; all of them older.
    #[serde(rename = "o")]
    pub depends_on: Vec<u64>,
    /// Who said what: the last word of each.
    #[serde(rename = "v")]
    pub votes: Vec<Vote>,
    /// How far it is.
    #[serde(rename = "s")]
    pub stage: Stage,
    /// Who began the execution, and when.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Begun>,
    /// Its payments and calls, from the beginning of the execution on.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
}

/// A signer's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Whose.
    #[serde(rename = "s")]
    pub signer: Principal,
    /// Yes or no.
    #[serde(rename = "y")]
    pub approves: bool,
    /// Entry of the trail that recorded it.
    #[serde(rename = "e")]
    pub entry: u64,
    /// When.
    #[serde(rename = "t")]
    pub at: Timestamp,
    /// For people.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The beginning of an execution. There is one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Who.
    #[serde(rename = "b")]
    pub by: Principal,
    /// When.
    #[serde(rename = "t")]
    pub at: Timestamp,
}

/// How far a proposal is. Only an open one is voted on, and only once does one leave this stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// To be decided; whether it has expired is a matter of time.
    Open,
    /// Being executed.
    Executing,
    /// Everything was done.
    Executed,
    /// It is over, and not everything was done.
    Failed,
    /// Too many said no.
    Rejected,
    /// Taken back.
    Cancelled,
}

/// The votes that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Present signers who approve.
    pub approvers: Vec<Principal>,
    /// Present signers who do not.
    pub opponents: u32,
}

impl Tally {
    /// How many approve.
    pub fn approvals(&self) -> u32 {
        u32::try_from(self.approvers.len()).unwrap_or(u32::MAX)
    }
}

impl Vote {
    /// Whether it counts: its signer votes now, and has done so without a break since.
    pub fn counts(&self, charter: &Charter) -> bool {
        charter.member(self.signer).is_some_and(|member| member.role.votes() && member.since < self.entry)
    }
}

impl Proposal {
    /// The votes that count among the present signers.
    pub fn tally(&self, charter: &Charter) -> Tally {
        let mut tally = Tally::default();
        for vote in self.votes.iter().filter(|vote| vote.counts(charter)) {
            if vote.approves {
                tally.approvers.push(vote.signer);
            } else {
                tally.opponents = tally.opponents.saturating_add(1);
            }
        }
        tally
    }

    /// Whether as many present signers approve as its risk asks for.
    pub fn is_approved(&self, charter: &Charter) -> bool {
        self.tally(charter).approvals() >= required(&self.action, charter)
    }

    /// What it is at `now`.
    pub fn status(&self, charter: &Charter, now: Timestamp) -> ProposalStatus {
        match self.stage {
            Stage::Open if now >= self.expires_at => ProposalStatus::Expired,
            Stage::Open if self.is_approved(charter) => ProposalStatus::Approved,
            Stage::Open => ProposalStatus::Pending,
            Stage::Executing => ProposalStatus::Executing,
            Stage::Executed => ProposalStatus::Executed,
            Stage::Failed => ProposalStatus::Failed,
            Stage::Rejected => ProposalStatus::Rejected,
            Stage::Cancelled => ProposalStatus::Cancelled,
        }
    }

    /// When it can be executed, under a timelock of now: a longer one than when it was proposed holds.
    pub fn earliest_execution(&self, charter: &Charter) -> Timestamp {
        match self.action {
            Action::EmergencyAction(_) => self.proposed_at,
            _ => self.not_before.max(Timestamp(self.proposed_at.0.saturating_add(charter.rules.timelock))),
        }
    }

    /// Whether all effects are settled, and if so whether all of them were done.
    pub fn conclusion(&self) -> Option<bool> {
        let outcomes: Option<Vec<&EffectOutcome>> = self.effects.iter().map(Effect::outcome).collect();
        Some(
            outcomes?
                .into_iter()
                .all(|outcome| matches!(outcome, EffectOutcome::Transferred { .. } | EffectOutcome::Replied { .. })),
        )
    }
}
