//! The log on the memories of a test, which can run out.

mod access;
mod answers;
mod archiving;
mod bounds;
mod model;
mod reads;
mod repetition;
mod reserves;
mod rules;
mod scans;

use super::reserve::{FLOOR_CYCLES, Means};
use super::{Fetched, Log};
use crate::certificate;
use crate::memory::Memories;
use cairn_events::answer::CertifiedTip;
use cairn_events::payload::{
    Account, Bytes32, DeliveryCommitted, DeploymentAbandoned, DeploymentDispatched, DeploymentRequested, Evidence,
    Reason, Transfer, TransferIntended, TransferSettled,
};
use cairn_events::question::{Answer, Question};
use cairn_events::topic::Service;
use cairn_events::verify::LogVerifier;
use cairn_events::{
    Amount, Commitment, DeploymentId, Event, Hash, LogId, Opening, Payload, Principal, Stream, Submission, Timestamp,
    WriterRole, codec,
};
use cairn_kit::api::archive::ArchivedBodies;
use cairn_kit::api::audit::{
    AppendArgs, Appended, AuditError, AuditRequestError, EventPage, EventQuery, Filter, Order,
};
use ic_stable_structures::{Memory, VectorMemory};
use serde_bytes::ByteBuf;
use std::cell::Cell;
use std::rc::Rc;

/// A memory that shares a quota of pages with others.
#[derive(Clone)]
pub struct Limited {
    memory: VectorMemory,
    quota: Rc<Cell<u64>>,
}

impl Memory for Limited {
    fn size(&self) -> u64 {
        self.memory.size()
    }
    fn grow(&self, pages: u64) -> i64 {
        match self.quota.get().checked_sub(pages) {
            Some(left) => {
                self.quota.set(left);
                self.memory.grow(pages)
            }
            None => -1,
        }
    }
    fn read(&self, offset: u64, dst: &mut [u8]) {
        self.memory.read(offset, dst);
    }
    fn write(&self, offset: u64, src: &[u8]) {
        self.memory.write(offset, src);
    }
}

/// A principal for every number.
pub fn id(n: u8) -> Principal {
    Principal::from_slice(&[n, 1])
}

pub const AUDIT: u8 = 1;
pub const BACKEND: u8 = 2;
pub const FACTORY: u8 = 3;
pub const HOST: u8 = 4;
pub const STRANGER: u8 = 5;
pub const ALICE: u8 = 10;
pub const BOB: u8 = 11;

/// A log with its writers registered.
pub struct Bench {
    pub log: Log<Limited>,
    /// What archives have.
    pub archive: Fetched,
    memories: [VectorMemory; 14],
    quota: Rc<Cell<u64>>,
    pub means: Means,
}

impl Bench {
    /// A log that has not begun.
    pub fn before_genesis() -> Bench {
        let memories: [VectorMemory; 14] = std::array::from_fn(|_| VectorMemory::default());
        let quota = Rc::new(Cell::new(1 << 30));
        let log = Log::create(attach(&memories, &quota), id(AUDIT), id(STRANGER), id(BACKEND));
        let archive = Fetched::new();
        Bench { log, archive, memories, quota, means: Means { now: 1_000, cycles: 10 * FLOOR_CYCLES, stable: 0 } }
    }

    pub fn new() -> Bench {
        let mut bench = Bench::before_genesis();
        bench.log.begin(&[9; 32], &bench.means).expect("begins");
        for (writer, role) in [(FACTORY, WriterRole::Factory), (HOST, WriterRole::Host)] {
            bench.log.register(id(BACKEND), id(writer), role, &bench.means).expect("registers");
        }
        bench
    }

    /// No memory grows any more.
    pub fn freeze_memory(&mut self) {
        self.quota.set(0);
    }

    /// The log as an upgrade finds it.
    pub fn reopen(&mut self) {
        let quota = Rc::clone(&self.quota);
        self.log = Log::open(attach(&self.memories, &quota)).expect("opens");
    }

