//! Ways to spoil an answer.

use cairn::verify::Bundle;
use cairn_events::question::{About, Answer};
use cairn_events::testing::Dice;
use cairn_events::{Family, Hash, Timestamp, Topic, codec};
use serde_bytes::ByteBuf;

/// Does it to an answer.
pub type Spoil = fn(&mut Bundle, &mut Dice);

/// Flips one of the bits.
pub fn flip(bytes: &mut [u8], dice: &mut Dice) {
    if !bytes.is_empty() {
        let at = dice.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.below(8);
    }
}

/// One of the pages, and of its events.
fn page<'a>(bundle: &'a mut Bundle, dice: &mut Dice) -> &'a mut Answer {
    let at = dice.below(bundle.pages.len() as u64) as usize;
    &mut bundle.pages[at]
}

fn events<'a>(bundle: &'a mut Bundle, dice: &mut Dice) -> (&'a mut Vec<ByteBuf>, usize) {
    let events = &mut page(bundle, dice).events;
    let at = dice.below(events.len().max(1) as u64) as usize;
    (events, at)
}

/// The ways in which answers are spoiled. Where there is nothing to spoil, nothing happens.
pub const SPOILS: [(&str, Spoil); 32] = [
    ("an event is missing", |bundle, dice| {
        let (events, at) = events(bundle, dice);
        if at < events.len() {
            events.remove(at);
        }
    }),
    ("the last event is missing", |bundle, dice| drop(events(bundle, dice).0.pop())),
    ("two events are swapped", |bundle, dice| {
        let (events, at) = events(bundle, dice);
        if at > 0 {
            events.swap(at - 1, at);
        }
    }),
    ("an event comes twice", |bundle, dice| {
        let (events, at) = events(bundle, dice);
        if at < events.len() {
            events.insert(at, events[at].clone());
        }
    }),
    ("an event is changed", |bundle, dice| {
        let (events, at) = events(bundle, dice);
        if at < events.len() {
            let mut event = codec::decode_event(&events[at]).unwrap();
            event.timestamp = Timestamp(event.timestamp.0 + 1);
            events[at] = codec::encode_event(&event).into();
        }
    }),
    ("a bit of an event is flipped", |bundle, dice| {
        let (events, at) = events(bundle, dice);
        if at < events.len() {
            flip(&mut events[at], dice);
        }
    }),
    ("no event", |bundle, dice| events(bundle, dice).0.clear()),
    ("the event after is missing", |bundle, dice| page(bundle, dice).after = None),
    ("the event after is another", |bundle, dice| {
        let page = page(bundle, dice);
        page.after = page.after.as_ref().and(page.events.first().cloned());
    }),
    ("the path is changed", |bundle, dice| {
        let path = &mut page(bundle, dice).inclusion;
        if let Some(step) = path.first_mut() {
            flip(&mut step.0, dice);
        }
    }),
    ("the path is too short", |bundle, dice| {
        page(bundle, dice).inclusion.pop();
    }),
    ("the path is too long", |bundle, dice| page(bundle, dice).inclusion.push(Hash([1; 32]))),
    ("the head is missing", |bundle, dice| page(bundle, dice).head = None),
    ("the head is of another count", |bundle, dice| {
        if let Some(leaf) = page(bundle, dice).head.as_mut().and_then(|head| head.leaf.as_mut()) {
            leaf.head.count += 1;
        }
    }),
    ("the head is another event", |bundle, dice| {
        if let Some(leaf) = page(bundle, dice).head.as_mut().and_then(|head| head.leaf.as_mut()) {
            leaf.head.index -= 1;
        }
    }),
    ("the topic is said to be unknown", |bundle, dice| {
        if let Some(head) = page(bundle, dice).head.as_mut() {
            head.leaf = None;
        }
    }),
    ("a fork of the map is changed", |bundle, dice| {
        if let Some(fork) = page(bundle, dice).head.as_mut().and_then(|head| head.forks.first_mut()) {
            flip(&mut fork.sibling.0, dice);
        }
    }),
    ("a fork of the map is missing", |bundle, dice| {
        if let Some(head) = page(bundle, dice).head.as_mut() {
            head.forks.pop();
        }
    }),
    ("the topic is another", |bundle, dice| page(bundle, dice).topic = Some(Topic::Family(Family::Money))),
    ("the question is wider", |bundle, _| bundle.about = About::Everything),
    ("the question has no topic", |bundle, _| bundle.about = About::Topics(Vec::new())),
    ("the question has many topics", |bundle, _| {
        if let About::Topics(topics) = &mut bundle.about {
            *topics = vec![topics[0]; 5];
        }
    }),
    ("the question reaches beyond the log", |bundle, _| bundle.span.until = Some(1 << 40)),
    ("the question is reversed", |bundle, _| (bundle.span.from, bundle.span.until) = (9, Some(8))),
    ("a page is missing", |bundle, dice| {
        let at = dice.below(bundle.pages.len() as u64) as usize;
        bundle.pages.remove(at);
    }),
    ("pages are swapped", |bundle, _| bundle.pages.reverse()),
    ("a page comes twice", |bundle, _| bundle.pages.extend(bundle.pages.last().cloned())),
    ("growth is not proven", |bundle, _| {
        if let Some(page) = bundle.pages.get_mut(1) {
            page.consistency.pop();
        }
    }),
    ("growth is proven where nothing grew", |bundle, _| bundle.pages[0].consistency.push(Hash([2; 32]))),
    ("the tree is changed", |bundle, dice| {
        let page = page(bundle, dice);
        let last = page.hash_tree.len() - 1;
        page.hash_tree[last] ^= 1;
    }),
    ("the certificate is changed", |bundle, dice| {
        let page = page(bundle, dice);
        let last = page.certificate.len() - 1;
        page.certificate[last] ^= 1;
    }),
    ("the tree is no tree", |bundle, dice| page(bundle, dice).hash_tree.clear()),
];
