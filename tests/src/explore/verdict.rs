//! What must hold after a flow, whatever went wrong in it: every invariant, once everything has come to rest.

use super::{Flow, Sightings, Stage, contracts, cutover, effects, private, stage};
use crate::invariants::{self, End, World};
use crate::witness::witness;
use crate::{page, rest};
use anyhow::{Context as _, ensure};
use cairn::index::Indexes;
use cairn::platform::{Platform, account};
use cairn::verify::verify_answer;
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_events::{Amount, Event, Payload, Principal, Topic, WriterRole};
use cairn_kit::api::audit::AuditError;
use cairn_kit::api::backend::BackendError;
use localnet::explore::Subject as _;
use localnet::management_types::CanisterStatusType;
use localnet::{Action, Costs, Fault, MessageKind};
use std::collections::BTreeMap;

/// Past the ledger's window and drift, in seconds.
const WINDOW: u64 = 26 * 3_600;
/// A little more than the backend's round, in seconds.
const ROUND: u64 = 910;
/// Deployments that one caller may ask for per day, and events of one whose payment failed.
const MAX_PER_DAY: u64 = 50;
const EVENTS_OF_A_FAILURE: u64 = 3;
/// Gauges that are zero at rest (I13), and alarms that must be silent.
const ZERO_AT_REST: [&str; 8] = [
    "journal_waiting",
    "journal_in_flight",
    "journal_fork_alarm",
    "backend_at_work",
    "backend_unfinished",
    "factory_worked_on",
    "factory_open_deployments",
    "factory_open_upgrades",
];

/// Ends the faults, brings everything to rest, and names what is violated.
pub(super) fn violations(flow: Flow, stage: &mut Stage, seen: &Sightings) -> Vec<String> {
    examine(flow, stage, seen).unwrap_or_else(|error| vec![format!("I13: {error:#}")])
}

fn examine(flow: Flow, stage: &mut Stage, seen: &Sightings) -> anyhow::Result<Vec<String>> {
    stage.net().clear_faults();
    let mut found = Vec::new();
    own(stage)?;
    stage.confirm();
    revive(stage)?;
    stage.platform.settle()?;
    stage.platform.pass(WINDOW);
    if let Some(seen) = &seen.private {
        private::check(stage, seen, &mut found)?;
    }
    asks_again(stage, &mut found)?;
    stage.platform.settle()?;
    let world = witness(&mut stage.platform)?;
    found.extend(invariants::violations(&world));
    proven(stage, &world, &mut found)?;
    seen.check(&stage.platform, &world, &mut found);
    effects::check(&stage.platform, &world, &mut found);
    ended(flow, stage, &world, &mut found)?;
    supply(&mut stage.platform, &world, &mut found)?;
    cycles(stage, &world, &mut found);
    indexes(&mut stage.platform, &world, &mut found)?;
    contracts::check(stage, &world, &mut found)?;
    stage.wanted.check(stage, &world, &mut found)?;
    quotas(stage, &world, &mut found);
    idle(&mut stage.platform, &mut found)?;
    rest::certified(&mut stage.platform, &mut found)?;
    if flow == Flow::Rebuilt {
        cutover::check(&mut stage.platform, &mut found)?;
    }
    rest::stoppable(&mut stage.platform, &mut found);
    Ok(found)
}

/// The owner of a token, whose own request may have gone astray, starts it.
fn own(stage: &mut Stage) -> anyhow::Result<()> {
    let buyer = stage.buyer;
    for contract in stage.net().canisters() {
        let is_running = stage.net().canister_status(contract) == Some(CanisterStatusType::Running);
        let is_owned = stage.net().controllers(contract).is_some_and(|all| all.contains(&buyer));
        if is_owned && !is_running {
            stage.net().start_canister(contract, buyer)?;
        }
    }
    Ok(())
}

