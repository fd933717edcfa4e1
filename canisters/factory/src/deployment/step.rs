//! The driver: what to do next for a deployment, and doing it.

use super::admit::invalid;
use super::commit;
use crate::kind::{ContractKind, InstallContext};
use crate::management;
use crate::refusal::{append_failed, call_failed, internal, interrupted};
use crate::state::{self, Job, Phase, Request, State};
use cairn_events::payload::{ContractReclaimed, ContractRegistered, InstallFailed, InstallIntended, Reason};
use cairn_events::{DeploymentId, Hash, Payload, Principal, Submission};
use cairn_kit::api::audit::AuditError;
use cairn_kit::api::factory::FactoryError;
use cairn_kit::journal::{self, AppendFailure};
use cairn_kit::runtime::{self, CallFailure};

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until it is known what is delivered: for the call that asks.
    Decided,
    /// Until nothing more is to be done.
    Settled,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Say that code will be installed for it.
    Intend(Request),
    /// Install the code, and commit the delivery.
    Install(Request, Job),
    /// Hand the contract over.
    Register(Request, Job),
    /// Say that nothing will be delivered, for this reason.
    Fail(Job, Reason),
    /// Empty the canister, for this reason.
    Reclaim(Job, Reason),
    /// Nothing.
    Rest,
}

/// What to do next for a deployment: pure.
pub fn next(state: &State, deployment: DeploymentId, until: Until) -> Next {
    match (state.job(deployment), state.request(deployment)) {
        (None, None) => Next::Rest,
        (None, Some(request)) => Next::Intend(request),
        (Some(job), request) => match (&job.phase, request, until) {
            (Phase::Intended, Some(request), _) => Next::Install(request, job),
            (Phase::Intended, None, _) => Next::Fail(job, Reason::new("request_lost", "")),
            (Phase::Committed { .. }, Some(request), Until::Settled) => Next::Register(request, job),
            (Phase::Failed { reason }, _, Until::Settled) => Next::Reclaim(job.clone(), reason.clone()),
            _ => Next::Rest,
        },
    }
}

/// Takes the deployment as far as it goes. The caller holds its guard.
///
/// # Errors
/// Why it stopped before; nothing is lost.
pub async fn drive<K: ContractKind>(deployment: DeploymentId, until: Until) -> Result<(), FactoryError> {
    // What was intended earlier is done only if the log still says so.
    let resumes = !matches!(state::read(|state| next(state, deployment, until)), Next::Intend(_) | Next::Rest);
    if resumes && !journal::confirm().await {
        return Err(interrupted("the log does not confirm what was intended"));
    }
    loop {
        match state::read(|state| next(state, deployment, until)) {
            Next::Intend(request) => intend::<K>(deployment, &request).await?,
            Next::Install(request, job) => install::<K>(&Place::of(deployment, job), &request).await?,
            Next::Register(request, job) => register::<K>(&Place::of(deployment, job), &request).await?,
            Next::Fail(job, reason) => fail(&Place::of(deployment, job), reason).await?,
            Next::Reclaim(job, reason) => reclaim(&Place::of(deployment, job), reason).await?,
            Next::Rest => return Ok(()),
        }
    }
}

/// The version of a contract's stream.
fn version(contract: Principal) -> u64 {
    state::read(|state| state.canister(contract)).map_or(0, |canister| canister.version)
}

/// What a step was decided on: the job, and the version of its contract's stream in that moment.
struct Place {
    deployment: DeploymentId,
    job: Job,
    version: u64,
}

impl Place {
    /// To be made in the message that decides, before anything is awaited.
    fn of(deployment: DeploymentId, job: Job) -> Self {
        let version = version(job.contract);
        Place { deployment, job, version }
    }

    /// Appends a fact to the contract's stream, exactly after what the step was decided on: if an earlier sending,
    /// unanswered so far, has been accepted meanwhile, this one is refused, and the driver looks again.
    async fn append(&self, payload: Payload) -> Result<(), FactoryError> {
        let submission = Submission::new(self.job.owner, payload).exactly(self.version);
        match journal::append(vec![submission]).await {
            Ok(_) => Ok(()),
            Err(AppendFailure::Refused(AuditError::Request(error))) if commit::is_version_conflict(&error) => {
                Err(interrupted("the contract's stream moved"))
            }
            Err(failure) => Err(append_failed(failure)),
        }
    }
}

