//! The other canisters of the platform: named once by an admin, checked, registered as writers; later asked how they are.

use crate::platform;
use crate::state::State;
use cairn_events::payload::ServiceConfigured;
use cairn_events::topic::Service;
use cairn_events::{Payload, Principal, Submission, WriterRole};
use cairn_kit::access::Admin;
use cairn_kit::api::audit::{AuditError, AuditRequestError};
use cairn_kit::api::backend::{BackendError, BackendRequestError, BackendTemporaryError};
use cairn_kit::api::factory::{FactoryHealth, SetupStatus};
use cairn_kit::journal;
use cairn_kit::runtime::{self, CallFailure};
use std::collections::BTreeSet;

/// The canisters of the platform, as `setupMicroservices` names them. The management canister stands for none.
#[derive(Clone, Debug)]
pub struct Microservices {
    /// The log.
    pub audit: Principal,
    /// The host of the payment projection.
    pub invoices: Principal,
    /// The factory of each service.
    pub factories: [(Service, Principal); 5],
}

/// Checks the canisters, registers them as writers of the log, and binds each service to its factory. Repeatable.
///
/// # Errors
/// [`BackendError`] names the canister and what is wrong with it; what came before it is done.
pub async fn set_up(admin: Admin, named: &Microservices) -> Result<(), BackendError> {
    platform::calm()?;
    check_names(named)?;
    if let Some(invoices) = present(named.invoices) {
        register(named.audit, "invoice_storage", invoices, WriterRole::Host).await?;
        platform::change_setup(|setup| setup.invoices = Some(invoices));
    }
    for (service, factory) in named.factories {
        let Some(factory) = present(factory) else { continue };
        check_factory(named.audit, service, factory).await?;
        register(named.audit, service.name(), factory, WriterRole::Factory).await?;
        bind(admin, service, factory).await?;
    }
    Ok(())
}

fn present(canister: Principal) -> Option<Principal> {
    Some(canister).filter(|canister| *canister != Principal::management_canister())
}

fn check_names(named: &Microservices) -> Result<(), BackendError> {
    let audit = platform::setup().audit;
    if Some(named.audit) != audit {
        let bound = audit.map_or_else(|| "none".to_owned(), |audit| audit.to_text());
        return Err(invalid("audit_storage", format!("{}; this backend writes to {bound}", named.audit)));
    }
    let mut seen = BTreeSet::from([runtime::id(), named.audit, Principal::anonymous()]);
    let factories = named.factories.iter().map(|(service, factory)| (service.name(), *factory));
    for (name, canister) in std::iter::once(("invoice_storage", named.invoices)).chain(factories) {
        if present(canister).is_some_and(|canister| !seen.insert(canister)) {
            return Err(invalid(name, format!("{canister} is another canister already")));
        }
    }
    Ok(())
}

/// Asks a factory what it makes and whom it obeys.
async fn check_factory(audit: Principal, service: Service, factory: Principal) -> Result<(), BackendError> {
    let health: FactoryHealth = ask(factory, "getFactoryHealth").await?;
    if health.service != service {
        return Err(invalid(service.name(), format!("{factory} makes {}", health.service.name())));
    }
    let status: Option<SetupStatus> = ask(factory, "getSetupStatus").await?;
    match status {
        Some(status) if status.audit != audit => {
            Err(invalid(service.name(), format!("{factory} writes to the log of {}", status.audit)))
        }
        Some(status) if status.backend == Some(runtime::id()) => Ok(()),
        _ => {
            let missing = format!("setupWhitelist of {} ({factory}) for this backend", service.name());
            Err(BackendTemporaryError::NotSetUp { missing }.into())
        }
    }
}

/// Registers a writer of the log; again is no matter.
async fn register(audit: Principal, name: &str, writer: Principal, role: WriterRole) -> Result<(), BackendError> {
    let reply: Result<Result<(), AuditError>, CallFailure> =
        runtime::call(audit, "registerWriter", (writer, role)).await;
    match reply.map_err(|failure| unreachable(audit, &failure))? {
        Ok(()) => Ok(()),
        Err(AuditError::Request(AuditRequestError::WriterConflict { writer, conflict })) => {
            Err(invalid(name, format!("{writer}: {conflict}")))
        }
        Err(error) => Err(BackendTemporaryError::NotSetUp { missing: format!("{name} as a writer: {error}") }.into()),
    }
}

/// Binds the service to its factory, if it is not yet. A new service is switched off until an admin switches it on.
async fn bind(admin: Admin, service: Service, factory: Principal) -> Result<(), BackendError> {
    let row = platform::state(State::config).service(service).cloned().unwrap_or_default();
    if row.factory == Some(factory) {
        return Ok(());
    }
    // The other canisters took their time.
    let admin = platform::require_admin(admin.principal())?;
    let configured = ServiceConfigured { service, factory, enabled: row.enabled };
    let submission = Submission::new(admin.principal(), Payload::ServiceConfigured(configured));
    let appended = journal::append(vec![submission]).await;
    appended.map(|_| ()).map_err(|failure| BackendTemporaryError::NotSetUp { missing: failure.to_string() }.into())
}

async fn ask<R: candid::CandidType + serde::de::DeserializeOwned>(
    canister: Principal,
    method: &'static str,
) -> Result<R, BackendError> {
    runtime::call(canister, method, ()).await.map_err(|failure| unreachable(canister, &failure))
}

fn invalid(field: &str, problem: String) -> BackendError {
    BackendRequestError::Invalid { field: field.to_owned(), problem }.into()
}

fn unreachable(canister: Principal, failure: &CallFailure) -> BackendError {
    BackendTemporaryError::Unreachable { canister, detail: failure.to_string() }.into()
}
