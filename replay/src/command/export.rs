//! `cairn export`: a log with its certificate, from a network or from a demo in silence.

use super::arguments::Export;
use super::ask::{Asking, unreachable};
use super::policy::read_policy;
use super::verify::verify;
use super::{Exit, Failed, Report, demo, progress};
use crate::demo::Ended;
use crate::verify::{Failure, file, verify_answer};
use cairn_events::question::{About, Order, Question, Span};
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// A log that was written to a file.
#[derive(Serialize)]
pub struct Exported {
    events: u64,
    bytes: usize,
    export: String,
    policy: String,
}

impl Report for Exported {}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exported { events, bytes, export, policy } = self;
        writeln!(f, "{events} events in {bytes} bytes: {export}, to be verified with the policy {policy}")
    }
}

/// Writes the log of a network, or of a demo.
pub fn run(options: &Export) -> Result<Exported, Failed> {
    match (&options.network, &options.policy) {
        (Some(url), Some(policy)) => of_network(options, url, policy),
        _ => of_demo(options),
    }
}

/// The end comes first, and then what leads up to it: a log that grows meanwhile does not matter.
fn of_network(options: &Export, url: &str, policy: &Path) -> Result<Exported, Failed> {
    let mut asking = Asking::of(url, read_policy(policy)?)?;
    let (about, span, order) = (About::Everything, Span::default(), Order::OldestFirst);
    let question = Question { about, span, order, limit: 0, since: None };
    let end = asking.answer(&question)?;
    let size = verify_answer(&question, &end, &asking.policy, None)?.tip.size;
    let bar = progress::bar("exporting", size);
    let mut events = Vec::new();
    while (events.len() as u64) < size {
        events.extend(asking.source.page(events.len() as u64).map_err(unreachable)?.events);
        bar.set_position(events.len() as u64);
    }
    bar.finish_and_clear();
    events.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    let events = events.iter().map(|event| event.as_slice());
    let bytes = file::write(events, &end.hash_tree, &end.certificate).map_err(Failure::from)?;
    verify(&bytes, &asking.policy)?;
    write(&options.out, &bytes)?;
    let (export, policy) = (options.out.to_string_lossy().into_owned(), policy.to_string_lossy().into_owned());
    Ok(Exported { events: size, bytes: bytes.len(), export, policy })
}

fn of_demo(options: &Export) -> Result<Exported, Failed> {
    let Ended { outcome, export, policy, .. } = demo::play(options.seed, |_| ())?;
    if let Some(problem) = outcome.problems.first() {
        return Err(Failed::new(Exit::Platform, format_args!("{problem}; run `cairn demo` to see all")));
    }
    let path = options.out.to_string_lossy().into_owned();
    let policy_file = demo::policy_path(&path);
    write(&options.out, &export)?;
    write(Path::new(&policy_file), policy.to_text().as_bytes())?;
    Ok(Exported { events: outcome.events, bytes: export.len(), export: path, policy: policy_file })
}

/// Writes a file.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Failed> {
    std::fs::write(path, content).map_err(|error| Failed::file(path, &error))
}