fn argument<K: ContractKind>(request: &Request, epoch: u64) -> Result<Vec<u8>, FactoryError> {
    let context = InstallContext { factory: runtime::id(), owner: request.owner, epoch };
    let args = K::parse(&request.args).map_err(invalid)?;
    K::install_argument(&args, &context).map_err(invalid)
}

async fn intend<K: ContractKind>(deployment: DeploymentId, request: &Request) -> Result<(), FactoryError> {
    let contract = request.canister;
    let epoch = state::read(|state| state.canister(contract)).map_or(0, |canister| canister.epoch) + 1;
    let argument = argument::<K>(request, epoch).inspect_err(|_| forget(deployment))?;
    let args_hash = Hash::of(&[&argument]);
    let intended = InstallIntended { contract, deployment, template: request.template, args_hash };
    let submission = Submission::new(request.owner, Payload::InstallIntended(intended))
        .exactly(version(contract))
        .caused_by(request.dispatched);
    match journal::append(vec![submission]).await {
        Ok(_) => Ok(()),
        // By now the log has answered every earlier attempt too. If one of them was accepted, there is a job.
        Err(AppendFailure::Refused(_)) if state::read(|state| state.job(deployment)).is_some() => Ok(()),
        Err(failure @ AppendFailure::Refused(_)) => {
            forget(deployment);
            Err(append_failed(failure))
        }
        // It may still be accepted: the request stays, and with it the choice of the canister.
        Err(failure) => Err(append_failed(failure)),
    }
}

fn forget(deployment: DeploymentId) {
    state::change(|state| state.forget_request(deployment));
}

async fn install<K: ContractKind>(place: &Place, request: &Request) -> Result<(), FactoryError> {
    let job = &place.job;
    // Code of another version may make another argument; what was intended is installed, or nothing.
    let argument = argument::<K>(request, job.epoch).unwrap_or_default();
    if Hash::of(&[&argument]) != job.args_hash {
        return fail(place, Reason::new("argument_changed", "")).await;
    }
    let refused = match management::install(job.contract, job.template, argument).await {
        Ok(()) => None,
        Err(failure) => Some(refused_by_code(&failure).ok_or_else(|| call_failed(failure))?),
    };
    let observed = management::module_hash(job.contract).await.map_err(call_failed)?;
    // Also if the attempt was refused because an earlier one, with the same argument, has installed it.
    if observed != Some(job.template) {
        return match refused {
            Some(reason) => fail(place, reason).await,
            None => Err(interrupted("the installed module is not the template")),
        };
    }
    match commit::commit(place.deployment, request, job).await? {
        commit::Commit::Delivered => Ok(()),
        commit::Commit::Lost(reason) => fail(place, reason).await,
    }
}

/// The reason, if the management canister has definitely refused to install: its reply is guaranteed, so a reject with
/// code 3 to 5 comes from it, and installation is all or nothing.
fn refused_by_code(failure: &CallFailure) -> Option<Reason> {
    match failure {
        CallFailure::NotExecuted { code: 3, message } | CallFailure::Unknown { code: 4 | 5, message } => {
            Some(Reason::new("install_refused", message))
        }
        _ => None,
    }
}

async fn fail(place: &Place, reason: Reason) -> Result<(), FactoryError> {
    let failed = InstallFailed { contract: place.job.contract, deployment: place.deployment, reason };
    place.append(Payload::InstallFailed(failed)).await
}

async fn register<K: ContractKind>(place: &Place, request: &Request) -> Result<(), FactoryError> {
    let job = &place.job;
    let args = K::parse(&request.args).map_err(|error| internal(format!("{}: {}", error.field, error.problem)))?;
    let listing = K::listing(&args);
    let controllers = K::controllers(runtime::id(), job.contract, job.owner);
    management::set_controllers(job.contract, controllers.clone()).await.map_err(call_failed)?;
    let registered = ContractRegistered {
        contract: job.contract,
        deployment: place.deployment,
        service: K::SERVICE,
        owner: job.owner,
        controllers,
        name: listing.name,
        symbol: listing.symbol,
        token: K::token(&args, job.contract),
        public: listing.public,
        epoch: job.epoch,
    };
    place.append(Payload::ContractRegistered(registered)).await
}

async fn reclaim(place: &Place, reason: Reason) -> Result<(), FactoryError> {
    let contract = place.job.contract;
    management::uninstall(contract).await.map_err(call_failed)?;
    let reclaimed = ContractReclaimed { contract, deployment: place.deployment, reason };
    place.append(Payload::ContractReclaimed(reclaimed)).await
}
