//! What one event may cost a host: rows touched, bytes kept.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use cairn_events::payload::*;
use cairn_events::testing::{FACTORY, TestLog, principal, story};
use cairn_events::topic::Service;
use cairn_events::{Amount, Commitment, DeploymentId, Event, Hash, Payload, Principal};
use cairn_projections::tables::{MAX_KEY, Row};
use cairn_projections::{ALL, MemoryTables, Order, Tables};
use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Bound;

/// Rows that one event may read or write.
const MAX_TOUCHED: u64 = 32;
/// As many more if it decides whether strangers may see a contract: every beginning of its name is counted.
const MAX_NAMED: u64 = 64;
/// Rows that settling may touch for each entry.
const MAX_SETTLED: u64 = 16;
/// Bytes of the largest row.
const MAX_ROW: usize = 1_300;

/// Tables that count.
#[derive(Default)]
struct Counting {
    rows: MemoryTables,
    touched: Cell<u64>,
}

impl Counting {
    fn touch(&self, rows: u64) {
        self.touched.set(self.touched.get() + rows);
    }
}

impl Tables for Counting {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.touch(1);
        self.rows.get(key)
    }
    fn insert(&mut self, key: Vec<u8>, row: Vec<u8>) {
        assert!(key.len() <= MAX_KEY, "key of {} bytes", key.len());
        assert!(row.len() <= MAX_ROW, "row of {} bytes in table {}", row.len(), key[0]);
        self.touch(1);
        self.rows.insert(key, row);
    }
    fn remove(&mut self, key: &[u8]) {
        self.touch(1);
        self.rows.remove(key);
    }
    fn scan(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, order: Order, limit: usize) -> Vec<Row> {
        let rows = self.rows.scan(from, to, order, limit);
        self.touch(1 + rows.len() as u64);
        rows
    }
}

/// Whether the event may move a contract into or out of what strangers see.
fn is_named(event: &Event) -> bool {
    match &event.payload {
        Payload::ContractRegistered(_) | Payload::ContractReclaimed(_) => true,
        Payload::CallbackAccepted(callback) => matches!(callback.notification, Notification::VisibilityChanged(_)),
        _ => false,
    }
}

/// Follows `log` in all projections; the most rows that an event touched.
fn most_touched(log: &TestLog) -> u64 {
    let mut most = 0;
    for projection in ALL {
        let mut tables = Counting::default();
        for event in log.events.iter().filter(|event| event.payload.kind().families().contains(&projection.family)) {
            tables.touched.set(0);
            (projection.begin)(&mut tables, event);
            let named = if is_named(event) { MAX_NAMED } else { 0 };
            most = most.max(tables.touched.get().saturating_sub(named));
            loop {
                tables.touched.set(0);
                let settled = (projection.settle)(&mut tables, 1);
                assert!(tables.touched.get() <= MAX_SETTLED, "{} rows for one entry", tables.touched.get());
                if settled {
                    break;
                }
            }
        }
    }
    most
}

#[test]
fn an_event_touches_few_rows_however_many_there_are() {
    for deployments in [1, 10, 300] {
        let most = most_touched(&story(42, deployments));
        assert!(most <= MAX_TOUCHED, "{most} rows after {deployments} deployments");
    }
}

/// A principal as long as they get.
fn long(number: u8) -> Principal {
    Principal::from_slice(&[number; 29])
}

fn account(number: u8) -> Account {
    Account { owner: long(number), subaccount: Some(Subaccount([number; 32])) }
}

