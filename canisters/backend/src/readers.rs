//! The methods that answer from projections. Each answer says which event it reflects.

use crate::platform;
use cairn_events::{DeploymentId, Principal};
use cairn_kit::api::backend::{BackendError, BackendRequestError};
use cairn_kit::api::host::{DigestCertificate, ProjectionStatus, Reflected};
use cairn_kit::host;
use cairn_projections::deployments::{self, Deployment, Deployments, ProgressCount, Step};
use cairn_projections::users::{self, Spending, User, UserCounts, Users};
use cairn_projections::{Moment, Page};
use candid::CandidType;
use ic_cdk::{query, update};

/// A user, and what they paid on each ledger.
#[derive(Clone, Debug, PartialEq, Eq, CandidType)]
pub struct Profile {
    /// The user.
    pub user: User,
    /// What they paid, ledger by ledger.
    pub spending: Vec<Spending>,
}

fn answer<T>(reflected: Option<Reflected<T>>) -> Result<Reflected<T>, BackendError> {
    reflected.ok_or_else(|| BackendRequestError::NotFound { what: "the projection".to_owned() }.into())
}

fn profile(principal: Principal) -> Result<Reflected<Option<Profile>>, BackendError> {
    answer(host::read::<Users, _>(|tables| {
        let user = users::user(tables, principal)?;
        Some(Profile { user, spending: users::spending(tables, principal) })
    }))
}

/// The caller's deployments, the newest first; `limit` is 1 to 100. For everyone, about themselves.
#[query(name = "getMyDeployments")]
fn get_my_deployments(cursor: Option<Moment>, limit: u32) -> Result<Reflected<Page<Deployment>>, BackendError> {
    let owner = ic_cdk::api::msg_caller();
    answer(host::read::<Deployments, _>(|tables| deployments::by_owner(tables, owner, cursor, limit as usize)))
}

/// All deployments, the newest first; `limit` is 1 to 100. For everyone: the log says the same.
#[query(name = "getDeployments")]
fn get_deployments(cursor: Option<Moment>, limit: u32) -> Result<Reflected<Page<Deployment>>, BackendError> {
    answer(host::read::<Deployments, _>(|tables| deployments::by_time(tables, cursor, limit as usize)))
}

/// What happened to a deployment, the newest first; `limit` is 1 to 100. For everyone: the log says the same.
#[query(name = "getDeploymentHistory")]
fn get_deployment_history(
    id: DeploymentId,
    cursor: Option<Moment>,
    limit: u32,
) -> Result<Reflected<Page<Step>>, BackendError> {
    answer(host::read::<Deployments, _>(|tables| deployments::history(tables, id, cursor, limit as usize)))
}

/// How many deployments stand where. For everyone.
#[query(name = "getDeploymentCounts")]
fn get_deployment_counts() -> Result<Reflected<Vec<ProgressCount>>, BackendError> {
    answer(host::read::<Deployments, _>(deployments::counts))
}

/// The caller as a user, if they ever asked for a deployment. For everyone, about themselves.
#[query(name = "getMyProfile")]
fn get_my_profile() -> Result<Reflected<Option<Profile>>, BackendError> {
    profile(ic_cdk::api::msg_caller())
}

/// A user, if they ever asked for a deployment. For that person, for admins and for auditors: how much somebody did, or
/// that they did nothing, is nobody else's business.
#[query(name = "getUser")]
fn get_user(user: Principal) -> Result<Reflected<Option<Profile>>, BackendError> {
    platform::check_concerned(ic_cdk::api::msg_caller(), user)?;
    profile(user)
}

/// All users, those who came last first; `limit` is 1 to 100. For admins and for auditors.
#[query(name = "getUsers")]
fn get_users(cursor: Option<Moment>, limit: u32) -> Result<Reflected<Page<User>>, BackendError> {
    platform::check_entitled(ic_cdk::api::msg_caller())?;
    answer(host::read::<Users, _>(|tables| users::by_time(tables, cursor, limit as usize)))
}

/// How many users there are. For everyone.
#[query(name = "getUserCounts")]
fn get_user_counts() -> Result<Reflected<UserCounts>, BackendError> {
    answer(host::read::<Users, _>(users::counts))
}

/// How the projections stand. For everyone.
#[query(name = "getProjectionStatus")]
fn get_projection_status() -> Vec<ProjectionStatus> {
    host::status()
}

/// The digests of the last rebuilds, certified by the network. For everyone.
#[query(name = "getProjectionCertificate")]
fn get_projection_certificate() -> Option<DigestCertificate> {
    host::certificate()
}

/// Begins to rebuild a projection from the log, beside the one that serves. For admins.
#[update(name = "rebuildProjection")]
fn rebuild_projection(name: String) -> Result<(), BackendError> {
    let admin = platform::require_admin(ic_cdk::api::msg_caller())?;
    let refusal = |error: cairn_kit::api::host::RebuildError| {
        BackendError::from(BackendRequestError::Invalid { field: "name".to_owned(), problem: error.to_string() })
    };
    host::rebuild(&name, admin).map_err(refusal)
}
