//! What is known of a canister.

use super::shelf::{Place, Shelf};
use crate::key::Moment;
use crate::table::Table;
use cairn_events::payload::{ContractStatus, Role};
use cairn_events::topic::Service;
use cairn_events::{DeploymentId, Hash, Principal};
use candid::CandidType;
use serde::{Deserialize, Serialize};

// Tables 1 to 7 are those of version 1, 12 and 13 those of versions 2 and 3.
pub(super) const CANISTERS: Table<Principal, Canister> = Table::new(8);
pub(super) const COUNTS: Table<(), ContractCounts> = Table::new(9);

/// Where a canister stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub enum CanisterState {
    /// In the pool, without code.
    #[default]
    #[serde(rename = "empty")]
    Empty,
    /// Chosen for a deployment; code is being installed.
    #[serde(rename = "assigned")]
    Assigned,
    /// Code is installed.
    #[serde(rename = "installed")]
    Installed,
    /// It is the owner's.
    #[serde(rename = "delivered")]
    Delivered,
    /// It has its final controllers and is listed.
    #[serde(rename = "listed")]
    Listed,
}

/// A canister that a factory made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Canister {
    pub state: CanisterState,
    pub factory: Option<Principal>,
    pub created: Moment,
    pub deployment: Option<DeploymentId>,
    pub module_hash: Option<Hash>,
    pub complete: bool,
    /// Whether it was last found with code or controllers that its factory does not answer for.
    pub foreign: bool,
    pub people: People,
    /// How many of the people are hidden.
    pub hidden: u64,
    /// Numbers that it has used for two things.
    pub quarantined: u64,
    /// Whether strangers may see it listed, as it says itself.
    pub visibility: Option<bool>,
    /// Where it stands, as it says itself.
    pub status: Option<ContractStatus>,
    pub listing: Option<Listing>,
}

/// What a contract was registered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listing {
    pub service: Service,
    pub owner: Principal,
    pub name: String,
    pub symbol: Option<String>,
    pub token: Option<Principal>,
    pub public: bool,
    pub controllers: Vec<Principal>,
    pub epoch: u64,
    pub at: Moment,
}

impl Canister {
    /// Where it stands: a new contract is active until it says otherwise.
    pub fn status(&self) -> ContractStatus {
        self.status.unwrap_or(ContractStatus::Active)
    }

    /// Whether strangers may see it listed.
    pub fn is_public(&self) -> bool {
        self.listing.as_ref().is_some_and(|listing| self.visibility.unwrap_or(listing.public))
    }

    /// Where it lies in lists, if it is listed; in lists of people who are `hidden` strangers do not see it.
    pub fn place(&self, hidden: bool) -> Option<Place> {
        let service = self.listing.as_ref()?.service;
        Some(Place { service, shelf: Shelf::of(self.status(), self.is_public() && !hidden) })
    }
}

/// How many have which role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct People([u64; Role::ALL.len()]);

impl People {
    /// How many have `role`.
    pub fn count(&self, role: Role) -> u64 {
        self.0.get(role as usize).copied().unwrap_or_default()
    }

    /// One more has `role`, or one fewer.
    pub fn change(&mut self, role: Role, has: bool) {
        if let Some(count) = self.0.get_mut(role as usize) {
            *count = if has { count.saturating_add(1) } else { count.saturating_sub(1) };
        }
    }

    /// How many roles there are in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// How many canisters stand where, and what happened to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct ContractCounts {
    /// Canisters in the pool.
    pub empty: u64,
    /// Canisters being installed.
    pub assigned: u64,
    /// Installed, not yet delivered.
    pub installed: u64,
    /// Delivered, not yet listed.
    pub delivered: u64,
    /// Listed.
    pub listed: u64,
    /// Of those, seen by strangers.
    pub public: u64,
    /// Creations that failed, or whose reply was lost.
    pub unresolved: u64,
    /// Installations that failed.
    pub failed: u64,
    /// Canisters that returned to the pool.
    pub reclaimed: u64,
}

impl ContractCounts {
    /// The count of canisters that stand at `state`.
    pub(super) fn gauge(&mut self, state: CanisterState) -> &mut u64 {
        match state {
            CanisterState::Empty => &mut self.empty,
            CanisterState::Assigned => &mut self.assigned,
            CanisterState::Installed => &mut self.installed,
            CanisterState::Delivered => &mut self.delivered,
            CanisterState::Listed => &mut self.listed,
        }
    }
}
