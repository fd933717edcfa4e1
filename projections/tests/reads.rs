//! What projections answer is what the log says, computed here in the plainest way.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use cairn_events::payload::{Notification, Payload, Role, TransferIntended};
use cairn_events::testing::{BACKEND, LEDGER, PEOPLE, principal, story};
use cairn_events::topic::Service;
use cairn_events::{Amount, DeploymentId, Event, Kind, Principal};
use cairn_projections::contracts::{Filter, Listed};
use cairn_projections::{ALL, MemoryTables, Moment, Page, Progress, contracts, deployments, payments, users};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn tables(name: &str, events: &[Event]) -> MemoryTables {
    let projection = ALL.iter().find(|projection| projection.name == name).unwrap();
    let mut tables = MemoryTables::default();
    for event in events.iter().filter(|event| event.payload.kind().families().contains(&projection.family)) {
        (projection.apply)(&mut tables, event);
    }
    tables
}

fn people() -> impl Iterator<Item = Principal> {
    (0..12).map(|number| principal(PEOPLE + number))
}

/// Every page in turn.
fn pages<R>(limit: usize, page: impl Fn(Option<Moment>, usize) -> Page<R>) -> Vec<R> {
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let Page { rows: more, next } = page(cursor, limit);
        assert!(more.len() <= limit);
        rows.extend(more);
        match next {
            Some(next) => cursor = Some(next),
            None => return rows,
        }
    }
}

/// As [`pages`], of a list that is counted.
fn listed<R>(limit: usize, page: impl Fn(Option<Moment>, usize) -> Listed<R>) -> Vec<R> {
    pages(limit, |cursor, limit| {
        let Listed { rows, next, .. } = page(cursor, limit);
        Page { rows, next }
    })
}

/// The deployments asked for by `owner` (or anyone), the newest first, with the events on their streams.
fn courses(events: &[Event], owner: Option<Principal>) -> Vec<(DeploymentId, Vec<&Event>)> {
    let requested = events.iter().rev().filter_map(|event| match &event.payload {
        Payload::DeploymentRequested(request) if owner.is_none_or(|owner| owner == request.owner) => {
            Some(request.deployment)
        }
        _ => None,
    });
    let stream = |id: DeploymentId| {
        events.iter().filter(move |event| event.stream == cairn_events::Stream::Deployment(id)).collect()
    };
    requested.map(|id| (id, stream(id))).collect()
}

fn has(course: &[&Event], kind: Kind) -> bool {
    course.iter().any(|event| event.payload.kind() == kind)
}

/// What the last intent of this kind moves, if its outcome `settled` stands in the course.
fn moved(
    course: &[&Event],
    intended: fn(&Payload) -> Option<&TransferIntended>,
    settled: Kind,
) -> Option<(Amount, Amount)> {
    let transfer = &course.iter().filter_map(|event| intended(&event.payload)).next_back()?.transfer;
    has(course, settled).then_some((transfer.amount, transfer.fee))
}

fn payment(payload: &Payload) -> Option<&TransferIntended> {
    if let Payload::PaymentIntended(intended) = payload { Some(intended) } else { None }
}

fn refund(payload: &Payload) -> Option<&TransferIntended> {
    if let Payload::RefundIntended(intended) = payload { Some(intended) } else { None }
}

