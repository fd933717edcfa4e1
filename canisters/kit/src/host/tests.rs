mod world;

use super::*;
use crate::api::archive::{ArchiveError, ArchivedBodies};
use crate::api::audit::{
    AppendArgs, Appended, AuditError, AuditRequestError, EventPage, EventQuery, Filter, Reserve, Seen, Tip,
};
use crate::api::host::RebuildPhase;
use crate::journal::{self, JournalConfig};
use crate::runtime::CallFailure;
use crate::runtime::testing::{Network, run};
use crate::stable::Memory;
use cairn_events::payload::MaintenanceConfigured;
use cairn_events::topic::TopicHead;
use cairn_events::{Event, Family, Hash, Link, LogId, Payload, Receipt, SCHEMA_VERSION, Timestamp, Topic, codec};
use cairn_projections::{MemoryTables, Order, Table, digest};
use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;
use std::time::Duration;
use world::{Log, World};

const ROWS: Table<u64, u64> = Table::new(1);

/// One row per event.
struct Listing;
impl Projection for Listing {
    const NAME: &'static str = "listing";
    const VERSION: u32 = 1;
    const FAMILY: Family = Family::Platform;

    fn apply(tables: &mut dyn Tables, event: &Event) {
        ROWS.put(tables, &event.index, &event.timestamp.0);
    }
}

/// Another version of it.
struct NextListing;
impl Projection for NextListing {
    const NAME: &'static str = "listing";
    const VERSION: u32 = 2;
    const FAMILY: Family = Family::Platform;

    fn apply(tables: &mut dyn Tables, event: &Event) {
        ROWS.put(tables, &event.index, &1);
    }
}

fn served<P: Projection>() -> (u64, Hash) {
    let reflected = read::<P, _>(|tables| digest(tables)).unwrap();
    (reflected.checkpoint.map_or(0, |checkpoint| checkpoint.sequence), reflected.content)
}

fn only() -> ProjectionStatus {
    status().remove(0)
}

fn admin(world: &World) -> Admin {
    let alice = Principal::from_slice(&[0xa1]);
    world.network.control(alice);
    Admin::controller(alice).unwrap()
}

#[test]
fn it_follows_and_survives_upgrades() {
    let world = World::new(700);
    world.start::<Listing>();
    assert_eq!(served::<Listing>().0, 0);
    run(follow());
    assert_eq!(served::<Listing>(), (700, world.replayed::<Listing>(700)));
    world.log.borrow_mut().grow(3);
    world.start::<Listing>();
    assert_eq!(served::<Listing>().0, 700, "rows and checkpoint are kept");
    world.network.advance(PULL_EVERY);
    assert_eq!(served::<Listing>(), (703, world.replayed::<Listing>(703)));
}

const LEFT: Table<(), u64> = Table::new(2);

/// Every event concerns many rows.
struct Crowd;
impl Projection for Crowd {
    const NAME: &'static str = "crowd";
    const VERSION: u32 = 1;
    const FAMILY: Family = Family::Platform;

    fn apply(tables: &mut dyn Tables, _: &Event) {
        LEFT.put(tables, &(), &350);
    }

    fn settle(tables: &mut dyn Tables, limit: usize) -> bool {
        let Some(left) = LEFT.get(tables, &()) else { return true };
        for row in left.saturating_sub(limit as u64)..left {
            ROWS.upsert(tables, &row, |count| *count += 1);
        }
        match left.saturating_sub(limit as u64) {
            0 => LEFT.remove(tables, &()),
            left => LEFT.put(tables, &(), &left),
        }
        false
    }
}

#[test]
fn what_an_event_leaves_to_be_done_is_done_before_the_next_one_in_as_many_messages_as_it_takes() {
    let world = World::new(3);
    world.start::<Crowd>();
    // Every message is at its end as soon as it looks.
    world.network.exhaust(u64::MAX);
    run(follow());
    assert_eq!(only().checkpoint.unwrap().sequence, 3);
    let all = |tables: &dyn Tables| (0..350).map(|row| ROWS.get(tables, &row)).collect::<Vec<_>>();
    let left = |tables: &dyn Tables| LEFT.get(tables, &());
    assert_eq!(read::<Crowd, _>(all).unwrap().content, vec![Some(3); 350]);
    assert_eq!(read::<Crowd, _>(left).unwrap().content, None);
    world.log.borrow_mut().grow(40);
    run(follow());
    assert!(only().checkpoint.unwrap().sequence < 43, "there is more to do than pages are asked for");
    world.network.exhaust(0);
    let admin = admin(&world);
    rebuild("crowd", admin).unwrap();
    run(follow());
    run(follow());
    assert_eq!(
        read::<Crowd, _>(all).unwrap().content,
        vec![Some(44); 350],
        "the outcome of the rebuild is an event, too"
    );
    let outcome = only().last_rebuild.unwrap();
    assert_eq!(outcome.served, outcome.rebuilt);
}

