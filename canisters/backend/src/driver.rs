//! Performs what [`next`] says, until it says to stop. The request and the timer run the same.

use crate::deployment::Deployment;
use crate::deployment::next::{Action, Answer, next};
use crate::{ledger, platform, recovery};
use cairn_events::payload::Reason;
use cairn_events::{DeploymentId, Payload, Stream, Submission, codec};
use cairn_kit::api::audit::{AuditError, AuditRequestError, EventQuery, Filter, Order};
use cairn_kit::api::factory::{ContractArgs, Delivered, FactoryError};
use cairn_kit::guard::Guard;
use cairn_kit::journal::{self, AppendFailure};
use cairn_kit::reading;
use cairn_kit::runtime::{self, CallFailure};
use candid::Reserved;

/// Most actions of one run: the longest course without interruption needs half of them.
const MAX_ACTIONS: usize = 24;

/// Works on a deployment until it is final or has to wait. `answer` is what the caller has just done for it.
pub async fn run(guard: Guard<DeploymentId>, answer: Answer) {
    let id = *guard.key();
    let version = || platform::state(|state| state.deployment(id)).map(|deployment| deployment.progress.version);
    let before = version();
    // Who has just appended knows that the log is ours; who resumes has to ask, before anything else happens.
    if answer != Answer::Nothing || (nothing_under_way(id).await && journal::confirm().await) {
        work(id, answer).await;
    }
    recovery::suspended(id, version() != before);
}

/// Whether nothing that an earlier run has submitted is still on its way to the log: it may decide what this run would
/// decide otherwise, such as a payment given up that a repetition would now make.
async fn nothing_under_way(id: DeploymentId) -> bool {
    let under_way = || journal::holds(|payload| payload.deployment() == Some(id));
    if under_way() {
        journal::flush().await;
    }
    !under_way()
}

async fn work(id: DeploymentId, mut answer: Answer) {
    for _ in 0..MAX_ACTIONS {
        if journal::alarm().is_some() {
            return;
        }
        let deployment = platform::state(|state| state.deployment(id));
        let (Some(deployment), Ok(scene)) = (deployment, platform::scene()) else { return };
        answer = match next(&deployment, answer, &scene) {
            Action::Append(submissions) => append(submissions).await,
            Action::Transfer { effect, transfer, history } => {
                Answer::Ledger(history, ledger::transfer(effect, &transfer).await)
            }
            Action::Balance => {
                let escrow = deployment.escrow(scene.gateway);
                available(ledger::balance(deployment.request.ledger, escrow).await, Answer::Balance)
            }
            Action::Fee => available(ledger::fee(deployment.request.ledger).await, Answer::Fee),
            Action::Deliver => learn(id, deliver(&deployment).await),
            Action::Arbiter => learn(id, arbiter(&deployment).await),
            Action::Suspend | Action::Stop => return,
        };
    }
}

fn available<T>(answer: Result<T, CallFailure>, known: impl FnOnce(T) -> Answer) -> Answer {
    answer.map_or(Answer::Unavailable, known)
}

/// Notes what an answer tells about the contract.
fn learn(id: DeploymentId, answer: Answer) -> Answer {
    if let Answer::Delivered(delivered) = &answer {
        platform::note_delivery(id, delivered.contract);
    }
    answer
}

/// Appends. An outcome is not held up by the intent that was to follow it: without room for that, it goes alone.
async fn append(mut submissions: Vec<Submission>) -> Answer {
    let first = submissions.first().cloned();
    let several = submissions.len() > 1;
    match (outcome(journal::append(std::mem::take(&mut submissions)).await), first) {
        (Appending::Refused, Some(first)) if several => outcome(journal::append(vec![first]).await).into(),
        (result, _) => result.into(),
    }
}

/// What became of submissions.
enum Appending {
    Accepted,
    Contested,
    Refused,
    Open,
}

fn outcome<T>(result: Result<T, AppendFailure>) -> Appending {
    match result {
        Ok(_) => Appending::Accepted,
        Err(AppendFailure::Refused(AuditError::Request(AuditRequestError::StreamVersion { .. }))) => {
            Appending::Contested
        }
        Err(AppendFailure::Refused(_)) => Appending::Refused,
        Err(_) => Appending::Open,
    }
}

impl From<Appending> for Answer {
    fn from(appending: Appending) -> Self {
        match appending {
            Appending::Accepted => Answer::Appended,
            Appending::Contested => Answer::Contested,
            Appending::Refused | Appending::Open => Answer::Unavailable,
        }
    }
}

/// Asks the factory to deliver; asking again is harmless.
async fn deliver(deployment: &Deployment) -> Answer {
    let request = &deployment.request;
    let args = ContractArgs {
        deployment: request.deployment,
        service: request.service,
        template: quoted_template(&request.args),
        dispatch_version: deployment.progress.version,
        dispatched: deployment.progress.latest,
        args: request.args.clone(),
    };
    let reply = runtime::call_or_refusal(request.factory, "createContract", (request.owner, args)).await;
    match reply {
        Ok(Ok::<Delivered, FactoryError>(delivered)) => Answer::Delivered(delivered),
        Ok(Err(FactoryError::Request(error))) => Answer::Declined(Reason::new("declined", &error.to_string())),
        Ok(Err(_)) | Err(_) => Answer::Undecided,
    }
}

/// The module hash that the caller was quoted: it travels behind the contract's own arguments.
pub fn quoted_template(args: &[u8]) -> Option<cairn_events::Hash> {
    candid::decode_args::<(Reserved, Option<cairn_events::Hash>)>(args).ok().and_then(|(_, template)| template)
}

/// Reads the event after our dispatch: the arbiter's.
async fn arbiter(deployment: &Deployment) -> Answer {
    let version = deployment.progress.version;
    let query = EventQuery {
        filter: Filter::Stream(Stream::Deployment(deployment.id())),
        order: Order::OldestFirst,
        from_time: None,
        until_time: None,
        cursor: Some(version),
        limit: 1,
    };
    let Some(audit) = platform::setup().audit else { return Answer::Undecided };
    let page = reading::page(audit, query, journal::seen()).await;
    let Ok(Ok(page)) = page else { return Answer::Unavailable };
    let event = page.events.first().and_then(|bytes| codec::decode_event(bytes).ok());
    match event.map(|event| (event.payload, event.source, event.stream_version, event.index)) {
        Some((Payload::DeliveryCommitted(committed), source, position, index))
            if committed.deployment == deployment.id()
                && source == deployment.request.factory
                && position == version.saturating_add(1) =>
        {
            let (contract, module_hash) = (committed.contract, committed.module_hash);
            Answer::Delivered(Delivered { contract, module_hash, committed: index })
        }
        _ => Answer::Undecided,
    }
}
