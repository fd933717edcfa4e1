//! Answers: what is asked is found, complete, and nothing else is believed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use cairn_events::answer::{CertifiedTip, Findings, Remembered, Untrue, answer, verify};
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_events::testing::{Dice, TestLog, TestRecords, story};
use cairn_events::topic_map::MapFork;
use cairn_events::{Event, Hash, Topic, codec};
use proptest::prelude::*;
use serde_bytes::ByteBuf;

/// A log, what it was like earlier, and a question.
struct Scene {
    log: TestLog,
    now: TestRecords,
    earlier: TestRecords,
    question: Question,
    remembered: Option<Remembered>,
    dice: Dice,
}

impl Scene {
    fn new(seed: u64) -> Scene {
        let mut dice = Dice(seed);
        let deployments = dice.below(7);
        let log = story(seed, deployments);
        let size = 1 + dice.below(log.events.len() as u64);
        let lag = if dice.one_in(3) { dice.below(size) } else { 0 };
        let earlier_size = 1 + dice.below(size);
        let earlier = TestRecords::of(&log, earlier_size as usize, earlier_size as usize);
        let now = TestRecords::of(&log, size as usize, (size - lag) as usize);
        let question = question(&log, size - lag, &mut dice);
        let since = dice.one_in(3);
        let remembered = since.then(|| {
            let CertifiedTip { size, root, .. } = earlier.tip().unwrap();
            Remembered { size, root }
        });
        let question = Question { since: remembered.map(|remembered| remembered.size), ..question };
        Scene { log, now, earlier, question, remembered, dice }
    }

    fn tip(&self) -> CertifiedTip {
        self.now.tip().unwrap()
    }

    fn answer(&self) -> Answer {
        answer(&self.now, &self.question).unwrap()
    }

    fn verify(&self, answer: &Answer) -> Result<Findings, Untrue> {
        verify(&self.question, answer, &self.tip(), self.remembered.as_ref())
    }

    /// Whether the findings are what a search of the whole log finds: the oracle.
    fn is_true(&self, findings: &Findings) -> bool {
        let Question { about, span, limit, .. } = &self.question;
        let (begin, end) = findings.complete;
        if *limit == 0 {
            return findings.events.is_empty() && findings.rest.is_none();
        }
        let fits = |event: &&Event| {
            about.includes(event)
                && !span.begins_after(event.index, event.timestamp)
                && !span.ends_before(event.index, event.timestamp)
        };
        // Of events that the topic map does not cover yet, a topic's answer says nothing.
        let size = if *about == About::Everything { self.tip().size } else { self.tip().topics_size };
        let in_rest = |event: &Event| {
            findings.rest.is_some_and(|rest| {
                !rest.begins_after(event.index, event.timestamp) && !rest.ends_before(event.index, event.timestamp)
            })
        };
        let all: Vec<&Event> = self.now.events().iter().filter(fits).collect();
        let (part, others): (Vec<&Event>, Vec<&Event>) =
            all.into_iter().partition(|event| (begin..end).contains(&event.index));
        part.into_iter().eq(&findings.events) && others.into_iter().all(|event| event.index >= size || in_rest(event))
    }
}

fn question(log: &TestLog, size: u64, dice: &mut Dice) -> Question {
    let event = &log.events[dice.below(size.max(1)) as usize];
    let topics = Topic::of(event);
    let about = match dice.below(4) {
        0 => About::Everything,
        1 => About::Topics(vec![Topic::Party(cairn_events::testing::principal(dice.below(300)))]),
        2 => About::Topics(vec![topics[dice.below(topics.len() as u64) as usize]]),
        _ => About::Topics(topics.into_iter().rev().take(3).collect()),
    };
    let mut bounds = || {
        let (one, other) = (dice.below(size + 1), dice.below(size + 1));
        (one.min(other), one.max(other))
    };
    let ((from, until), (early, late)) = (bounds(), bounds());
    let time = |index: u64| log.events[(index as usize).min(log.events.len() - 1)].timestamp.0;
    let span = Span {
        from: if dice.one_in(2) { from } else { 0 },
        until: dice.one_in(2).then_some(until),
        from_time: dice.one_in(3).then(|| time(early)),
        until_time: dice.one_in(3).then(|| time(late)),
    };
    let order = if dice.one_in(2) { Order::OldestFirst } else { Order::NewestFirst };
    Question { about, span, order, limit: [0, 1, 3, 10, 100][dice.below(5) as usize], since: None }
}

