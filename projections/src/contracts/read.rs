//! What can be asked.

use super::name::{self, Folded, NameCursor, Prefix};
use super::people::{self, Assignment, BY_ROLE, Connection, ROLES, RoleCursor, RoleRow};
use super::row::{CANISTERS, COUNTS, Canister, CanisterState, ContractCounts};
use super::shelf::{Filter, Listed, Shelves};
use crate::Tables;
use crate::key::Moment;
use crate::table::MAX_PAGE;
use cairn_events::payload::{ContractStatus, Role};
use cairn_events::topic::Service;
use cairn_events::{DeploymentId, Hash, Principal};
use candid::CandidType;
use serde::Deserialize;

pub(super) const BY_SERVICE: Shelves<Service> = Shelves::new(17, 18);
pub(super) const BY_SYMBOL: Shelves<(Service, Folded)> = Shelves::new(19, 20);
pub(super) const BY_CREATOR: Shelves<(Principal, Service)> = Shelves::new(21, 22);
pub(super) const BY_TOKEN: Shelves<(Principal, Service)> = Shelves::new(25, 26);

/// A contract that was delivered and registered.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Deserialize)]
pub struct Contract {
    /// Its canister.
    pub contract: Principal,
    /// Who made it.
    pub factory: Option<Principal>,
    /// The deployment that made it.
    pub deployment: Option<DeploymentId>,
    /// Its kind.
    pub service: Service,
    /// Its owner.
    pub owner: Principal,
    /// Its name.
    pub name: String,
    /// Its symbol, where it has one.
    pub symbol: Option<String>,
    /// The ledger that it is about, if it is about one.
    pub token: Option<Principal>,
    /// Whether strangers may see it listed.
    pub public: bool,
    /// Where it stands, as it says; active until it says otherwise.
    pub status: ContractStatus,
    /// Its controllers, as last seen.
    pub controllers: Vec<Principal>,
    /// Hash of its module, as last seen.
    pub module_hash: Option<Hash>,
    /// Whether it was last seen with a template of its factory, under the controllers of its kind.
    pub known: bool,
    /// When the canister was created.
    pub created: Moment,
    /// When it was registered.
    pub registered: Moment,
    /// Whether it has told its factory that it is set up.
    pub complete: bool,
    /// How many hold some of it, as it claims.
    pub holders: u64,
    /// How many sign for it.
    pub signers: u64,
    /// How many see what it does.
    pub observers: u64,
    /// How many receive from it.
    pub recipients: u64,
    /// How many take part in it.
    pub participants: u64,
    /// How many are its members.
    pub members: u64,
    /// How often it has used a number of its notifications for something else.
    pub quarantined: u64,
    /// In a list of somebody's contracts by role: how that person and the contract are connected.
    pub connection: Option<Connection>,
}

impl Contract {
    fn of(contract: Principal, canister: Canister) -> Option<Contract> {
        let (public, status, people) = (canister.is_public(), canister.status(), canister.people);
        let listing = canister.listing?;
        Some(Contract {
            contract,
            factory: canister.factory,
            deployment: canister.deployment,
            service: listing.service,
            owner: listing.owner,
            name: listing.name,
            symbol: listing.symbol,
            token: listing.token,
            public,
            status,
            controllers: listing.controllers,
            module_hash: canister.module_hash,
            known: !canister.foreign,
            created: canister.created,
            registered: listing.at,
            complete: canister.complete,
            holders: people.count(Role::Holder),
            signers: people.count(Role::Signer),
            observers: people.count(Role::Observer),
            recipients: people.count(Role::Recipient),
            participants: people.count(Role::Participant),
            members: people.count(Role::Member),
            quarantined: canister.quarantined,
            connection: None,
        })
    }
}

/// The contract at `contract`, if it is listed.
pub fn contract(tables: &dyn Tables, contract: Principal) -> Option<Contract> {
    Contract::of(contract, CANISTERS.get(tables, &contract)?)
}

/// Where the canister `contract` stands, if a factory made it.
pub fn state(tables: &dyn Tables, contract: Principal) -> Option<CanisterState> {
    CANISTERS.get(tables, &contract).map(|canister| canister.state)
}

/// The contracts of `service` that `owner` paid for, the newest first.
pub fn by_creator(
    tables: &dyn Tables,
    (owner, service): (Principal, Service),
    filter: Filter,
    cursor: Option<Moment>,
    limit: usize,
) -> Listed<Contract> {
    BY_CREATOR.page(tables, (owner, service), filter, cursor, limit).filter_map(|(_, id)| contract(tables, id))
}

