//! Stored events and payloads.

use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use cairn_events::codec::{decode_event, decode_payload, encode_event, encode_payload};
use cairn_events::verify::LogVerifier;
use cairn_events::{Event, Topic};

/// An event of every kind in every form.
const GOLDEN: &str = include_str!("../../../../events/tests/golden/v1.txt");

/// Events of every kind, and their payloads.
pub struct Events {
    corpus: Vec<Vec<u8>>,
}

impl Events {
    pub fn new() -> Events {
        let golden = GOLDEN.lines().filter_map(|line| hex::decode(line.split(' ').nth(1)?).ok());
        let events: Vec<Vec<u8>> = golden.collect();
        let payload = |event: &Vec<u8>| decode_event(event).ok().map(|event| encode_payload(&event.payload));
        let payloads: Vec<Vec<u8>> = events.iter().filter_map(payload).collect();
        Events { corpus: [events, payloads].concat() }
    }
}

fn check(event: &Event) -> Result<(), String> {
    ensure(event.to_value().hash() == event.hash(), || "two hashes of one event".to_owned())?;
    ensure(Topic::of(event).len() <= Topic::MAX, || "too many topics".to_owned())?;
    let text = event.stream.to_string();
    ensure(text.parse() == Ok(event.stream), || format!("stream {text:?} is read otherwise"))?;
    let mut log = LogVerifier::new(event.source, event.log);
    let _ = log.push(event);
    Ok(())
}

impl Target for Events {
    fn name(&self) -> &'static str {
        "event"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Cbor(0)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        if let Ok(payload) = decode_payload(input) {
            ensure(encode_payload(&payload) == input, || "a payload in two forms".to_owned())?;
            let _ = (payload.is_bounded(), payload.commitments(), payload.to_value().hash());
            return Ok(Verdict::Accepted);
        }
        let event = decode_event(input);
        if let Ok(event) = &event {
            ensure(encode_event(event) == input, || "an event in two forms".to_owned())?;
            check(event)?;
        }
        Ok(Verdict::from(&event))
    }
}
