//! Private references, and that they are nowhere once they are erased (I19), wherever the bodies of their events are.

use crate::archiving::{events, pass};
use crate::stage::{KEPT, MOVED, MOVING, Stage};
use crate::verdict::violations;
use cairn_events::payload::{ErasureReason, OpeningErased};
use cairn_events::{Event, Opening, Payload, Principal, Submission};
use cairn_kit::api::audit::{AuditError, AuditRequestError};
use localnet::Net;
use memchr::memmem;
use std::time::Duration;

/// Bytes that occur nowhere but in a private reference.
pub type Mark = [u8; 8];
/// The mark of those that are erased,
pub const ERASED: Mark = *b"4711 Roe";
/// and of the others.
pub const LASTING: Mark = *b"0815 Doe";

/// An event with a private reference.
#[derive(Clone)]
pub struct Order {
    /// Whom it concerns.
    pub buyer: Principal,
    /// Where it stands.
    pub index: u64,
    /// Salt and content.
    pub opening: Opening,
}

/// Salt and content are the mark over and over: any fifteen bytes of them that are left somewhere have the whole of it.
pub fn opening(mark: Mark, times: usize) -> Opening {
    Opening { salt: mark.repeat(4).try_into().unwrap(), content: mark.repeat(times) }
}

impl Order {
    /// The buyer has the reference erased.
    pub fn erasure(&self) -> Submission {
        let (index, commitment) = (self.index, self.opening.commitment());
        let erased = OpeningErased { index, commitment, reason: ErasureReason::Requested };
        Submission::new(self.buyer, Payload::OpeningErased(erased)).caused_by(index)
    }

    /// Whether that is what `event` says.
    fn is_erased_by(&self, event: &Event) -> bool {
        matches!(&event.payload, Payload::OpeningErased(erased)
            if (erased.index, erased.commitment) == (self.index, self.opening.commitment()))
    }

    /// Whether the log gave the body of the order up by `event`.
    fn is_moved_by(&self, event: &Event) -> bool {
        matches!(&event.payload, Payload::RangeMoved(moved) if (moved.from..moved.until).contains(&self.index))
    }
}

/// Where the mark is found, byte by byte: stable memory and heap of every canister.
fn places(net: &Net, mark: &Mark) -> Vec<String> {
    let holds = |memory: Option<Vec<u8>>| memmem::find(&memory.unwrap_or_default(), mark).is_some();
    let mut places = Vec::new();
    for id in net.canisters() {
        if holds(net.stable_memory(id)) {
            places.push(format!("the stable memory of {id}"));
        }
        if holds(net.heap_memory(id)) {
            places.push(format!("the heap of {id}"));
        }
    }
    places
}

/// I19: what was erased is nowhere, not in the `export` either, and what was not is told to the buyer. I14: it was
/// erased once, by the event that the log names.
pub fn check(stage: &mut Stage, events: &[Event], export: &[u8], found: &mut Vec<String>) {
    for number in [MOVED, MOVING] {
        let order = &stage.orders[number];
        let by: Vec<u64> = events.iter().filter(|e| order.is_erased_by(e)).map(|e| e.index).collect();
        let index = order.index;
        let told = stage.opening(number);
        let gone = |event| Err(AuditError::Request(AuditRequestError::Erased { index, event }));
        if by.len() != 1 || told != gone(by[0]) {
            found.push(format!("I14: the reference of event {index} is erased by {by:?}, the log says {told:?}"));
        }
    }
    let (lasting, told) = (stage.orders[KEPT].opening.clone(), stage.opening(KEPT));
    if told != Ok(Some(lasting)) {
        found.push(format!("I19: what nobody had erased is {told:?}"));
    }
    let left = places(&stage.log.net, &ERASED);
    found.extend(left.into_iter().map(|place| format!("I19: what was erased is still in {place}")));
    if [ERASED, LASTING].iter().any(|mark| memmem::find(export, mark).is_some()) {
        found.push("I19: an export has private references".to_owned());
    }
}

/// Without faults: one reference is erased when an archive has the body of its event, another one when the archive has
/// just been sent it and the log has it still.
#[test]
fn erasure_and_archiving_meet() {
    let mut stage = Stage::begin(57);
    let (audit, host) = (stage.log.audit, stage.host);
    let log = format!("the stable memory of {audit}");
    for mark in [&ERASED, &LASTING] {
        let places = places(&stage.log.net, mark);
        assert!(places.contains(&log), "the search finds nothing: {places:?}");
        assert!(places.iter().all(|place| place.ends_with(&audit.to_text())), "{places:?}");
    }
    stage.play();
    pass(&mut stage.log.net, 2, Duration::from_secs(31));
    let all = events(&mut stage.log.net, audit, "getWholeEvents");
    let [moved, moving] = [MOVED, MOVING].map(|number| {
        let order = &stage.orders[number];
        let given_up = all.iter().position(|event| order.is_moved_by(event)).unwrap();
        (given_up, all.iter().position(|event| order.is_erased_by(event)).unwrap())
    });
    assert!(moved.0 < moving.1 && moving.1 < moved.1 && moved.1 < moving.0, "{moved:?}, {moving:?}");
    let fetched = stage.log.net.trace().iter().any(|entry| entry.caller == host && entry.method == "getBodies");
    assert!(fetched, "the rebuild did not cross the boundary");
    assert_eq!(violations(&mut stage), Vec::<String>::new());
    let places = places(&stage.log.net, &LASTING);
    assert!(places.contains(&log) && places.iter().all(|place| place.ends_with(&audit.to_text())), "{places:?}");
}
