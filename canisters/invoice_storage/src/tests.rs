//! The canister against a log in the heap.

use crate::{access, invoices, lifecycle};
use cairn_events::testing::{BACKEND, LEDGER, PEOPLE, TestLog, principal, story};
use cairn_events::topic::TopicHead;
use cairn_events::{Amount, DeploymentId, Event, Hash, Payload, Principal, Receipt, Topic, codec};
use cairn_kit::api::audit::{AppendArgs, Appended, AuditError, EventPage, EventQuery, Filter, Reserve, Seen};
use cairn_kit::api::http::HttpRequest;
use cairn_kit::api::invoice::{InvoiceError, InvoiceInit, InvoiceRequestError};
use cairn_kit::runtime::testing::{Network, run};
use cairn_kit::runtime::{self, CallFailure};
use cairn_kit::{host, journal};
use cairn_projections::{MemoryTables, Payments, Projection, digest};
use serde_bytes::ByteBuf;
use std::cell::RefCell;
use std::rc::Rc;

const INSTALLER: u64 = 9;
const STRANGER: u64 = 99;

/// The canister, installed and up to date with a log of forty deployments.
struct World {
    log: Rc<RefCell<TestLog>>,
    network: Rc<Network>,
}

impl World {
    fn new() -> Self {
        let log = Rc::new(RefCell::new(story(7, 40)));
        let network = Network::install();
        let behind = Rc::clone(&log);
        network.respond(move |request| match request.method {
            "getEvents" => reply(page(&behind.borrow(), &candid::decode_one(&request.args).unwrap())),
            "append" => reply(append(&mut behind.borrow_mut(), candid::decode_one(&request.args).unwrap())),
            _ => Err(CallFailure::rejected(3, "no such method")),
        });
        let audit = log.borrow().canister;
        lifecycle::install(principal(INSTALLER), InvoiceInit { audit });
        run(host::follow());
        World { log, network }
    }

    fn invoices(&self) -> Vec<(DeploymentId, Principal)> {
        let requested = |event: &Event| match &event.payload {
            Payload::DeploymentRequested(request) => Some((request.deployment, request.owner)),
            _ => None,
        };
        self.log.borrow().events.iter().rev().filter_map(requested).collect()
    }

    /// The digest that a native replay of the log up to `checkpoint` gives.
    fn replayed(&self, checkpoint: u64) -> Hash {
        let mut tables = MemoryTables::default();
        for event in self.log.borrow().events.iter().filter(|event| event.index <= checkpoint) {
            if event.payload.kind().families().contains(&Payments::FAMILY) {
                Payments::apply(&mut tables, event);
            }
        }
        digest(&tables)
    }
}

fn reply<T: candid::CandidType>(content: T) -> Result<Vec<u8>, CallFailure> {
    Ok(candid::encode_one(Ok::<T, AuditError>(content)).unwrap())
}

fn page(log: &TestLog, query: &EventQuery) -> EventPage {
    let Filter::Topic(topic) = query.filter else { panic!("a feed is a topic") };
    let feed: Vec<&Event> = log.events.iter().filter(|event| Topic::of(event).contains(&topic)).collect();
    let from = query.cursor.unwrap_or_default() as usize;
    let events: Vec<ByteBuf> = feed
        .iter()
        .skip(from)
        .take(query.limit as usize)
        .map(|event| ByteBuf::from(codec::encode_event(event)))
        .collect();
    let last = feed.last().map(|event| TopicHead { count: feed.len() as u64, index: event.index, hash: event.hash() });
    let next = (from + events.len()) as u64;
    EventPage {
        next: (next < feed.len() as u64).then_some(next),
        events,
        archived: None,
        log_length: log.events.len() as u64,
        topic_head: last,
        last: log.events.last().map(|event| Seen { index: event.index, hash: event.hash() }),
    }
}

