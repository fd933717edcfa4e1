//! `cairn query`: what is shown was verified.

use super::arguments::Query;
use super::ask::Asking;
use super::policy::policy;
use super::{Exit, Failed, Report, moment, offline};
use crate::verify::rows::{self, Row};
use crate::verify::{Answered, Proven, verify_answer};
use cairn_events::answer::{CertifiedTip, MAX_PAGE, Remembered};
use cairn_events::question::{Order, Question, Span};
use cairn_events::{Event, LogId, Timestamp};
use serde::Serialize;
use std::fmt;

/// A verified answer.
#[derive(Serialize)]
pub struct Found {
    verified: bool,
    question: String,
    complete_from: u64,
    complete_until: u64,
    rest: Option<String>,
    log_id: String,
    log_length: u64,
    certified_at: String,
    network: &'static str,
    events: Vec<Row>,
}

impl Report for Found {}

/// The log that an answer is about, as far as it is certified.
pub struct Known {
    /// Which one.
    pub log: LogId,
    /// How many events it has.
    pub size: u64,
    /// As of when.
    pub certified_at: Timestamp,
}

impl Known {
    fn of(tip: &CertifiedTip, certified_at: Timestamp) -> Self {
        Known { log: tip.log, size: tip.size, certified_at }
    }
}

impl From<&Proven> for Found {
    fn from(proven: &Proven) -> Self {
        let Proven { about, span, events, complete, tip, certified_at, public_network, .. } = proven;
        let question = rows::question(about, span);
        Found::new(question, events, *complete, Known::of(tip, *certified_at), *public_network)
    }
}

impl Found {
    /// What was found out about `question`.
    pub fn new(
        question: String,
        events: &[Event],
        (complete_from, complete_until): (u64, u64),
        Known { log, size, certified_at }: Known,
        public_network: bool,
    ) -> Self {
        Found {
            verified: true,
            question,
            complete_from,
            complete_until,
            rest: None,
            log_id: log.to_string(),
            log_length: size,
            certified_at: moment::utc(certified_at),
            network: if public_network { "public" } else { "local or test" },
            events: events.iter().map(Row::from).collect(),
        }
    }

    /// The same, which leaves `rest` open.
    pub fn without(mut self, rest: Option<Span>) -> Self {
        self.rest = rest.map(|Span { from, until, .. }| match until {
            Some(until) => format!("what there may be from event {from} on, before event {until}"),
            None => format!("what there may be from event {from} on"),
        });
        self
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.events.is_empty() {
            writeln!(f, "{}", Row::HEAD)?;
            self.events.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        }
        let Found { question, complete_from, complete_until, log_id, log_length, certified_at, network, .. } = self;
        writeln!(f, "verified: {question}: {}", self.events.len())?;
        writeln!(f, "  complete        for events {complete_from} up to, but not including, {complete_until}")?;
        if let Some(rest) = &self.rest {
            writeln!(f, "  not shown       {rest}")?;
        }
        writeln!(f, "  log             {log_id} of {log_length} events, on a {network} network")?;
        writeln!(f, "  certified       {certified_at} (silent about later)")
    }
}

/// Asks a network, or looks into an export.
pub fn run(options: &Query) -> Result<Found, Failed> {
    let (about, span) = (options.asked.topics.about(), options.asked.span());
    let order = if options.newest { Order::NewestFirst } else { Order::OldestFirst };
    let question = Question { about, span, order, limit: page(options.limit, 0), since: None };
    question.check().map_err(|problem| Failed::new(Exit::Usage, problem))?;
    match (&options.log, &options.url) {
        (Some(log), _) => offline::look(log, &policy(&options.trust)?, &question, options.limit),
        (None, Some(url)) => ask(url, options, question),
        (None, None) => Err(Failed::new(Exit::Usage, "give --network or --log")),
    }
}

/// Asks, page by page, until there are as many events as wanted, and verifies each page before the next.
fn ask(url: &str, options: &Query, mut question: Question) -> Result<Found, Failed> {
    let (span, order) = (question.span, question.order);
    let mut asking = Asking::of(url, policy(&options.trust)?, options.identity.as_deref())?;
    let (mut events, mut remembered): (Vec<Event>, Option<Remembered>) = (Vec::new(), None);
    let mut complete: Option<(u64, u64)> = None;
    loop {
        let answer = asking.answer(&question)?;
        let Answered { findings, tip, certified_at } =
            verify_answer(&question, &answer, &asking.policy(), remembered.as_ref())?;
        match order {
            Order::OldestFirst => events.extend(findings.events),
            Order::NewestFirst => drop(events.splice(0..0, findings.events)),
        }
        let (from, until) = findings.complete;
        let (known_from, known_until) = complete.unwrap_or((from, until));
        complete = Some((known_from.min(from), known_until.max(until)));
        let wanted = page(options.limit, events.len());
        match findings.rest {
            Some(rest) if wanted > 0 => {
                remembered = Some(Remembered { size: tip.size, root: tip.root });
                question = Question { span: rest, since: Some(tip.size), limit: wanted, ..question };
            }
            rest => {
                let asked = rows::question(&question.about, &span);
                let public = asking.policy().is_public_network();
                let complete = complete.unwrap_or_default();
                let known = Known::of(&tip, certified_at);
                return Ok(Found::new(asked, &events, complete, known, public).without(rest));
            }
        }
    }
}

/// Events to ask for in the next page; 0 if there are enough.
fn page(limit: u32, known: usize) -> u32 {
    limit.saturating_sub(u32::try_from(known).unwrap_or(u32::MAX)).min(MAX_PAGE)
}
