//! `cairn diff`: whether two exports are of one history.

use super::arguments::Diff;
use super::policy::{read, read_policy};
use super::verify::verify;
use super::{Exit, Failed, Report};
use crate::verify::rows::Row;
use crate::verify::{Failure, Sections};
use cairn_events::Event;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// How two logs stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The same events.
    Equal,
    /// The first one has more.
    FirstExtendsSecond,
    /// The second one has more.
    SecondExtendsFirst,
    /// They differ where both have an event.
    Fork,
}

/// Two logs that were compared.
#[derive(Serialize)]
pub struct Compared {
    verified: bool,
    relation: Relation,
    first_events: usize,
    second_events: usize,
    common_events: usize,
    first_differs: Option<Row>,
    second_differs: Option<Row>,
}

impl Report for Compared {
    fn exit(&self) -> Exit {
        if self.relation == Relation::Fork { Exit::Fork } else { Exit::Fine }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Compared { first_events, second_events, common_events, .. } = self;
        let trust = if self.verified { "both verified" } else { "not verified: give --policy" };
        match self.relation {
            Relation::Equal => writeln!(f, "equal: {first_events} events ({trust})"),
            Relation::FirstExtendsSecond => {
                writeln!(f, "the first extends the second by {} events ({trust})", first_events - second_events)
            }
            Relation::SecondExtendsFirst => {
                writeln!(f, "the second extends the first by {} events ({trust})", second_events - first_events)
            }
            Relation::Fork => {
                writeln!(f, "FORK after {common_events} common events ({trust})")?;
                writeln!(f, "{}", Row::HEAD)?;
                self.first_differs.iter().chain(&self.second_differs).try_for_each(|row| writeln!(f, "{row}"))
            }
        }
    }
}

/// Compares two files, verified if there is a policy.
pub fn run(options: &Diff) -> Result<Compared, Failed> {
    let policy = options.policy.as_deref().map(read_policy).transpose()?;
    let events = |path: &Path| -> Result<Vec<Event>, Failed> {
        let bytes = read(path)?;
        let sections = Sections::parse(&bytes).map_err(Failure::from)?;
        if let Some(policy) = &policy {
            verify(&bytes, policy)?;
        } else {
            sections.check_text(&bytes)?;
        }
        Ok(sections.decoded().map_err(Failure::from)?)
    };
    Ok(compare(&events(&options.first)?, &events(&options.second)?, policy.is_some()))
}

fn compare(first: &[Event], second: &[Event], verified: bool) -> Compared {
    let common = first.iter().zip(second).take_while(|(first, second)| first == second).count();
    let differs = |events: &[Event]| events.get(common).map(Row::from);
    let relation = match (first.len() > common, second.len() > common) {
        (false, false) => Relation::Equal,
        (true, false) => Relation::FirstExtendsSecond,
        (false, true) => Relation::SecondExtendsFirst,
        (true, true) => Relation::Fork,
    };
    let is_fork = relation == Relation::Fork;
    Compared {
        verified,
        relation,
        first_events: first.len(),
        second_events: second.len(),
        common_events: common,
        first_differs: differs(first).filter(|_| is_fork),
        second_differs: differs(second).filter(|_| is_fork),
    }
}
