//! Whether ledger, network and log agree: each deployment's money, each token's owner.

use super::account::{Course, Ending};
use super::scene::Scene;
use crate::platform::account;
use anyhow::Result;
use cairn_events::Amount;
use std::collections::BTreeSet;

/// What the demo must at least have shown.
const USERS: usize = 25;
const DEPLOYMENTS: usize = 40;

/// Checks everything; what is wrong goes to the scene's problems.
pub fn run(scene: &mut Scene<'_>, courses: &[Course]) -> Result<()> {
    let users = courses.iter().map(|course| course.owner).collect::<BTreeSet<_>>().len();
    let refunded = courses.iter().filter(|course| matches!(course.ending, Ending::Refunded { .. })).count();
    scene.expect(users >= USERS, || format!("only {users} users"));
    scene.expect(courses.len() >= DEPLOYMENTS, || format!("only {} deployments", courses.len()));
    scene.expect(refunded > 0, || "nothing was refunded".to_owned());
    for course in courses {
        money(scene, course)?;
        delivery(scene, course)?;
    }
    treasury(scene, courses)
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

/// A delivered token runs a published template, and belongs to the factory and its owner.
fn delivery(scene: &mut Scene<'_>, course: &Course) -> Result<()> {
    let Ending::Delivered { contract } = course.ending else { return Ok(()) };
    let controllers: BTreeSet<_> = scene.platform.net.controllers(contract).unwrap_or_default().into_iter().collect();
    let expected = BTreeSet::from([scene.platform.factory, course.owner]);
    scene.expect(controllers == expected, || format!("{contract} is controlled by {controllers:?}"));
    let holding = scene.platform.balance_at(contract, account(course.owner))?;
    scene.expect(holding > Amount::ZERO, || format!("the owner of {contract} holds nothing of it"));
    let listed = scene.platform.is_listed(course.owner, contract)?;
    scene.expect(listed, || format!("{contract} is not among its owner's contracts"));
    Ok(())
}

/// The treasury has the price of every delivery, and everybody else has theirs back.
fn treasury(scene: &mut Scene<'_>, courses: &[Course]) -> Result<()> {
    let (price, fee) = (scene.platform.price, scene.platform.ledger_fee);
    let delivered = courses.iter().filter(|course| matches!(course.ending, Ending::Delivered { .. })).count();
    let expected = Amount(price.0 * delivered as u128);
    let found = scene.platform.balance(scene.platform.treasury)?;
    scene.expect(found == expected, || format!("the treasury has {found}, {delivered} deliveries make {expected}"));
    for person in scene.people.clone() {
        let of_person = |course: &&Course| course.owner == person.id;
        let spent: u128 = courses
            .iter()
            .filter(of_person)
            .map(|course| match course.ending {
                Ending::Delivered { .. } => price.0 + 2 * fee.0,
                Ending::Refunded { .. } => 2 * fee.0,
                _ => 0,
            })
            .sum();
        let given = scene.platform.cost().0 * person.orders;
        let found = scene.platform.balance(account(person.id))?.0;
        let name = person.name;
        scene.expect(found + spent == given, || format!("{name} got {given}, spent {spent} and has {found}"));
    }
    Ok(())
}