fn append(log: &mut TestLog, args: AppendArgs) -> Appended {
    let receipts = args.submissions.into_iter().map(|submission| {
        let payload = codec::decode_payload(&submission.payload).unwrap();
        let index = log.append(runtime::id(), submission.actor, payload);
        let event = &log.events[index as usize];
        Receipt { index, hash: event.hash(), stream_version: event.stream_version, timestamp: event.timestamp }
    });
    Appended { receipts: receipts.collect(), reserve: Reserve::default() }
}

fn request(error: InvoiceError) -> InvoiceRequestError {
    match error {
        InvoiceError::Request(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn an_invoice_is_shown_to_its_payer_and_to_overseers_only() {
    let world = World::new();
    let (deployment, payer) = world.invoices()[3];
    let person = |number| access::person(number).unwrap();
    let shown = invoices::one(person(payer), deployment).unwrap();
    assert_eq!((shown.content.deployment, shown.content.payer), (deployment, payer));
    assert!(shown.checkpoint.is_some());
    assert_eq!(invoices::one(person(principal(INSTALLER)), deployment).unwrap(), shown);
    let unknown = InvoiceRequestError::UnknownInvoice { deployment };
    assert_eq!(request(invoices::one(person(principal(STRANGER)), deployment).unwrap_err()), unknown);
    assert_eq!(request(invoices::one(person(principal(BACKEND)), deployment).unwrap_err()), unknown);
    access::whitelist(access::admin(principal(INSTALLER)).unwrap(), principal(BACKEND)).unwrap();
    assert_eq!(invoices::one(person(principal(BACKEND)), deployment).unwrap(), shown);
    let nothing = DeploymentId(Hash([1; 32]));
    let unknown = InvoiceRequestError::UnknownInvoice { deployment: nothing };
    assert_eq!(request(invoices::one(person(principal(INSTALLER)), nothing).unwrap_err()), unknown);
}

#[test]
fn pages_are_the_callers_own_unless_an_overseer_asks() {
    let world = World::new();
    for number in 0..12 {
        let payer = principal(PEOPLE + number);
        let expected: Vec<DeploymentId> =
            world.invoices().iter().filter(|(_, owner)| *owner == payer).map(|(id, _)| *id).collect();
        let (mut read, mut cursor) = (Vec::new(), None);
        loop {
            let page = invoices::own(access::person(payer).unwrap(), cursor, Some(2)).unwrap().content;
            read.extend(page.rows.iter().map(|invoice| invoice.deployment));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(read, expected);
        let overseer = access::overseer(principal(INSTALLER)).unwrap();
        let page = invoices::of(overseer, Some(payer), None, Some(100)).unwrap().content;
        assert_eq!(page.rows.len(), expected.len());
    }
    let overseer = access::overseer(principal(INSTALLER)).unwrap();
    assert_eq!(invoices::of(overseer, None, None, Some(100)).unwrap().content.rows.len(), 40);
    for limit in [0, 101, u32::MAX] {
        let refused = invoices::own(access::person(principal(PEOPLE)).unwrap(), None, Some(limit)).unwrap_err();
        let (what, found, bound) = ("limit".to_owned(), u64::from(limit), 100);
        assert_eq!(request(refused), InvoiceRequestError::OutOfBounds { what, found, bound });
    }
}

#[test]
fn stats_add_up() {
    let world = World::new();
    let overseer = || access::overseer(principal(INSTALLER)).unwrap();
    let stats = invoices::stats(overseer(), principal(LEDGER), None, None).unwrap().content;
    assert_eq!(stats.invoices.issued, 40);
    let captures = stats.total.captured.count;
    assert!(captures > 20 && stats.total.released.count + stats.total.refunded.count <= captures);
    let revenue: u128 = stats.days.iter().map(|day| day.takings.released.amount.0).sum();
    assert_eq!(Amount(revenue), stats.total.released.amount);
    assert!(invoices::stats(overseer(), principal(STRANGER), None, None).unwrap().content.days.is_empty());
    drop(world);
}

#[test]
fn roles_are_checked() {
    let world = World::new();
    for caller in [Principal::anonymous(), principal(STRANGER), principal(PEOPLE), principal(BACKEND)] {
        assert_eq!(request(access::admin(caller).unwrap_err()), InvoiceRequestError::Unauthorized { caller });
        assert_eq!(request(access::overseer(caller).unwrap_err()), InvoiceRequestError::Unauthorized { caller });
    }
    assert!(access::person(Principal::anonymous()).is_err());
    world.network.control(principal(STRANGER));
    let controller = access::admin(principal(STRANGER)).unwrap();
    for backend in [Principal::anonymous(), Principal::management_canister()] {
        let refused = access::whitelist(controller, backend).unwrap_err();
        assert_eq!(request(refused), InvoiceRequestError::NotABackend { backend });
    }
    let backend = principal(BACKEND);
    access::whitelist(controller, backend).unwrap();
    access::whitelist(controller, backend).unwrap();
    let refused = access::whitelist(controller, principal(STRANGER)).unwrap_err();
    assert_eq!(request(refused), InvoiceRequestError::AlreadyWhitelisted { backend });
    assert!(access::overseer(backend).is_ok() && access::admin(backend).is_err());
}

#[test]
fn a_rebuild_gives_the_rows_of_a_native_replay() {
    let world = World::new();
    let admin = || access::admin(principal(INSTALLER)).unwrap();
    let refused = invoices::rebuild(admin(), "contracts").unwrap_err();
    assert_eq!(request(refused), InvoiceRequestError::UnknownProjection { name: "contracts".to_owned() });
    let before = host::read::<Payments, _>(digest).unwrap();
    assert_eq!(before.content, world.replayed(before.checkpoint.unwrap().index));
    invoices::rebuild(admin(), "payments").unwrap();
    assert!(matches!(invoices::rebuild(admin(), "payments"), Err(InvoiceError::Temporary(_))));
    run(host::follow());
    let outcome = host::status()[0].last_rebuild.unwrap();
    assert_eq!((outcome.served, outcome.rebuilt), (before.content, before.content));
    assert_eq!(host::read::<Payments, _>(digest).unwrap(), before);
    let log = world.log.borrow();
    let last = log.events.last().unwrap();
    assert_eq!(last.actor, principal(INSTALLER), "on behalf of whom it was asked for");
    assert!(matches!(&last.payload, Payload::ProjectionRebuilt(rebuilt) if rebuilt.equal));
}

#[test]
fn an_upgrade_keeps_rows_checkpoint_and_roles() {
    let world = World::new();
    access::whitelist(access::admin(principal(INSTALLER)).unwrap(), principal(BACKEND)).unwrap();
    let before = host::read::<Payments, _>(digest).unwrap();
    lifecycle::resume();
    assert_eq!(host::read::<Payments, _>(digest).unwrap(), before);
    assert!(access::admin(principal(INSTALLER)).is_ok() && access::overseer(principal(BACKEND)).is_ok());
    run(journal::flush());
    world.network.advance(std::time::Duration::from_secs(60));
    let log = world.log.borrow();
    assert!(matches!(log.events.last().unwrap().payload, Payload::CanisterUpgraded(_)));
}

#[test]
fn operators_see_figures_and_health() {
    let _world = World::new();
    let get = |url: &str| {
        let (method, url) = ("GET".to_owned(), url.to_owned());
        let response = crate::monitor::http(&HttpRequest { method, url, headers: vec![], body: ByteBuf::new() });
        (response.status_code, String::from_utf8(response.body.into_vec()).unwrap())
    };
    let (status, metrics) = get("/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("invoices_issued_total 40\n"), "{metrics}");
    assert!(metrics.contains("projection_parked{name=\"payments\"} 0\n"), "{metrics}");
    assert_eq!(get("/health"), (200, "ok\n".to_owned()));
}