fn release(payload: &Payload) -> Option<&TransferIntended> {
    if let Payload::ReleaseIntended(intended) = payload { Some(intended) } else { None }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn deployments_are_those_of_the_log(seed: u64, number in 1u64..25, limit in 1usize..8) {
        let log = story(seed, number);
        let tables = tables("deployments", &log.events);
        for owner in people() {
            let expected = courses(&log.events, Some(owner));
            let rows = pages(limit, |cursor, limit| deployments::by_owner(&tables, owner, cursor, limit));
            prop_assert_eq!(rows.len(), expected.len());
            for (row, (id, course)) in rows.iter().zip(&expected) {
                prop_assert_eq!((row.id, row.owner, row.service), (*id, owner, Service::Token));
                let last = course.last().unwrap();
                prop_assert_eq!(Some(row.progress), Progress::after(last.payload.kind()));
                prop_assert_eq!((row.requested, row.updated), (Moment::of(course[0]), Moment::of(last)));
                prop_assert_eq!(row.contract.is_some(), has(course, Kind::DeliveryCommitted));
                let history = pages(limit, |cursor, limit| deployments::history(&tables, *id, cursor, limit));
                let kinds: Vec<&str> = course.iter().rev().map(|event| event.payload.kind().btype()).collect();
                prop_assert_eq!(history.iter().map(|step| step.event.as_str()).collect::<Vec<_>>(), kinds);
                prop_assert_eq!(deployments::deployment(&tables, *id), Some(row.clone()));
            }
        }
        let all = pages(limit, |cursor, limit| deployments::by_time(&tables, cursor, limit));
        prop_assert_eq!(all.len() as u64, number);
        for line in deployments::counts(&tables) {
            let there = all.iter().filter(|row| row.progress == line.progress).count();
            prop_assert_eq!(line.deployments, there as u64, "{:?}", line.progress);
        }
    }

    #[test]
    fn payments_are_those_of_the_log(seed: u64, number in 1u64..25, limit in 1usize..8) {
        let log = story(seed, number);
        let tables = tables("payments", &log.events);
        let mut sums = BTreeMap::from([("captured", (0, 0, 0)), ("refunded", (0, 0, 0)), ("released", (0, 0, 0))]);
        for payer in people() {
            let expected = courses(&log.events, Some(payer));
            let rows = pages(limit, |cursor, limit| payments::by_payer(&tables, payer, cursor, limit));
            prop_assert_eq!(rows.len(), expected.len());
            for (row, (id, course)) in rows.iter().zip(&expected) {
                prop_assert_eq!((row.deployment, row.payer), (*id, payer));
                prop_assert_eq!(payments::invoice(&tables, *id), Some(row.clone()));
                for (name, settlement, expected) in [
                    ("captured", row.captured, moved(course, payment, Kind::PaymentCaptured)),
                    ("refunded", row.refunded, moved(course, refund, Kind::RefundPaid)),
                    ("released", row.released, moved(course, release, Kind::EscrowReleased)),
                ] {
                    prop_assert_eq!(settlement.map(|settled| (settled.terms.amount, settled.terms.fee)), expected, "{}", name);
                    if let Some((amount, fee)) = expected {
                        let sum = sums.get_mut(name).unwrap();
                        *sum = (sum.0 + 1, sum.1 + amount.0, sum.2 + fee.0);
                    }
                }
                prop_assert!(row.refunded.is_none() || row.released.is_none(), "never both");
            }
        }
        let takings = payments::takings(&tables, principal(LEDGER));
        let days = payments::days(&tables, principal(LEDGER), 0, 100);
        for (name, pick) in [
            ("captured", (|takings| takings.captured) as fn(&payments::Takings) -> payments::Tally),
            ("refunded", |takings| takings.refunded),
            ("released", |takings| takings.released),
        ] {
            let tally = pick(&takings);
            prop_assert_eq!((tally.count, tally.amount.0, tally.fees.0), sums[name], "{}", name);
            prop_assert_eq!(days.iter().map(|day| pick(&day.takings).count).sum::<u64>(), tally.count);
            prop_assert_eq!(days.iter().map(|day| pick(&day.takings).amount.0).sum::<u128>(), tally.amount.0);
        }
        prop_assert!(days.is_sorted_by(|a, b| a.day < b.day));
        prop_assert_eq!(payments::days(&tables, principal(BACKEND), 0, 100), vec![]);
        let counts = payments::counts(&tables);
        prop_assert_eq!((counts.issued, counts.captured), (number, takings.captured.count));
        prop_assert_eq!((counts.refunded, counts.released), (takings.refunded.count, takings.released.count));
    }

    #[test]
    fn users_are_those_of_the_log(seed: u64, number in 1u64..25, limit in 1usize..8) {
        let log = story(seed, number);
        let tables = tables("users", &log.events);
        let mut known = 0;
        for principal in people() {
            let courses = courses(&log.events, Some(principal));
            let user = users::user(&tables, principal);
            prop_assert_eq!(user.is_some(), !courses.is_empty());
            let Some(user) = user else { continue };
            known += 1;
            let count = |kind| courses.iter().filter(|(_, course)| has(course, kind)).count() as u64;
            prop_assert_eq!(user.deployments, courses.len() as u64);
            prop_assert_eq!((user.delivered, user.refunded), (count(Kind::DeliveryCommitted), count(Kind::RefundPaid)));
            prop_assert_eq!(user.first_seen, Moment::of(courses.last().unwrap().1[0]));
            prop_assert_eq!(user.last_seen, Moment::of(courses[0].1[0]));
            let paid: u128 = courses.iter().filter_map(|(_, course)| moved(course, payment, Kind::PaymentCaptured)).map(|(amount, fee)| amount.0 + fee.0).sum();
            let back: u128 = courses.iter().filter_map(|(_, course)| moved(course, refund, Kind::RefundPaid)).map(|(amount, _)| amount.0).sum();
            let spending = users::spending(&tables, principal);
            let sum = spending.first().map_or((0, 0), |spending| (spending.paid.0, spending.refunded.0));
            prop_assert!(spending.len() <= 1, "one ledger");
            prop_assert_eq!(sum, (paid, back));
        }
        prop_assert_eq!(users::counts(&tables).users, known);
        let all = pages(limit, |cursor, limit| users::by_time(&tables, cursor, limit));
        prop_assert_eq!(all.len() as u64, known);
        prop_assert!(all.is_sorted_by(|a, b| a.first_seen > b.first_seen), "the newest first");
        prop_assert_eq!(users::counts(&tables).served, all.iter().filter(|user| user.delivered > 0).count() as u64);
    }

    #[test]
    fn contracts_are_those_of_the_log(seed: u64, number in 1u64..25, limit in 1usize..8) {
        let log = story(seed, number);
        let tables = tables("contracts", &log.events);
        let registered: Vec<(&Event, _)> = log.events.iter().rev().filter_map(|event| match &event.payload {
            Payload::ContractRegistered(registered) => Some((event, registered)),
            _ => None,
        }).collect();
        let mut holders: BTreeMap<Principal, BTreeSet<Principal>> = BTreeMap::new();
        for event in &log.events {
            let Payload::CallbackAccepted(callback) = &event.payload else { continue };
            let of = holders.entry(callback.contract).or_default();
            match callback.notification {
                Notification::HolderAdded(holder) => drop(of.insert(holder)),
                Notification::HolderRemoved(holder) => drop(of.remove(&holder)),
                _ => {}
            }
        }
        let all = listed(limit, |cursor, limit| contracts::by_service(&tables, Service::Token, Filter::ALL, cursor, limit));
        prop_assert_eq!(all.len(), registered.len());
        for (row, (event, registered)) in all.iter().zip(&registered) {
            prop_assert_eq!((row.contract, row.owner, &row.name, &row.symbol), (registered.contract, registered.owner, &registered.name, &registered.symbol));
            prop_assert_eq!(row.registered, Moment::of(event));
            let expected = holders.get(&row.contract).cloned().unwrap_or_default();
            prop_assert_eq!(row.holders, expected.len() as u64);
            let found: BTreeSet<Principal> = contracts::roles(&tables, row.contract, None, 100).rows.iter().map(|role| role.person).collect();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(contracts::contract(&tables, row.contract), Some(row.clone()));
        }
        let public = listed(limit, |cursor, limit| contracts::by_service(&tables, Service::Token, Filter::PUBLIC, cursor, limit));
        prop_assert_eq!(&public, &all.iter().filter(|row| row.public).cloned().collect::<Vec<_>>());
        prop_assert!(listed(limit, |cursor, limit| contracts::by_service(&tables, Service::Dao, Filter::ALL, cursor, limit)).is_empty());
        for row in &all {
            let about = listed(limit, |cursor, limit| contracts::by_token(&tables, (row.contract, Service::Token), Filter::ALL, cursor, limit));
            prop_assert_eq!(about, vec![row.clone()], "a token is about itself");
        }
        for person in people() {
            let created = listed(limit, |cursor, limit| contracts::by_creator(&tables, (person, Service::Token), Filter::ALL, cursor, limit));
            prop_assert_eq!(created, all.iter().filter(|row| row.owner == person).cloned().collect::<Vec<_>>());
            let held = listed(limit, |cursor, limit| contracts::by_role(&tables, (person, Role::Holder, Service::Token), Filter::ALL, cursor, limit));
            let held: BTreeSet<Principal> = held.iter().map(|row| row.contract).collect();
            let expected: BTreeSet<Principal> = holders.iter().filter(|(_, of)| of.contains(&person)).map(|(contract, _)| *contract).collect();
            prop_assert_eq!(held, expected);
        }
        let counts = contracts::counts(&tables);
        let number_of = |kind| log.events.iter().filter(|event| event.payload.kind() == kind).count() as u64;
        prop_assert_eq!(counts.listed, all.len() as u64);
        prop_assert_eq!(counts.public, public.len() as u64);
        prop_assert_eq!(counts.empty, number_of(Kind::ContractReclaimed), "reclaimed canisters are not used again in this story");
        prop_assert_eq!(counts.unresolved, number_of(Kind::CreationUnresolved));
        let canisters = counts.empty + counts.assigned + counts.installed + counts.delivered + counts.listed;
        prop_assert_eq!(canisters, number_of(Kind::ContractCreated));
    }
}