    /// Everything in stable memory, what was only grown left out.
    pub fn image(&self) -> Vec<Vec<u8>> {
        let bytes = |memory: &VectorMemory| {
            let mut bytes = memory.borrow().clone();
            bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            bytes
        };
        self.memories.iter().map(bytes).collect()
    }

    /// What is certified.
    pub fn certified(&self) -> [u8; 32] {
        certificate::tree(self.log.tip().ok().as_ref()).digest()
    }

    /// The end of the log, as an auditor takes it from the certificate.
    pub fn certified_tip(&self) -> CertifiedTip {
        self.log.certified_tip().expect("a tip")
    }

    pub fn next_seq(&self, writer: u8) -> u64 {
        self.log.writer(id(writer)).map_or(1, |writer| writer.next_seq)
    }

    /// Appends as the writer's next events.
    pub fn append(&mut self, writer: u8, submissions: &[Submission]) -> Result<Appended, AuditError> {
        let first_seq = self.next_seq(writer);
        self.append_at(writer, first_seq, submissions)
    }

    pub fn append_at(
        &mut self,
        writer: u8,
        first_seq: u64,
        submissions: &[Submission],
    ) -> Result<Appended, AuditError> {
        let args = AppendArgs { first_seq, submissions: submissions.iter().map(Into::into).collect() };
        self.means.now += 7;
        self.log.append(id(writer), args, &self.means)
    }

    /// Appends, and nothing at all must change.
    pub fn refused(&mut self, writer: u8, submissions: &[Submission]) -> AuditError {
        let before = (self.image(), self.certified(), self.log.counters());
        let refusal = self.append(writer, submissions).expect_err("should be refused");
        assert!((self.image(), self.certified(), self.log.counters()) == before, "a refusal changed something");
        refusal
    }

    pub fn version(&self, stream: &Stream) -> u64 {
        let query = query(Filter::Stream(*stream), Order::OldestFirst);
        self.all(query).len() as u64
    }

    /// Has the topic map cover everything, in slices.
    pub fn cover(&mut self, slice: u64) {
        while self.log.advance_topics(slice).expect("the map goes on") > 0 {}
    }

    /// All events of a query, page by page.
    pub fn all(&self, mut query: EventQuery) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let mut page = self.log.page(&query).expect("a page");
            let fetched = self.fetch(&page.archived.take().unwrap_or_default());
            assert!(page.fill(fetched.into_iter().map(|(_, body)| body)), "a body for every event");
            events.extend(decode(&page));
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return events,
            }
        }
    }

    /// The answer to a question, with what archives have.
    pub fn answer(&self, question: &Question) -> Answer {
        match self.log.answer(question, &Fetched::new()) {
            Err(AuditError::Request(AuditRequestError::Archived { bodies })) => {
                let fetched = self.fetch(&bodies).into_iter().collect();
                self.log.answer(question, &fetched).expect("nothing is missing any more")
            }
            answer => answer.expect("an answer"),
        }
    }

    /// What archives have of these.
    fn fetch(&self, wanted: &[ArchivedBodies]) -> Vec<(u64, ByteBuf)> {
        let indices = wanted.iter().flat_map(|group| &group.indices);
        indices.map(|index| (*index, self.archive.get(index).expect("archived").clone())).collect()
    }

    pub fn events(&self) -> Vec<Event> {
        self.all(query(Filter::All, Order::OldestFirst))
    }

    /// Verifies the whole log as an auditor does, and that what is certified follows from the events alone.
    pub fn verify(&self) {
        let tip = self.log.tip().expect("a tip");
        let mut verifier = LogVerifier::new(id(AUDIT), tip.log);
        for event in self.events() {
            verifier.push(&event).expect("a valid event");
        }
        assert_eq!((verifier.size(), verifier.last_hash(), verifier.root()), (tip.size, Some(tip.last_hash), tip.root));
        if tip.topics_size == tip.size {
            assert_eq!(verifier.topics_root(), Some(tip.topics_root));
        }
    }
}

