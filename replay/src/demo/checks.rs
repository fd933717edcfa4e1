//! Whether ledger, network and log agree: each deployment's money, each contract's owner, what people got from whom.

use super::account::{Course, Ending};
use super::payouts::Payout;
use super::scene::Scene;
use super::uses::CONTENT;
use crate::platform::account;
use anyhow::{Context, Result};
use cairn_events::topic::Service;
use cairn_events::{Amount, Hash, Payload, Principal};
use std::collections::BTreeSet;

/// What the demo must at least have shown.
const USERS: usize = 25;
const DEPLOYMENTS: usize = 40;

/// Checks everything; what is wrong goes to the scene's problems.
pub fn run(scene: &mut Scene<'_>, courses: &[Course], payouts: &[Payout]) -> Result<()> {
    let users = courses.iter().map(|course| course.owner).collect::<BTreeSet<_>>().len();
    let refunded = courses.iter().filter(|course| matches!(course.ending, Ending::Refunded { .. })).count();
    scene.expect(users >= USERS, || format!("only {users} users"));
    scene.expect(courses.len() >= DEPLOYMENTS, || format!("only {} deployments", courses.len()));
    scene.expect(refunded > 0, || "nothing was refunded".to_owned());
    let published = published(scene)?;
    for course in courses {
        money(scene, course)?;
        delivery(scene, course, &published)?;
    }
    contents(scene, courses, payouts)?;
    treasury(scene, courses)?;
    purses(scene, courses, payouts)
}

/// No escrow account holds anything any more.
fn money(scene: &mut Scene<'_>, course: &Course) -> Result<()> {
    let escrow = course.escrow(scene.platform.backend);
    let left = scene.platform.balance(escrow)?;
    let id = course.id;
    scene.expect(left == Amount::ZERO, || format!("escrow of {id} holds {left}"));
    let ended = matches!(course.ending, Ending::Delivered { .. } | Ending::Refunded { .. } | Ending::Unpaid);
    scene.expect(ended, || format!("deployment {id} has not ended as it should: {:?}", course.ending));
    Ok(())
}

/// The modules of all templates.
fn published(scene: &mut Scene<'_>) -> Result<BTreeSet<Hash>> {
    let templates = scene.platform.events()?.iter().filter_map(|event| match &event.payload {
        Payload::TemplatePublished(template) => Some(template.module_hash),
        _ => None,
    });
    Ok(templates.collect())
}

/// What was delivered runs a published template, is listed, and belongs to its factory and to its owner; or to itself,
/// where other people's money lies.
fn delivery(scene: &mut Scene<'_>, course: &Course, published: &BTreeSet<Hash>) -> Result<()> {
    let Some(contract) = course.delivered() else { return Ok(()) };
    let (owner, is_token) = (course.owner, course.service == Service::Token);
    let factory = scene.platform.factory_of(course.service).context("a contract of a kind that is not sold")?;
    let module = scene.platform.net.module_hash(contract).map(Hash);
    let runs = module.is_some_and(|module| published.contains(&module));
    scene.expect(runs, || format!("{contract} runs {module:?}"));
    let controllers: BTreeSet<_> = scene.platform.net.controllers(contract).unwrap_or_default().into_iter().collect();
    let expected = BTreeSet::from([factory, if is_token { owner } else { contract }]);
    scene.expect(controllers == expected, || format!("{contract} is controlled by {controllers:?}"));
    if is_token {
        let holding = scene.platform.balance_at(contract, account(owner))?;
        scene.expect(holding > Amount::ZERO, || format!("the owner of {contract} holds nothing of it"));
    }
    let listed = scene.platform.is_listed(factory, owner, contract)?;
    scene.expect(listed, || format!("{contract} is not among its owner's contracts"));
    Ok(())
}

/// Every wallet, lock and airdrop has paid whom it was to pay, once, and holds the rest.
fn contents(scene: &mut Scene<'_>, courses: &[Course], payouts: &[Payout]) -> Result<()> {
    let others = courses.iter().filter(|course| course.service != Service::Token).filter_map(Course::delivered);
    let (delivered, used): (BTreeSet<Principal>, BTreeSet<Principal>) =
        (others.collect(), scene.uses.iter().map(|used| used.contract).collect());
    scene.expect(delivered == used, || format!("delivered are {delivered:?}, in use {used:?}"));
    let fee = scene.platform.ledger_fee;
    for used in scene.uses.clone() {
        let (name, contract) = (used.wish.name, used.contract);
        let of_contract = payouts.iter().filter(|payout| payout.contract == contract);
        let paid: Vec<_> = of_contract.map(|payout| (payout.to, payout.amount)).collect();
        let expected = used.payouts(fee);
        scene.expect(paid == expected, || format!("{name} paid {paid:?}, and was to pay {expected:?}"));
        let gone: u128 = paid.iter().map(|(_, amount)| amount.0 + fee.0).sum();
        let left = scene.platform.balance(account(contract))?.0;
        scene.expect(left + gone == CONTENT.0, || format!("{name} got {CONTENT}, {gone} are gone, {left} are there"));
    }
    Ok(())
}

/// The treasury has the price of every delivery.
fn treasury(scene: &mut Scene<'_>, courses: &[Course]) -> Result<()> {
    let delivered = courses.iter().filter_map(Course::delivered).count();
    let expected = Amount(scene.platform.price.0 * delivered as u128);
    let found = scene.platform.balance(scene.platform.treasury)?;
    scene.expect(found == expected, || format!("the treasury has {found}, {delivered} deliveries make {expected}"));
    Ok(())
}

/// Everybody has what they were given and paid, but for the price of what was delivered to them. What they put into
/// contracts was given to them for that.
fn purses(scene: &mut Scene<'_>, courses: &[Course], payouts: &[Payout]) -> Result<()> {
    let (price, fee) = (scene.platform.price, scene.platform.ledger_fee);
    for person in scene.people.clone() {
        let of_person = courses.iter().filter(|course| course.owner == person.id);
        let spent = |course: &Course| match course.ending {
            Ending::Delivered { .. } => price.0 + 2 * fee.0,
            Ending::Refunded { .. } => 2 * fee.0,
            _ => 0,
        };
        let spent: u128 = of_person.map(spent).sum();
        let received = payouts.iter().filter(|payout| payout.to == person.id);
        let received: u128 = received.map(|payout| payout.amount.0).sum();
        let given = scene.platform.cost().0 * person.orders;
        let found = scene.platform.balance(account(person.id))?.0;
        let name = person.name;
        scene.expect(found + spent == given + received, || {
            format!("{name} got {given} and {received}, spent {spent} and has {found}")
        });
    }
    Ok(())
}
