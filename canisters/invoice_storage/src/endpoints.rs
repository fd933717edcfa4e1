//! The methods: authenticate, ask, reply. Whatever is about money is shown to those whom it concerns, and to no one else.

use crate::{access, invoices, monitor};
use cairn_events::{DeploymentId, Principal};
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::host::{DigestCertificate, ProjectionStatus, Reflected};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::api::invoice::{InvoiceError, PaymentStats};
use cairn_kit::host;
use cairn_kit::runtime;
use cairn_projections::payments::Invoice;
use cairn_projections::{Moment, Page};
use ic_cdk::api::msg_caller;
use ic_cdk::{query, update};

/// The invoice for a deployment. For its payer, for admins, and for the backend.
#[query(name = "getInvoice")]
fn get_invoice(deployment: DeploymentId) -> Result<Reflected<Invoice>, InvoiceError> {
    invoices::one(access::person(msg_caller())?, deployment)
}

/// The caller's invoices, the newest first; at most 100, from a page's `next` on. For everyone with an identity.
#[query(name = "getMyInvoices")]
fn get_my_invoices(cursor: Option<Moment>, limit: Option<u32>) -> Result<Reflected<Page<Invoice>>, InvoiceError> {
    invoices::own(access::person(msg_caller())?, cursor, limit)
}

/// The invoices of a user, the newest first; at most 100. For admins and for the backend.
#[query(name = "getUserInvoices")]
fn get_user_invoices(
    user: Principal,
    cursor: Option<Moment>,
    limit: Option<u32>,
) -> Result<Reflected<Page<Invoice>>, InvoiceError> {
    invoices::of(access::overseer(msg_caller())?, Some(user), cursor, limit)
}

/// All invoices, the newest first; at most 100. For admins and for the backend.
#[query(name = "getInvoices")]
fn get_invoices(cursor: Option<Moment>, limit: Option<u32>) -> Result<Reflected<Page<Invoice>>, InvoiceError> {
    invoices::of(access::overseer(msg_caller())?, None, cursor, limit)
}

/// What moved on a ledger, in all and day by day from `from_day` on (days since the Unix epoch), at most 100 days. For
/// admins and for the backend.
#[query(name = "getPaymentStats")]
fn get_payment_stats(
    ledger: Principal,
    from_day: Option<u64>,
    limit: Option<u32>,
) -> Result<Reflected<PaymentStats>, InvoiceError> {
    invoices::stats(access::overseer(msg_caller())?, ledger, from_day, limit)
}

/// Names the backend, once; naming it again changes nothing. Only for admins.
#[update(name = "setupWhitelist")]
fn setup_whitelist(backend: Principal) -> Result<(), InvoiceError> {
    access::whitelist(access::admin(msg_caller())?, backend)
}

/// Rebuilds the projection of this name from the log, beside the rows that serve. One at a time. Only for admins.
#[update(name = "rebuildProjection")]
fn rebuild_projection(name: String) -> Result<(), InvoiceError> {
    invoices::rebuild(access::admin(msg_caller())?, &name)
}

/// Goes on with what is due, should the network have forgotten this canister's timer. For admins and for the backend.
#[update(name = "wake")]
fn wake() -> Result<(), InvoiceError> {
    access::overseer(msg_caller())?;
    runtime::revive();
    Ok(())
}

/// Ends the fork alarm: the log was another one than this canister knew, and is the one again. The log records it. Only
/// for admins; repeatable.
#[update(name = "acknowledgeForkAlarm")]
async fn acknowledge_fork_alarm() -> Result<(), InvoiceError> {
    invoices::acknowledge_alarm(access::admin(msg_caller())?).await
}

/// Where the projection stands: checkpoint, rebuild under way, outcome of the last one. For everyone.
#[query(name = "getProjectionStatus")]
fn get_projection_status() -> Vec<ProjectionStatus> {
    host::status()
}

/// The certified digest of the projection's last rebuild. For everyone.
#[query(name = "getDigestCertificate")]
fn get_digest_certificate() -> Option<DigestCertificate> {
    host::certificate()
}

/// The standards that this canister implements (ICRC-10). For everyone.
#[query]
fn icrc10_supported_standards() -> Vec<SupportedStandard> {
    vec![SupportedStandard::icrc10()]
}

/// `/metrics` (Prometheus) and `/health`. For everyone.
#[query]
fn http_request(request: HttpRequest) -> HttpResponse {
    monitor::http(&request)
}
