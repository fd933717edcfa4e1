//! How the other canisters are: asked at most once a minute, whoever wants to know.

use crate::platform;
use crate::state::State;
use cairn_events::Principal;
use cairn_events::topic::Service;
use cairn_kit::api::SupportedStandard;
use cairn_kit::api::audit::{AuditError, Tip};
use cairn_kit::api::backend::{ServiceHealth, ServiceSetupStatus};
use cairn_kit::api::factory::{FactoryHealth, SetupStatus};
use cairn_kit::guard::Guards;
use cairn_kit::runtime::{self, CallFailure};
use std::cell::RefCell;

/// Nanoseconds for which an answer is good.
const FRESH: u64 = 60 * 1_000_000_000;

/// What the canisters said when they were last asked.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// When that was, in nanoseconds.
    pub at: u64,
    /// How they are.
    pub health: Vec<ServiceHealth>,
    /// What they lack.
    pub setup: Vec<ServiceSetupStatus>,
}

thread_local! {
    static LATEST: RefCell<Survey> = RefCell::default();
    static ASKING: Guards<()> = Guards::new(1);
}

/// What the canisters said when they were last asked.
pub fn latest() -> Survey {
    LATEST.with_borrow(Survey::clone)
}

/// Asks them, unless somebody did within the last minute or is about to.
pub async fn survey() -> Survey {
    let fresh = latest().at.saturating_add(FRESH) > runtime::now();
    let Some(_asking) = ASKING.with(|asking| asking.acquire(()).ok()).filter(|_| !fresh) else { return latest() };
    let mut survey = Survey { at: runtime::now(), ..Survey::default() };
    let setup = platform::setup();
    if let Some(audit) = setup.audit {
        let tip: Result<Result<Tip, AuditError>, CallFailure> = runtime::call_or_refusal(audit, "getTip", ()).await;
        let problem = match tip {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(failure) => Some(failure.to_string()),
        };
        survey.note("audit_storage", audit, None, problem, Vec::new());
    }
    if let Some(invoices) = setup.invoices {
        let standards: Result<Vec<SupportedStandard>, _> =
            runtime::call(invoices, "icrc10_supported_standards", ()).await;
        survey.note("invoice_storage", invoices, None, standards.err().map(|failure| failure.to_string()), Vec::new());
    }
    for (service, row) in platform::state(State::config).services {
        if let Some(factory) = row.factory {
            survey.ask_factory(service, factory).await;
        }
    }
    LATEST.set(survey.clone());
    survey
}

impl Survey {
    async fn ask_factory(&mut self, service: Service, factory: Principal) {
        let health: Result<FactoryHealth, CallFailure> = runtime::call(factory, "getFactoryHealth", ()).await;
        let status: Result<Option<SetupStatus>, CallFailure> = runtime::call(factory, "getSetupStatus", ()).await;
        let (cycles, problem) = match health {
            Ok(health) if health.healthy => (Some(health.cycles), None),
            Ok(health) => (Some(health.cycles), Some(format!("{} empty canisters ready", health.pool))),
            Err(failure) => (None, Some(failure.to_string())),
        };
        let missing = match status {
            Ok(Some(status)) => {
                let wanted = [
                    (status.backend == Some(runtime::id()), "whitelist for this backend"),
                    (status.writer, "registration as a writer"),
                    (status.template, "template"),
                ];
                wanted.into_iter().filter(|(there, _)| !there).map(|(_, what)| what.to_owned()).collect()
            }
            Ok(None) => vec!["everything".to_owned()],
            Err(failure) => vec![failure.to_string()],
        };
        self.note(service.name(), factory, cycles, problem, missing);
    }

    fn note(
        &mut self,
        name: &str,
        canister: Principal,
        cycles: Option<u64>,
        problem: Option<String>,
        missing: Vec<String>,
    ) {
        let (name, healthy, ready) = (name.to_owned(), problem.is_none(), missing.is_empty());
        self.health.push(ServiceHealth { name: name.clone(), canister, healthy, cycles, problem });
        self.setup.push(ServiceSetupStatus { name, canister, ready, missing });
    }
}
