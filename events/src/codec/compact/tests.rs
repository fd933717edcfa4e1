use super::*;
use crate::Topic;
use crate::codec::{decode_event, decode_trusted};
use crate::payload::{CallbackAccepted, Notification};
use crate::testing::{TestLog, story};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn place(event: &Event) -> Place {
    Place { log: event.log, index: event.index, timestamp: event.timestamp }
}

/// A whole history: every event comes back byte for byte, and its content can be read alone.
#[test]
fn what_was_packed_comes_back() {
    let log = story(7, 60);
    let hashes: Vec<Hash> = log.events.iter().map(Event::hash).collect();
    let hash = |index: u64| hashes.get(index as usize).copied();
    let (mut kinds, mut saved) = (BTreeSet::new(), 0);
    for event in &log.events {
        let stored = encode_event(event);
        let packed = pack(event);
        assert_eq!(packed.whole, stored.len());
        assert_eq!(unpack(&packed.bytes, &place(event), hash), Ok(stored));
        assert_eq!(content(&packed.bytes), Ok((event.actor, event.payload.clone())));
        kinds.insert(event.payload.kind());
        saved += packed.whole - packed.bytes.len();
    }
    assert!(kinds.len() > 20, "{kinds:?}");
    assert!(saved > 250 * log.events.len(), "{saved}");
}

#[test]
fn every_stream_has_bytes_of_its_own() {
    let id = Principal::from_slice(&[7; 29]);
    let deployment = DeploymentId(Hash([3; 32]));
    let streams = [
        Stream::Log,
        Stream::Platform,
        Stream::Canister(id),
        Stream::Deployment(deployment),
        Stream::Contract(id),
        Stream::Pool(id),
    ];
    let bytes: BTreeSet<Vec<u8>> = streams.iter().map(stream_bytes).collect();
    assert_eq!(bytes.len(), streams.len());
    assert!(streams.iter().all(|stream| stream_of(&stream_bytes(stream)) == Some(*stream)));
    assert!([&[][..], &[9], &[LOG, 1], &[DEPLOYMENT, 1]].iter().all(|bytes| stream_of(bytes).is_none()));
}

#[test]
fn a_missing_hash_is_an_error() {
    let log = story(1, 3);
    let event = log.events.last().expect("some");
    assert!(event.links.iter().any(|link| link.previous.is_some()) && Topic::of(event).len() > 1);
    assert!(unpack(&pack(event).bytes, &place(event), |_| None).is_err());
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
        let known = event.clone();
        let hash = |wanted: u64| {
            let linked = known.links.iter().filter_map(|link| link.previous).find(|(index, _)| *index == wanted);
            linked.map(|(_, hash)| hash).or(known.parent)
        };
        let stored = encode_event(&event);
        let unpacked = unpack(&pack(&event).bytes, &place(&event), hash).expect("whole");
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
        "8a014b0403030303030303030303880201020103010201024a02020202020202020202f602f601586ea17163616c6c626163",
        "6b5f6163636570746564a468636f6e74726163744a030303030303030303036565706f63680163736571026c6e6f74696669",
        "636174696f6ea16c686f6c6465725f6164646564581d04040404040404040404040404040404040404040404040404040404",
        "04",
    );
    assert_eq!(hex::encode(pack(event).bytes), expected);
}
