//! What operators see.

use crate::kind::ContractKind;
use crate::{deployment, index, state};
use cairn_kit::api::factory::{FactoryHealth, SetupStatus};
use cairn_kit::api::http::{HttpRequest, HttpResponse};
use cairn_kit::host;
use cairn_kit::http::{Metrics, serve};
use cairn_kit::runtime;
use std::cell::Cell;

thread_local! {
    static STRANGERS: Cell<u64> = const { Cell::new(0) };
}

/// Counts a refusal to somebody without a role.
pub fn count_stranger() {
    STRANGERS.set(STRANGERS.get().saturating_add(1));
}

/// Answers `/metrics` and `/health`.
pub fn http<K: ContractKind>(request: &HttpRequest) -> HttpResponse {
    serve(request, page, || {
        host::health()?;
        let health = health::<K>();
        if health.healthy { Ok(()) } else { Err(format!("pool {}, cycles {}", health.pool, health.cycles)) }
    })
}

fn page(metrics: &mut Metrics) {
    let (totals, pool, open) = state::read(|state| (state.totals(), state.free_canisters(), state.open_count()));
    let (upgrades, low) = state::read(|state| (state.open_upgrade_count(), state.is_low_on_cycles()));
    metrics
        .canister()
        .journal()
        .gauge("factory_pool", "Empty canisters ready.", pool)
        .gauge("factory_open_deployments", "Deployments not settled.", open)
        .gauge("factory_open_upgrades", "Upgrades not settled.", upgrades)
        .gauge("factory_cycles_low", "Whether cycles are low, as the log says.", u64::from(low))
        .gauge("factory_worked_on", "Deployments worked on in this moment.", deployment::worked_on())
        .counter("factory_created_total", "Canisters created.", totals.created)
        .counter("factory_creations_unresolved_total", "Creations failed or unknown.", totals.unresolved)
        .counter("factory_delivered_total", "Contracts delivered.", totals.delivered)
        .counter("factory_reclaimed_total", "Canisters taken back.", totals.reclaimed)
        .counter("factory_strangers_refused_total", "Refused callers, since the upgrade.", STRANGERS.get());
    host::metrics(metrics);
}

/// Whether the factory would deliver now.
pub fn health<K: ContractKind>() -> FactoryHealth {
    let (cycles, capacity) = (runtime::cycles(), deployment::capacity_now());
    state::read(|state| {
        let totals = state.totals();
        FactoryHealth {
            healthy: capacity.is_ok_and(|capacity| capacity.contracts > 0),
            service: K::SERVICE,
            cycles: u64::try_from(cycles).unwrap_or(u64::MAX),
            pool: state.free_canisters(),
            contracts: totals.delivered,
            in_progress: state.open_count(),
            template: state.current_template().map(|(_, template)| template.hash),
            projection_lag: index::lag(),
            cycles_low: state.is_low_on_cycles(),
            upgrades: state.open_upgrade_count(),
        }
    })
}

/// What the factory still lacks. `None` before `init`.
pub fn setup_status() -> Option<SetupStatus> {
    state::read(|state| {
        let settings = state.settings()?;
        Some(SetupStatus {
            backend: settings.backend,
            audit: settings.audit,
            writer: state.totals().events > 0,
            template: state.current_template().is_some(),
        })
    })
}