/// Changes an answer in one way.
fn change(scene: &mut Scene, answer: &Answer) -> Answer {
    let mut changed = answer.clone();
    let Scene { dice, log, .. } = scene;
    let any = ByteBuf::from(codec::encode_event(&log.events[dice.below(log.events.len() as u64) as usize]));
    let at = dice.below(answer.events.len() as u64) as usize;
    let has_events = !answer.events.is_empty();
    match dice.below(20) {
        0 if has_events => drop(changed.events.remove(at)),
        1 if has_events => changed.events.insert(at, answer.events[at].clone()),
        2 if has_events => changed.events[at] = any,
        3 if answer.events.len() > 1 => changed.events.swap(at, (at + 1) % answer.events.len()),
        4 if has_events => {
            let bytes = &mut changed.events[at];
            let bit = dice.below(8 * bytes.len() as u64);
            bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
        }
        5 if has_events => edit(&mut changed.events[at], dice),
        6 => changed.events.push(any),
        7 => changed.before = if dice.one_in(2) { None } else { Some(any) },
        8 => changed.after = if dice.one_in(2) { None } else { Some(any) },
        9 => changed.after = changed.events.pop(),
        10 if has_events => changed.before = Some(changed.events.remove(0)),
        11 => drop(changed.inclusion.pop()),
        12 => changed.inclusion.push(Hash([7; 32])),
        13 if !answer.inclusion.is_empty() => {
            let at = dice.below(answer.inclusion.len() as u64) as usize;
            changed.inclusion[at].0[3] ^= 1;
        }
        14 => changed.head = None,
        15 => {
            if let Some(head) = &mut changed.head {
                match (&mut head.leaf, dice.below(3)) {
                    (Some(leaf), 0) => leaf.head.index ^= 1,
                    (Some(leaf), 1) => leaf.head.hash.0[0] ^= 1,
                    (leaf, _) => *leaf = None,
                }
            }
        }
        16 => {
            if let Some(head) = &mut changed.head {
                head.forks.push(MapFork { bit: 255, sibling: Hash([1; 32]) });
            }
        }
        17 => changed.topic = Some(Topic::of(&log.events[0])[0]),
        18 => drop(changed.consistency.pop()),
        _ => {
            let question = Question { since: None, ..scene.question.clone() };
            let consistency = changed.consistency;
            changed = Answer { consistency, ..cairn_events::answer::answer(&scene.earlier, &question).unwrap() };
        }
    }
    changed
}

/// Changes a field of an event, and encodes it again.
fn edit(bytes: &mut ByteBuf, dice: &mut Dice) {
    let mut event = codec::decode_event(bytes).unwrap();
    match dice.below(6) {
        0 => event.index += 1,
        1 => event.timestamp.0 += 1,
        2 => event.actor = cairn_events::testing::principal(77),
        3 => event.stream_version += 1,
        4 => drop(event.links.pop()),
        _ => event.parent = Some(Hash([9; 32])),
    }
    *bytes = ByteBuf::from(codec::encode_event(&event));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// An honest answer is believed, and is what a search of the whole log finds; of 40 changed ones, none is believed
    /// that says anything else: 12,000 in all.
    #[test]
    fn exactly_the_true_answers_are_believed(seed in any::<u64>()) {
        let mut scene = Scene::new(seed);
        let honest = scene.answer();
        let findings = scene.verify(&honest);
        prop_assert!(findings.is_ok(), "{findings:?}: {:?}", scene.question);
        let findings = findings.unwrap();
        prop_assert!(scene.is_true(&findings), "{findings:?}: {:?}", scene.question);
        for _ in 0..40 {
            let changed = change(&mut scene, &honest);
            if changed == honest {
                continue;
            }
            if let Ok(believed) = scene.verify(&changed) {
                prop_assert!(scene.is_true(&believed), "{believed:?}: {:?}", scene.question);
            }
        }
    }

    /// Page after page, everything is found, once.
    #[test]
    fn pages_add_up(seed in any::<u64>(), limit in 1_u32..9) {
        let mut scene = Scene::new(seed);
        scene.question.limit = limit;
        let whole = Question { limit: u32::MAX, ..scene.question.clone() };
        let all = verify(&whole, &answer(&scene.now, &whole).unwrap(), &scene.tip(), scene.remembered.as_ref());
        let all = all.unwrap().events;
        let mut found = Vec::new();
        loop {
            let Findings { events, rest, .. } = scene.verify(&scene.answer()).unwrap();
            match scene.question.order {
                Order::OldestFirst => found.extend(events),
                Order::NewestFirst => found = events.into_iter().chain(found).collect(),
            }
            let Some(span) = rest else { break };
            prop_assert_ne!(span, scene.question.span, "no progress");
            scene.question.span = span;
        }
        prop_assert_eq!(found, all);
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let mut scene = Scene::new(5);
    scene.remembered = None;
    scene.question = Question {
        about: About::Everything,
        span: Span { from: 3, until: Some(2), ..Span::default() },
        order: Order::OldestFirst,
        limit: 5,
        since: None,
    };
    assert!(matches!(scene.verify(&Answer::default()), Err(Untrue::Question(_))));
    scene.question.span = Span { until: Some(u64::MAX), ..Span::default() };
    scene.question.limit = 400;
    assert!(matches!(scene.verify(&scene.answer()), Err(Untrue::Behind { .. })));
    scene.question.span = Span { from: u64::MAX, ..Span::default() };
    assert!(matches!(scene.verify(&scene.answer()), Err(Untrue::Behind { .. })));
    scene.question.span = Span::default();
    scene.question.about = About::Topics(Vec::new());
    assert!(matches!(scene.verify(&Answer::default()), Err(Untrue::Question(_))));
}
