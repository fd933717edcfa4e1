//! What happens: refusals, an ordinary morning, an outage, upgrades under load, a template withdrawn in between.

use super::people::{self, Wish, symbol};
use super::scene::{Answers, Scene};
use crate::artifacts;
use crate::platform::{Order, Pending, Platform, account, token, user};
use anyhow::{Context, Result};
use cairn_events::{Amount, Event, Payload, Principal};
use cairn_kit::api::backend::{AgreedPrice, BackendError, DeploymentStatus};
use cairn_kit::api::factory::FactoryError;
use cairn_projections::payments::Settlement;
use localnet::{Fault, RejectCode};

/// Requests of each wave.
const MORNING: usize = 16;
const OUTAGE: usize = 14;
const UPGRADES: usize = 14;
/// Which of the installations fail in the outage.
const FAILING: [u64; 5] = [2, 4, 7, 8, 11];
/// Rounds that the wave is ahead of the first upgrade, and rounds between upgrades.
const HEAD_START: u64 = 9;
const BETWEEN: u64 = 6;

/// Everything, in order.
pub fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut wishes = people::wishes().into_iter();
    refusals(scene)?;
    let first = wave(&mut wishes, MORNING);
    morning(scene, &first)?;
    outage(scene, &wave(&mut wishes, OUTAGE))?;
    upgrades(scene, &wave(&mut wishes, UPGRADES))?;
    withdrawn_template(scene, &wishes.collect::<Vec<_>>())?;
    trade(scene)?;
    scene.tell("Everything comes to rest.");
    scene.platform.settle()
}

fn wave(wishes: &mut impl Iterator<Item = Wish>, size: usize) -> Vec<Wish> {
    wishes.by_ref().take(size).collect()
}

fn order(platform: &Platform, wish: &Wish) -> Order {
    platform.order(token(wish.owner, wish.name, &symbol(wish.name)))
}

fn submit(platform: &mut Platform, wish: &Wish, order: Order) -> Pending {
    platform.submit_create_token(wish.owner, order, &format!("order {}", wish.name))
}

fn submit_all(scene: &mut Scene<'_>, wishes: &[Wish]) -> Vec<Pending> {
    let each = |wish: &Wish| {
        let order = order(&scene.platform, wish);
        submit(&mut scene.platform, wish, order)
    };
    wishes.iter().map(each).collect()
}

/// What is refused before any money moves, and leaves no trace in the log.
fn refusals(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell("Some try what cannot be:");
    let before = scene.platform.tip()?.size;
    let (mallory, owner) = (user("Mallory"), user("Ada"));
    let platform = &mut scene.platform;
    let plain = |who: Principal| token(who, "Nugget", "NUGGET");
    let fair = platform.order(plain(owner));
    let agreed = fair.agreed;
    let cheap = AgreedPrice { max_price: Amount(agreed.max_price.0 - 1), ..agreed };
    let elsewhere = AgreedPrice { ledger: platform.factory, ..agreed };
    platform.fund(mallory, platform.ledger_fee)?;
    platform.approve(mallory, platform.cost())?;
    let attempts: [(&str, Principal, Order); 7] = [
        ("nothing approved", user("Trudy"), platform.order(plain(user("Trudy")))),
        ("approved, but broke", mallory, platform.order(plain(mallory))),
        ("one unit below the price", owner, Order { agreed: cheap, ..fair.clone() }),
        ("another token to pay in", owner, Order { agreed: elsewhere, ..fair.clone() }),
        ("a symbol out of bounds", owner, platform.order(token(owner, "Nugget", "n"))),
        ("balances that do not add up", owner, unbalanced(fair.clone())),
        ("no identity", Principal::anonymous(), fair),
    ];
    for (what, who, order) in attempts {
        let answer = scene.platform.create_token(who, order, "attempt")?;
        refusal(scene, what, answer.err());
    }
    let after = scene.platform.tip()?.size;
    scene.expect(after == before, || format!("refusals left {} events", after - before));
    Ok(())
}

fn unbalanced(mut order: Order) -> Order {
    order.token.total_supply = Amount(order.token.total_supply.0 + 1);
    order
}

