//! Erasure of private fields. The log overwrites salt and content in the message that accepts the event; here it is
//! decided who may ask for that.

use crate::config::command::recorded;
use crate::platform;
use cairn_events::payload::{ErasureReason, OpeningErased};
use cairn_events::{Commitment, Event, Hash, Payload, Principal, Submission, codec};
use cairn_kit::access::{Admin, Caller};
use cairn_kit::api::audit::{AuditError, AuditRequestError, BadErasure, EventQuery, Filter, Order};
use cairn_kit::api::backend::{BackendError, BackendRequestError, BackendTemporaryError};
use cairn_kit::guard::Guards;
use cairn_kit::heap;
use cairn_kit::journal::{self, AppendFailure};
use cairn_kit::{reading, runtime};
use std::time::Duration;

/// Erasures under way at once.
const MAX_ERASING: usize = 20;

thread_local! {
    static ERASING: Guards<Hash> = Guards::new(MAX_ERASING);
}

/// Erases an opening in the interest of whoever it is about. The event that says so: the first one, if it was erased
/// before.
///
/// # Errors
/// [`BackendError`]; the refusal of a request is recorded.
pub async fn by_admin(
    admin: Admin,
    index: u64,
    commitment: Commitment,
    reason: ErasureReason,
) -> Result<u64, BackendError> {
    let still_admin = |_: &Event| platform::require_admin(admin.principal()).is_ok();
    let result = erase(admin.principal(), index, commitment, reason, still_admin).await;
    recorded(admin, "adminEraseOpening", result).await
}

/// Erases an opening of an event that concerns the caller. The event that says so: the first one, if it was erased
/// before.
///
/// # Errors
/// [`BackendError`]: [`BackendRequestError::Unauthorized`] if the event is about others.
pub async fn by_person(caller: Caller, index: u64, commitment: Commitment) -> Result<u64, BackendError> {
    let person = caller.principal();
    erase(person, index, commitment, ErasureReason::Requested, |event| event.concerns(person)).await
}

async fn erase(
    actor: Principal,
    index: u64,
    commitment: Commitment,
    reason: ErasureReason,
    may: impl Fn(&Event) -> bool,
) -> Result<u64, BackendError> {
    let opening = commitment.within(index);
    let _erasing = ERASING
        .with(|erasing| erasing.acquire(opening))
        .map_err(|_| BackendError::from(BackendTemporaryError::Busy))?;
    let event = read(index).await?;
    check(&event, actor, commitment, may(&event))?;
    if let Some(erased) = platform::state(|state| state.erased_by(opening)) {
        return Ok(erased);
    }
    let erased = Payload::OpeningErased(OpeningErased { index, commitment, reason });
    match journal::append(vec![Submission::new(actor, erased).caused_by(index)]).await {
        Ok(receipts) => {
            // Of what passed through here, the stack may still hold a part: a message of its own has most of it free.
            runtime::after(Duration::ZERO, async { heap::wipe_stack() });
            receipts.first().map(|receipt| receipt.index).ok_or_else(|| missing("a receipt"))
        }
        Err(AppendFailure::Refused(AuditError::Request(AuditRequestError::Erasure { problem, .. }))) => match problem {
            BadErasure::Erased { event } => Ok(event),
            BadErasure::NoOpening { .. } => Err(no_opening(index)),
            BadErasure::NotConcerned { actor } => Err(BackendRequestError::Unauthorized { caller: actor }.into()),
        },
        Err(failure) => Err(missing(&failure.to_string())),
    }
}

/// Whether the event has the commitment, and `actor` may have its opening erased. Strangers learn nothing about it.
fn check(event: &Event, actor: Principal, commitment: Commitment, may: bool) -> Result<(), BackendError> {
    if !may {
        return Err(BackendRequestError::Unauthorized { caller: actor }.into());
    }
    if event.payload.commitments().contains(&commitment) { Ok(()) } else { Err(no_opening(event.index)) }
}

/// Event `index`, from the log.
async fn read(index: u64) -> Result<Event, BackendError> {
    let query = EventQuery {
        filter: Filter::All,
        order: Order::OldestFirst,
        from_time: None,
        until_time: None,
        cursor: Some(index),
        limit: 1,
    };
    let audit = platform::setup().audit.ok_or_else(|| missing("the log"))?;
    let page = reading::page(audit, query, journal::seen()).await;
    let unreachable = |detail: String| BackendTemporaryError::Unreachable { canister: audit, detail };
    let page = page.map_err(|failure| unreachable(failure.to_string()))?;
    let page = page.map_err(|error| match error {
        AuditError::Request(AuditRequestError::OutOfBounds { .. }) => no_opening(index),
        error => unreachable(error.to_string()).into(),
    })?;
    let event = page.events.first().and_then(|bytes| codec::decode_event(bytes).ok());
    event.filter(|event| event.index == index).ok_or_else(|| no_opening(index))
}

fn no_opening(index: u64) -> BackendError {
    BackendRequestError::NotFound { what: format!("an opening in event {index}") }.into()
}

fn missing(what: &str) -> BackendError {
    BackendTemporaryError::NotSetUp { missing: what.to_owned() }.into()
}
