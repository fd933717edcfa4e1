//! What must hold after a move, whatever went wrong in it: once the faults have ended and everything is at rest.

use crate::archiving::{configure, pass, policy, settings, status};
use crate::stage::{KEEP, MOVED, MOVING, RANGE, Stage};
use crate::{erasure, host};
use cairn::export::export;
use cairn::verify::verify_each;
use cairn_events::{Event, Payload, Principal, WriterRole};
use cairn_kit::api::archive::Holdings;
use cairn_kit::api::audit::{AuditError, AuditRequestError};
use cairn_kit::api::invoice::InvoiceError;
use cairn_tests::page;
use localnet::{Action, Net, Reject};
use std::time::Duration;

/// Longer than the longest back-off.
const LONG: Duration = Duration::from_secs(3_700);
/// What a canister lives on for a long time.
const CYCLES: u128 = 100_000_000_000_000;
/// Gauges that are zero at rest.
const ZERO_AT_REST: [&str; 5] =
    ["audit_open_intents", "audit_topics_lag", "journal_waiting", "journal_in_flight", "journal_fork_alarm"];

/// Ends the faults, brings everything to rest, and names what is violated. The canisters are stopped afterwards.
pub fn violations(stage: &mut Stage) -> Vec<String> {
    let mut found = Vec::new();
    settle(stage, &mut found);
    let audit = stage.log.audit;
    let file = match export(&mut stage.log.net, audit, |_, _| {}) {
        Ok(file) => file,
        Err(error) => {
            found.push(format!("I11: no export: {error:#}"));
            return found;
        }
    };
    let (policy, mut events) = (policy(&mut stage.log.net, audit), Vec::new());
    match verify_each(&file, &policy, |event, _| events.push(event.clone())) {
        Ok(verdict) => stage.told.check(&mut stage.log.net, &verdict, &events, &mut found),
        Err(failure) => found.push(format!("I11: the export does not verify: {failure}")),
    }
    archives(stage, &events, &mut found);
    erasure::check(stage, &events, &file, &mut found);
    host::check(stage, &events, &mut found);
    idle(stage, &mut found);
    stoppable(&mut stage.log.net, &mut found);
    found
}

/// Ends the faults. Whoever asked for something that was lost asks again; who ran out of cycles is given some.
fn settle(stage: &mut Stage, found: &mut Vec<String>) {
    let (audit, admin) = (stage.log.audit, stage.log.admin);
    stage.log.net.clear_faults();
    for id in [audit, stage.host] {
        if let Err(reject) = stage.log.net.add_cycles(id, CYCLES) {
            found.push(format!("I13: {id} takes no cycles: {reject}"));
        }
    }
    stage.log.net.run_until_idle(300);
    revive(stage, found);
    pass(&mut stage.log.net, 4, LONG);
    // An admin asks again, too, if it is not known what became of a canister.
    let standing = status(&mut stage.log.net, audit);
    if standing.settings.is_none() || standing.step.starts_with("halted") {
        configure(&mut stage.log.net, audit, admin, &settings(KEEP, RANGE));
        pass(&mut stage.log.net, 4, LONG);
    }
    for number in [MOVED, MOVING] {
        let gone = matches!(stage.opening(number), Err(AuditError::Request(AuditRequestError::Erased { .. })));
        if gone {
            continue;
        }
        if !stage.erase(number) {
            found.push("I14: asked again, the log does not erase".to_owned());
        }
        pass(&mut stage.log.net, 2, LONG);
    }
}

/// The network forgets a canister's timer if the message that it sets off traps: the next request, though refused, sets
/// it again; whoever follows the log is waked by the backend.
fn revive(stage: &mut Stage, found: &mut Vec<String>) {
    let (audit, host, admin) = (stage.log.audit, stage.host, stage.log.admin);
    let net = &mut stage.log.net;
    let lost = [audit, host].map(|id| net.global_timer(id).is_none());
    let traps = |action: &Action| matches!(action, Action::Trap | Action::RefuseGrowth(_));
    if lost.contains(&true) && !net.struck_faults().iter().any(|fault| traps(&fault.action)) {
        found.push("I13: a timer is lost, and nothing trapped".to_owned());
    }
    if lost[0] {
        let arguments = (Principal::anonymous(), WriterRole::Host);
        let _: Result<Result<(), AuditError>, Reject> =
            net.update(audit, Principal::anonymous(), "registerWriter", arguments);
    }
    if lost[1] {
        let _: Result<Result<(), InvoiceError>, Reject> = net.update(host, admin, "wake", ());
    }
}

/// I7, I9, I13: each canister is an archive of the log's or was recorded as perhaps lost, archives have what the log
/// has given up, and nothing that should be moved is left.
fn archives(stage: &mut Stage, events: &[Event], found: &mut Vec<String>) {
    let net = &mut stage.log.net;
    let standing = status(net, stage.log.audit);
    let mut expect = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    let movable = (events.len() as u64).saturating_sub(KEEP + standing.kept_from);
    expect(movable < RANGE, format!("I13: {movable} events are not moved: {standing:?}"));
    let count = |fits: fn(&Payload) -> bool| events.iter().filter(|event| fits(&event.payload)).count();
    let created = count(|payload| matches!(payload, Payload::ArchiveCreated(_)));
    let unresolved = count(|payload| matches!(payload, Payload::ArchiveUnresolved(_)));
    let intended = count(|payload| matches!(payload, Payload::ArchiveIntended(_)));
    expect(
        intended == created + unresolved,
        format!("I9: {intended} intended, {created} created, {unresolved} unresolved"),
    );
    expect(created == 1, format!("I7: {created} archives"));
    let others = net.canisters().len() - [stage.log.audit, stage.host].len();
    expect(
        others >= created && others <= created + unresolved,
        format!("I7: {others} canisters beside the log and its host"),
    );
    for archive in &standing.archives {
        let held: Holdings = net.query(archive.archive, Principal::anonymous(), "getHoldings", ()).unwrap();
        expect(held.from == archive.from && held.until >= archive.until, format!("I7: {held:?} for {archive:?}"));
    }
}

/// I13: timers are set, nothing waits, and nobody complains.
fn idle(stage: &mut Stage, found: &mut Vec<String>) {
    for (name, id) in [("the log", stage.log.audit), ("the host", stage.host)] {
        let net = &mut stage.log.net;
        if net.global_timer(id).is_none() {
            found.push(format!("I13: no timer is set in {name}"));
        }
        let (status_code, health) = page::get(net, id, "/health").unwrap();
        if status_code != 200 {
            found.push(format!("I13: {name} says: {health}"));
        }
        for (gauge, value) in page::gauges(net, id).unwrap() {
            if ZERO_AT_REST.contains(&gauge.as_str()) && value != "0" {
                found.push(format!("I13: {name} at rest has {gauge} = {value}"));
            }
        }
    }
}

/// I13: no canister waits for an answer, so each of them stops.
fn stoppable(net: &mut Net, found: &mut Vec<String>) {
    for id in net.canisters() {
        let controller = net.controllers(id).and_then(|all| all.first().copied());
        if controller.is_none_or(|controller| net.stop(id, controller).is_err()) {
            found.push(format!("I13: {id} does not stop"));
        }
    }
}
