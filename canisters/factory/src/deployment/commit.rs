//! The arbiter: delivery is committed in the same batch that says what is installed, or not at all.

use super::ABANDONED;
use crate::refusal::append_failed;
use crate::state::{self, Job, Phase, Request};
use cairn_events::payload::{ContractInstalled, DeliveryCommitted, Reason};
use cairn_events::{DeploymentId, Payload, Stream, Submission};
use cairn_kit::api::audit::{AuditError, AuditRequestError};
use cairn_kit::api::factory::FactoryError;
use cairn_kit::journal::{self, AppendFailure};

/// What the arbiter said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// The contract is the owner's.
    Delivered,
    /// The deployment went another way: nothing may be delivered.
    Lost(Reason),
}

/// Commits the delivery exactly after the dispatch.
///
/// # Errors
/// If the log's answer is not known, or it cannot take the events now.
pub async fn commit(deployment: DeploymentId, request: &Request, job: &Job) -> Result<Commit, FactoryError> {
    match journal::append(submissions(deployment, request, job)).await {
        Ok(_) => Ok(Commit::Delivered),
        Err(AppendFailure::Refused(AuditError::Request(error))) => match lost(&error, deployment) {
            // What moved the stream may be an earlier sending of ours: then the state says so.
            Some(_) if is_delivered(deployment) => Ok(Commit::Delivered),
            Some(reason) => Ok(Commit::Lost(reason)),
            None => Err(append_failed(AppendFailure::Refused(AuditError::Request(error)))),
        },
        Err(failure) => Err(append_failed(failure)),
    }
}

fn is_delivered(deployment: DeploymentId) -> bool {
    state::read(|state| state.job(deployment)).is_some_and(|job| job.phase != Phase::Intended)
}

/// Why nothing may be delivered, if the log refused because the deployment's stream is elsewhere.
fn lost(error: &AuditRequestError, deployment: DeploymentId) -> Option<Reason> {
    match error {
        AuditRequestError::StreamVersion { stream, expected, actual, .. }
            if *stream == Stream::Deployment(deployment) =>
        {
            let code = if actual > expected { ABANDONED } else { "not_dispatched" };
            Some(Reason::new(code, &format!("stream version {actual}, dispatched at {expected}")))
        }
        _ => None,
    }
}

fn submissions(deployment: DeploymentId, request: &Request, job: &Job) -> Vec<Submission> {
    let (contract, owner, module_hash) = (job.contract, job.owner, job.template);
    let installed = ContractInstalled { contract, deployment, module_hash };
    let committed = DeliveryCommitted { deployment, contract, owner, module_hash };
    let cause = |payload| Submission::new(owner, payload).caused_by(request.dispatched);
    vec![
        cause(Payload::ContractInstalled(installed)),
        cause(Payload::DeliveryCommitted(committed)).exactly(request.dispatch_version),
    ]
}

/// Whether the log refused because a stream is elsewhere.
pub fn is_version_conflict(error: &AuditRequestError) -> bool {
    matches!(error, AuditRequestError::StreamVersion { .. })
}
