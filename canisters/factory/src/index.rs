//! The contracts that people can find: a projection of the log, hosted here.

use crate::kind::ContractKind;
use crate::memory::{self, memory};
use crate::refusal;
use cairn_events::Principal;
use cairn_kit::access::Admin;
use cairn_kit::api::factory::{ContractRole, FactoryError, FactoryRequestError, FactoryTemporaryError};
use cairn_kit::api::host::{RebuildError, Reflected};
use cairn_kit::host::{self, HostConfig, Memories};
use cairn_projections::contracts::{self, Contract, Contracts};
use cairn_projections::table::MAX_PAGE;
use cairn_projections::{Definition, Moment, Page, Tables};

/// Contracts in a page, unless asked for otherwise.
const DEFAULT_LIMIT: u32 = 20;

/// Opens the projection and begins to follow the log; in `init` and `post_upgrade`.
pub fn open(audit: Principal) {
    let memories =
        Memories { state: memory(memory::HOST), rows: memory(memory::TABLES_A), spare: memory(memory::TABLES_B) };
    let projections = vec![(Definition::of::<Contracts>(), memories)];
    host::init(HostConfig { audit, projections, certify: true });
}

/// The contract at `id`.
///
/// # Errors
/// [`FactoryRequestError::UnknownContract`] if there is none of this kind.
pub fn contract<K: ContractKind>(id: Principal) -> Result<Reflected<Contract>, FactoryError> {
    let found = answer(|tables| contracts::contract(tables, id))?;
    let Reflected { content, checkpoint, halted } = found;
    match content.filter(|contract| contract.service == K::SERVICE) {
        Some(content) => Ok(Reflected { content, checkpoint, halted }),
        None => Err(FactoryError::Request(FactoryRequestError::UnknownContract { contract: id })),
    }
}

/// The contracts that `user` has to do with in this role, the newest first.
///
/// # Errors
/// [`FactoryRequestError::OutOfBounds`].
pub fn mine<K: ContractKind>(
    user: Principal,
    role: ContractRole,
    cursor: Option<Moment>,
    limit: Option<u32>,
) -> Result<Reflected<Page<Contract>>, FactoryError> {
    let limit = page_limit(limit)?;
    answer(|tables| {
        let page = match role {
            ContractRole::Creator => contracts::by_creator(tables, user, cursor, limit),
            ContractRole::Holder => contracts::by_holder(tables, user, cursor, limit),
        };
        page.filter_map(|contract| (contract.service == K::SERVICE).then_some(contract))
    })
}

/// The contracts that strangers may see, the newest first.
///
/// # Errors
/// [`FactoryRequestError::OutOfBounds`].
pub fn public<K: ContractKind>(
    cursor: Option<Moment>,
    limit: Option<u32>,
) -> Result<Reflected<Page<Contract>>, FactoryError> {
    let limit = page_limit(limit)?;
    answer(|tables| contracts::public(tables, K::SERVICE, cursor, limit))
}

fn answer<T>(query: impl FnOnce(&dyn Tables) -> T) -> Result<Reflected<T>, FactoryError> {
    host::read::<Contracts, T>(query).ok_or_else(|| refusal::internal("the projection is not hosted"))
}

fn page_limit(limit: Option<u32>) -> Result<usize, FactoryError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT) as usize;
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    let (what, found, bound) = ("limit".to_owned(), limit as u64, MAX_PAGE as u64);
    Err(FactoryError::Request(FactoryRequestError::OutOfBounds { what, found, bound }))
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