/// The contracts of `service` that give `person` this role, the last ones first. What strangers may see is what is public,
/// and that the person has not hidden.
pub fn by_role(
    tables: &dyn Tables,
    (person, role, service): (Principal, Role, Service),
    filter: Filter,
    cursor: Option<Moment>,
    limit: usize,
) -> Listed<Contract> {
    BY_ROLE.page(tables, (person, (role, service)), filter, cursor, limit).filter_map(|(since, held)| {
        let (id, connection) = held.connection(role, since);
        let contract = contract(tables, id)?;
        // Its people may not all be where it stands now: see [`people::settle`].
        let fits = filter.status.is_none_or(|status| status == contract.status) && (contract.public || !filter.public);
        fits.then_some(Contract { connection: Some(connection), ..contract })
    })
}

/// The contracts of `service`, the newest first.
pub fn by_service(
    tables: &dyn Tables,
    service: Service,
    filter: Filter,
    cursor: Option<Moment>,
    limit: usize,
) -> Listed<Contract> {
    BY_SERVICE.page(tables, service, filter, cursor, limit).filter_map(|(_, id)| contract(tables, id))
}

/// The contracts of `service` with this symbol, in either case, the newest first.
pub fn by_symbol(
    tables: &dyn Tables,
    (service, symbol): (Service, &str),
    filter: Filter,
    cursor: Option<Moment>,
    limit: usize,
) -> Listed<Contract> {
    let scope = (service, Folded::of(symbol));
    BY_SYMBOL.page(tables, scope, filter, cursor, limit).filter_map(|(_, id)| contract(tables, id))
}

/// The contracts of `service` that are about the ledger `token`, the newest first.
pub fn by_token(
    tables: &dyn Tables,
    (token, service): (Principal, Service),
    filter: Filter,
    cursor: Option<Moment>,
    limit: usize,
) -> Listed<Contract> {
    BY_TOKEN.page(tables, (token, service), filter, cursor, limit).filter_map(|(_, id)| contract(tables, id))
}

/// The public contracts of `service` whose names begin with `prefix`, in the order of their names, after `cursor`.
pub fn find(
    tables: &dyn Tables,
    (service, prefix): (Service, Prefix),
    cursor: Option<&NameCursor>,
    limit: usize,
) -> Listed<Contract, NameCursor> {
    name::find(tables, (service, prefix), cursor, limit, |id| {
        let contract = contract(tables, id)?;
        Some((name::Entry::of(service, &contract.name, contract.registered), contract))
    })
}

/// The roles that `contract` gives, but for those of people who are hidden, in the order of roles and principals, after
/// `cursor`.
pub fn roles(
    tables: &dyn Tables,
    contract: Principal,
    cursor: Option<RoleCursor>,
    limit: usize,
) -> Listed<Assignment, RoleCursor> {
    let limit = limit.clamp(1, MAX_PAGE);
    let after = cursor.map(|RoleCursor { role, person }| (role, person));
    let mut found = ROLES.under_after(tables, (contract, false), after, limit + 1);
    let more = found.len() > limit;
    found.truncate(limit);
    let rows: Vec<Assignment> = found.iter().map(RoleRow::assignment).collect();
    let next =
        rows.last().filter(|_| more).map(|Assignment { role, person, .. }| RoleCursor { role: *role, person: *person });
    let canister = CANISTERS.get(tables, &contract).unwrap_or_default();
    Listed { rows, next, total: canister.people.total().saturating_sub(canister.hidden) }
}

/// The role that `contract` gives `person`, hidden or not, if it does.
pub fn role(tables: &dyn Tables, contract: Principal, role: Role, person: Principal) -> Option<Assignment> {
    people::find(tables, contract, role, person).as_ref().map(RoleRow::assignment)
}

/// Whether `person` has to do with `contract`: is it, owns it, or has a role in it.
pub fn concerns(tables: &dyn Tables, contract: &Contract, person: Principal) -> bool {
    let has_role = |role| people::find(tables, contract.contract, role, person).is_some();
    person == contract.contract || person == contract.owner || Role::ALL.into_iter().any(has_role)
}

/// How many canisters stand where.
pub fn counts(tables: &dyn Tables) -> ContractCounts {
    COUNTS.get(tables, &()).unwrap_or_default()
}
