//! What is read from the projection, by whom.

use crate::access::{self, Overseer};
use cairn_events::{DeploymentId, Principal};
use cairn_kit::access::{Admin, Caller};
use cairn_kit::api::InternalError;
use cairn_kit::api::host::{RebuildError, Reflected};
use cairn_kit::api::invoice::{InvoiceError, InvoiceRequestError, InvoiceTemporaryError, PaymentStats};
use cairn_kit::{host, journal};
use cairn_projections::payments::{self, Invoice, Payments};
use cairn_projections::table::MAX_PAGE;
use cairn_projections::{Moment, Page, Tables};

/// Rows in a page, unless asked for otherwise.
const DEFAULT_LIMIT: u32 = 20;

fn answer<T>(query: impl FnOnce(&dyn Tables) -> T) -> Result<Reflected<T>, InvoiceError> {
    let unhosted = || InvoiceError::Internal(InternalError { message: "the projection is not hosted".to_owned() });
    host::read::<Payments, T>(query).ok_or_else(unhosted)
}

fn page_limit(limit: Option<u32>) -> Result<usize, InvoiceError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT) as usize;
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    let (what, found, bound) = ("limit".to_owned(), limit as u64, MAX_PAGE as u64);
    Err(InvoiceError::Request(InvoiceRequestError::OutOfBounds { what, found, bound }))
}

/// The invoice for `deployment`. Strangers learn nothing, not even whether there is one.
///
/// # Errors
/// [`InvoiceRequestError::UnknownInvoice`].
pub fn one(caller: Caller, deployment: DeploymentId) -> Result<Reflected<Invoice>, InvoiceError> {
    let Reflected { content, checkpoint, halted } = answer(|tables| payments::invoice(tables, deployment))?;
    let caller = caller.principal();
    let shown = content.filter(|invoice| invoice.payer == caller || access::overseer(caller).is_ok());
    let unknown = InvoiceError::Request(InvoiceRequestError::UnknownInvoice { deployment });
    Ok(Reflected { content: shown.ok_or(unknown)?, checkpoint, halted })
}

/// The caller's own invoices, the newest first.
///
/// # Errors
/// [`InvoiceRequestError::OutOfBounds`].
pub fn own(
    caller: Caller,
    cursor: Option<Moment>,
    limit: Option<u32>,
) -> Result<Reflected<Page<Invoice>>, InvoiceError> {
    let limit = page_limit(limit)?;
    answer(|tables| payments::by_payer(tables, caller.principal(), cursor, limit))
}

/// The invoices of `user`, or of everyone, the newest first.
///
/// # Errors
/// [`InvoiceRequestError::OutOfBounds`].
pub fn of(
    _: Overseer,
    user: Option<Principal>,
    cursor: Option<Moment>,
    limit: Option<u32>,
) -> Result<Reflected<Page<Invoice>>, InvoiceError> {
    let limit = page_limit(limit)?;
    answer(|tables| match user {
        Some(user) => payments::by_payer(tables, user, cursor, limit),
        None => payments::by_time(tables, cursor, limit),
    })
}

/// What moved on `ledger`, with at most `limit` days from `from_day` on (days since the Unix epoch).
///
/// # Errors
/// [`InvoiceRequestError::OutOfBounds`].
pub fn stats(
    _: Overseer,
    ledger: Principal,
    from_day: Option<u64>,
    limit: Option<u32>,
) -> Result<Reflected<PaymentStats>, InvoiceError> {
    let limit = page_limit(limit)?;
    answer(|tables| PaymentStats {
        invoices: payments::counts(tables),
        total: payments::takings(tables, ledger),
        days: payments::days(tables, ledger, from_day.unwrap_or_default(), limit),
    })
}

/// Begins to rebuild the projection `name`.
///
/// # Errors
/// If it is not hosted here, or another rebuild is under way.
pub fn rebuild(admin: Admin, name: &str) -> Result<(), InvoiceError> {
    host::rebuild(name, admin).map_err(|error| match error {
        RebuildError::NotHosted { name } => InvoiceError::Request(InvoiceRequestError::UnknownProjection { name }),
        RebuildError::UnderWay { name } => InvoiceError::Temporary(InvoiceTemporaryError::RebuildUnderWay { name }),
    })
}

/// Ends the fork alarm, if the log is again the one that is known.
///
/// # Errors
/// [`InvoiceTemporaryError::ForkAlarm`]: it stays.
pub async fn acknowledge_alarm(admin: Admin) -> Result<(), InvoiceError> {
    let acknowledged = journal::acknowledge(admin).await;
    acknowledged
        .map_err(|problem| InvoiceError::Temporary(InvoiceTemporaryError::ForkAlarm { problem: problem.to_string() }))
}
