//! Logs for tests: properly sealed, kept in the heap.
//!
//! [`TestLog`] does what the audit canister does to submissions (numbers, links, hashes), [`story`] is a seeded
//! run of a whole platform: deployments that succeed, fail and are refunded, and contracts that report.

mod names;
mod records;

pub use names::TestNames;
pub use records::TestRecords;

use crate::payload::*;
use crate::topic::{Service, TopicHead};
use crate::{
    Amount, DeploymentId, Event, Hash, Link, LogId, Payload, Principal, SCHEMA_VERSION, Stream, Timestamp, Topic,
    WriterRole,
};
use std::collections::BTreeMap;

/// A log in the heap.
#[derive(Clone, Debug)]
pub struct TestLog {
    /// Its id.
    pub id: LogId,
    /// The audit canister.
    pub canister: Principal,
    /// What it holds, from event `begin` on.
    pub events: Vec<Event>,
    /// How many events were taken from it.
    pub begin: u64,
    /// The time of the next event; every event advances it by a minute.
    pub now: Timestamp,
    last_hash: Option<Hash>,
    sources: BTreeMap<Principal, u64>,
    streams: BTreeMap<Stream, u64>,
    topics: BTreeMap<Vec<u8>, TopicHead>,
}

impl TestLog {
    /// The log that `canister` begins for the gateway `money_writer`.
    pub fn begin(canister: Principal, money_writer: Principal, seed: [u8; 32]) -> Self {
        let mut log = TestLog {
            id: LogId::derive(canister, &seed),
            canister,
            events: Vec::new(),
            begin: 0,
            now: Timestamp(1_700_000_000_000_000_000),
            last_hash: None,
            sources: BTreeMap::new(),
            streams: BTreeMap::new(),
            topics: BTreeMap::new(),
        };
        let genesis = Genesis { canister, installer: principal(9), money_writer, seed: Bytes32::new(seed) };
        log.append(canister, canister, Payload::Genesis(genesis));
        log
    }

    /// Seals what `source` writes on behalf of `actor`, and returns its index.
    pub fn append(&mut self, source: Principal, actor: Principal, payload: Payload) -> u64 {
        let index = self.begin + self.events.len() as u64;
        let stream = payload.stream(source);
        let topics = Topic::derive(actor, &payload);
        let event = Event {
            index,
            schema: SCHEMA_VERSION,
            log: self.id,
            timestamp: self.now,
            stream,
            stream_version: self.streams.get(&stream).map_or(1, |version| version + 1),
            actor,
            source,
            source_seq: self.sources.get(&source).map_or(1, |seq| seq + 1),
            correlation: payload.deployment().map(|deployment| deployment.0),
            causation: index.checked_sub(1),
            links: topics.iter().map(|topic| Link::after(self.topics.get(&topic.key()))).collect(),
            payload,
            parent: self.last_hash,
        };
        let hash = event.hash();
        for (topic, link) in topics.iter().zip(&event.links) {
            self.topics.insert(topic.key(), TopicHead { count: link.sequence, index, hash });
        }
        self.sources.insert(source, event.source_seq);
        self.streams.insert(stream, event.stream_version);
        self.last_hash = Some(hash);
        self.now = Timestamp(self.now.0 + 60_000_000_000);
        self.events.push(event);
        index
    }

    /// Takes the events away that it holds, so that a long log need not lie in memory. It goes on where it was.
    pub fn take(&mut self) -> Vec<Event> {
        self.begin += self.events.len() as u64;
        std::mem::take(&mut self.events)
    }
}

/// A principal of ten bytes, as canisters have.
pub fn principal(number: u64) -> Principal {
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8..].copy_from_slice(&[1, 1]);
    Principal::from_slice(&bytes)
}