/// The network forgets the timer of a canister if the message that it starts traps. Nothing in the canister can know,
/// until the next request comes: that must set it again, and then everything goes on.
fn revive(stage: &mut Stage) -> anyhow::Result<()> {
    let is_lost = |fault: &Fault| fault.kind == Some(MessageKind::Timer) && fault.action == Action::Trap;
    let lost: Vec<Principal> =
        stage.net().struck_faults().iter().filter(|fault| is_lost(fault)).filter_map(|fault| fault.callee).collect();
    stage.platform.net.run_until_idle(1_000);
    // A contract may have been reclaimed since.
    let idle = |id: &Principal| {
        stage.platform.net.global_timer(*id).is_none() && stage.platform.net.module_hash(*id).is_some()
    };
    let mut asleep: Vec<Principal> = lost.into_iter().filter(idle).collect();
    // Who sleeps itself wakes nobody.
    asleep.sort_by_key(|canister| *canister != stage.platform.backend);
    for canister in asleep {
        let hosted = stage.platform.hosts().into_iter().find(|(_, host)| *host == canister);
        let is_factory = stage.platform.factories().iter().any(|(_, id)| *id == canister);
        if canister != stage.platform.backend && (hosted.is_some() || is_factory) {
            // The backend wakes those who follow the log.
            stage.platform.pass(ROUND);
            ensure!(stage.platform.net.global_timer(canister).is_some(), "{canister} was not waked");
        } else if let Some((name, _)) = hosted {
            stage.platform.rebuild(name)?;
        } else if canister == stage.platform.audit {
            // Refused, like all that a stranger asks for.
            let arguments = (Principal::anonymous(), WriterRole::Host);
            let stranger = Principal::anonymous();
            let _: Result<(), AuditError> = stage.net().update(canister, stranger, "registerWriter", arguments)?;
        } else if canister != stage.platform.ledger {
            stage.wanted.rouse(stage, canister)?;
        }
    }
    Ok(())
}

/// I11: all about the deployment, or that there is nothing, comes with its proof, and is what the log has.
fn proven(stage: &mut Stage, world: &World, found: &mut Vec<String>) -> anyhow::Result<()> {
    let topic = Topic::Deployment(stage.deployment());
    let about = About::Topics(vec![topic]);
    let question = Question { about, span: Span::default(), order: Order::OldestFirst, limit: 100, since: None };
    let (audit, policy) = (stage.platform.audit, stage.platform.policy());
    let answer = stage.platform.ask::<Answer, AuditError>(audit, "getAnswer", (&question,))?;
    let of_topic: Vec<Event> = world.events.iter().filter(|event| Topic::of(event).contains(&topic)).cloned().collect();
    match verify_answer(&question, &answer, &policy, None) {
        Ok(answered) if answered.findings.events == of_topic && answered.findings.rest.is_none() => {}
        Ok(answered) => {
            let proven = answered.findings.events.len();
            found.push(format!("I11: {proven} events are proven of the deployment, {} are in the log", of_topic.len()));
        }
        Err(failure) => found.push(format!("I11: what the log answers is not so: {failure}")),
    }
    Ok(())
}

/// I14: whoever asks again, with the same request, hears of the same deployment; nobody is locked out.
fn asks_again(stage: &mut Stage, found: &mut Vec<String>) -> anyhow::Result<()> {
    let (pending, id) = (stage.ask(), stage.deployment());
    stage.platform.settle()?;
    match stage.platform.answer(&pending).context("the buyer hears nothing")?? {
        Ok(record) if record.id == id => {}
        Ok(record) => found.push(format!("I14: asked again for {id}, answered for {}", record.id)),
        // The template quoted is no longer offered: an order that was never recorded has to be quoted anew.
        Err(BackendError::Request(_))
            if stage.platform.events()?.iter().all(|e| e.payload.deployment() != Some(id)) => {}
        Err(refusal) => found.push(format!("I14: asked again, the buyer is refused: {refusal}")),
    }
    Ok(())
}

/// I2, I5: the deployment has ended in one of the ways it can, and the payer has paid for what came of it.
fn ended(flow: Flow, stage: &mut Stage, world: &World, found: &mut Vec<String>) -> anyhow::Result<()> {
    let ends = invariants::ends(&world.events);
    let end = ends.get(&stage.deployment()).copied();
    let is_final = |end: &End| !matches!(end, End::Open | End::Quarantined);
    if ends.len() > flow.deployments() || !ends.values().all(is_final) {
        found.push(format!("I5: {flow:?} ended as {ends:?}"));
    }
    let factory = stage.platform.factory;
    let undisturbed = stage.net().struck_faults().iter().all(|fault| Flow::is_staged(fault, factory));
    if undisturbed && end != Some(flow.end()) {
        found.push(format!("I5: {flow:?} ended as {ends:?}, though nothing went wrong"));
    }
    let (Amount(price), Amount(funds)) = (stage.platform.price, stage.funds);
    // As quoted: somebody who had to ask twice may have been quoted another fee.
    let Amount(fee) = world
        .events
        .iter()
        .find_map(|event| match &event.payload {
            Payload::DeploymentRequested(request) => Some(request.ledger_fee),
            _ => None,
        })
        .unwrap_or(stage.platform.ledger_fee);
    let refund: u128 = world
        .events
        .iter()
        .rev()
        .find_map(|event| match &event.payload {
            Payload::RefundIntended(intended) => Some(intended.transfer.amount.0),
            _ => None,
        })
        .unwrap_or_default();
    let expected = match end {
        None | Some(End::NotCaptured) => funds,
        Some(End::Refunded) => funds - price - 2 * fee + refund,
        Some(_) => funds - price - 2 * fee,
    };
    let buyer = stage.buyer;
    let Amount(held) = stage.platform.balance(account(buyer))?;
    if held != expected {
        found.push(format!("I2: the payer had {funds} and has {held}; {end:?} leaves {expected}"));
    }
    if end == Some(End::Refunded) && refund + 3 * fee < price {
        found.push(format!("I5: {refund} refunded of {price}"));
    }
    Ok(())
}

