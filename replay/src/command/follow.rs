//! `cairn follow`: a feed as it grows, verified, and remembered so that no restart forgets what was seen.

use super::arguments::Follow;
use super::ask::{Asking, end_of_log};
use super::{Exit, Failed, Report, moment};
use crate::follow::{Feed, Seen};
use crate::verify::rows::{self, Row};
use crate::verify::{Answered, Failure, verify_answer};
use cairn_events::Timestamp;
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// A feed that was followed to its end.
#[derive(Serialize)]
pub struct Followed {
    verified: bool,
    feed: String,
    new_events: u64,
    complete_until: u64,
    log_length: u64,
    certified_at: String,
}

impl Report for Followed {}

impl fmt::Display for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Followed { feed, new_events, complete_until, log_length, certified_at, .. } = self;
        writeln!(f, "verified: {feed}: {new_events} new")?;
        writeln!(f, "  complete        before event {complete_until}, of a log of {log_length} events")?;
        writeln!(f, "  certified       {certified_at} (silent about later)")
    }
}

/// Shows what is new, verified; with `--once` until there is nothing more, otherwise for ever. An event is shown before
/// it is remembered: after a crash some come again, none is left out.
pub fn run(options: &Follow, json: bool) -> Result<Followed, Failed> {
    let feed = feed(options)?;
    let mut asking = Asking::new(&options.network)?;
    let log = asking.policy().log;
    let mut seen = read_state(&options.state)?.unwrap_or_else(|| Seen::nothing(log, &feed, options.from));
    seen.check(log, &feed).map_err(|problem| {
        Failed::new(Exit::Policy, format_args!("{}: {problem}; give another --state", options.state.display()))
    })?;
    let mut new_events = 0;
    loop {
        let question = seen.question(&feed);
        let answer = asking.answer(&question).or_else(|failed| Err(set_back(&mut asking, &seen)?.unwrap_or(failed)))?;
        let known = seen.end();
        let Answered { findings, tip, certified_at } =
            verify_answer(&question, &answer, &asking.policy(), known.as_ref())?;
        for event in &findings.events {
            seen.take(&feed, event).map_err(|gap| {
                Failed::new(Exit::Log, format_args!("{gap}; the log is not the one that was followed so far"))
            })?;
            show(&Row::from(event), json);
        }
        new_events += findings.events.len() as u64;
        seen.reach(findings.complete.1, &tip, certified_at);
        write_state(&options.state, &seen)?;
        match (findings.rest, options.once) {
            (Some(_), _) => {}
            (None, true) => return Ok(report(&feed, new_events, &seen, certified_at)),
            (None, false) => sleep(Duration::from_secs(options.pause)),
        }
    }
}

/// Whether there is no answer because the log has fewer events than were seen: the network says so itself, and later than
/// it vouched for those. Some nodes are behind others; only what is certified later counts.
fn set_back(asking: &mut Asking, seen: &Seen) -> Result<Option<Failed>, Failed> {
    let question = end_of_log();
    let end = asking.answer(&question)?;
    let Answered { tip, certified_at, .. } = verify_answer(&question, &end, &asking.policy(), None)?;
    if tip.size >= seen.size || certified_at.0 <= seen.certified_at {
        return Ok(None);
    }
    let (size, at) = (tip.size, moment::utc(certified_at));
    let message = format_args!("at {at} the log had {size} events, {} were seen before; it was set back", seen.size);
    Ok(Some(Failed::new(Exit::Log, message)))
}

fn report(feed: &Feed, new_events: u64, seen: &Seen, certified_at: Timestamp) -> Followed {
    Followed {
        verified: true,
        feed: rows::question(&feed.about(), &cairn_events::question::Span::default()),
        new_events,
        complete_until: seen.next,
        log_length: seen.size,
        certified_at: moment::utc(certified_at),
    }
}

fn feed(options: &Follow) -> Result<Feed, Failed> {
    Feed::of(&options.topics.about()).ok_or_else(|| Failed::new(Exit::Usage, "follow one topic, or everything"))
}

fn show(row: &Row, json: bool) {
    if json {
        println!("{}", serde_json::to_string(row).unwrap_or_default());
    } else {
        println!("{row}");
    }
}

fn read_state(path: &Path) -> Result<Option<Seen>, Failed> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failed::file(path, &error)),
    };
    let read = serde_json::from_str(&text).map_err(|error| Failure::Policy(error.to_string()));
    read.map(Some).map_err(|error| Failed::new(Exit::Malformed, format_args!("{}: {error}", path.display())))
}

/// The old state stands until the new one is complete.
fn write_state(path: &Path, seen: &Seen) -> Result<(), Failed> {
    let written = path.with_added_extension("new");
    let text = serde_json::to_string_pretty(seen).unwrap_or_default();
    std::fs::write(&written, text).map_err(|error| Failed::file(&written, &error))?;
    std::fs::rename(&written, path).map_err(|error| Failed::file(path, &error))
}