/// Numbers from a seed (splitmix64): the same in every run.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Who takes part in a [`story`].
pub const AUDIT: u64 = 1;
/// The gateway.
pub const BACKEND: u64 = 2;
/// The factory.
pub const FACTORY: u64 = 3;
/// The host of invoices.
pub const HOST: u64 = 4;
/// The fee ledger.
pub const LEDGER: u64 = 5;
/// The first of the people.
pub const PEOPLE: u64 = 100;
/// The first of the contracts.
const CONTRACTS: u64 = 1_000_000;
/// The price of a token.
const PRICE: Amount = Amount(500_000_000);
/// The ledger's fee.
const FEE: Amount = Amount(10_000);

/// A whole log: `deployments` asked for by a few people, interleaved, each to whatever end the dice decide.
pub fn story(seed: u64, deployments: u64) -> TestLog {
    let mut story = Story::begin(seed, deployments);
    while story.go_on() {}
    story.log
}

/// A [`story`] so far.
pub struct Story {
    /// What has happened.
    pub log: TestLog,
    dice: Dice,
    epoch_seq: BTreeMap<Principal, u64>,
    open: Vec<Course>,
    started: u64,
    deployments: u64,
}

/// One deployment's course.
struct Course {
    deployment: DeploymentId,
    owner: Principal,
    contract: Principal,
    attempt: u32,
    stage: Stage,
    number: u64,
}

/// What a deployment does next.
#[derive(Clone, Copy)]
enum Stage {
    Request,
    Pay,
    Capture,
    Install,
    Commit,
    Register,
    Report(u8),
    Release,
    Released,
    Refund,
    Refunded,
}

impl Course {
    fn new(log: &TestLog, dice: &mut Dice, number: u64) -> Self {
        let owner = principal(PEOPLE + dice.below(12));
        Course {
            deployment: DeploymentId::derive(log.id, owner, &format!("request {number}")),
            owner,
            contract: principal(CONTRACTS + number),
            attempt: 1,
            stage: Stage::Request,
            number,
        }
    }
}

impl Story {
    /// The story of so many deployments, before the first of them.
    pub fn begin(seed: u64, deployments: u64) -> Self {
        let mut log = TestLog::begin(principal(AUDIT), principal(BACKEND), [7; 32]);
        let (audit, backend, admin) = (log.canister, principal(BACKEND), principal(9));
        for (writer, role) in [(FACTORY, WriterRole::Factory), (HOST, WriterRole::Host)] {
            log.append(audit, backend, Payload::WriterRegistered(WriterRegistered { writer: principal(writer), role }));
        }
        let treasury = Account { owner: backend, subaccount: Some(Subaccount([1; 32])) };
        log.append(
            backend,
            admin,
            Payload::FeeConfigured(FeeConfigured {
                service: Service::Token,
                ledger: principal(LEDGER),
                price: PRICE,
                ledger_fee: FEE,
                treasury,
            }),
        );
        let (dice, epoch_seq) = (Dice(seed), BTreeMap::new());
        Story { log, dice, epoch_seq, open: Vec::new(), started: 0, deployments }
    }

    /// Goes on by a step of some deployment; false if there is none any more.
    pub fn go_on(&mut self) -> bool {
        let begins = self.started < self.deployments && (self.open.is_empty() || self.dice.one_in(4));
        if begins {
            self.open.push(Course::new(&self.log, &mut self.dice, self.started));
            self.started += 1;
        } else {
            let turn = self.dice.below(self.open.len() as u64);
            if turn >= self.open.len() as u64 {
                return false;
            }
            let mut course = self.open.swap_remove(turn as usize);
            if self.step(&mut course) {
                self.open.push(course);
            }
        }
        self.started < self.deployments || !self.open.is_empty()
    }

    fn backend(&mut self, course: &Course, payload: Payload) {
        self.log.append(principal(BACKEND), course.owner, payload);
    }

    fn factory(&mut self, course: &Course, payload: Payload) {
        self.log.append(principal(FACTORY), course.owner, payload);
    }