/// I4: the treasury has what was released, and all balances are the total supply.
fn supply(platform: &mut Platform, world: &World, found: &mut Vec<String>) -> anyhow::Result<()> {
    let balances = crate::ledger::balances(&world.blocks).context("negative balances")?;
    let sum: u128 = balances.values().map(|amount| amount.0).sum();
    let total: candid::Nat = platform.net.query(platform.ledger, Principal::anonymous(), "icrc1_total_supply", ())?;
    if total != sum {
        found.push(format!("I4: the balances are {sum} in all, the supply is {total}"));
    }
    let released: u128 =
        world.blocks.iter().filter(|block| block.to == Some(platform.treasury)).map(|block| block.amount.0).sum();
    let treasury = platform.treasury;
    let Amount(held) = platform.balance(treasury)?;
    if held != released {
        found.push(format!("I4: {released} released, the treasury has {held}"));
    }
    Ok(())
}

/// I8: cycles went into creations and nowhere else.
fn cycles(stage: &Stage, world: &World, found: &mut Vec<String>) {
    let created = world.canisters.len().saturating_sub(stage.canisters) as u128;
    let (before, now) = (stage.cycles, stage::cycles(&stage.platform.net));
    if now + created * Costs::creation_only().creation != before {
        found.push(format!("I8: {before} cycles became {now}, {created} canisters were created"));
    }
}

/// I12: every index stands where its feed ends, and none is parked.
fn indexes(platform: &mut Platform, world: &World, found: &mut Vec<String>) -> anyhow::Result<()> {
    let mut native = Indexes::default();
    world.events.iter().try_for_each(|event| native.apply(event))?;
    for (name, _) in platform.hosts() {
        let status = platform.projection(name)?;
        let index = native.get(name).context("no such projection")?;
        if status.checkpoint.as_ref() != index.checkpoint() || status.parked.is_some() {
            found.push(format!("I12: {name} stands at {:?}, its feed at {:?}", status.checkpoint, index.checkpoint()));
        }
    }
    Ok(())
}

/// I16: who never paid has nothing in the log but requests within the quota, and how they failed.
fn quotas(stage: &Stage, world: &World, found: &mut Vec<String>) {
    let mut events: BTreeMap<Principal, (u64, bool)> = BTreeMap::new();
    for event in &world.events {
        let (count, has_paid) = events.entry(event.actor).or_default();
        *count += 1;
        *has_paid |= matches!(event.payload, Payload::PaymentCaptured(_));
    }
    let ours: Vec<Principal> = stage.platform.canisters().into_iter().map(|(_, id)| id).collect();
    for (actor, (count, has_paid)) in events {
        let is_ours = actor == stage.platform.admin || ours.contains(&actor);
        if !is_ours && !has_paid && count > MAX_PER_DAY * EVENTS_OF_A_FAILURE {
            found.push(format!("I16: {count} events of {actor}, who never paid"));
        }
    }
}

/// I13: nothing waits, nothing is held, and the timers that are needed are set.
fn idle(platform: &mut Platform, found: &mut Vec<String>) -> anyhow::Result<()> {
    for (package, id) in platform.canisters().into_iter().filter(|(package, _)| *package != "token") {
        if package != "audit_storage" && platform.net.global_timer(id).is_none() {
            found.push(format!("I13: no timer is set in {package}"));
        }
        for (name, value) in page::gauges(&mut platform.net, id)? {
            if ZERO_AT_REST.iter().any(|gauge| name.ends_with(gauge)) && value != "0" {
                found.push(format!("I13: {package} at rest has {name} = {value}"));
            }
        }
    }
    Ok(())
}