fn attach(memories: &[VectorMemory; 14], quota: &Rc<Cell<u64>>) -> Memories<Limited> {
    let limited = |memory: &VectorMemory| Limited { memory: memory.clone(), quota: Rc::clone(quota) };
    let mut memories = memories.iter().map(limited);
    let mut next = || memories.next().expect("one for each");
    Memories {
        identity: next(),
        counters: next(),
        directory: next(),
        events: next(),
        openings: next(),
        nodes: next(),
        threads: next(),
        buckets: next(),
        postings: next(),
        forks: next(),
        pages: next(),
        archiving: next(),
        kept: next(),
        module: next(),
    }
}

pub fn query(filter: Filter, order: Order) -> EventQuery {
    EventQuery { filter, order, from_time: None, until_time: None, cursor: None, limit: 7 }
}

pub fn decode(page: &EventPage) -> Vec<Event> {
    page.events.iter().map(|bytes| codec::decode_event(bytes).expect("an event")).collect()
}

pub fn request_error(error: AuditError) -> AuditRequestError {
    match error {
        AuditError::Request(error) => error,
        other => panic!("{other:?} is no request error"),
    }
}

pub fn deployment(n: u8) -> DeploymentId {
    DeploymentId(Hash([n; 32]))
}

pub fn stream(n: u8) -> Stream {
    Stream::Deployment(deployment(n))
}

fn account(n: u8) -> Account {
    Account { owner: id(n), subaccount: None }
}

pub fn requested_with(n: u8, args: usize, billing: Option<Commitment>) -> Submission {
    Submission::new(
        id(ALICE),
        Payload::DeploymentRequested(DeploymentRequested {
            deployment: deployment(n),
            owner: id(ALICE),
            service: Service::Token,
            factory: id(FACTORY),
            request: Hash([1; 32]),
            args: vec![7; args].into(),
            ledger: id(99),
            price: Amount(100_000_000),
            ledger_fee: Amount(10_000),
            from: account(ALICE),
            treasury: account(98),
            billing,
        }),
    )
}

pub fn requested(n: u8) -> Submission {
    requested_with(n, 40, None)
}

pub fn intended(n: u8, wrap: fn(TransferIntended) -> Payload) -> Submission {
    let transfer = Transfer {
        ledger: id(99),
        from: account(ALICE),
        to: account(BACKEND),
        amount: Amount(100_010_000),
        fee: Amount(10_000),
        memo: Bytes32::new([3; 32]),
        created_at: Timestamp(5),
    };
    Submission::new(id(ALICE), wrap(TransferIntended { deployment: deployment(n), transfer, attempt: 1 }))
}

pub fn settled(n: u8, wrap: fn(TransferSettled) -> Payload) -> Submission {
    let settled = TransferSettled { deployment: deployment(n), block: Some(4), evidence: Evidence::Reply };
    Submission::new(id(ALICE), wrap(settled))
}

pub fn dispatched(n: u8) -> Submission {
    let dispatched = DeploymentDispatched { deployment: deployment(n), factory: id(FACTORY) };
    Submission::new(id(ALICE), Payload::DeploymentDispatched(dispatched))
}

pub fn committed(n: u8) -> Submission {
    let (contract, owner, module_hash) = (id(50 + n), id(ALICE), Hash([8; 32]));
    let committed = DeliveryCommitted { deployment: deployment(n), contract, owner, module_hash };
    Submission::new(id(ALICE), Payload::DeliveryCommitted(committed))
}

pub fn abandoned(n: u8) -> Submission {
    let abandoned = DeploymentAbandoned { deployment: deployment(n), reason: Reason::new("timeout", "too late") };
    Submission::new(id(ALICE), Payload::DeploymentAbandoned(abandoned))
}

pub fn opening() -> Opening {
    Opening { salt: [4; 32], content: b"invoice 17".to_vec() }
}

