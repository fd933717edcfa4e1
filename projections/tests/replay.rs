//! A projection is a function of the log: however its events arrive, the rows are the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use cairn_events::testing::story;
use cairn_events::{Event, Hash, Topic};
use cairn_projections::{ALL, Checkpoint, Definition, Digester, FeedFault, MemoryTables, digest, tables::MAX_KEY};
use proptest::prelude::*;

/// The events of the projection's feed.
fn feed<'a>(projection: &Definition, events: &'a [Event]) -> impl Iterator<Item = &'a Event> {
    let family = projection.family;
    events.iter().filter(move |event| event.payload.kind().families().contains(&family))
}

fn replay(projection: &Definition, events: &[Event]) -> MemoryTables {
    let mut tables = MemoryTables::default();
    feed(projection, events).for_each(|event| (projection.apply)(&mut tables, event));
    tables
}

/// As a host does it: event by event, each checked against the checkpoint, in slices of any length.
struct Host {
    projection: Definition,
    tables: MemoryTables,
    checkpoint: Option<Checkpoint>,
}

impl Host {
    fn new(projection: Definition) -> Self {
        Host { projection, tables: MemoryTables::default(), checkpoint: None }
    }

    fn take_in(&mut self, event: &Event) -> Result<(), FeedFault> {
        self.checkpoint = Some(Checkpoint::follow(self.checkpoint.as_ref(), event, self.projection.family)?);
        (self.projection.apply)(&mut self.tables, event);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn incremental_tables_are_those_of_a_replay_at_every_event(seed: u64, deployments in 1u64..10, stop: prop::sample::Index) {
        let log = story(seed, deployments);
        let stop = stop.index(log.events.len());
        for projection in ALL {
            let mut host = Host::new(projection);
            for event in feed(&projection, &log.events) {
                if event.index as usize == stop {
                    prop_assert_eq!(&host.tables, &replay(&projection, &log.events[..stop]), "{} as of {}", projection.name, stop);
                }
                host.take_in(event).unwrap();
            }
            let rebuilt = replay(&projection, &log.events);
            // Entry by entry, then by digest.
            prop_assert!(host.tables.iter().eq(rebuilt.iter()), "{}", projection.name);
            prop_assert_eq!(digest(&host.tables), digest(&rebuilt));
            let last = feed(&projection, &log.events).last();
            let sequence = feed(&projection, &log.events).count() as u64;
            let expected = last.map(|last| Checkpoint { sequence, index: last.index, hash: last.hash() });
            prop_assert_eq!(host.checkpoint, expected);
        }
    }

    #[test]
    fn a_digest_does_not_depend_on_its_slices(seed: u64, slice in 1usize..50) {
        let log = story(seed, 5);
        for projection in ALL {
            let tables = replay(&projection, &log.events);
            let mut digester = Digester::default();
            let mut slices = 0;
            let sliced = loop {
                slices += 1;
                if let Some(digest) = digester.advance(&tables, slice) {
                    break digest;
                }
            };
            prop_assert_eq!(sliced, digest(&tables));
            prop_assert_eq!(digester.rows(), tables.len() as u64);
            prop_assert_eq!(slices, tables.len() / slice + 1);
        }
    }

    /// Whatever is missing, doubled or out of order: no panic, and the link check notices the first fault.
    #[test]
    fn a_feed_with_faults_is_refused_and_even_so_harmless(seed: u64, damage in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..3), 1..6)) {
        let log = story(seed, 6);
        for projection in ALL {
            let intact: Vec<Event> = feed(&projection, &log.events).cloned().collect();
            let mut damaged = intact.clone();
            for (place, how) in &damage {
                let place = place.index(damaged.len());
                match how {
                    0 => drop(damaged.remove(place)),
                    1 => damaged.insert(place, damaged[place].clone()),
                    _ => damaged.swap(place, 0),
                }
                if damaged.is_empty() {
                    break;
                }
            }
            replay(&projection, &damaged);
            let mut host = Host::new(projection);
            let accepted = damaged.iter().take_while(|event| host.take_in(event).is_ok()).count();
            prop_assert_eq!(&damaged[..accepted], &intact[..accepted], "what was accepted is the log");
            prop_assert!(accepted == damaged.len() || accepted == intact.len() || damaged[accepted] != intact[accepted]);
        }
    }

    #[test]
    fn keys_and_rows_are_short(seed: u64) {
        let log = story(seed, 12);
        for projection in ALL {
            for (key, row) in replay(&projection, &log.events).iter() {
                prop_assert!(key.len() <= MAX_KEY, "{}: key of {} bytes", projection.name, key.len());
                prop_assert!(row.len() <= 1024, "{}: row of {} bytes", projection.name, row.len());
            }
        }
    }
}

#[test]
fn every_fault_of_a_feed_has_its_name() {
    let log = story(3, 4);
    let projection = ALL[1];
    let events: Vec<&Event> = feed(&projection, &log.events).collect();
    let mut host = Host::new(projection);
    let fault = |host: &Host, event: &Event| {
        Checkpoint::follow(host.checkpoint.as_ref(), event, projection.family).unwrap_err()
    };
    let index = events[1].index;
    assert_eq!(fault(&host, events[1]), FeedFault::Gap { index, found: 2, expected: 1 });
    host.take_in(events[0]).unwrap();
    host.take_in(events[1]).unwrap();
    assert_eq!(fault(&host, events[1]), FeedFault::Gap { index, found: 2, expected: 3 });
    let foreign =
        log.events.iter().find(|event| !event.payload.kind().families().contains(&projection.family)).unwrap();
    assert_eq!(fault(&host, foreign), FeedFault::Foreign { index: foreign.index });

    let next = events[2].clone();
    let index = next.index;
    let place = Topic::of(&next).iter().position(|topic| *topic == Topic::Family(projection.family)).unwrap();
    let mut newer = next.clone();
    newer.schema = 2;
    assert_eq!(fault(&host, &newer), FeedFault::UnknownSchema { index, schema: 2 });
    let mut elsewhere = next.clone();
    elsewhere.links[place].previous = Some((events[1].index, Hash([1; 32])));
    assert_eq!(fault(&host, &elsewhere), FeedFault::Fork { index });
    let mut unlinked = next.clone();
    unlinked.links.pop();
    assert_eq!(fault(&host, &unlinked), FeedFault::Foreign { index });
    host.take_in(&next).unwrap();

    // An event altered anywhere has another hash: the next one does not follow it.
    let mut host = Host::new(projection);
    let mut altered = events[0].clone();
    altered.causation = None;
    host.take_in(&altered).unwrap();
    assert_eq!(fault(&host, events[1]), FeedFault::Fork { index: events[1].index });
}

/// The rows of a known log. A difference means other logic or another row encoding: raise the projection's version.
#[test]
fn digests_of_a_known_log() {
    let log = story(2026, 30);
    let digests: Vec<(&str, u32, String)> = ALL
        .iter()
        .map(|projection| (projection.name, projection.version, digest(&replay(projection, &log.events)).to_string()))
        .collect();
    let expected: Vec<(&str, u32, String)> = include_str!("digests.txt")
        .lines()
        .map(|line| {
            let mut fields = line.split(' ');
            let mut field = || fields.next().unwrap();
            (field(), field().parse().unwrap(), field().to_owned())
        })
        .collect();
    assert_eq!(digests, expected);
}

#[test]
fn names_are_short_and_unique() {
    for (place, projection) in ALL.iter().enumerate() {
        assert!(projection.name.len() <= cairn_events::payload::ProjectionRebuilt::MAX_NAME);
        assert!(ALL[..place].iter().all(|other| other.name != projection.name));
    }
}
