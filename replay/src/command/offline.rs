//! `cairn query --log`: what an export has to say about a question.

use super::policy::read;
use super::query::{Found, Known};
use super::verify::verify;
use super::{Exit, Failed};
use crate::verify::{Failure, Policy, Sections, rows};
use cairn_events::Event;
use cairn_events::question::{Order, Question, Span};
use std::path::Path;

/// Verifies the export `file`, and looks through all of it: at most `limit` events are shown.
pub fn look(file: &Path, policy: &Policy, question: &Question, limit: u32) -> Result<Found, Failed> {
    let bytes = read(file)?;
    let verdict = verify(&bytes, policy)?;
    let Span { from, until, .. } = question.span;
    let (asked, size) = (until.unwrap_or(from), verdict.events);
    if asked > size {
        let message = format_args!("asked about events before {asked}, this export has {size}; get a later one");
        return Err(Failed::new(Exit::Log, message));
    }
    let events = Sections::parse(&bytes).and_then(|sections| sections.decoded()).map_err(Failure::from)?;
    let Seen { events, complete, rest } = see(&events, question, limit as usize);
    let known = Known { log: verdict.log, size: verdict.events, certified_at: verdict.certified_at };
    let asked = rows::question(&question.about, &question.span);
    Ok(Found::new(asked, &events, complete, known, verdict.public_network).without(rest))
}

/// What is shown of a log.
struct Seen {
    events: Vec<Event>,
    /// From which event to which (exclusive) nothing is left out.
    complete: (u64, u64),
    /// What is left to ask for.
    rest: Option<Span>,
}

/// The first, or the last, `limit` of `log` that the question is about.
fn see(log: &[Event], question: &Question, limit: usize) -> Seen {
    let Question { about, span, order, .. } = question;
    // Index and time only grow: what the span excludes stands at both ends.
    let lower = log.partition_point(|event| span.begins_after(event.index, event.timestamp));
    let upper = log.partition_point(|event| !span.ends_before(event.index, event.timestamp)).max(lower);
    let inside = log.get(lower..upper).unwrap_or_default();
    let mut found: Vec<&Event> = inside.iter().filter(|event| about.includes(event)).collect();
    let too_many = found.len().saturating_sub(limit);
    let (mut complete, mut rest) = ((lower as u64, upper as u64), None);
    match order {
        Order::OldestFirst if too_many > 0 => {
            let left = found.split_off(limit);
            complete.1 = left.first().map_or(complete.1, |event| event.index);
            rest = Some(Span { from: complete.1, ..*span });
        }
        Order::NewestFirst if too_many > 0 => {
            let left: Vec<&Event> = found.drain(..too_many).collect();
            complete.0 = left.last().map_or(complete.0, |event| event.index + 1);
            rest = Some(Span { until: Some(complete.0), ..*span });
        }
        _ => {}
    }
    Seen { events: found.into_iter().cloned().collect(), complete, rest }
}