/// A deployment of which the factory has been asked to deliver, at version 4.
pub fn bench_with_dispatch() -> Bench {
    let mut bench = Bench::new();
    let batch = [
        requested(1).exactly(0),
        intended(1, Payload::PaymentIntended).exactly(1),
        settled(1, Payload::PaymentCaptured),
        dispatched(1).exactly(3),
    ];
    bench.append(BACKEND, &batch).expect("accepted");
    bench
}

#[test]
fn the_log_begins_once_and_says_who_it_is() {
    let mut bench = Bench::before_genesis();
    assert!(bench.log.tip().is_err());
    assert_eq!(bench.certified(), ic_certification::hash_tree::empty::<Vec<u8>>().digest());
    assert!(matches!(bench.append(BACKEND, &[requested(1)]), Err(AuditError::Temporary(_))));
    bench.log.begin(&[9; 32], &bench.means).expect("begins");
    bench.log.begin(&[8; 32], &bench.means).expect("a second time does nothing");
    let tip = bench.log.tip().expect("a tip");
    let events = bench.events();
    assert_eq!((tip.size, events.len()), (1, 1));
    let Payload::Genesis(genesis) = &events[0].payload else { panic!("no genesis") };
    assert_eq!((genesis.canister, genesis.installer, genesis.money_writer), (id(AUDIT), id(STRANGER), id(BACKEND)));
    assert_eq!(tip.log, LogId::derive(id(AUDIT), &genesis.seed));
    assert_ne!(genesis.seed.as_slice(), [9; 32], "the randomness itself stays secret");
    bench.verify();
}

#[test]
fn an_upgrade_is_recorded_once_and_keeps_everything() {
    let mut bench = bench_with_dispatch();
    let before = (bench.events(), bench.log.tip(), bench.certified(), bench.log.counters());
    bench.reopen();
    assert!((bench.events(), bench.log.tip(), bench.certified(), bench.log.counters()) == before);
    bench.log.note_upgrade(123);
    bench.log.note_upgrade(456);
    bench.reopen();
    assert!(bench.log.owes());
    for _ in 0..3 {
        bench.log.record_upgrade(Some(Hash([6; 32])), &bench.means).expect("recorded");
    }
    assert!(!bench.log.owes());
    let upgrades: Vec<(u64, bool)> = bench
        .all(query(Filter::Stream(Stream::Canister(id(AUDIT))), Order::OldestFirst))
        .into_iter()
        .map(|event| match event.payload {
            Payload::CanisterUpgraded(upgraded) => (upgraded.instructions, upgraded.module_hash.is_some()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(upgrades, [(123, false), (456, true)], "the network knows the hash of the last module only");
    bench.verify();
}

#[test]
fn what_is_not_a_whole_log_is_not_opened() {
    use super::OpenError;
    let mut bench = bench_with_dispatch();
    bench.cover(3);
    let bench = bench;
    let open = |memories: &[VectorMemory; 14]| Log::open(attach(memories, &bench.quota)).err();
    let copy = || bench.memories.each_ref().map(|memory| Rc::new(std::cell::RefCell::new(memory.borrow().clone())));
    assert_eq!(open(&copy()), None);
    assert_eq!(open(&std::array::from_fn(|_| VectorMemory::default())), Some(OpenError::NoLog));
    for (memory, what) in [(2, "events"), (3, "events"), (5, "nodes"), (6, "threads"), (7, "threads"), (8, "postings")]
    {
        let memories = copy();
        memories[memory].borrow_mut().clear();
        assert_eq!(open(&memories), Some(OpenError::Truncated(what)), "memory {memory}");
    }
    let memories = copy();
    memories[9].borrow_mut()[8..12].fill(0x7f);
    assert_eq!(open(&memories), Some(OpenError::Truncated("topics")), "more forks than there is room for");
    let memories = copy();
    let last = bench.log.columns.last();
    memories[3].borrow_mut()[last.events_end as usize - 40] ^= 1;
    assert_eq!(open(&memories), Some(OpenError::LastEvent));
}
