use super::*;
use crate::codec::{decode_event, decode_trusted};
use crate::payload::{CallbackAccepted, Notification};
use crate::testing::{TestLog, TestNames, story};
use crate::{Kind, Topic};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn place(event: &Event) -> Place {
    Place { log: event.log, index: event.index, timestamp: event.timestamp }
}

/// A whole history: every event comes back byte for byte, and its content can be read alone.
#[test]
fn what_was_packed_comes_back() {
    let log = story(7, 60);
    let (mut names, mut kinds, mut saved) = (TestNames::default(), BTreeSet::new(), 0);
    for event in &log.events {
        let stored = encode_event(event);
        let packed = pack(event, names.of(event));
        assert_eq!(packed.whole, stored.len());
        assert_eq!(unpack(&packed.bytes, &place(event), &names), Ok(stored));
        assert_eq!(content(&packed.bytes, &names), Ok((event.actor, event.payload.clone())));
        names.hashes.insert(event.index, event.hash());
        kinds.insert(event.payload.kind());
        saved += packed.whole - packed.bytes.len();
    }
    assert!(kinds.len() > 20, "{kinds:?}");
    assert!(saved > 300 * log.events.len(), "{saved}");
}

#[test]
fn a_missing_hash_or_name_is_an_error() {
    let log = story(1, 3);
    let event = log.events.last().expect("some");
    assert!(event.links.iter().any(|link| link.previous.is_some()) && Topic::of(event).len() > 1);
    let mut names = TestNames::default();
    let packed = pack(event, names.of(event)).bytes;
    let fails = |names: &TestNames| unpack(&packed, &place(event), names).is_err();
    assert!(fails(&names), "without hashes");
    names.hashes = log.events.iter().map(|event| (event.index, event.hash())).collect();
    assert!(!fails(&names));
    let (streams, principals) = (std::mem::take(&mut names.streams), names.principals.clone());
    assert!(fails(&names), "without the stream");
    names.streams = streams;
    names.principals.clear();
    assert!(fails(&names) && content(&packed, &names).is_err(), "without {principals:?}");
}

/// Logs number an actor by the topic of their events, which therefore no event may lack.
#[test]
fn every_event_is_in_the_topic_of_its_actor() {
    // Before it come families, deployment, contract and service.
    assert!(Kind::ALL.iter().all(|kind| kind.families().len() + 3 < Topic::MAX));
    let log = story(5, 40);
    assert!(log.events.iter().all(|event| Topic::of(event).contains(&Topic::Party(event.actor))));
}

proptest! {
    /// Whatever correlation and causation, numbers of any size.
    #[test]
    fn any_envelope_comes_back(
        which in any::<prop::sample::Index>(), correlation in any::<Option<[u8; 32]>>(), causation in any::<Option<u64>>(),
        index in any::<u64>(), version in any::<u64>(), seq in any::<u64>(), schema in any::<u16>(),
    ) {
        let log = story(3, 4);
        let mut event = which.get(&log.events).clone();
        (event.correlation, event.causation) = (correlation.map(Hash), causation);
        (event.index, event.stream_version, event.source_seq, event.schema) = (index, version, seq, schema);
        event.parent = (index > 0).then_some(Hash([9; 32]));
        let hashes = event.links.iter().filter_map(|link| link.previous).collect();
        let mut names = TestNames { hashes, ..TestNames::default() };
        names.hashes.extend(event.parent.map(|parent| (index.wrapping_sub(1), parent)));
        for link in &mut event.links {
            // An event has one parent, whatever index it got here.
            link.previous = link.previous.and_then(|(index, _)| Some((index, *names.hashes.get(&index)?)));
        }
        let stored = encode_event(&event);
        let packed = pack(&event, names.of(&event));
        let unpacked = unpack(&packed.bytes, &place(&event), &names).expect("whole");
        prop_assert_eq!(&unpacked, &stored);
        prop_assert_eq!(decode_event(&unpacked), Ok(event));
        prop_assert!(decode_trusted::<Event>(&unpacked).is_ok());
    }
}

/// What is stored is read for ever: never change these bytes.
#[test]
fn the_compact_form_is_pinned() {
    let (audit, factory) = (Principal::from_slice(&[1; 10]), Principal::from_slice(&[2; 10]));
    let (contract, holder) = (Principal::from_slice(&[3; 10]), Principal::from_slice(&[4; 29]));
    let mut log = TestLog::begin(audit, factory, [5; 32]);
    for seq in 1..=2 {
        let notification = Notification::HolderAdded(holder);
        log.append(
            factory,
            factory,
            Payload::CallbackAccepted(CallbackAccepted { contract, epoch: 1, seq, notification }),
        );
    }
    let event = log.events.last().expect("three");
    let expected = concat!(
        "8a01078802010201030102010219012c1a0001117002f601586ea17163616c6c6261636b5f6163636570746564a468636f6e",
        "74726163744a030303030303030303036565706f63680163736571026c6e6f74696669636174696f6ea16c686f6c6465725f",
        "6164646564581d0404040404040404040404040404040404040404040404040404040404",
    );
    let numbers = Numbers { stream: 7, actor: 300, source: 70_000 };
    assert_eq!(hex::encode(pack(event, numbers).bytes), expected);
}
