//! The private side of a payment: its reference, who may read it, and that it is gone once it is erased (I12, I14, I19).

use super::flow::{go_on, wait};
use super::{Sightings, Stage};
use anyhow::Context as _;
use cairn::platform::{Platform, user};
use cairn_events::payload::ErasureReason;
use cairn_events::question::{About, Order, Question, Span};
use cairn_events::{Commitment, Event, Family, Opening, Payload, Principal, Timestamp, Topic};
use cairn_kit::api::audit::{
    AuditError, AuditRequestError, AuditedQuestion, EventPage, EventQuery, Filter, Order as PageOrder,
};
use cairn_kit::api::backend::{Auditor, BackendError, StateCheck};
use candid::utils::ArgumentEncoder;
use localnet::MessageId;
use memchr::memmem;
use std::time::Duration;

/// What the buyer writes on the invoice, for nobody else.
pub(super) const REFERENCE: &str = "cost centre 4711, Jane Roe";
/// Nanoseconds for which the auditor is let in: longer than everything takes.
const GRANT: u64 = 30 * 24 * 3_600 * 1_000_000_000;

/// What was done about the reference.
pub struct Private {
    /// The event with the commitment.
    index: u64,
    commitment: Commitment,
    /// Salt and content, as the buyer was told them.
    opening: Opening,
    question: MessageId,
    erasures: [MessageId; 2],
}

fn auditor() -> Principal {
    user("auditor")
}

/// The auditor is let in, asks about the buyer, and is let out; the buyer has the reference erased, the admin once more.
pub(super) fn play(stage: &mut Stage, seen: &mut Sightings) {
    // Where nothing was recorded there is nothing to erase.
    let Some((index, commitment, opening)) = held(stage) else { return };
    let (admin, buyer, audit) = (stage.platform.admin, stage.buyer, stage.platform.audit);
    let until = Timestamp(stage.platform.net.now() + GRANT);
    to_backend(stage, seen, admin, "adminGrantAuditor", (auditor(), until));
    let question = stage.platform.net.submit(audit, auditor(), "askAudited", (question(buyer),));
    go_on(stage, seen);
    let own = to_backend(stage, seen, buyer, "eraseMyOpening", (index, commitment));
    let ordered = (index, commitment, ErasureReason::Ordered);
    let ordered = to_backend(stage, seen, admin, "adminEraseOpening", ordered);
    to_backend(stage, seen, admin, "adminRevokeAuditor", (auditor(),));
    wait(stage, seen, Duration::from_secs(65));
    seen.private = Some(Private { index, commitment, opening, question, erasures: [own, ordered] });
}

fn to_backend(
    stage: &mut Stage,
    seen: &mut Sightings,
    caller: Principal,
    method: &str,
    arguments: impl ArgumentEncoder,
) -> MessageId {
    let backend = stage.platform.backend;
    let message = stage.platform.net.submit(backend, caller, method, arguments);
    go_on(stage, seen);
    message
}

/// Where the buyer's reference stands, and what it is.
fn held(stage: &mut Stage) -> Option<(u64, Commitment, Opening)> {
    let (audit, buyer) = (stage.platform.audit, stage.buyer);
    let of_buyer = |event: &Event| match &event.payload {
        Payload::DeploymentRequested(request) if request.owner == buyer => Some((event.index, request.billing?)),
        _ => None,
    };
    let (index, commitment) = stage.platform.events().ok()?.iter().find_map(of_buyer)?;
    let opening: Result<Option<Opening>, AuditError> =
        stage.platform.net.query(audit, buyer, "getOpening", (index, commitment)).ok()?;
    Some((index, commitment, opening.ok()??))
}

fn question(person: Principal) -> Question {
    let about = About::Topics(vec![Topic::Party(person), Topic::Family(Family::Money)]);
    Question { about, span: Span::default(), order: Order::OldestFirst, limit: 100, since: None }
}

/// With the faults over and everything at rest.
pub(super) fn check(stage: &mut Stage, private: &Private, found: &mut Vec<String>) -> anyhow::Result<()> {
    let erased = erasure(stage, private, found)?;
    answers(stage, private, erased, found)?;
    forgotten(&mut stage.platform, &private.opening, found)?;
    readers(stage, found)?;
    refolded(&mut stage.platform, found)
}

/// The event that erased the reference: there is one. If everything that asked for it went astray, the buyer asks again.
fn erasure(stage: &mut Stage, private: &Private, found: &mut Vec<String>) -> anyhow::Result<u64> {
    let Private { index, commitment, .. } = *private;
    let erased = |event: &Event| match &event.payload {
        Payload::OpeningErased(p) => ((p.index, p.commitment) == (index, commitment)).then_some(event.index),
        _ => None,
    };
    let mut all: Vec<u64> = stage.platform.events()?.iter().filter_map(erased).collect();
    if all.is_empty() {
        let (backend, buyer) = (stage.platform.backend, stage.buyer);
        all.push(stage.platform.call::<u64, BackendError>(backend, buyer, "eraseMyOpening", (index, commitment))?);
        stage.platform.settle()?;
    }
    if all.len() > 1 {
        found.push(format!("I14: erased by events {all:?}"));
    }
    all.first().copied().context("no erasure")
}

