//! What happens: refusals, an ordinary morning, an outage, upgrades under load, a template withdrawn in between, and an
//! evening on which everybody gets what is theirs.

use super::orders::{submit, submit_all, submit_token, token_order};
use super::people::{self, Wish};
use super::scene::{Answers, Scene};
use super::uses;
use crate::artifacts;
use crate::platform::{Order, Pending, Platform, account, token, user, wallet};
use anyhow::{Context, Result};
use cairn_events::topic::Service;
use cairn_events::{Amount, Event, Payload, Principal};
use cairn_kit::api::backend::{AgreedPrice, BackendError, DeploymentStatus};
use cairn_kit::api::factory::FactoryError;
use cairn_projections::payments::Settlement;
use localnet::{Fault, RejectCode};

/// Requests of each wave: for tokens, and for the rest.
const MORNING: (usize, usize) = (16, 3);
const OUTAGE: (usize, usize) = (14, 1);
const UPGRADES: (usize, usize) = (14, 2);
/// Which of the installations fail in the outage: of tokens, and of wallets.
const FAILING: [(Service, &[u64]); 2] = [(Service::Token, &[2, 4, 7, 8, 11]), (Service::Multisig, &[1])];
/// Rounds that the wave is ahead of the first upgrade, and rounds between upgrades.
const HEAD_START: u64 = 9;
const BETWEEN: u64 = 6;

/// Everything, in order.
pub fn run(scene: &mut Scene<'_>) -> Result<()> {
    let (mut tokens, mut others) = (people::tokens().into_iter(), people::others().into_iter());
    let mut wave = |(some, more)| tokens.by_ref().take(some).chain(others.by_ref().take(more)).collect::<Vec<Wish>>();
    refusals(scene)?;
    morning(scene, &wave(MORNING))?;
    outage(scene, &wave(OUTAGE))?;
    upgrades(scene, &wave(UPGRADES))?;
    withdrawn_template(scene, &wave((usize::MAX, 0)))?;
    trade(scene)?;
    uses::end(scene)?;
    scene.tell("Everything comes to rest.");
    scene.platform.settle()
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
    let closed = scene.platform.order_wallet(wallet("Closed", &[owner, mallory], 3));
    let answer = scene.platform.create_wallet(owner, closed, "attempt")?;
    refusal(scene, "a wallet of two that needs three", answer.err());
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
    scene.tell(format!("{count} people ask for tokens, a wallet, a lock and an airdrop, all at the same time."));
    let wave = submit_all(scene, wishes)?;
    let answers = scene.answers(&wave)?;
    scene.tell(format!("  {answers}"));
    scene
        .expect(answers == Answers { delivered: count as u64, ..Answers::default() }, || format!("morning: {answers}"));
    let wish = wishes.first().context("a wave without wishes")?;
    let (request, id) = (wish.request(), wish.owner);
    let repeated = token_order(&scene.platform, wish);
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
    uses::begin(scene, wishes)?;
    scene.platform.await_capacity(u64::from(super::scene::POOL))
}

/// Shows an invoice, as its payer sees it.
fn invoice(scene: &mut Scene<'_>, wish: &Wish) -> Result<()> {
    let id = scene.platform.deployment_id(wish.owner, &wish.request());
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
    let failing: u64 = FAILING.iter().map(|(_, occurrences)| occurrences.len() as u64).sum();
    scene.tell(format!("An outage: of {} installations, {failing} are refused by the network.", wishes.len()));
    for (service, occurrences) in FAILING {
        let factory = scene.platform.factory_of(service).context("what fails is not sold")?;
        let method = installation(&scene.platform, factory).context("nothing was ever installed")?;
        for occurrence in occurrences {
            let fault = Fault::reject(RejectCode::CanisterError).caller(factory).method(&method);
            scene.platform.net.inject(fault.occurrence(*occurrence));
        }
    }
    let wave = submit_all(scene, wishes)?;
    let answers = scene.answers(&wave)?;
    scene.tell(format!("  {answers}"));
    scene.expect(answers.refunded == failing && answers.open == 0, || format!("outage: {answers}"));
    let missed = scene.platform.net.pending_faults().count();
    scene.platform.net.clear_faults();
    scene.expect(missed == 0, || format!("{missed} planned faults never struck"));
    scene.platform.settle()?;
    scene.tell("  every price that bought nothing is back with its payer");
    scene.platform.await_capacity(u64::from(super::scene::POOL))
}

/// The method of the management canister by which a factory installs: whole modules, or chunks of large ones.
fn installation(platform: &Platform, factory: Principal) -> Option<String> {
    let mut calls = platform.net.trace().iter().filter(|entry| entry.caller == factory);
    calls.find(|entry| entry.method.starts_with("install_")).map(|entry| entry.method.clone())
}

/// New code for every canister while payments and deliveries are on their way; nobody is stopped before.
fn upgrades(scene: &mut Scene<'_>, wishes: &[Wish]) -> Result<()> {
    let count = wishes.len();
    scene.tell(format!("{count} people ask; meanwhile every canister is upgraded, without being stopped:"));
    let wave = submit_all(scene, wishes)?;
    tick(&mut scene.platform, HEAD_START);
    for (package, id) in scene.platform.canisters() {
        let open = scene.platform.net.open_calls(id);
        scene.platform.upgrade(package, id)?;
        scene.upgraded += 1;
        scene.tell(format!("  {package:<20} upgraded, {open} of its calls open"));
        tick(&mut scene.platform, BETWEEN);
    }
    scene.platform.settle()?;
    let mut lost = 0;
    let mut asked = Vec::new();
    for (wish, pending) in wishes.iter().zip(wave) {
        if matches!(scene.platform.answer(&pending), Some(Ok(_))) {
            asked.push(pending);
        } else {
            // The call did not survive its canister's upgrade; what it began did. Asking again tells.
            lost += 1;
            asked.push(submit(scene, wish)?);
        }
    }
    let answers = scene.answers(&asked)?;
    scene.tell(format!("  {lost} callers were cut off, and got their record by asking again: {answers}"));
    let all = Answers { delivered: count as u64, ..Answers::default() };
    scene.expect(answers == all, || format!("upgrades: {answers}"));
    scene.platform.settle()?;
    uses::begin(scene, wishes)?;
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
    let mut order = token_order(platform, wish);
    order.agreed.template = Some(platform.template);
    submit_token(platform, wish, order)
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
            Payload::ContractRegistered(registered) if registered.service == Service::Token => {
                Some((registered.contract, registered.owner))
            }
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
