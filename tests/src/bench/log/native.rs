//! What this machine does with a log natively: verifies an export, folds every projection.

use super::{Row, tip};
use crate::log_fixture::LogFixture;
use cairn::index::Indexes;
use cairn::verify::file::Sections;
use cairn::verify::{Policy, reading, verify};
use cairn_events::codec;
use cairn_events::testing::{Story, story};
use cairn_events::verify::{LogVerifier, Rehashed};
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// Deployments of the history that is replayed: some ten events each.
const DEPLOYMENTS: u64 = 10_000;
/// Steps of the long history that are in memory at a time.
const CHUNK: u64 = 10_000;
/// Events of the long history.
const LONG: u64 = 10_000_000;

pub(super) fn measure(log: &mut LogFixture) -> anyhow::Result<Vec<Row>> {
    let id = tip(log)?.log;
    let policy = Policy::new(&log.net.root_key(), &log.audit.to_text(), &id.to_string())?;
    let export = cairn::export::export(&mut log.net, log.audit, |_, _| ())?;
    let events = Sections::parse(&export)?.events;

    let begin = Instant::now();
    let mut verifier = LogVerifier::new(log.audit, id);
    for section in &events {
        verifier.push(&codec::decode_event(section)?)?;
    }
    let one = rate("verify/one_core", events.len(), begin);

    let begin = Instant::now();
    verify(&export, &policy)?;
    let all = rate("verify/all_cores", events.len(), begin);

    let mut rows = vec![one, all];
    rows.extend(replay()?);
    Ok(rows)
}

/// Folds every index: from events that are verified, and from the bytes of a file, as `cairn rebuild` does.
fn replay() -> anyhow::Result<[Row; 3]> {
    let history = story(1, DEPLOYMENTS).events;
    let stored: Vec<Cow<'_, [u8]>> = history.iter().map(codec::encode_event).map(Cow::Owned).collect();
    let verified: Vec<Rehashed> = history.into_iter().map(Rehashed::of).collect();

    let (begin, mut indexes) = (Instant::now(), Indexes::default());
    verified.iter().try_for_each(|event| indexes.apply_rehashed(event))?;
    let one = rate("replay/one_core", verified.len(), begin);

    let begin = Instant::now();
    Indexes::default().apply_all(&verified)?;
    let all = rate("replay/all_cores", verified.len(), begin);

    let (begin, mut indexes) = (Instant::now(), Indexes::default());
    reading::chunks(&stored, |chunk| {
        let chunk = chunk.into_iter().collect::<Result<Vec<Rehashed>, _>>()?;
        indexes.apply_all(&chunk).map_err(anyhow::Error::from)
    })?;
    Ok([one, all, rate("rebuild/all_cores", stored.len(), begin)])
}

/// A history of ten million events, never all in memory: verified on one core, folded on all.
pub(in crate::bench) fn measure_long() -> anyhow::Result<Vec<Row>> {
    let mut story = Story::begin(2, u64::MAX);
    let mut verifier = LogVerifier::new(story.log.canister, story.log.id);
    let mut indexes = Indexes::default();
    let (mut verifying, mut folding) = (Duration::ZERO, Duration::ZERO);
    while story.log.begin < LONG {
        for _ in 0..CHUNK {
            story.go_on();
        }
        let stored: Vec<Vec<u8>> = story.log.take().iter().map(codec::encode_event).collect();
        let begin = Instant::now();
        let mut verified = Vec::with_capacity(stored.len());
        for event in &stored {
            let event = Rehashed::of(codec::decode_event(event)?);
            verifier.push_rehashed(&event)?;
            verified.push(event);
        }
        verifying += begin.elapsed();
        let begin = Instant::now();
        indexes.apply_all(&verified)?;
        folding += begin.elapsed();
    }
    let events = story.log.begin;
    Ok(vec![per_second("verify/long", events, verifying), per_second("replay/long", events, folding)])
}

fn rate(name: &'static str, events: usize, begin: Instant) -> Row {
    per_second(name, events as u64, begin.elapsed())
}

fn per_second(name: &'static str, events: u64, time: Duration) -> Row {
    Row { name, scale: events, value: (events as f64 / time.as_secs_f64()) as u64, unit: "events per second" }
}