#[test]
fn the_largest_fields_fit_in_keys_and_rows() {
    let mut log = TestLog::begin(principal(1), long(2), [7; 32]);
    let (backend, factory, deployment) = (long(2), principal(FACTORY), DeploymentId(Hash([0xff; 32])));
    let owner = long(3);
    let contract = long(4);
    let reason =
        Reason { code: "c".repeat(Reason::MAX_CODE), detail: "d".repeat(Reason::MAX_DETAIL), digest: Hash([1; 32]) };
    let transfer = Transfer {
        ledger: long(5),
        from: account(3),
        to: account(6),
        amount: Amount(u128::MAX),
        fee: Amount(u128::MAX),
        memo: Bytes32::new([1; 32]),
        created_at: log.now,
    };
    let intended = TransferIntended { deployment, transfer, attempt: u32::MAX };
    let settled = TransferSettled { deployment, block: Some(u64::MAX), evidence: Evidence::Duplicate };
    let failed = TransferFailed { deployment, reason: reason.clone() };
    let requested = DeploymentRequested {
        deployment,
        owner,
        service: Service::Distribution,
        factory: long(7),
        request: Hash([1; 32]),
        args: vec![0xff; DeploymentRequested::MAX_ARGS].into(),
        ledger: long(5),
        price: Amount(u128::MAX),
        ledger_fee: Amount(u128::MAX),
        from: account(3),
        treasury: account(6),
        billing: Some(Commitment(Hash([1; 32]))),
    };
    let money = [
        Payload::DeploymentRequested(requested),
        Payload::PaymentIntended(intended.clone()),
        Payload::PaymentFailed(failed.clone()),
        Payload::PaymentIntended(intended.clone()),
        Payload::PaymentCaptured(settled.clone()),
        Payload::DeploymentAbandoned(DeploymentAbandoned { deployment, reason: reason.clone() }),
        Payload::RefundIntended(intended.clone()),
        Payload::RefundFailed(failed.clone()),
        Payload::RefundIntended(intended.clone()),
        Payload::RefundPaid(settled.clone()),
        Payload::ReleaseIntended(intended.clone()),
        Payload::ReleaseFailed(failed),
        Payload::ReleaseIntended(intended.clone()),
        Payload::EscrowReleased(settled.clone()),
        // Sums beyond what 128 bits hold stay at the largest number.
        Payload::ReleaseIntended(intended),
        Payload::EscrowReleased(settled),
    ];
    for payload in money {
        log.append(backend, owner, payload);
    }
    let registered = ContractRegistered {
        contract,
        deployment,
        service: Service::Distribution,
        owner,
        controllers: (0..ContractRegistered::MAX_CONTROLLERS as u8).map(long).collect(),
        name: "n".repeat(ContractRegistered::MAX_NAME),
        symbol: Some("s".repeat(ContractRegistered::MAX_SYMBOL)),
        token: Some(long(10)),
        public: true,
        epoch: u64::MAX,
    };
    let told = |notification| {
        Payload::CallbackAccepted(CallbackAccepted { contract, epoch: u64::MAX, seq: u64::MAX, notification })
    };
    let controllers = registered.controllers.clone();
    let observed = ContractObserved { contract, module_hash: Some(Hash([9; 32])), controllers, known: false };
    let answered = |answer| Payload::RoleAnswered(RoleAnswered { contract, role: Role::Participant, answer });
    let module_hash = Hash([9; 32]);
    let life = [
        Payload::ContractCreated(ContractCreated { contract }),
        Payload::ContractInstalled(ContractInstalled { contract, deployment, module_hash }),
        Payload::DeliveryCommitted(DeliveryCommitted { deployment, contract, owner, module_hash }),
        Payload::ContractRegistered(registered),
        Payload::ContractObserved(observed),
        told(Notification::ParticipantAdded(long(3))),
        told(Notification::HolderAdded(long(8))),
        answered(RoleAnswer::Accepted),
        answered(RoleAnswer::Hidden),
        told(Notification::StatusChanged(ContractStatus::Completed)),
        told(Notification::VisibilityChanged(false)),
        told(Notification::VisibilityChanged(true)),
        Payload::ContractReclaimed(ContractReclaimed { contract, deployment, reason }),
    ];
    for payload in life {
        log.append(factory, owner, payload);
    }
    assert!(most_touched(&log) <= MAX_TOUCHED);
}
