//! The contracts that people can find: a projection of the log, hosted here.

mod endpoints;
pub mod reply;

use crate::kind::ContractKind;
use crate::memory::{self, memory};
use crate::refusal;
use cairn_events::Principal;
use cairn_events::payload::{ContractRegistered, ContractStatus};
use cairn_kit::access::Admin;
use cairn_kit::api::factory::{ContractRole, FactoryError, FactoryRequestError, FactoryTemporaryError};
use cairn_kit::api::host::{RebuildError, Reflected};
use cairn_kit::host::{self, HostConfig, Memories};
use cairn_projections::contracts::{
    self, Assignment, Contract, Contracts, Filter, Listed, NameCursor, Prefix, RoleCursor,
};
use cairn_projections::table::MAX_PAGE;
use cairn_projections::{Definition, Moment, Tables};

/// Contracts in a page, unless asked for otherwise.
const DEFAULT_LIMIT: u32 = 20;

/// Opens the projection and begins to follow the log; in `init` and `post_upgrade`.
pub fn open(audit: Principal) {
    let memories =
        Memories { state: memory(memory::HOST), rows: memory(memory::TABLES_A), spare: memory(memory::TABLES_B) };
    let projections = vec![(Definition::of::<Contracts>(), memories)];
    host::init(HostConfig { audit, projections, certify: true });
    reply::prepare();
}

/// The contract at `id`: for strangers, if it is public.
///
/// # Errors
/// [`FactoryRequestError::UnknownContract`] if there is none of this kind that `caller` may see.
pub fn contract<K: ContractKind>(caller: Principal, id: Principal) -> Result<Reflected<Contract>, FactoryError> {
    let Reflected { content, checkpoint, halted } = answer(|tables| shown::<K>(tables, caller, id))?;
    match content {
        Some(content) => Ok(Reflected { content, checkpoint, halted }),
        None => Err(FactoryError::Request(FactoryRequestError::UnknownContract { contract: id })),
    }
}

/// Whether `caller` may see that there is a contract at `id`, as far as the index has it: as [`contract`].
pub fn shows<K: ContractKind>(caller: Principal, id: Principal) -> bool {
    answer(|tables| shown::<K>(tables, caller, id).is_some()).is_ok_and(|answer| answer.content)
}

/// The contract at `id`, if it is of this kind and `caller` may see it.
pub(crate) fn shown<K: ContractKind>(tables: &dyn Tables, caller: Principal, id: Principal) -> Option<Contract> {
    let found = contracts::contract(tables, id).filter(|found| found.service == K::SERVICE)?;
    (found.public || is_concerned(tables, &found, caller)).then_some(found)
}

/// Whether somebody may see a contract that strangers may not.
fn is_concerned(tables: &dyn Tables, contract: &Contract, caller: Principal) -> bool {
    caller != Principal::anonymous() && contracts::concerns(tables, contract, caller)
}

/// The contracts that `user` has to do with in this role, the newest first: all of them if the caller is the user, for
/// others those that strangers may see.
///
/// # Errors
/// [`FactoryRequestError::OutOfBounds`].
pub fn mine<K: ContractKind>(
    (caller, user): (Principal, Principal),
    (role, status): (ContractRole, Option<ContractStatus>),
    cursor: Option<Moment>,
    limit: Option<u32>,
) -> Result<Reflected<Listed<Contract>>, FactoryError> {
    let limit = page_limit(limit)?;
    let filter = Filter { status, public: caller != user || caller == Principal::anonymous() };
    answer(|tables| match role.given() {
        None => contracts::by_creator(tables, (user, K::SERVICE), filter, cursor, limit),
        Some(role) => contracts::by_role(tables, (user, role, K::SERVICE), filter, cursor, limit),
    })
}

/// The contracts that strangers may see, the newest first.
///
/// # Errors
/// [`FactoryRequestError::OutOfBounds`].
pub fn public<K: ContractKind>(
    status: Option<ContractStatus>,
    cursor: Option<Moment>,
    limit: Option<u32>,
) -> Result<Reflected<Listed<Contract>>, FactoryError> {
    let limit = page_limit(limit)?;
    answer(|tables| contracts::by_service(tables, K::SERVICE, Filter { status, public: true }, cursor, limit))
}

