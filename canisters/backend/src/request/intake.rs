//! An order, from the call to the first event: everything is checked, then the deployment is recorded and run.

use super::admission::{Findings, Offer, afford, agree, offer, room};
use super::order::{Order, ValidRequest};
use crate::deployment::money::{Scene, Terms, capture};
use crate::deployment::next::Answer;
use crate::state::State;
use crate::{driver, ledger, platform, recovery};
use cairn_events::payload::{Account, DeploymentRequested, TransferIntended};
use cairn_events::topic::Service;
use cairn_events::{Amount, DeploymentId, Opening, Payload, Principal, Submission, Timestamp};
use cairn_kit::access::Caller;
use cairn_kit::api::InternalError;
use cairn_kit::api::audit::{AuditError, AuditRequestError};
use cairn_kit::api::backend::{BackendError, BackendRequestError, BackendTemporaryError, DeploymentView, Quote};
use cairn_kit::api::factory::{Capacity, FactoryError};
use cairn_kit::journal::{self, AppendFailure};
use cairn_kit::runtime::{self, CallFailure};

/// Cycles below which no new deployment is taken: what is under way must be brought to its end.
const RESERVE_CYCLES: u128 = 200_000_000_000;

/// Takes an order, runs it, and gives its record; for a request known already, the record as it stands.
///
/// # Errors
/// [`BackendError`]: nothing was recorded and nothing moved; but if the log did not answer (`Busy`), it may yet be.
pub async fn create(caller: Caller, order: Order, request_id: &str) -> Result<DeploymentView, BackendError> {
    let caller = caller.principal();
    let valid = order.request(request_id, &platform::secrets()?.key)?;
    let id = DeploymentId::derive(platform::log()?, caller, request_id);
    if let Some(known) = known(id, &valid)? {
        recovery::arm();
        return Ok(known);
    }
    if platform::is_platform(caller) {
        return Err(BackendRequestError::Unauthorized { caller }.into());
    }
    let entrant = platform::enter(caller)?;
    let guard = platform::work_on(id)?;
    let from = Account { owner: caller, subaccount: order.from_subaccount };
    let admit = || -> Result<Offer, BackendError> {
        platform::calm()?;
        let offer = offer(&platform::state(State::config), order.service)?;
        agree(&offer, &order.agreed)?;
        order.in_time(Timestamp(runtime::now()))?;
        room(&platform::standing(caller))?;
        solvent()?;
        Ok(offer)
    };
    let asked = admit()?;
    let findings = inquire(&asked, from).await?;
    // The world may have changed while others were asked.
    if admit()? != asked {
        return Err(BackendTemporaryError::Busy.into());
    }
    let terms = afford(&asked, order.agreed.template, &findings)?;
    let request = requested(id, caller, &asked, terms, from, valid.clone());
    let submissions = accept(request, order.billing_reference.as_deref(), &platform::scene()?)?;
    match journal::append(submissions).await {
        Ok(_) => {
            drop(entrant);
            driver::run(guard, Answer::Appended).await;
            view(id)
        }
        // An earlier call for the same request was recorded without hearing so.
        Err(AppendFailure::Refused(AuditError::Request(AuditRequestError::StreamVersion { .. }))) => {
            known(id, &valid)?.ok_or_else(|| internal("the log knows the deployment, the backend does not"))
        }
        Err(failure) => Err(not_recorded(failure)),
    }
}

/// What `service` costs now.
///
/// # Errors
/// [`BackendError`]: too many ask, not offered, or factory or ledger do not answer.
pub async fn quote(caller: Caller, service: Service) -> Result<Quote, BackendError> {
    let _quoting = platform::quote_for(caller.principal())?;
    let asked = offer(&platform::state(State::config), service)?;
    let Capacity { template, .. } = capacity(asked.factory).await?;
    let ledger = asked.fee.ledger;
    let ledger_fee = ledger::fee(ledger).await.map_err(|failure| unreachable(ledger, &failure))?;
    let terms = asked.fee.terms(ledger_fee).map_err(|least| too_cheap(least, ledger_fee))?;
    Ok(Quote {
        service: service.name().to_owned(),
        ledger,
        price: terms.price,
        ledger_fee,
        required_allowance: terms.required(),
        spender: Account { owner: runtime::id(), subaccount: None },
        template: Some(template),
    })
}

/// The record of a deployment.
///
/// # Errors
/// [`BackendRequestError::NotFound`].
pub fn view(id: DeploymentId) -> Result<DeploymentView, BackendError> {
    let deployment = platform::state(|state| state.deployment(id));
    let deployment = deployment.ok_or_else(|| BackendRequestError::NotFound { what: format!("deployment {id}") })?;
    Ok(deployment.view(runtime::id(), platform::contract(id)))
}

