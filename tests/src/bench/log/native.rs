//! What this machine does with a log natively: verifies an export, folds every projection.

use super::{Row, tip};
use crate::log_fixture::LogFixture;
use cairn::index::Indexes;
use cairn::verify::file::Sections;
use cairn::verify::{Policy, verify};
use cairn_events::codec;
use cairn_events::testing::story;
use cairn_events::verify::{LogVerifier, Rehashed};
use std::time::Instant;

/// Deployments of the history that is replayed: some ten events each.
const DEPLOYMENTS: u64 = 10_000;

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

    let history: Vec<Rehashed> = story(1, DEPLOYMENTS).events.into_iter().map(Rehashed::of).collect();
    let begin = Instant::now();
    let mut indexes = Indexes::default();
    for event in &history {
        indexes.apply_rehashed(event)?;
    }
    Ok(vec![one, all, rate("replay", history.len(), begin)])
}

fn rate(name: &'static str, events: usize, begin: Instant) -> Row {
    let value = (events as f64 / begin.elapsed().as_secs_f64()) as u64;
    Row { name, scale: events as u64, value, unit: "events per second" }
}
