//! From the backend's request to a contract that is its owner's, or to a definite refusal.
//!
//! A request is admitted against what is at hand, then one driver, [`step`], takes it on from wherever it stands: for
//! the call that brought it, and for the timer that resumes it. What was decided is in the log; the driver only looks
//! at what was folded from there, so that it may stop, and be stopped, at any point.

mod admit;
mod commit;
mod step;

pub use admit::{MAX_OPEN, capacity};

use crate::access::Backend;
use crate::kind::ContractKind;
use crate::state::{self, Job, Phase};
use crate::{recovery, refusal};
use admit::Admission;
use cairn_events::{DeploymentId, Principal};
use cairn_kit::api::factory::{
    Capacity, ContractArgs, Delivered, FactoryError, FactoryRequestError, FactoryTemporaryError,
};
use cairn_kit::guard::{Guard, Guards};
use cairn_kit::{journal, runtime};
use std::time::Duration;
use step::Until;

thread_local! {
    static GUARDS: Guards<DeploymentId> = Guards::new(MAX_OPEN as usize);
}

/// The code of the reason why a deployment failed because it was abandoned.
const ABANDONED: &str = "abandoned";

/// Delivers a contract to `owner`, once: the same deployment again gets the same reply.
///
/// # Errors
/// [`FactoryError::Request`]: nothing was and nothing will be delivered. Otherwise the outcome is open: ask again.
pub async fn create<K: ContractKind>(
    backend: Backend,
    owner: Principal,
    args: ContractArgs,
) -> Result<Delivered, FactoryError> {
    calm()?;
    let deployment = args.deployment;
    let admission = state::read(|state| admit::admit::<K>(state, runtime::cycles(), owner, args))
        .inspect_err(|error| refusal::record(backend.principal(), "createContract", error))?;
    if let Some(verdict) = verdict_of(deployment) {
        return verdict;
    }
    let guard = guard(deployment)?;
    if let Admission::New(request) = admission {
        state::change(|state| state.put_request(deployment, request));
    }
    let driven = step::drive::<K>(deployment, Until::Decided).await;
    drop(guard);
    recovery::after_step::<K>(deployment, driven.is_ok());
    match verdict_of(deployment) {
        Some(verdict) => verdict,
        None => Err(driven.err().unwrap_or_else(|| refusal::interrupted("undecided"))),
    }
}

/// What can be delivered now: nothing while the log is another one than it was.
///
/// # Errors
/// [`FactoryError::Temporary`] if something is missing: nothing should be paid for then.
pub fn capacity_now() -> Result<Capacity, FactoryError> {
    calm()?;
    state::read(|state| capacity(state, runtime::cycles()))
}

fn calm() -> Result<(), FactoryError> {
    journal::alarm().map_or(Ok(()), |problem| Err(refusal::alarmed(problem)))
}

/// Takes up a deployment that is not settled; for the timer.
pub async fn resume<K: ContractKind>(deployment: DeploymentId) {
    let Ok(guard) = guard(deployment) else { return };
    // Why it stopped shows in the log and in the figures; if anything remains, the timer comes back, later and later.
    let _ = step::drive::<K>(deployment, Until::Settled).await;
    drop(guard);
    recovery::after_step::<K>(deployment, false);
}

/// Whether somebody works on the deployment.
pub fn is_worked_on(deployment: DeploymentId) -> bool {
    GUARDS.with(|guards| guards.is_held(&deployment))
}

/// How many deployments are being worked on in this moment.
pub fn worked_on() -> u64 {
    GUARDS.with(|guards| guards.held() as u64)
}

fn guard(deployment: DeploymentId) -> Result<Guard<DeploymentId>, FactoryError> {
    let busy = |_| FactoryError::Temporary(FactoryTemporaryError::Busy);
    GUARDS.with(|guards| guards.acquire(deployment)).map_err(busy)
}

fn verdict_of(deployment: DeploymentId) -> Option<Result<Delivered, FactoryError>> {
    state::read(|state| state.job(deployment)).and_then(|job| verdict(deployment, &job))
}

/// What is to be said about a deployment, once that is decided. It never changes again.
fn verdict(deployment: DeploymentId, job: &Job) -> Option<Result<Delivered, FactoryError>> {
    match &job.phase {
        Phase::Intended => None,
        Phase::Committed { module_hash, index } | Phase::Registered { module_hash, index } => {
            Some(Ok(Delivered { contract: job.contract, module_hash: *module_hash, committed: *index }))
        }
        Phase::Failed { reason } | Phase::Reclaimed { reason } => {
            Some(Err(FactoryError::Request(if reason.code == ABANDONED {
                FactoryRequestError::Abandoned { deployment }
            } else {
                FactoryRequestError::InstallFailed { detail: format!("{}: {}", reason.code, reason.detail) }
            })))
        }
    }
}

/// Lets the timer take up the deployment now.
pub fn resume_soon<K: ContractKind>(deployment: DeploymentId, delay: Duration) {
    runtime::after(delay, resume::<K>(deployment));
}
