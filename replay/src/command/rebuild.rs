//! `cairn rebuild`.

use super::arguments::Rebuild;
use super::policy::{read, read_policy};
use super::verify::verify;
use super::{Exit, Failed, Report, progress};
use crate::index::{Index, Indexes};
use crate::verify::{Failure, FormatError, Sections, reading};
use cairn_events::verify::Rehashed;
use serde::Serialize;
use std::fmt;
use std::time::Instant;

/// Indexes that were rebuilt.
#[derive(Serialize)]
pub struct Rebuilt {
    verified: bool,
    events: u64,
    seconds: f64,
    events_per_second: f64,
    projections: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    version: u32,
    applied: u64,
    checkpoint: Option<u64>,
    rows: usize,
    digest: String,
}

impl From<&Index> for Row {
    fn from(index: &Index) -> Self {
        Row {
            name: index.definition().name,
            version: index.definition().version,
            applied: index.checkpoint().map_or(0, |checkpoint| checkpoint.sequence),
            checkpoint: index.checkpoint().map(|checkpoint| checkpoint.index),
            rows: index.tables().len(),
            digest: index.digest().to_string(),
        }
    }
}

impl Report for Rebuilt {}

impl fmt::Display for Rebuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trust = if self.verified { "verified" } else { "not verified: give --policy" };
        let (events, seconds, speed) = (self.events, self.seconds, self.events_per_second);
        writeln!(f, "{events} events ({trust}) in {seconds:.3} s, {speed:.0} per second")?;
        writeln!(f, "{:<16} {:>7} {:>8} {:>8} {:>8}  digest", "projection", "version", "applied", "last", "rows")?;
        for row in &self.projections {
            let last = row.checkpoint.map_or_else(|| "-".to_owned(), |index| index.to_string());
            let Row { name, version, applied, rows, digest, .. } = row;
            writeln!(f, "{name:<16} {version:>7} {applied:>8} {last:>8} {rows:>8}  {digest}")?;
        }
        Ok(())
    }
}

/// Rebuilds every index from a file.
pub fn run(options: &Rebuild) -> Result<Rebuilt, Failed> {
    let bytes = read(&options.file)?;
    if let Some(path) = &options.policy {
        verify(&bytes, &read_policy(path)?)?;
    }
    let malformed = |error: FormatError| Failed::from(Failure::from(error));
    let mut events = Sections::parse(&bytes).map_err(malformed)?.events;
    events.truncate(options.until.and_then(|until| usize::try_from(until).ok()).unwrap_or(usize::MAX));
    let bar = progress::bar("rebuilding", events.len() as u64);
    let mut indexes = Indexes::default();
    let begin = Instant::now();
    reading::chunks(&events, |chunk| {
        let chunk = chunk.into_iter().collect::<Result<Vec<Rehashed>, _>>().map_err(malformed)?;
        let fault = |fault| Failed::new(Exit::Log, format_args!("{fault}; verify the file"));
        indexes.apply_all(&chunk).map_err(fault)?;
        bar.inc(chunk.len() as u64);
        Ok::<(), Failed>(())
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let events = events.len() as u64;
    Ok(Rebuilt {
        verified: options.policy.is_some(),
        events,
        seconds,
        events_per_second: events as f64 / seconds.max(f64::EPSILON),
        projections: indexes.iter().map(Row::from).collect(),
    })
}