fn refusal(scene: &mut Scene<'_>, what: &str, error: Option<BackendError>) {
    match error {
        Some(error) => {
            scene.refused += 1;
            scene.tell(format!("  {what}: {error}"));
        }
        None => scene.expect(false, || format!("{what}: was not refused")),
    }
}

/// Everybody at once, nothing goes wrong. Asking again gives the same, or is refused.
fn morning(scene: &mut Scene<'_>, wishes: &[Wish]) -> Result<()> {
    let count = wishes.len();
    scene.tell(format!("{count} people ask for a token, all at the same time."));
    let wave = submit_all(scene, wishes);
    let answers = scene.answers(&wave)?;
    scene.tell(format!("  {answers}"));
    scene
        .expect(answers == Answers { delivered: count as u64, ..Answers::default() }, || format!("morning: {answers}"));
    let wish = wishes.first().context("a wave without wishes")?;
    let (request, id) = (format!("order {}", wish.name), wish.owner);
    let repeated = order(&scene.platform, wish);
    let again = scene.platform.create_token(id, repeated.clone(), &request)?;
    let same = again.is_ok_and(|view| matches!(view.status, DeploymentStatus::Delivered { .. }));
    scene.expect(same, || "a repeated request did not get the same record".to_owned());
    scene.tell("  the same request again: the same token, paid once");
    let mut other = repeated;
    other.token.name = "Something else".to_owned();
    let answer = scene.platform.create_token(id, other, &request)?;
    refusal(scene, "the same request id for something else", answer.err());
    scene.platform.settle()?;
    invoice(scene, wish)?;
    scene.platform.await_capacity(u64::from(super::scene::POOL))
}

/// Shows an invoice, as its payer sees it.
fn invoice(scene: &mut Scene<'_>, wish: &Wish) -> Result<()> {
    let id = scene.platform.deployment_id(wish.owner, &format!("order {}", wish.name));
    let answer = scene.platform.invoice(wish.owner, id)?;
    let invoice = answer.content;
    let block = |settlement: Option<Settlement>| settlement.and_then(|settlement| settlement.block);
    let (Some(captured), Some(released)) = (block(invoice.captured), block(invoice.released)) else {
        scene.expect(false, || format!("the invoice for {} is not settled: {invoice:?}", wish.name));
        return Ok(());
    };
    let (price, reflects) = (invoice.price, answer.checkpoint.map_or(0, |checkpoint| checkpoint.index));
    scene.tell(format!(
        "  the invoice for {}: {price}, into escrow with block {captured}, to the treasury with block {released} (as of \
         event {reflects})",
        wish.name
    ));
    Ok(())
}

/// Installations fail: what was paid for and cannot be delivered goes back.
fn outage(scene: &mut Scene<'_>, wishes: &[Wish]) -> Result<()> {
    scene.tell(format!("An outage: of {} installations, {} are refused by the network.", wishes.len(), FAILING.len()));
    let method = installation(&scene.platform).context("nothing was ever installed")?;
    for occurrence in FAILING {
        let fault = Fault::reject(RejectCode::CanisterError).caller(scene.platform.factory).method(&method);
        scene.platform.net.inject(fault.occurrence(occurrence));
    }
    let wave = submit_all(scene, wishes);
    let answers = scene.answers(&wave)?;
    scene.tell(format!("  {answers}"));
    let failing = FAILING.len() as u64;
    scene.expect(answers.refunded == failing && answers.open == 0, || format!("outage: {answers}"));
    let missed = scene.platform.net.pending_faults().count();
    scene.platform.net.clear_faults();
    scene.expect(missed == 0, || format!("{missed} planned faults never struck"));
    scene.platform.settle()?;
    scene.tell("  every price that bought nothing is back with its payer");
    scene.platform.await_capacity(u64::from(super::scene::POOL))
}

/// The method of the management canister by which the factory installs: whole modules, or chunks of large ones.
fn installation(platform: &Platform) -> Option<String> {
    let mut calls = platform.net.trace().iter().filter(|entry| entry.caller == platform.factory);
    calls.find(|entry| entry.method.starts_with("install_")).map(|entry| entry.method.clone())
}