#[test]
fn it_follows_across_archives_and_waits_for_one_that_is_silent() {
    let world = World::new(700);
    world.log.borrow_mut().archived = 650;
    world.start::<Listing>();
    world.network.answer(|_| Err(CallFailure::rejected(2, "busy")));
    run(follow());
    assert_eq!(served::<Listing>().0, 0);
    let behind = Rc::clone(&world.log);
    world.network.answer(move |request| {
        let query: EventQuery = candid::decode_one(&request.args).unwrap();
        Ok(candid::encode_one(Ok::<_, AuditError>(behind.borrow().page(&query))).unwrap())
    });
    world.network.answer(|_| Err(CallFailure::rejected(2, "busy")));
    run(follow());
    let status = only();
    assert!(status.parked.is_none() && status.problem.is_some() && status.checkpoint.is_none());
    run(follow());
    assert_eq!(served::<Listing>(), (700, world.replayed::<Listing>(700)));
}

#[test]
fn a_false_feed_parks_it() {
    let mut other = Log::default();
    other.grow(4);
    let unknown = b"\xa1\x61\x69\x05".to_vec();
    let gap = codec::encode_event(&other.events[3]);
    let mut altered = other.events[2].clone();
    altered.timestamp = Timestamp(5);
    // An altered event shows at its successor, which links to the original.
    for (forged, stands) in [((1, unknown), 1), ((1, gap), 1), ((2, codec::encode_event(&altered)), 3)] {
        let world = World::new(5);
        world.log.borrow_mut().forged = Some(forged);
        world.start::<Listing>();
        run(follow());
        assert_eq!(served::<Listing>().0, stands);
        assert!(only().parked.is_some() && health().is_err());
        world.log.borrow_mut().forged = None;
        run(follow());
        assert_eq!(served::<Listing>().0, stands, "parked until somebody acts");
    }
}

#[test]
fn new_code_tries_a_parked_event_again() {
    let world = World::new(5);
    world.log.borrow_mut().forged = Some((2, vec![0]));
    world.start::<Listing>();
    run(follow());
    assert!(only().parked.is_some());
    world.log.borrow_mut().forged = None;
    world.start::<Listing>();
    run(follow());
    assert_eq!(served::<Listing>(), (5, world.replayed::<Listing>(5)));
}

#[test]
fn a_shorter_log_is_another_log() {
    let world = World::new(5);
    world.start::<Listing>();
    run(follow());
    *world.log.borrow_mut() = Log::default();
    world.log.borrow_mut().grow(3);
    run(follow());
    assert!(only().parked.unwrap().contains("event 4"));
}

#[test]
fn another_log_halts_everything_until_it_is_the_one_again_and_an_admin_says_so() {
    let world = World::new(5);
    world.start::<Listing>();
    run(follow());
    let halted = || read::<Listing, _>(|_| ()).unwrap().halted;
    assert_eq!((halted(), journal::alarm()), (None, None));
    // As long, as well linked, and another one.
    let mut other = Log::default();
    other
        .push(Principal::from_slice(&[3]), Payload::MaintenanceConfigured(MaintenanceConfigured { maintenance: true }));
    other.grow(6);
    let truth = world.log.replace(other);
    world.network.advance(PULL_EVERY);
    assert!(halted().is_some() && health().is_err());
    assert_eq!(served::<Listing>(), (5, listing_of(&truth)), "it stays where it was");
    let asked = world.network.sent().len();
    world.start::<Listing>();
    world.network.advance(Duration::from_secs(3_600));
    assert!(halted().is_some(), "after an upgrade, too");
    assert_eq!(world.network.sent().len(), asked, "nothing is asked of it any more");
    assert!(run(journal::acknowledge(admin(&world))).is_err(), "it is still the other one");
    world.log.replace(truth);
    world.network.advance(Duration::from_secs(60));
    assert!(halted().is_some(), "nobody has said so");
    run(journal::acknowledge(admin(&world))).unwrap();
    assert_eq!(halted(), None);
    let last = world.log.borrow().events.last().unwrap().payload.clone();
    assert!(matches!(last, Payload::ForkAlarmAcknowledged(end) if end.index == 4));
    world.network.advance(PULL_EVERY);
    assert_eq!(served::<Listing>().0, world.log.borrow().events.len() as u64);
}

/// The digest that the listing of this log has.
fn listing_of(log: &Log) -> Hash {
    let mut tables = MemoryTables::default();
    log.events.iter().for_each(|event| Listing::apply(&mut tables, event));
    digest(&tables)
}