/// The record of a request known already.
fn known(id: DeploymentId, valid: &ValidRequest) -> Result<Option<DeploymentView>, BackendError> {
    match platform::state(|state| state.deployment(id)) {
        None => Ok(None),
        Some(known) if known.request.request == valid.request => view(id).map(Some),
        Some(_) => Err(BackendRequestError::RequestIdReused { deployment: id }.into()),
    }
}

/// Asks factory and ledger all that must be known before money moves.
async fn inquire(offer: &Offer, from: Account) -> Result<Findings, BackendError> {
    let capacity = capacity(offer.factory).await?;
    let ledger = offer.fee.ledger;
    let spender = Account { owner: runtime::id(), subaccount: None };
    let unreachable = |failure: CallFailure| unreachable(ledger, &failure);
    let ledger_fee = ledger::fee(ledger).await.map_err(unreachable)?;
    let minting = ledger::minting_account(ledger).await.map_err(unreachable)?;
    let balance = ledger::balance(ledger, from).await.map_err(unreachable)?;
    let allowance = ledger::allowance(ledger, from, spender, runtime::now()).await.map_err(unreachable)?;
    let payer_mints = minting.is_some_and(|minting| crate::config::change::same(minting, from));
    Ok(Findings { capacity, ledger_fee, allowance, balance, payer_mints })
}

async fn capacity(factory: Principal) -> Result<Capacity, BackendError> {
    let reply: Result<Result<Capacity, FactoryError>, CallFailure> =
        runtime::call_or_refusal(factory, "getCapacity", ()).await;
    let reply = reply.map_err(|failure| unreachable(factory, &failure))?;
    reply.map_err(|error| BackendTemporaryError::NoCapacity { detail: error.to_string() }.into())
}

fn requested(
    deployment: DeploymentId,
    owner: Principal,
    offer: &Offer,
    terms: Terms,
    from: Account,
    valid: ValidRequest,
) -> DeploymentRequested {
    DeploymentRequested {
        deployment,
        owner,
        service: offer.service,
        factory: offer.factory,
        request: valid.request,
        args: valid.args,
        ledger: offer.fee.ledger,
        price: terms.price,
        ledger_fee: terms.ledger_fee,
        from,
        treasury: offer.fee.treasury,
        billing: None,
    }
}

/// The first two events of a deployment: the request, its private reference as a commitment, and the frozen payment.
fn accept(
    mut request: DeploymentRequested,
    reference: Option<&str>,
    scene: &Scene,
) -> Result<Vec<Submission>, BackendError> {
    let opening = match reference {
        Some(reference) => Some(Opening { salt: platform::draw_salt()?, content: reference.as_bytes().to_vec() }),
        None => None,
    };
    request.billing = opening.as_ref().map(Opening::commitment);
    let (owner, deployment) = (request.owner, request.deployment);
    let transfer = capture(&request, scene);
    let intent = Payload::PaymentIntended(TransferIntended { deployment, transfer, attempt: 1 });
    let mut requested = Submission::new(owner, Payload::DeploymentRequested(request)).exactly(0);
    requested.openings.extend(opening);
    Ok(vec![requested, Submission::new(owner, intent).exactly(1)])
}

fn solvent() -> Result<(), BackendError> {
    let cycles = runtime::cycles();
    if cycles >= RESERVE_CYCLES {
        return Ok(());
    }
    let detail = format!("the backend holds {cycles} cycles, {RESERVE_CYCLES} are kept for what is under way");
    Err(BackendTemporaryError::NoCapacity { detail }.into())
}

fn not_recorded(failure: AppendFailure) -> BackendError {
    match failure {
        AppendFailure::Pending => BackendTemporaryError::Busy.into(),
        AppendFailure::Refused(AuditError::Temporary(error)) => {
            BackendTemporaryError::NoCapacity { detail: error.to_string() }.into()
        }
        AppendFailure::NotReady(detail) => BackendTemporaryError::NoCapacity { detail: detail.to_owned() }.into(),
        AppendFailure::Refused(error) => internal(&format!("the log refused: {error}")),
    }
}

fn too_cheap(least: Amount, ledger_fee: Amount) -> BackendError {
    let missing = format!("a price of at least {least}, as the ledger's fee has become {ledger_fee}");
    BackendTemporaryError::NotSetUp { missing }.into()
}

fn unreachable(canister: Principal, failure: &CallFailure) -> BackendError {
    BackendTemporaryError::Unreachable { canister, detail: failure.to_string() }.into()
}

fn internal(message: &str) -> BackendError {
    InternalError { message: message.to_owned() }.into()
}
