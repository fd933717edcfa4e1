//! What contracts tell their factory.

use crate::Amount;
use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

/// What a principal has to do with a contract, as the contract says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub enum Role {
    /// Holds some of a token.
    #[serde(rename = "holder")]
    Holder,
    /// Signs for a wallet.
    #[serde(rename = "signer")]
    Signer,
    /// Sees what a wallet does.
    #[serde(rename = "observer")]
    Observer,
    /// Receives from a distribution.
    #[serde(rename = "recipient")]
    Recipient,
    /// Takes part in a sale.
    #[serde(rename = "participant")]
    Participant,
    /// Is a member of a DAO.
    #[serde(rename = "member")]
    Member,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 6] =
        [Role::Holder, Role::Signer, Role::Observer, Role::Recipient, Role::Participant, Role::Member];
}

/// Where a contract stands, as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, CandidType)]
pub enum ContractStatus {
    /// It has not begun.
    #[serde(rename = "pending")]
    Pending,
    /// It does what it is for.
    #[serde(rename = "active")]
    Active,
    /// It was stopped, and can go on.
    #[serde(rename = "paused")]
    Paused,
    /// It was stopped in an emergency.
    #[serde(rename = "frozen")]
    Frozen,
    /// It has done what it was for.
    #[serde(rename = "completed")]
    Completed,
    /// It will do no more.
    #[serde(rename = "cancelled")]
    Cancelled,
}

impl ContractStatus {
    /// Every status.
    pub const ALL: [ContractStatus; 6] = [
        ContractStatus::Pending,
        ContractStatus::Active,
        ContractStatus::Paused,
        ContractStatus::Frozen,
        ContractStatus::Completed,
        ContractStatus::Cancelled,
    ];
}

/// A proposal was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct ProposalCreated {
    /// The contract's own number of it.
    pub proposal: u64,
    /// Who made it.
    pub proposer: Principal,
}

/// Tokens moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Movement {
    /// The ledger; absent for the contract's own token.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<Principal>,
    /// Whose they were; absent if they came into being.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Principal>,
    /// Whose they are; absent if they are no more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<Principal>,
    /// How much, in the token's smallest unit.
    pub amount: Amount,
}

/// What contracts tell their factory. A role, the visibility and the status are told as they are then; anything else is
/// told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum Notification {
    /// The contract is set up and serves.
    #[serde(rename = "deployment_complete")]
    DeploymentComplete,
    /// A principal holds some of the token now.
    #[serde(rename = "holder_added")]
    HolderAdded(Principal),
    /// A principal holds none of the token any more.
    #[serde(rename = "holder_removed")]
    HolderRemoved(Principal),
    /// A principal signs for the wallet now.
    #[serde(rename = "signer_added")]
    SignerAdded(Principal),
    /// A principal does not sign for the wallet any more.
    #[serde(rename = "signer_removed")]
    SignerRemoved(Principal),
    /// A principal sees now what the wallet does.
    #[serde(rename = "observer_added")]
    ObserverAdded(Principal),
    /// A principal does not see any more what the wallet does.
    #[serde(rename = "observer_removed")]
    ObserverRemoved(Principal),
    /// A principal receives from the distribution now.
    #[serde(rename = "recipient_added")]
    RecipientAdded(Principal),
    /// A principal does not receive from the distribution any more.
    #[serde(rename = "recipient_removed")]
    RecipientRemoved(Principal),
    /// A principal takes part in the sale now.
    #[serde(rename = "participant_added")]
    ParticipantAdded(Principal),
    /// A principal does not take part in the sale any more.
    #[serde(rename = "participant_removed")]
    ParticipantRemoved(Principal),
    /// A principal is a member of the DAO now.
    #[serde(rename = "member_added")]
    MemberAdded(Principal),
    /// A principal is not a member of the DAO any more.
    #[serde(rename = "member_removed")]
    MemberRemoved(Principal),
    /// A proposal was made.
    #[serde(rename = "proposal_created")]
    ProposalCreated(ProposalCreated),
    /// Tokens moved.
    #[serde(rename = "transfer")]
    Transfer(Movement),
    /// Tokens came into being.
    #[serde(rename = "mint")]
    Mint(Movement),
    /// Tokens are no more.
    #[serde(rename = "burn")]
    Burn(Movement),
    /// Strangers may see the contract listed now, or may not any more.
    #[serde(rename = "visibility_changed")]
    VisibilityChanged(bool),
    /// The contract stands elsewhere now.
    #[serde(rename = "status_changed")]
    StatusChanged(ContractStatus),
}

use Notification as N;

impl Notification {
    /// That `who` has `role` now, or has it no more.
    pub fn of_role(role: Role, who: Principal, has: bool) -> Self {
        match (role, has) {
            (Role::Holder, true) => N::HolderAdded(who),
            (Role::Holder, false) => N::HolderRemoved(who),
            (Role::Signer, true) => N::SignerAdded(who),
            (Role::Signer, false) => N::SignerRemoved(who),
            (Role::Observer, true) => N::ObserverAdded(who),
            (Role::Observer, false) => N::ObserverRemoved(who),
            (Role::Recipient, true) => N::RecipientAdded(who),
            (Role::Recipient, false) => N::RecipientRemoved(who),
            (Role::Participant, true) => N::ParticipantAdded(who),
            (Role::Participant, false) => N::ParticipantRemoved(who),
            (Role::Member, true) => N::MemberAdded(who),
            (Role::Member, false) => N::MemberRemoved(who),
        }
    }

    /// The role that it gives (`true`) or takes.
    pub fn role(&self) -> Option<(Role, Principal, bool)> {
        match *self {
            N::HolderAdded(who) => Some((Role::Holder, who, true)),
            N::HolderRemoved(who) => Some((Role::Holder, who, false)),
            N::SignerAdded(who) => Some((Role::Signer, who, true)),
            N::SignerRemoved(who) => Some((Role::Signer, who, false)),
            N::ObserverAdded(who) => Some((Role::Observer, who, true)),
            N::ObserverRemoved(who) => Some((Role::Observer, who, false)),
            N::RecipientAdded(who) => Some((Role::Recipient, who, true)),
            N::RecipientRemoved(who) => Some((Role::Recipient, who, false)),
            N::ParticipantAdded(who) => Some((Role::Participant, who, true)),
            N::ParticipantRemoved(who) => Some((Role::Participant, who, false)),
            N::MemberAdded(who) => Some((Role::Member, who, true)),
            N::MemberRemoved(who) => Some((Role::Member, who, false)),
            N::DeploymentComplete
            | N::ProposalCreated(_)
            | N::Transfer(_)
            | N::Mint(_)
            | N::Burn(_)
            | N::VisibilityChanged(_)
            | N::StatusChanged(_) => None,
        }
    }

    /// The principals that it names: two at most.
    pub fn parties(&self) -> [Option<Principal>; 2] {
        match self {
            N::ProposalCreated(created) => [Some(created.proposer), None],
            N::Transfer(movement) | N::Mint(movement) | N::Burn(movement) => [movement.from, movement.to],
            other => [other.role().map(|(_, who, _)| who), None],
        }
    }

    /// Whether it says what it must: tokens that are transferred have both, those that come into being a receiver, those
    /// that are no more a former owner.
    pub fn is_whole(&self) -> bool {
        match self {
            N::Transfer(movement) => movement.from.is_some() && movement.to.is_some(),
            N::Mint(movement) => movement.from.is_none() && movement.to.is_some(),
            N::Burn(movement) => movement.from.is_some() && movement.to.is_none(),
            _ => true,
        }
    }
}