    fn transfer(&self, course: &Course, to_escrow: bool, refund: bool) -> TransferIntended {
        let escrow =
            Account { owner: principal(BACKEND), subaccount: Some(Subaccount(course.deployment.escrow_subaccount())) };
        let payer = Account { owner: course.owner, subaccount: None };
        let treasury = Account { owner: principal(BACKEND), subaccount: Some(Subaccount([1; 32])) };
        let (from, to) = if to_escrow { (payer, escrow) } else { (escrow, if refund { payer } else { treasury }) };
        let amount = if to_escrow { Amount(PRICE.0 + FEE.0) } else { PRICE };
        TransferIntended {
            deployment: course.deployment,
            transfer: Transfer {
                ledger: principal(LEDGER),
                from,
                to,
                amount,
                fee: FEE,
                memo: Bytes32::new([course.attempt as u8; 32]),
                created_at: self.log.now,
            },
            attempt: course.attempt,
        }
    }

    fn settled(&mut self, course: &Course) -> TransferSettled {
        let (block, evidence) = match self.dice.below(6) {
            0 => (None, Evidence::Balance),
            1 => (Some(self.log.now.0 % 100_000), Evidence::Duplicate),
            _ => (Some(self.log.now.0 % 100_000), Evidence::Reply),
        };
        TransferSettled { deployment: course.deployment, block, evidence }
    }

    fn failed(&self, course: &Course, code: &str) -> TransferFailed {
        TransferFailed { deployment: course.deployment, reason: Reason::new(code, "the ledger said no") }
    }

    /// Takes the next step of a deployment. False when it has come to its end.
    fn step(&mut self, course: &mut Course) -> bool {
        let next = match course.stage {
            Stage::Request => self.request(course),
            Stage::Pay => {
                let intent = self.transfer(course, true, false);
                self.backend(course, Payload::PaymentIntended(intent));
                Some(Stage::Capture)
            }
            Stage::Capture => self.capture(course),
            Stage::Install => self.install(course),
            Stage::Commit => self.commit(course),
            Stage::Register => self.register(course),
            Stage::Report(left) => self.report(course, left),
            Stage::Release => {
                let intent = self.transfer(course, false, false);
                self.backend(course, Payload::ReleaseIntended(intent));
                Some(Stage::Released)
            }
            Stage::Refund => {
                let intent = self.transfer(course, false, true);
                self.backend(course, Payload::RefundIntended(intent));
                Some(Stage::Refunded)
            }
            Stage::Released | Stage::Refunded => self.pay_out(course),
        };
        next.is_some_and(|stage| {
            course.stage = stage;
            true
        })
    }

    fn request(&mut self, course: &Course) -> Option<Stage> {
        self.backend(
            course,
            Payload::DeploymentRequested(DeploymentRequested {
                deployment: course.deployment,
                owner: course.owner,
                service: Service::Token,
                factory: principal(FACTORY),
                request: Hash::of(&[course.deployment.0.as_bytes()]),
                args: vec![course.number as u8; 40].into(),
                ledger: principal(LEDGER),
                price: PRICE,
                ledger_fee: FEE,
                from: Account { owner: course.owner, subaccount: None },
                treasury: Account { owner: principal(BACKEND), subaccount: Some(Subaccount([1; 32])) },
                billing: None,
            }),
        );
        Some(Stage::Pay)
    }

    fn capture(&mut self, course: &Course) -> Option<Stage> {
        if self.dice.one_in(8) {
            let failed = self.failed(course, "insufficient_funds");
            self.backend(course, Payload::PaymentFailed(failed));
            return None;
        }
        let settled = self.settled(course);
        self.backend(course, Payload::PaymentCaptured(settled));
        let dispatched = DeploymentDispatched { deployment: course.deployment, factory: principal(FACTORY) };
        self.backend(course, Payload::DeploymentDispatched(dispatched));
        Some(Stage::Install)
    }

