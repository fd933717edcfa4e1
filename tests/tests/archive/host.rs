//! A host of the payment projection: it stays equal to the fold of the log, and is rebuilt from archives (I12).

use crate::archiving::pass;
use crate::stage::Stage;
use cairn::artifacts::wasm;
use cairn::index::Indexes;
use cairn_events::{Event, Payload, Principal, WriterRole};
use cairn_kit::api::host::{ProjectionStatus, RebuildOutcome};
use cairn_kit::api::invoice::{InvoiceError, InvoiceInit};
use cairn_projections::{Payments, Projection};
use cairn_tests::log_fixture::{CYCLES, LogFixture};
use localnet::Reject;
use std::time::Duration;

/// A little more than the time between two looks at the log.
const LOOK: Duration = Duration::from_secs(6);
/// Looks that a rebuild may take.
const PATIENCE: usize = 20;

/// Installs the host, and registers it as a writer.
pub fn install(log: &mut LogFixture) -> Principal {
    let host = log.net.create_canister(log.admin, CYCLES);
    let init = candid::encode_one(InvoiceInit { audit: log.audit }).unwrap();
    log.net.install(host, log.admin, &wasm("invoice_storage").unwrap(), init).unwrap();
    log.register(host, WriterRole::Host).unwrap();
    host
}

/// Asks for a rebuild; whether it was begun.
pub fn ask_rebuild(stage: &mut Stage) -> bool {
    let (host, admin) = (stage.host, stage.log.admin);
    let begun: Result<Result<(), InvoiceError>, Reject> =
        stage.log.net.update(host, admin, "rebuildProjection", (Payments::NAME.to_owned(),));
    matches!(begun, Ok(Ok(())))
}

fn status(stage: &mut Stage) -> ProjectionStatus {
    let mut all: Vec<ProjectionStatus> =
        stage.log.net.query(stage.host, Principal::anonymous(), "getProjectionStatus", ()).unwrap();
    all.remove(0)
}

/// The outcome of a rebuild, of which the first events come from an archive.
fn rebuilt(stage: &mut Stage) -> Option<RebuildOutcome> {
    let before = status(stage).last_rebuild.map(|outcome| outcome.event);
    if !ask_rebuild(stage) {
        return None;
    }
    for _ in 0..PATIENCE {
        pass(&mut stage.log.net, 1, LOOK);
        let ProjectionStatus { rebuild, last_rebuild, .. } = status(stage);
        let outcome = last_rebuild.filter(|outcome| Some(outcome.event) != before);
        if rebuild.is_none() && outcome.is_some() {
            return outcome;
        }
    }
    None
}

/// I12: at rest the host has applied all of its feed, whatever was rebuilt meanwhile was equal, and what it serves,
/// what it makes anew, and what these `events` fold to are one.
pub fn check(stage: &mut Stage, events: &[Event], found: &mut Vec<String>) {
    let mut native = Indexes::default();
    if let Err(fault) = events.iter().try_for_each(|event| native.apply(event)) {
        return found.push(format!("I12: {fault}"));
    }
    if events.iter().any(|event| matches!(&event.payload, Payload::ProjectionRebuilt(rebuilt) if !rebuilt.equal)) {
        found.push("I12: a rebuild was not equal to what was served".to_owned());
    }
    let index = native.get(Payments::NAME).unwrap();
    let status = status(stage);
    if status.checkpoint.as_ref() != index.checkpoint() || status.parked.is_some() || status.rebuild.is_some() {
        return found.push(format!("I12: the host is at rest with {status:?}, its feed at {:?}", index.checkpoint()));
    }
    match rebuilt(stage) {
        Some(outcome) if [outcome.served, outcome.rebuilt] == [index.digest(); 2] => {}
        outcome => found.push(format!("I12: rebuilt as {outcome:?}, natively {}", index.digest())),
    }
}
