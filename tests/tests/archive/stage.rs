//! What moves are played on: a log with private references in it, and a host that follows it.

use crate::archiving::{MODULE, pass, settings};
use crate::erasure::{ERASED, LASTING, Order, opening};
use crate::host;
use crate::told::Told;
use cairn_events::payload::{Account, DeploymentRequested};
use cairn_events::topic::Service;
use cairn_events::{Amount, Commitment, DeploymentId, Hash, Opening, Payload, Principal, Receipt, Submission};
use cairn_kit::api::audit::AuditError;
use cairn_tests::log_fixture::{LogFixture, callback, person};
use localnet::explore::Subject;
use localnet::{MessageKind, Net, Reject, TraceEntry};
use serde_bytes::ByteBuf;
use std::ops::Range;
use std::time::Duration;

/// Events that the log keeps, at least.
pub const KEEP: u64 = 10;
/// Events in a range that is moved.
pub const RANGE: u64 = 15;

/// The order in the first range,
pub const MOVED: usize = 0;
/// the one in the second,
pub const MOVING: usize = 1;
/// and one whose reference nobody erases.
pub const KEPT: usize = 2;

/// Rounds that the first moves may take.
const PATIENCE: usize = 200;

/// A log that fills three ranges, and what was seen of it.
pub struct Stage {
    /// The log.
    pub log: LogFixture,
    /// The host of the payment projection.
    pub host: Principal,
    /// The orders with a private reference.
    pub orders: Vec<Order>,
    /// What the log has told.
    pub told: Told,
}

impl Subject for Stage {
    fn fork(&self) -> Self {
        let (log, orders, told) = (self.log.fork(), self.orders.clone(), self.told.clone());
        Stage { log, orders, told, host: self.host }
    }

    fn net(&mut self) -> &mut Net {
        &mut self.log.net
    }
}

impl Stage {
    pub fn begin(seed: u64) -> Stage {
        let mut log = LogFixture::begin(seed).unwrap();
        let host = host::install(&mut log);
        let mut stage = Stage { log, host, orders: Vec::new(), told: Told::default() };
        stage.order(1, Some(opening(ERASED, 2)));
        stage.callbacks(1..21);
        stage.order(2, Some(opening(ERASED, 3)));
        stage.order(3, Some(opening(LASTING, 3)));
        stage.callbacks(21..55);
        let (audit, admin, module) = (stage.log.audit, stage.log.admin, ByteBuf::from(MODULE.clone()));
        let uploaded: Result<Hash, AuditError> =
            stage.log.net.update(audit, admin, "uploadArchiveModule", (module,)).unwrap();
        uploaded.unwrap();
        pass(&mut stage.log.net, 1, Duration::from_secs(31));
        stage.look();
        let first = [MOVED, MOVING].map(|number| stage.orders[number].index / RANGE);
        assert_eq!(first, [0, 1], "the orders are not in the first two ranges");
        stage
    }

    /// Archiving is switched on; two references are erased, of one event that is moving and of one that has moved; the
    /// log is written, and the host's index made anew, meanwhile.
    pub fn play(&mut self) {
        let (audit, admin) = (self.log.audit, self.log.admin);
        let _: Result<Result<(), AuditError>, Reject> =
            self.log.net.update(audit, admin, "configureArchiving", (settings(KEEP, RANGE),));
        self.until_sent(2);
        self.erase(MOVING);
        self.erase(MOVED);
        for n in 0..4 {
            self.pass(1);
            match n {
                1 => _ = host::ask_rebuild(self),
                2 => self.order(4, None),
                _ => {}
            }
            self.callbacks(55 + 3 * n..58 + 3 * n);
        }
        self.pass(3);
    }

    /// Rounds until an archive has been sent so many ranges. It has the last one then, and the log has not given it up.
    fn until_sent(&mut self, ranges: usize) {
        let audit = self.log.audit;
        let is_range = |entry: &&TraceEntry| {
            entry.kind == MessageKind::Request && entry.caller == audit && entry.method == "append"
        };
        for _ in 0..PATIENCE {
            if self.log.net.is_idle() || self.log.net.trace().iter().filter(is_range).count() >= ranges {
                return;
            }
            self.log.net.tick();
            self.look();
        }
    }

    fn pass(&mut self, times: usize) {
        for _ in 0..times {
            pass(&mut self.log.net, 1, Duration::from_secs(31));
            self.look();
        }
    }

    /// Has a reference erased; whether it was.
    pub fn erase(&mut self, number: usize) -> bool {
        let erasure = self.orders[number].erasure();
        self.append(self.log.gateway, &[erasure]).is_some()
    }

    /// The opening of a reference, as its buyer is told it.
    pub fn opening(&mut self, number: usize) -> Result<Option<Opening>, AuditError> {
        let Order { buyer, index, opening } = &self.orders[number];
        self.log.net.query(self.log.audit, *buyer, "getOpening", (*index, opening.commitment())).unwrap()
    }

    /// A buyer orders, with a private reference or without.
    fn order(&mut self, n: u64, reference: Option<Opening>) {
        let buyer = person(40 + n);
        let request = request(n, buyer, reference.as_ref().map(Opening::commitment));
        let order = Submission::new(buyer, Payload::DeploymentRequested(request)).exactly(0);
        let order = reference.iter().cloned().fold(order, Submission::opened_by);
        let receipts = self.append(self.log.gateway, &[order]);
        if let (Some(receipts), Some(opening)) = (receipts, reference) {
            self.orders.push(Order { buyer, index: receipts[0].index, opening });
        }
    }

    fn callbacks(&mut self, numbers: Range<u64>) {
        let factory = self.log.factory;
        let batch: Vec<Submission> = numbers.map(|n| callback(factory, n)).collect();
        self.append(factory, &batch);
    }

    fn append(&mut self, writer: Principal, batch: &[Submission]) -> Option<Vec<Receipt>> {
        let receipts = self.log.append(writer, batch).ok();
        self.told.take(receipts.as_deref().unwrap_or_default());
        self.look();
        receipts
    }

    fn look(&mut self) {
        self.told.look(&mut self.log.net, self.log.audit);
    }
}

fn request(n: u64, buyer: Principal, billing: Option<Commitment>) -> DeploymentRequested {
    let account = |owner| Account { owner, subaccount: None };
    DeploymentRequested {
        deployment: DeploymentId(Hash::of(&[b"order", &n.to_be_bytes()])),
        owner: buyer,
        service: Service::Token,
        factory: person(3),
        request: Hash([2; 32]),
        args: ByteBuf::from([1, 2, 3]),
        ledger: person(5),
        price: Amount(100_000),
        ledger_fee: Amount(10),
        from: account(buyer),
        treasury: account(person(6)),
        billing,
    }
}