#[test]
fn a_rebuild_compares_reports_and_swaps() {
    let world = World::new(1200);
    world.start::<Listing>();
    run(follow());
    // Somebody damaged a row that serves.
    ROWS.put(&mut rows::Rows::open(world.memory(2)), &0, &0);
    assert_ne!(served::<Listing>().1, world.replayed::<Listing>(1200));
    rebuild("listing", admin(&world)).unwrap();
    assert!(matches!(rebuild("listing", admin(&world)), Err(RebuildError::UnderWay { .. })));
    assert_eq!(only().rebuild.unwrap().phase, RebuildPhase::Replaying);
    run(follow());
    let outcome = only().last_rebuild.unwrap();
    assert_eq!((outcome.rebuilt, outcome.checkpoint), (world.replayed::<Listing>(1200), 1199));
    assert_ne!(outcome.served, outcome.rebuilt);
    assert_eq!(served::<Listing>(), (1200, outcome.rebuilt), "the rebuilt rows serve");
    let Payload::ProjectionRebuilt(event) = world.log.borrow().events[1200].payload.clone() else { panic!() };
    assert!(!event.equal && event.rebuilt == outcome.rebuilt && event.checkpoint == 1199);
    run(follow());
    assert_eq!(served::<Listing>(), (1201, world.replayed::<Listing>(1201)), "and follow on");
    // Undamaged rows compare equal.
    rebuild("listing", admin(&world)).unwrap();
    run(follow());
    let outcome = only().last_rebuild.unwrap();
    assert_eq!((outcome.served, outcome.checkpoint), (outcome.rebuilt, 1200));
    assert_eq!(world.network.certified(), with(|host| attest::tree(&host.hosted).digest()));
}

#[test]
fn a_rebuild_survives_upgrades() {
    let world = World::new(30_000);
    world.start::<Listing>();
    while served::<Listing>().0 < 30_000 {
        run(follow());
    }
    rebuild("listing", admin(&world)).unwrap();
    run(follow());
    let halfway = only().rebuild.unwrap().applied;
    assert!((1..30_000).contains(&halfway), "{halfway}: it goes in slices");
    world.start::<Listing>();
    assert_eq!(only().rebuild.unwrap().applied, halfway);
    world.network.advance(Duration::from_secs(60));
    let outcome = only().last_rebuild.unwrap();
    assert_eq!((outcome.served, outcome.rebuilt), (outcome.rebuilt, world.replayed::<Listing>(30_000)));
}

#[test]
fn new_logic_is_built_beside_the_old_rows() {
    let world = World::new(600);
    world.start::<Listing>();
    run(follow());
    let old = served::<Listing>();
    world.start::<NextListing>();
    assert_eq!((served::<NextListing>(), only().version), (old, 1), "the old rows serve");
    run(follow());
    assert_eq!((served::<NextListing>(), only().version), ((600, world.replayed::<NextListing>(600)), 2));
    assert_eq!(world.log.borrow().events.len(), 601, "reported once");
}

#[test]
fn an_outcome_in_doubt_is_not_reported_twice() {
    let world = World::new(10);
    world.start::<Listing>();
    run(follow());
    rebuild("listing", admin(&world)).unwrap();
    let behind = Rc::clone(&world.log);
    world.network.answer(move |request| {
        let query: EventQuery = candid::decode_one(&request.args).unwrap();
        Ok(candid::encode_one(Ok::<_, AuditError>(behind.borrow().page(&query))).unwrap())
    });
    let behind = Rc::clone(&world.log);
    world.network.answer(move |request| {
        let query: EventQuery = candid::decode_one(&request.args).unwrap();
        Ok(candid::encode_one(Ok::<_, AuditError>(behind.borrow().page(&query))).unwrap())
    });
    world.network.answer(|request| {
        assert_eq!(request.method, "append");
        Err(CallFailure::rejected(6, "silence"))
    });
    run(follow());
    assert_eq!(only().rebuild.unwrap().phase, RebuildPhase::Reporting);
    world.network.advance(Duration::from_secs(20));
    assert!(only().rebuild.is_none());
    assert_eq!(world.log.borrow().events.len(), 11);
}

#[test]
fn stable_rows_are_as_the_native_ones() {
    let world = World::new(0);
    let mut stable = rows::Rows::open(world.memory(5));
    let mut native = MemoryTables::default();
    for tables in [&mut stable as &mut dyn Tables, &mut native] {
        for key in [&[1u8, 2][..], &[1], &[2, 0, 0], &[0xff; 64]] {
            tables.insert(key.to_vec(), vec![key.len() as u8]);
        }
        tables.remove(&[2, 0, 0]);
    }
    assert_eq!(digest(&stable), digest(&native));
    let (low, high): (&[u8], &[u8]) = (&[1], &[0xff]);
    for (from, to) in [(Bound::Included(low), Bound::Excluded(high)), (Bound::Excluded(high), Bound::Included(low))] {
        for order in [Order::Ascending, Order::Descending] {
            assert_eq!(stable.scan(from, to, order, 2), native.scan(from, to, order, 2));
        }
    }
    assert_eq!(stable.get(&[1]).as_deref(), Some(&[1][..]));
    stable.clear();
    assert_eq!(stable.get(&[1]), None);
}
