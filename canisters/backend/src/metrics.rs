//! What operators see.

use crate::platform;
use crate::setup::{monitor, watch};
use crate::state::State;
use cairn_kit::api::backend::{BackendError, SystemStatus};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::host;
use cairn_kit::http::{Metrics, serve};
use std::cell::Cell;

thread_local! {
    static REFUSED: Cell<u64> = const { Cell::new(0) };
}

/// Counts a refusal on its way out: to people without a role it is a figure, not an event.
pub fn counted<T>(result: Result<T, BackendError>) -> Result<T, BackendError> {
    if result.is_err() {
        REFUSED.set(REFUSED.get().saturating_add(1));
    }
    result
}

/// Answers `/metrics` and `/health`.
pub fn http(request: &HttpRequest) -> HttpResponse {
    serve(request, page, health)
}

fn page(metrics: &mut Metrics) {
    let (deployments, unfinished) = platform::state(|state| (state.deployments(), state.unfinished()));
    metrics
        .canister()
        .journal()
        .counter("backend_deployments_total", "Deployments accepted.", deployments)
        .gauge("backend_unfinished", "Deployments that are not final.", unfinished)
        .gauge("backend_at_work", "Deployments being worked on in this moment.", platform::at_work())
        .counter("backend_refused_total", "Requests refused, since the upgrade.", REFUSED.get());
    watch::metrics(metrics);
    host::metrics(metrics);
}

fn health() -> Result<(), String> {
    if platform::setup().log.is_none() {
        return Err("the log is not known yet".to_owned());
    }
    host::health()
}

/// Where the platform stands, by what its canisters said last.
pub fn status() -> SystemStatus {
    let survey = monitor::latest();
    let (config, deployments, unfinished) =
        platform::state(|state: &State| (state.config(), state.deployments(), state.unfinished()));
    SystemStatus {
        is_maintenance_mode: config.maintenance,
        services_health: survey.health,
        checked_at: survey.at,
        last_upgrade: platform::setup().upgraded_at,
        deployments,
        unfinished,
    }
}