/// A canister that was reclaimed after it had told holders: nothing of its former life is found.
#[test]
fn a_reclaimed_canister_has_no_past() {
    use cairn_events::payload::{CallbackAccepted, ContractReclaimed, Reason};
    use cairn_events::testing::FACTORY;
    let mut log = story(5, 8);
    let contract = principal(777_777);
    let deployment = log.events.iter().find_map(|event| event.payload.deployment()).unwrap();
    let (factory, holder) = (principal(FACTORY), principal(PEOPLE + 50));
    let before = tables("contracts", &log.events);
    log.append(factory, factory, Payload::ContractCreated(cairn_events::payload::ContractCreated { contract }));
    let empty = tables("contracts", &log.events);
    for seq in 1..=250 {
        let notification = Notification::HolderAdded(principal(PEOPLE + 50 + seq));
        log.append(
            factory,
            contract,
            Payload::CallbackAccepted(CallbackAccepted { contract, epoch: 1, seq, notification }),
        );
    }
    let notification = Notification::HolderAdded(holder);
    log.append(
        factory,
        contract,
        Payload::CallbackAccepted(CallbackAccepted { contract, epoch: 1, seq: 251, notification }),
    );
    assert_eq!(tables("contracts", &log.events).len(), empty.len() + 251, "no list has it before it is registered");
    let reason = Reason::new("abandoned", "too late");
    log.append(factory, factory, Payload::ContractReclaimed(ContractReclaimed { contract, deployment, reason }));
    let after = tables("contracts", &log.events);
    assert_eq!(after.len(), empty.len());
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(contracts::state(&after, contract), Some(contracts::CanisterState::Empty));
    assert_eq!(contracts::role(&after, contract, Role::Holder, holder), None);
    assert_eq!(contracts::counts(&after).reclaimed, contracts::counts(&before).reclaimed + 1);
}