    fn install(&mut self, course: &Course) -> Option<Stage> {
        let Course { contract, deployment, .. } = *course;
        self.factory(course, Payload::CreationIntended(CreationIntended { cycles: 1_000_000_000_000 }));
        if self.dice.one_in(10) {
            let reason = Reason::new("lost", "no reply");
            self.factory(course, Payload::CreationUnresolved(CreationUnresolved { reason }));
            return Some(self.abandon(course));
        }
        self.factory(course, Payload::ContractCreated(ContractCreated { contract }));
        let (template, args_hash) = (Hash([5; 32]), Hash([6; 32]));
        self.factory(course, Payload::InstallIntended(InstallIntended { contract, deployment, template, args_hash }));
        if self.dice.one_in(6) {
            let reason = Reason::new("trap", "init trapped");
            let failed = InstallFailed { contract, deployment, reason: reason.clone() };
            self.factory(course, Payload::InstallFailed(failed));
            self.factory(course, Payload::ContractReclaimed(ContractReclaimed { contract, deployment, reason }));
            return Some(self.abandon(course));
        }
        Some(Stage::Commit)
    }

    fn abandon(&mut self, course: &Course) -> Stage {
        let reason = Reason::new("factory_refused", "no contract was made");
        self.backend(
            course,
            Payload::DeploymentAbandoned(DeploymentAbandoned { deployment: course.deployment, reason }),
        );
        Stage::Refund
    }

    fn commit(&mut self, course: &Course) -> Option<Stage> {
        let Course { contract, deployment, owner, .. } = *course;
        let module_hash = Hash([5; 32]);
        self.factory(course, Payload::ContractInstalled(ContractInstalled { contract, deployment, module_hash }));
        self.factory(
            course,
            Payload::DeliveryCommitted(DeliveryCommitted { deployment, contract, owner, module_hash }),
        );
        Some(Stage::Register)
    }

    fn register(&mut self, course: &Course) -> Option<Stage> {
        self.factory(
            course,
            Payload::ContractRegistered(ContractRegistered {
                contract: course.contract,
                deployment: course.deployment,
                service: Service::Token,
                owner: course.owner,
                controllers: vec![principal(FACTORY), course.owner],
                name: format!("Token {}", course.number),
                symbol: Some(format!("T{}", course.number)),
                token: Some(course.contract),
                public: course.number.is_multiple_of(2),
                epoch: 1,
            }),
        );
        let reports = self.dice.below(5) as u8;
        Some(Stage::Report(reports))
    }

    fn report(&mut self, course: &Course, left: u8) -> Option<Stage> {
        let Some(left) = left.checked_sub(1) else { return Some(Stage::Release) };
        let seq = self.epoch_seq.entry(course.contract).or_default();
        *seq += 1;
        let (seq, holder) = (*seq, principal(PEOPLE + self.dice.below(12)));
        let notification = match (seq, self.dice.one_in(3)) {
            (1, _) => Notification::DeploymentComplete,
            (_, true) => Notification::HolderRemoved(holder),
            (_, false) => Notification::HolderAdded(holder),
        };
        let accepted = CallbackAccepted { contract: course.contract, epoch: 1, seq, notification };
        self.log.append(principal(FACTORY), course.contract, Payload::CallbackAccepted(accepted));
        Some(Stage::Report(left))
    }

    fn pay_out(&mut self, course: &mut Course) -> Option<Stage> {
        let refund = matches!(course.stage, Stage::Refunded);
        if course.attempt < 3 && self.dice.one_in(5) {
            let failed = self.failed(course, "bad_fee");
            let payload = if refund { Payload::RefundFailed(failed) } else { Payload::ReleaseFailed(failed) };
            self.backend(course, payload);
            course.attempt += 1;
            return Some(if refund { Stage::Refund } else { Stage::Release });
        }
        if self.dice.one_in(15) {
            let effect = if refund { crate::Effect::Refund } else { crate::Effect::Release };
            let reason = Reason::new("no_evidence", "the ledger is gone");
            let quarantined = DeploymentQuarantined { deployment: course.deployment, effect, reason };
            self.backend(course, Payload::DeploymentQuarantined(quarantined));
            return None;
        }
        let settled = self.settled(course);
        let payload = if refund { Payload::RefundPaid(settled) } else { Payload::EscrowReleased(settled) };
        self.backend(course, payload);
        None
    }
}