/// New code for every canister while payments and deliveries are on their way; nobody is stopped before.
fn upgrades(scene: &mut Scene<'_>, wishes: &[Wish]) -> Result<()> {
    let count = wishes.len();
    scene.tell(format!("{count} people ask; meanwhile every canister is upgraded, without being stopped:"));
    let wave = submit_all(scene, wishes);
    tick(&mut scene.platform, HEAD_START);
    for (package, id) in scene.platform.canisters() {
        let open = scene.platform.net.open_calls(id);
        scene.platform.upgrade(package, id)?;
        scene.upgraded += 1;
        scene.tell(format!("  {package:<16} upgraded, {open} of its calls open"));
        tick(&mut scene.platform, BETWEEN);
    }
    scene.platform.settle()?;
    let mut answers = Answers::default();
    let mut lost = 0;
    for (wish, pending) in wishes.iter().zip(&wave) {
        let answer = match scene.platform.answer(pending) {
            Some(Ok(answer)) => answer,
            // The call did not survive its canister's upgrade; what it began did. Asking again tells.
            _ => {
                lost += 1;
                let order = order(&scene.platform, wish);
                scene.platform.create_token(wish.owner, order, &pending.request_id)?
            }
        };
        answers.count(answer);
    }
    scene.tell(format!("  {lost} callers were cut off, and got their record by asking again: {answers}"));
    let all = Answers { delivered: count as u64, ..Answers::default() };
    scene.expect(answers == all, || format!("upgrades: {answers}"));
    scene.platform.settle()?;
    scene.platform.await_capacity(u64::from(super::scene::POOL))
}

/// A new template is withdrawn after payment: who was quoted it gets the money back, not another token.
fn withdrawn_template(scene: &mut Scene<'_>, wishes: &[Wish]) -> Result<()> {
    let before = scene.platform.template;
    scene.platform.template = scene.platform.release("1.1.0", &improved(artifacts::wasm("token")?))?;
    scene.tell(format!(
        "Template 1.1.0 is proposed by one admin, confirmed by another, published after the delay. {} people insist on \
         it; it is withdrawn just after they paid.",
        wishes.len()
    ));
    let (factory, admin) = (scene.platform.factory, scene.platform.admin);
    let seen = scene.platform.tip()?.size;
    let wave: Vec<Pending> = wishes.iter().map(|wish| quoted(&mut scene.platform, wish)).collect();
    while !requested_since(scene.platform.events()?, seen) {
        scene.platform.net.tick();
    }
    let arguments = ("1.1.0".to_owned(), "a fault was found".to_owned());
    scene.platform.call::<(), FactoryError>(factory, admin, "withdrawTemplate", arguments)?;
    scene.platform.template = before;
    let answers = scene.answers(&wave)?;
    scene.tell(format!("  template 1.0.0 is sold again; {answers}"));
    Ok(())
}

/// The same code with a note in it: another module hash.
fn improved(module: Vec<u8>) -> Vec<u8> {
    artifacts::annotated(module, "version", b"1.1.0")
}

fn quoted(platform: &mut Platform, wish: &Wish) -> Pending {
    let mut order = order(platform, wish);
    order.agreed.template = Some(platform.template);
    submit(platform, wish, order)
}

fn requested_since(events: &[Event], before: u64) -> bool {
    let since = events.iter().filter(|event| event.index >= before);
    since.into_iter().any(|event| matches!(event.payload, Payload::PaymentIntended(_)))
}

/// Tokens change hands; the factory hears who holds some.
fn trade(scene: &mut Scene<'_>) -> Result<()> {
    let delivered: Vec<(Principal, Principal)> = scene
        .platform
        .events()?
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::ContractRegistered(registered) => Some((registered.contract, registered.owner)),
            _ => None,
        })
        .collect();
    let people: Vec<Principal> = scene.people.iter().map(|person| person.id).collect();
    let mut trades = 0;
    for ((contract, owner), buyer) in delivered.iter().zip(people.iter().rev().cycle()) {
        if owner != buyer {
            scene.platform.transfer_on(*contract, *owner, account(*buyer), Amount(1_000_000))?;
            trades += 1;
        }
    }
    scene.tell(format!("{trades} of the new tokens change hands; the factory learns their holders."));
    Ok(())
}

fn tick(platform: &mut Platform, rounds: u64) {
    for _ in 0..rounds {
        platform.net.tick();
    }
}