/// The public contracts with this symbol, in either case, the newest first.
///
/// # Errors
/// [`FactoryRequestError::OutOfBounds`].
pub fn by_symbol<K: ContractKind>(
    symbol: &str,
    cursor: Option<Moment>,
    limit: Option<u32>,
) -> Result<Reflected<Listed<Contract>>, FactoryError> {
    let limit = page_limit(limit)?;
    if symbol.len() > ContractRegistered::MAX_SYMBOL {
        return Err(out_of_bounds("bytes of the symbol", symbol.len(), ContractRegistered::MAX_SYMBOL));
    }
    answer(|tables| contracts::by_symbol(tables, (K::SERVICE, symbol), Filter::PUBLIC, cursor, limit))
}

/// The public contracts that are about the ledger `token`, the newest first.
///
/// # Errors
/// [`FactoryRequestError::OutOfBounds`].
pub fn by_token<K: ContractKind>(
    token: Principal,
    cursor: Option<Moment>,
    limit: Option<u32>,
) -> Result<Reflected<Listed<Contract>>, FactoryError> {
    let limit = page_limit(limit)?;
    answer(|tables| contracts::by_token(tables, (token, K::SERVICE), Filter::PUBLIC, cursor, limit))
}

/// The public contracts whose names begin with `prefix`, in either case, in the order of their names.
///
/// # Errors
/// [`FactoryRequestError::OutOfBounds`].
pub fn find<K: ContractKind>(
    prefix: &str,
    cursor: Option<&NameCursor>,
    limit: Option<u32>,
) -> Result<Reflected<Listed<Contract, NameCursor>>, FactoryError> {
    let limit = page_limit(limit)?;
    let too_long = || out_of_bounds("bytes of the prefix", prefix.len(), contracts::MAX_PREFIX);
    let prefix = Prefix::new(prefix).ok_or_else(too_long)?;
    answer(|tables| contracts::find(tables, (K::SERVICE, prefix), cursor, limit))
}

/// The roles that `contract` gives, but for those of people who are hidden; for those concerned.
///
/// # Errors
/// [`FactoryRequestError::Unauthorized`], or [`FactoryRequestError::UnknownContract`] if strangers are not to see the
/// contract; [`FactoryRequestError::OutOfBounds`].
pub fn roles<K: ContractKind>(
    caller: Principal,
    contract: Principal,
    cursor: Option<RoleCursor>,
    limit: Option<u32>,
) -> Result<Reflected<Listed<Assignment, RoleCursor>>, FactoryError> {
    let limit = page_limit(limit)?;
    let found = answer(|tables| {
        let unknown = FactoryRequestError::UnknownContract { contract };
        let known = contracts::contract(tables, contract).filter(|known| known.service == K::SERVICE);
        let known = known.ok_or(unknown.clone())?;
        if is_concerned(tables, &known, caller) {
            return Ok(contracts::roles(tables, contract, cursor, limit));
        }
        Err(if known.public { FactoryRequestError::Unauthorized { caller } } else { unknown })
    })?;
    let Reflected { content, checkpoint, halted } = found;
    Ok(Reflected { content: content.map_err(FactoryError::Request)?, checkpoint, halted })
}

fn answer<T>(query: impl FnOnce(&dyn Tables) -> T) -> Result<Reflected<T>, FactoryError> {
    host::read::<Contracts, T>(query).ok_or_else(|| refusal::internal("the projection is not hosted"))
}

fn page_limit(limit: Option<u32>) -> Result<usize, FactoryError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT) as usize;
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(out_of_bounds("limit", limit, MAX_PAGE))
}

fn out_of_bounds(what: &str, found: usize, bound: usize) -> FactoryError {
    let (what, found, bound) = (what.to_owned(), found as u64, bound as u64);
    FactoryError::Request(FactoryRequestError::OutOfBounds { what, found, bound })
}

/// Begins to rebuild the projection `name`.
///
/// # Errors
/// If it is not hosted here, or another rebuild is under way.
pub fn rebuild(admin: Admin, name: &str) -> Result<(), FactoryError> {
    host::rebuild(name, admin).map_err(|error| match error {
        RebuildError::UnderWay { .. } => FactoryError::Temporary(FactoryTemporaryError::Busy),
        RebuildError::NotHosted { name } => FactoryError::Request(FactoryRequestError::UnknownProjection { name }),
    })
}

/// Events that the index has yet to apply, as far as it knows; at least one until the log has been asked.
pub fn lag() -> u64 {
    let behind = |status: &cairn_kit::api::host::ProjectionStatus| {
        let applied = status.checkpoint.map_or(0, |checkpoint| checkpoint.sequence);
        let behind = status.feed_length.saturating_sub(applied);
        if status.asked_at == 0 { behind.max(1) } else { behind }
    };
    host::status().iter().map(behind).max().unwrap_or_default()
}
