//! Exports as text: the same log, and nothing beside it.

use crate::exports::{policy, small};
use crate::sample::{self, Claim};
use cairn_events::testing::{TestLog, story};
use cairn_events::{Hash, codec, merkle};
use cairn_verifier::*;

fn written(log: &TestLog, form: Form) -> Vec<u8> {
    let (claim, events) = (Claim::of(log), sample::events(log));
    let sections = Sections {
        events: events.iter().map(|event| event.into()).collect(),
        hash_tree: claim.hash_tree().into(),
        certificate: claim.certificate().into(),
    };
    form.write(&sections).unwrap()
}

#[test]
fn every_form_says_the_same() {
    let log = story(7, 5);
    let verdict = verify(&written(&log, Form::Binary), &policy(&log)).unwrap();
    for form in [Form::Lines, Form::Table] {
        let bytes = written(&log, form);
        assert_eq!(Form::of(&bytes), Some(form));
        assert_eq!(Form::from_name(form.name()), Some(form));
        assert_eq!(verify(&bytes, &policy(&log)), Ok(verdict.clone()));
        assert_eq!(Sections::parse(&bytes).unwrap().decoded().unwrap(), log.events);
        // There and back again.
        let again = Form::Binary.write(&Sections::parse(&bytes).unwrap()).unwrap();
        assert_eq!(again, written(&log, Form::Binary));
    }
}

#[test]
fn a_changed_byte_anywhere_in_a_text_is_refused() {
    let log = small();
    let policy = policy(&log);
    for form in [Form::Lines, Form::Table] {
        let bytes = written(&log, form);
        let mut changed = bytes.clone();
        for position in (0..bytes.len()).step_by(3) {
            let other = [bytes[position] ^ 1, bytes[position] ^ 0x20, b'"', b'\n'][position % 4];
            changed[position] = other;
            assert!(other == bytes[position] || verify(&changed, &policy).is_err(), "{form:?} {position} {other}");
            changed[position] = bytes[position];
        }
        for length in 0..bytes.len() {
            assert!(verify(&bytes[..length], &policy).is_err(), "{form:?} {length}");
        }
    }
}

#[test]
fn a_line_that_says_something_else_is_named() {
    let log = small();
    for (form, stream) in [(Form::Lines, "\"stream\":\"platform\""), (Form::Table, ",platform,")] {
        let text = String::from_utf8(written(&log, form)).unwrap();
        let line = 1 + text.lines().position(|line| line.contains(stream)).unwrap();
        let lie = text.replacen(stream, &stream.replace("platform", "log"), 1);
        assert_eq!(verify(lie.as_bytes(), &policy(&log)), Err(Failure::Row { line }), "{form:?}");
        let fewer: String =
            text.split_inclusive('\n').enumerate().filter(|(n, _)| *n != 2).map(|(_, line)| line).collect();
        assert!(verify(fewer.as_bytes(), &policy(&log)).is_err());
        let twice: String = text.split_inclusive('\n').chain(["\n"]).collect();
        assert!(matches!(verify(twice.as_bytes(), &policy(&log)), Err(Failure::Malformed(_))));
    }
}

/// Somebody with a JSON parser, SHA-256 and the root: a line alone shows that its event is in the log.
#[test]
fn a_line_of_json_proves_its_event_by_itself() {
    let log = story(7, 2);
    let root = Claim::of(&log).root;
    let text = String::from_utf8(written(&log, Form::Lines)).unwrap();
    let size = log.events.len() as u64;
    for (index, line) in (0..).zip(text.lines().skip(1)) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let event = codec::decode_event(&hex::decode(line["event"].as_str().unwrap()).unwrap()).unwrap();
        let hash = |value: &serde_json::Value| Hash::from_hex(value.as_str().unwrap()).unwrap();
        assert_eq!(hash(&line["hash"]), event.hash());
        let path: Vec<Hash> = line["path"].as_array().unwrap().iter().map(hash).collect();
        assert!(merkle::verify_inclusion(&event.hash(), index, size, &path, &root));
    }
}

/// The rows of a table hash to the root, whatever is sorted out of them.
#[test]
fn the_rows_of_a_table_hash_to_the_root() {
    let log = story(7, 2);
    let text = String::from_utf8(written(&log, Form::Table)).unwrap();
    let mut tree = merkle::Frontier::default();
    for row in text.lines().skip(1).take(log.events.len()) {
        let (_, event) = row.rsplit_once(',').unwrap();
        tree.push(&codec::decode_event(&hex::decode(event).unwrap()).unwrap().hash());
    }
    assert_eq!(tree.root(), Claim::of(&log).root);
    let columns = |line: &str| {
        let (mut quoted, mut count) = (false, 1);
        for byte in line.bytes() {
            quoted ^= byte == b'"';
            count += usize::from(byte == b',' && !quoted);
        }
        count
    };
    assert!(text.lines().all(|line| columns(line) == 10));
}
