//! Answers: what is asked is found, complete, and nothing else is believed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use cairn_events::answer::{CertifiedTip, Findings, Records, Remembered, Untrue, answer, verify};
use cairn_events::payload::{ErasureReason, OpeningErased};
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_events::testing::{BACKEND, Dice, TestLog, TestRecords, principal, story};
use cairn_events::topic_map::MapFork;
use cairn_events::{Commitment, Event, Family, Hash, LogId, Payload, Topic, codec};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_bytes::ByteBuf;
use std::cell::Cell;

/// Changed answers that a run must try, at least: those that are what they were do not count.
const CHANGES: u64 = 10_000;

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
        let mut log = story(seed, dice.below(7));
        if dice.one_in(2) {
            erase(&mut log);
        }
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

    /// Whether the time asked about goes on beyond what the topic map covers, so that its end cannot be answered yet.
    fn is_behind(&self) -> bool {
        let Question { about, span, .. } = &self.question;
        let next = self.now.events().get(self.tip().topics_size as usize);
        let goes_on = |next: &Event| !span.ends_before(next.index, next.timestamp);
        *about != About::Everything && span.ends_by_time() && next.is_some_and(goes_on)
    }

    /// The log as it is, with a topic map that covers all of it.
    fn covered(&self) -> TestRecords {
        TestRecords::from_events(self.now.events().iter().cloned(), self.now.size())
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
        // Without an end, a topic's answer says nothing of events that the topic map does not cover yet.
        let is_endless = *about != About::Everything && span.until.is_none() && span.until_time.is_none();
        let size = if is_endless { self.tip().topics_size } else { self.tip().size };
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

/// Somebody asks again, with a private field, and has it erased.
fn erase(log: &mut TestLog) {
    let requested = log.events.iter().find_map(|event| match &event.payload {
        Payload::DeploymentRequested(request) => Some((event.actor, request.clone())),
        _ => None,
    });
    let Some((person, mut request)) = requested else { return };
    let commitment = Commitment(Hash([6; 32]));
    request.billing = Some(commitment);
    let index = log.append(principal(BACKEND), person, Payload::DeploymentRequested(request));
    let erased = OpeningErased { index, commitment, reason: ErasureReason::Requested };
    log.append(principal(BACKEND), person, Payload::OpeningErased(erased));
}

fn question(log: &TestLog, size: u64, dice: &mut Dice) -> Question {
    let event = &log.events[dice.below(size.max(1)) as usize];
    let topics = Topic::of(event);
    let about = match dice.below(4) {
        0 => About::Everything,
        1 => About::Topics(vec![Topic::Party(principal(dice.below(300)))]),
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
        // Perhaps of what the topic map does not cover.
        until_time: dice.one_in(3).then(|| time(late + dice.below(2) * dice.below(9))),
    };
    let order = if dice.one_in(2) { Order::OldestFirst } else { Order::NewestFirst };
    Question { about, span, order, limit: [0, 1, 3, 10, 100][dice.below(5) as usize], since: None }
}

/// Changes an answer in one way.
fn change(scene: &mut Scene, answer: &Answer) -> Answer {
    let mut changed = answer.clone();
    let Scene { dice, log, now, question, .. } = scene;
    let any = ByteBuf::from(codec::encode_event(&log.events[dice.below(log.events.len() as u64) as usize]));
    let at = dice.below(answer.events.len() as u64) as usize;
    let has_events = !answer.events.is_empty();
    match dice.below(24) {
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
        // An archive that has nothing of all that lies below a boundary.
        19 if has_events => changed.events[..=at].fill(ByteBuf::new()),
        // Any event of the log, as if after it nothing could be asked about.
        20 | 21 => {
            let index = dice.below(now.size());
            (changed.after, changed.inclusion) = (now.event(index).map(ByteBuf::from), now.inclusion(index).unwrap());
        }
        // What answers the question without its end.
        22 => {
            let span = Span { until: None, until_time: None, ..question.span };
            changed = instead(answer, now, Question { span, ..question.clone() });
        }
        _ => changed = instead(answer, &scene.earlier, question.clone()),
    }
    changed
}

/// The answer to another question, or from other records, with the growth that the first one proves.
fn instead(first: &Answer, records: &TestRecords, question: Question) -> Answer {
    let other = answer(records, &Question { since: None, ..question }).unwrap();
    Answer { consistency: first.consistency.clone(), ..other }
}

/// Changes a field of an event, and encodes it again.
fn edit(bytes: &mut ByteBuf, dice: &mut Dice) {
    let mut event = codec::decode_event(bytes).unwrap();
    match dice.below(7) {
        0 => event.index += 1,
        1 => event.timestamp.0 += 1,
        2 => event.actor = principal(77),
        3 => event.stream_version += 1,
        4 => drop(event.links.pop()),
        5 => event.log = LogId(Hash([8; 32])),
        _ => event.parent = Some(Hash([9; 32])),
    }
    *bytes = ByteBuf::from(codec::encode_event(&event));
}

/// An honest answer is believed, and is what a search of the whole log finds, unless it comes too early; of the changed
/// ones, none is believed that says anything else. How many there were.
fn believe(seed: u64) -> Result<u64, TestCaseError> {
    let mut scene = Scene::new(seed);
    let honest = scene.answer();
    let found = scene.verify(&honest);
    if scene.is_behind() && honest.head.is_some() {
        prop_assert!(matches!(found, Err(Untrue::Behind { .. })), "{found:?}: {:?}", scene.question);
    } else {
        let is_true = found.as_ref().is_ok_and(|found| scene.is_true(found));
        prop_assert!(is_true, "{found:?}: {:?}", scene.question);
    }
    let mut changes = 0;
    for _ in 0..40 {
        let changed = change(&mut scene, &honest);
        if changed == honest {
            continue;
        }
        changes += 1;
        if let Ok(believed) = scene.verify(&changed) {
            prop_assert!(scene.is_true(&believed), "{believed:?}: {:?}", scene.question);
        }
    }
    Ok(changes)
}

#[test]
fn exactly_the_true_answers_are_believed() {
    let changes = Cell::new(0);
    let config = ProptestConfig { source_file: Some(file!()), ..ProptestConfig::with_cases(600) };
    let run = TestRunner::new(config).run(&any::<u64>(), |seed| {
        changes.set(changes.get() + believe(seed)?);
        Ok(())
    });
    run.unwrap();
    assert!(changes.get() >= CHANGES, "only {} changed answers were tried", changes.get());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Page after page, everything is found, once; what is not covered yet, as soon as it is.
    #[test]
    fn pages_add_up(seed in any::<u64>(), limit in 1_u32..9) {
        let mut scene = Scene::new(seed);
        scene.question.limit = limit;
        let whole = Question { limit: u32::MAX, ..scene.question.clone() };
        let records = if scene.is_behind() { scene.covered() } else { scene.now.clone() };
        let all = answer(&records, &whole).unwrap();
        let all = verify(&whole, &all, &records.tip().unwrap(), scene.remembered.as_ref()).unwrap().events;
        let mut found = Vec::new();
        loop {
            let page = scene.verify(&scene.answer());
            if matches!(page, Err(Untrue::Behind { .. })) && scene.is_behind() {
                scene.now = scene.covered();
                continue;
            }
            let Findings { events, rest, .. } = page.unwrap();
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
fn a_time_is_answered_once_the_map_covers_it() {
    let log = story(3, 6);
    let size = log.events.len() as u64;
    let covered = size - 4;
    let records = TestRecords::of(&log, size as usize, covered as usize);
    let (tip, time) = (records.tip().unwrap(), |index: u64| log.events[index as usize].timestamp.0);
    let about = About::Topics(vec![Topic::Family(Family::Money)]);
    let ask = |until_time| {
        let span = Span { until_time, ..Span::default() };
        let question = Question { about: about.clone(), span, order: Order::OldestFirst, limit: 500, since: None };
        (answer(&records, &question).unwrap(), question)
    };
    let check = |(answer, question): &(Answer, Question)| verify(question, answer, &tip, None);
    let behind: Result<Findings, Untrue> = Err(Untrue::Behind { complete: covered, asked: size });
    // It is over with the first event that is not covered.
    let past = ask(Some(time(covered)));
    let found = check(&past).unwrap();
    let expected = log.events.iter().take(covered as usize).filter(|event| about.includes(event));
    assert!(found.events.iter().eq(expected) && found.rest.is_none() && found.complete == (0, covered));
    let shown = |index: u64| {
        let (after, inclusion) = (records.event(index).map(ByteBuf::from), records.inclusion(index).unwrap());
        Answer { after, inclusion, ..past.0.clone() }
    };
    assert_eq!(shown(covered), past.0);
    let without = Answer { after: None, inclusion: Vec::new(), ..past.0.clone() };
    assert_eq!(check(&(without, past.1.clone())), behind);
    // An event before shows that the time goes on, one behind says nothing of those between.
    for index in [covered - 1, covered + 1] {
        assert!(matches!(check(&(shown(index), past.1.clone())), Err(Untrue::Place { .. })));
    }
    // A little longer, and something of it is not covered.
    let present = ask(Some(time(covered) + 1));
    assert_eq!((&present.0.after, check(&present)), (&None, behind));
    assert!(matches!(check(&(past.0.clone(), present.1)), Err(Untrue::Place { .. })));
    // Without an end, it is complete as far as the map goes.
    let endless = ask(None);
    assert_eq!(check(&endless).unwrap().complete, (0, covered));
    assert!(matches!(check(&(past.0, endless.1)), Err(Untrue::Superfluous(_))));
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
