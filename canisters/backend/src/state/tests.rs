//! The fold of our own events.

use super::*;
use crate::memory;
use cairn_events::Hash;
use cairn_events::payload::*;
use cairn_events::topic::Service;
use serde_bytes::ByteBuf;

fn principal(n: u8) -> Principal {
    Principal::from_slice(&[n, 1])
}

fn recorded(seq: u64, time: u64, payload: Payload) -> Recorded {
    let receipt = Receipt { index: seq * 2, hash: Hash([1; 32]), stream_version: seq, timestamp: Timestamp(time) };
    Recorded { receipt, source_seq: seq, actor: principal(1), correlation: None, causation: None, payload }
}

fn request(n: u8) -> DeploymentRequested {
    DeploymentRequested {
        deployment: DeploymentId(Hash([n; 32])),
        owner: principal(1),
        service: Service::Token,
        factory: principal(2),
        request: Hash([1; 32]),
        args: ByteBuf::from(vec![1, 2, 3]),
        ledger: principal(3),
        price: Amount(1000),
        ledger_fee: Amount(10),
        from: Account { owner: principal(1), subaccount: None },
        treasury: Account { owner: principal(4), subaccount: None },
        billing: None,
    }
}

use cairn_events::Amount;

#[test]
fn refolded_beside_it_is_the_same() {
    let (mut one, mut other) = (State::afresh(memory::DECISIONS), State::afresh(memory::REFOLDED));
    let events = [
        recorded(1, 5, Payload::AdminGranted(AdminGranted { admin: principal(6) })),
        recorded(2, 5, Payload::MaintenanceConfigured(MaintenanceConfigured { maintenance: true })),
        recorded(3, 5, Payload::DeploymentRequested(request(1))),
        recorded(4, 6, Payload::DeploymentRequested(request(2))),
    ];
    let empty = one.digest();
    events.iter().for_each(|event| one.apply(event));
    // The families are folded one after the other: what is in one does not depend on the other.
    [2, 3, 0, 1].iter().for_each(|at| other.apply(&events[*at]));
    assert_eq!(one.digest(), other.digest());
    assert_ne!(one.digest(), empty);
    let failed = TransferFailed { deployment: request(2).deployment, reason: Reason::new("x", "") };
    other.apply(&recorded(5, 7, Payload::PaymentFailed(failed)));
    assert_ne!(one.digest(), other.digest());
    assert_eq!(State::afresh(memory::REFOLDED).digest(), empty, "begun anew");
}

#[test]
fn quotas_follow_the_events() {
    let mut state = State::afresh(memory::DECISIONS);
    let me = principal(1);
    for n in 1..=3 {
        state.apply(&recorded(u64::from(n), DAY + 5, Payload::DeploymentRequested(request(n))));
    }
    let standing = state.standing(me, Timestamp(DAY + 9));
    assert_eq!((standing.unfinished, standing.today, standing.unfinished_in_all), (3, 3, 3));
    assert_eq!(state.standing(me, Timestamp(2 * DAY)).today, 0, "a new day");
    assert_eq!(state.standing(principal(7), Timestamp(DAY + 9)).unfinished, 0);
    let failed = TransferFailed { deployment: request(2).deployment, reason: Reason::new("x", "") };
    state.apply(&recorded(4, DAY + 6, Payload::PaymentFailed(failed)));
    let standing = state.standing(me, Timestamp(DAY + 9));
    assert_eq!((standing.unfinished, standing.today, standing.unfinished_in_all), (2, 3, 2));
    let ids = state.unfinished_after(None, 10);
    assert_eq!(ids, [request(1).deployment, request(3).deployment]);
    assert_eq!(state.unfinished_after(Some(ids[0]), 10), [ids[1]]);
    state.apply(&recorded(5, 2 * DAY + 6, Payload::DeploymentRequested(request(4))));
    assert_eq!(state.standing(me, Timestamp(2 * DAY + 9)).today, 1);
    assert_eq!(state.deployments(), 4);
    let four = state.deployment(request(4).deployment).unwrap();
    assert_eq!((four.request, four.progress.requested), (request(4), 10));
}

#[test]
fn others_events_change_nothing() {
    let mut state = State::afresh(memory::DECISIONS);
    let id = request(1).deployment;
    state.apply(&recorded(1, 5, Payload::DeploymentRequested(request(1))));
    let before = state.deployment(id).unwrap();
    let delivered = DeliveryCommitted {
        deployment: request(9).deployment,
        contract: principal(5),
        owner: principal(1),
        module_hash: Hash([1; 32]),
    };
    state.apply(&recorded(2, 6, Payload::DeliveryCommitted(delivered)));
    assert_eq!(state.deployment(id).unwrap(), before);
    assert_eq!(state.deployment(request(9).deployment), None);
}

#[test]
fn admins_and_configuration_are_folded() {
    let mut state = State::afresh(memory::DECISIONS);
    state.apply(&recorded(1, 5, Payload::AdminGranted(AdminGranted { admin: principal(6) })));
    state.apply(&recorded(2, 5, Payload::MaintenanceConfigured(MaintenanceConfigured { maintenance: true })));
    let (service, factory) = (Service::Token, principal(2));
    state.apply(&recorded(3, 5, Payload::ServiceConfigured(ServiceConfigured { service, factory, enabled: true })));
    assert!(state.admins().contains(principal(6)));
    state.apply(&recorded(4, 6, Payload::AdminGranted(AdminGranted { admin: principal(7) })));
    state.apply(&recorded(5, 6, Payload::AdminRevoked(AdminRevoked { admin: principal(6) })));
    assert_eq!(state.admins().all(), [principal(7)]);
    assert!(state.config().maintenance);
    assert_eq!(state.config().factories().collect::<Vec<_>>(), [principal(2)]);
}
