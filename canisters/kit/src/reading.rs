//! Events of the log, wherever their bodies lie. Whoever reads believes neither the log nor an archive, but the hashes
//! by which events name each other.

use crate::api::archive::{ArchiveError, ArchivedBodies};
use crate::api::audit::{AuditError, EventPage, EventQuery, Seen};
use crate::runtime::{self, CallFailure};
use cairn_events::Principal;
use serde_bytes::ByteBuf;

/// A page of events of the log `audit`, whole, if it has the event that was seen: bodies that lie in archives are fetched
/// there.
///
/// # Errors
/// [`CallFailure`] of whichever canister did not answer as it should.
pub async fn page(
    audit: Principal,
    query: EventQuery,
    seen: Option<Seen>,
) -> Result<Result<EventPage, AuditError>, CallFailure> {
    let answer: Result<EventPage, AuditError> = runtime::call_or_refusal(audit, "getEvents", (query, seen)).await?;
    let mut page = match answer {
        Ok(page) => page,
        refusal => return Ok(refusal),
    };
    let mut found = Vec::new();
    for wanted in page.archived.take().unwrap_or_default() {
        found.extend(bodies(&wanted).await?);
    }
    complete(page, found).map(Ok)
}

/// Bodies from an archive, in the order asked for.
///
/// # Errors
/// [`CallFailure`] if the archive does not answer, or has not got them.
pub async fn bodies(wanted: &ArchivedBodies) -> Result<Vec<ByteBuf>, CallFailure> {
    delivered(wanted, runtime::call(wanted.archive, "getBodies", (&wanted.indices,)).await?)
}

/// As [`bodies`], in a composite query.
///
/// # Errors
/// As [`bodies`].
pub async fn ask_bodies(wanted: &ArchivedBodies) -> Result<Vec<ByteBuf>, CallFailure> {
    delivered(wanted, runtime::ask(wanted.archive, "getBodies", (&wanted.indices,)).await?)
}

/// The page with the bodies that were found for it.
///
/// # Errors
/// There is not one for each.
pub fn complete(mut page: EventPage, found: Vec<ByteBuf>) -> Result<EventPage, CallFailure> {
    if page.fill(found) {
        Ok(page)
    } else {
        Err(CallFailure::undecodable("the log says less of its archives than it has"))
    }
}

fn delivered(wanted: &ArchivedBodies, answer: Result<Vec<ByteBuf>, ArchiveError>) -> Result<Vec<ByteBuf>, CallFailure> {
    match answer {
        Ok(bodies) if bodies.len() == wanted.indices.len() => Ok(bodies),
        Ok(_) => Err(CallFailure::undecodable("an archive gives other events than it was asked for")),
        Err(error) => Err(CallFailure::undecodable(&error.to_string())),
    }
}
