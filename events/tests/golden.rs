//! The bytes and the hash of one event of every kind, for ever.
//!
//! `golden/v1.txt` is append-only: kind, stored bytes, hash, for every form that a kind can take. A line never changes;
//! what is new adds lines, which `APPEND_GOLDEN=1` writes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod payloads;

use cairn_events::codec::{decode_event, encode_event};
use cairn_events::value::is_constant_key;
use cairn_events::{Event, Kind, Value};
use payloads::draw::Fixed;
use payloads::event;
use std::collections::BTreeSet;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1.txt");

/// An event of every kind in every form: every option present and absent, every variant of every choice.
fn samples() -> Vec<Event> {
    let mut seen = BTreeSet::new();
    let forms = Kind::ALL.iter().flat_map(|kind| (0..Fixed::CHOICES).map(|n| event(*kind, &mut Fixed::choosing(n))));
    forms.filter(|event| seen.insert(event.hash())).collect()
}

#[test]
fn every_kind_has_its_golden_bytes_and_hash() {
    let mut golden = std::fs::read_to_string(PATH).unwrap_or_default();
    let missing = |golden: &str| -> String {
        let line = |event: &Event| {
            format!("{} {} {}\n", event.payload.kind().btype(), hex::encode(encode_event(event)), event.hash())
        };
        let lines: BTreeSet<&str> = golden.lines().collect();
        samples().iter().map(line).filter(|line| !lines.contains(line.trim_end())).collect()
    };
    if std::env::var_os("APPEND_GOLDEN").is_some() {
        golden += &missing(&golden);
        std::fs::write(PATH, &golden).unwrap();
    }
    assert_eq!(missing(&golden), "", "encoded or hashed differently, or new; what is new is added by APPEND_GOLDEN=1");
}

#[test]
fn golden_bytes_decode_to_the_event_of_their_hash() {
    for line in std::fs::read_to_string(PATH).unwrap().lines() {
        let [kind, bytes, hash] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("three fields: {line}") };
        let bytes = hex::decode(bytes).unwrap();
        let event = decode_event(&bytes).unwrap();
        assert_eq!(event.payload.kind().btype(), kind);
        assert_eq!(event.hash().to_string(), hash);
        assert_eq!(encode_event(&event), bytes);
        assert_eq!(Kind::from_btype(kind), Some(event.payload.kind()));
    }
}

#[test]
fn every_key_of_every_kind_has_a_constant_hash() {
    for event in samples() {
        let value = event.to_value();
        let kind = event.payload.kind();
        assert!(matches!(value.get("tx"), Some(Value::Map(fields)) if !fields.is_empty()), "{kind:?} has no content");
        assert_keys(&value);
    }
}

fn assert_keys(value: &Value) {
    match value {
        Value::Map(entries) => {
            let mut names: Vec<&String> = entries.iter().map(|(name, _)| name).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), entries.len(), "a repeated key");
            for (key, inner) in entries {
                assert!(is_constant_key(key), "{key} is not a constant key");
                assert_keys(inner);
            }
        }
        Value::Array(items) => items.iter().for_each(assert_keys),
        _ => {}
    }
}
