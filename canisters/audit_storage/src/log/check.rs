//! The rules that a submission must obey, one function each.

use super::threads::Head;
use cairn_events::{Class, Effect, Expected, Kind, Opening, Payload, Principal, Stream, WriterRole};
use cairn_kit::api::audit::{AppendArgs, AuditRequestError, BadErasure, MAX_BATCH, MAX_BATCH_BYTES};

/// The mark of a stream on which it is decided whether the deployment is delivered.
const DECIDED: u8 = 0x80;

/// The mark of a stream on which an intent for `effect` is open.
fn open_mark(effect: Effect) -> u8 {
    1 << match effect {
        // The one is of deployments, the other of contracts: no stream knows both.
        Effect::Payment | Effect::TopUp => 0,
        Effect::Delivery => 1,
        Effect::Refund => 2,
        Effect::Release => 3,
        Effect::Creation => 4,
        Effect::Installation => 5,
        Effect::Upgrade => 6,
    }
}

/// Whether it is decided, on this stream, what becomes of the deployment.
pub fn is_decided(head: &Head) -> bool {
    head.mark & DECIDED != 0
}

/// Whether an upgrade of the contract, whose stream has this mark, has begun and is not decided.
pub fn is_upgrading(mark: u8) -> bool {
    mark & open_mark(Effect::Upgrade) != 0
}

/// Most bytes of an encoded payload, whatever its kind.
pub fn max_payload() -> usize {
    Kind::ALL.iter().map(|kind| kind.max_size()).max().unwrap_or_default()
}

/// A batch has at least one submission, and not too many.
pub fn check_batch(args: &AppendArgs) -> Result<(), AuditRequestError> {
    let openings = |openings: &[Opening]| openings.iter().map(|opening| 32 + opening.content.len()).sum::<usize>();
    let bytes: usize = args.submissions.iter().map(|each| each.payload.len() + openings(&each.openings)).sum();
    let submissions = args.submissions.len();
    if (1..=MAX_BATCH).contains(&submissions) && bytes <= MAX_BATCH_BYTES {
        return Ok(());
    }
    Err(AuditRequestError::BatchSize {
        submissions: submissions as u64,
        bytes: bytes as u64,
        max_submissions: MAX_BATCH as u64,
        max_bytes: MAX_BATCH_BYTES as u64,
    })
}

/// The writer's role allows the kind.
pub fn check_kind(position: u32, kind: Kind, role: WriterRole) -> Result<(), AuditRequestError> {
    if kind.roles().contains(&role) {
        return Ok(());
    }
    Err(AuditRequestError::KindNotAllowed { position, kind: kind.btype().to_owned() })
}

/// `bytes`, of a payload or an event, are no more than its kind allows.
pub fn check_size(position: u32, bytes: usize, max: usize) -> Result<(), AuditRequestError> {
    if bytes <= max {
        return Ok(());
    }
    Err(AuditRequestError::TooLarge { position, bytes: bytes as u64, max: max as u64 })
}

/// Every text, list and blob is within its bound.
pub fn check_bounds(position: u32, payload: &Payload, bytes: usize) -> Result<(), AuditRequestError> {
    if payload.is_bounded() {
        return Ok(());
    }
    let max = payload.kind().max_size();
    Err(AuditRequestError::TooLarge { position, bytes: bytes as u64, max: max as u64 })
}

/// The stream has the version that the writer insists on.
pub fn check_version(position: u32, stream: Stream, expected: Expected, actual: u64) -> Result<(), AuditRequestError> {
    match expected {
        Expected::Exact(expected) if expected != actual => {
            Err(AuditRequestError::StreamVersion { position, stream, expected, actual })
        }
        _ => Ok(()),
    }
}

/// An intent insists on a version, and its effect is neither intended already nor, for a delivery, decided.
pub fn check_intent(position: u32, class: Class, expected: Expected, head: &Head) -> Result<(), AuditRequestError> {
    let Class::Intent(effect) = class else { return Ok(()) };
    let closed = if effect == Effect::Delivery { open_mark(effect) | DECIDED } else { open_mark(effect) };
    if matches!(expected, Expected::Exact(_)) && head.mark & closed == 0 {
        return Ok(());
    }
    Err(AuditRequestError::IntentConflict { position })
}

/// Whether a deployment is delivered or abandoned is decided once, by a writer that knows the stream's version.
pub fn check_arbiter(position: u32, class: Class, expected: Expected, head: &Head) -> Result<(), AuditRequestError> {
    if class != Class::Outcome(Effect::Delivery) {
        return Ok(());
    }
    if matches!(expected, Expected::Exact(_)) && head.mark & DECIDED == 0 {
        return Ok(());
    }
    Err(AuditRequestError::IntentConflict { position })
}

/// A delivery is committed by the factory that was last asked to deliver, `dispatched_to`, and by no other.
pub fn check_deliverer(
    position: u32,
    kind: Kind,
    deliverer: Principal,
    dispatched_to: Option<Principal>,
) -> Result<(), AuditRequestError> {
    if dispatched_to == Some(deliverer) {
        return Ok(());
    }
    Err(AuditRequestError::KindNotAllowed { position, kind: kind.btype().to_owned() })
}

/// The cause comes before its effect, event `index`.
pub fn check_causation(position: u32, causation: Option<u64>, index: u64) -> Result<(), AuditRequestError> {
    match causation {
        Some(causation) if causation >= index => Err(AuditRequestError::Causation { position, causation }),
        _ => Ok(()),
    }
}

/// Each opening is of bounded size and opens a commitment of the payload, each commitment at most once.
pub fn check_openings(position: u32, payload: &Payload, openings: &[Opening]) -> Result<(), AuditRequestError> {
    let mut commitments = payload.commitments();
    for opening in openings {
        let small = opening.content.len() <= Opening::MAX_CONTENT;
        let opened = small.then(|| opening.commitment());
        match commitments.iter().position(|commitment| Some(*commitment) == opened) {
            Some(found) => commitments.swap_remove(found),
            None => return Err(AuditRequestError::Opening { position }),
        };
    }
    Ok(())
}

/// An opening is erased on behalf of somebody whom the event concerns, or of an admin.
pub fn check_eraser(actor: Principal, concerned: bool, admin: bool) -> Result<(), BadErasure> {
    if concerned || admin { Ok(()) } else { Err(BadErasure::NotConcerned { actor }) }
}

/// What an event of this class does to the marks of its stream, and by how much it changes the number of open intents.
pub fn mark(class: Class, mark: u8) -> (u8, i64) {
    match class {
        Class::Intent(effect) => (mark | open_mark(effect), 1),
        Class::Outcome(effect) => {
            let decided = if effect == Effect::Delivery { DECIDED } else { 0 };
            let was_open = mark & open_mark(effect) != 0;
            (mark & !open_mark(effect) | decided, -i64::from(was_open))
        }
        Class::Fact => (mark, 0),
    }
}
