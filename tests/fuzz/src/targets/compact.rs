//! Events in compact form, as the log keeps them, and where they are said to stand.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use cairn_events::Event;
use cairn_events::codec::compact::{Known, Packed, Place, content, pack, unpack};
use cairn_events::codec::decode_event;
use cairn_events::testing::TestNames;

/// A byte that says whose place is taken, and an event in compact form.
pub struct Compact {
    truth: Truth,
    names: TestNames,
    corpus: Vec<Vec<u8>>,
}

impl Compact {
    pub fn new() -> Compact {
        let truth = Truth::new();
        let hashes = truth.log.events.iter().map(|event| (event.index, event.hash())).collect();
        let mut names = TestNames { hashes, ..TestNames::default() };
        let packed = |(place, event): (u8, &Event)| [vec![place], pack(event, names.of(event)).bytes].concat();
        let corpus = (0..).zip(&truth.log.events).map(packed).collect();
        Compact { truth, names, corpus }
    }

    /// That an event stands where it should, after those that are there.
    fn check_place(&self, event: &Event, place: &Place) -> Result<(), String> {
        let found = Place { log: event.log, index: event.index, timestamp: event.timestamp };
        ensure(found == *place, || format!("an event stands at {found:?}"))?;
        let mut links = event.links.iter().filter_map(|link| link.previous);
        ensure(links.all(|(index, hash)| self.names.hash(index) == Some(hash)), || {
            "a link with another hash".to_owned()
        })?;
        let parent = place.index.checked_sub(1).and_then(|index| self.names.hash(index));
        ensure(event.parent == parent, || "another parent".to_owned())
    }
}

impl Target for Compact {
    fn name(&self) -> &'static str {
        "compact"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Cbor(1)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Some((number, bytes)) = input.split_first() else { return Ok(Verdict::Refused) };
        let there = &self.truth.log.events[usize::from(*number) % self.truth.log.events.len()];
        let place = Place { log: there.log, index: there.index, timestamp: there.timestamp };
        let _ = content(bytes, &self.names);
        let Ok(stored) = unpack(bytes, &place, &self.names) else { return Ok(Verdict::Refused) };
        // The payload is passed on as it is: whether it is one, the stored form says.
        let Ok(event) = decode_event(&stored) else { return Ok(Verdict::Refused) };
        self.check_place(&event, &place)?;
        ensure(content(bytes, &self.names) == Ok((event.actor, event.payload.clone())), || {
            "another content".to_owned()
        })?;
        let Packed { bytes: again, whole } = pack(&event, self.names.clone().of(&event));
        ensure(whole == stored.len(), || format!("{whole} bytes, in truth {}", stored.len()))?;
        let again = unpack(&again, &place, &self.names);
        ensure(again == Ok(stored), || "what is packed is unpacked otherwise".to_owned())?;
        Ok(Verdict::Accepted)
    }
}