/// I14: what was answered is in the log.
fn answers(stage: &mut Stage, private: &Private, erased: u64, found: &mut Vec<String>) -> anyhow::Result<()> {
    for message in &private.erasures {
        match stage.platform.net.poll::<Result<u64, BackendError>>(message) {
            None => found.push("I13: an erasure was never answered".to_owned()),
            Some(Ok(Ok(event))) if event != erased => {
                found.push(format!("I14: erased by event {event} as answered, by event {erased} as recorded"));
            }
            Some(Ok(Err(BackendError::Request(refusal)))) => found.push(format!("I14: not erased: {refusal}")),
            Some(_) => {}
        }
    }
    let (audit, buyer) = (stage.platform.audit, stage.buyer);
    let opening: Result<Option<Opening>, AuditError> =
        stage.platform.net.query(audit, buyer, "getOpening", (private.index, private.commitment))?;
    let gone = AuditError::Request(AuditRequestError::Erased { index: private.index, event: erased });
    if opening != Err(gone) {
        found.push(format!("I19: asked for what was erased, the log answers {opening:?}"));
    }
    let events = stage.platform.events()?;
    let asked: Vec<(u64, _, _)> = events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::QuestionAsked(p) => Some((event.index, p.question, p.answer)),
            _ => None,
        })
        .collect();
    match stage.platform.net.poll::<Result<AuditedQuestion, AuditError>>(&private.question) {
        None => found.push("I13: a question was never answered".to_owned()),
        Some(Ok(Ok(answer))) if asked != [(answer.event, answer.question, answer.answer)] => {
            found.push(format!("I14: {answer:?} was answered, {asked:?} is recorded"));
        }
        Some(Ok(Err(_))) if !asked.is_empty() => found.push(format!("I14: refused, and recorded: {asked:?}")),
        Some(_) => {}
    }
    Ok(())
}

/// I19: neither salt nor content is anywhere. They went to the backend and to the log, and nowhere else.
fn forgotten(platform: &mut Platform, opening: &Opening, found: &mut Vec<String>) -> anyhow::Result<()> {
    let (first, second) = opening.salt.split_at(16);
    let (begin, end) = opening.content.split_at(opening.content.len() / 2);
    let secrets = [first, second, begin, end];
    let mut places = vec![("the export", platform.export()?)];
    for (name, id) in [("the backend", platform.backend), ("the log", platform.audit)] {
        places.push((name, platform.net.stable_memory(id).unwrap_or_default()));
        places.push((name, platform.net.heap_memory(id).unwrap_or_default()));
    }
    for (name, bytes) in places {
        if holds(&bytes, &secrets) {
            found.push(format!("I19: what was erased is still held by {name}"));
        }
    }
    Ok(())
}

fn holds(bytes: &[u8], secrets: &[&[u8]]) -> bool {
    secrets.iter().any(|secret| memmem::find(bytes, secret).is_some())
}

/// Who may read is what the events say, here and there.
fn readers(stage: &mut Stage, found: &mut Vec<String>) -> anyhow::Result<()> {
    let now = stage.platform.net.now();
    let until = stage.platform.events()?.iter().fold(None, |until, event| match &event.payload {
        Payload::AuditorGranted(granted) => Some(granted.until),
        Payload::AuditorRevoked(_) => None,
        _ => until,
    });
    let (audit, backend, buyer) = (stage.platform.audit, stage.platform.backend, stage.buyer);
    let query = EventQuery {
        filter: Filter::Topic(Topic::Party(buyer)),
        order: PageOrder::OldestFirst,
        from_time: None,
        until_time: None,
        cursor: None,
        limit: 1,
    };
    let page: Result<EventPage, AuditError> = stage.platform.net.query(audit, auditor(), "getEvents", (query,))?;
    let listed: Vec<Auditor> = stage.platform.net.query(backend, Principal::anonymous(), "getAuditors", ())?;
    let expected: Vec<Auditor> = until.map(|until| Auditor { auditor: auditor(), until }).into_iter().collect();
    if page.is_ok() != until.is_some_and(|until| now < until.0) || listed != expected {
        let may = page.is_ok();
        found.push(format!("I12: let in until {until:?}; the backend lists {listed:?}, the log lets them read: {may}"));
    }
    Ok(())
}

/// I12: the backend's state is what its events give.
fn refolded(platform: &mut Platform, found: &mut Vec<String>) -> anyhow::Result<()> {
    let (backend, admin) = (platform.backend, platform.admin);
    platform.call::<(), BackendError>(backend, admin, "checkState", ())?;
    platform.pass(30);
    let check: Option<StateCheck> = platform.net.query(backend, Principal::anonymous(), "getStateCheck", ())?;
    if check.as_ref().and_then(|check| check.result.as_ref()).is_none_or(|result| !result.equal) {
        found.push(format!("I12: folded anew, the backend's state is another one: {check:?}"));
    }
    Ok(())
}
