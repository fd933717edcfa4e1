//! `cairn demo`.

use super::arguments::{Demo, Export};
use super::export::{Exported, write};
use super::{Exit, Failed, Report};
use crate::demo::{self, Course, Ended, Outcome};
use crate::verify::{Failure, Sections};
use indicatif::{ProgressBar, ProgressStyle};
use localnet::Net;
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// A demo that was run.
#[derive(Serialize)]
pub struct Shown {
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(skip)]
    courses: Vec<Course>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<String>,
}

impl Report for Shown {
    fn exit(&self) -> Exit {
        if self.outcome.is_fine() { Exit::Fine } else { Exit::Platform }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nThe deployments, by the log:")?;
        for course in &self.courses {
            writeln!(f, "  {course}")?;
        }
        writeln!(f)?;
        for (what, value) in self.outcome.table() {
            writeln!(f, "  {what:<42} {value:>16}")?;
        }
        if let Some(export) = &self.export {
            writeln!(f, "\nVerify it yourself:\n  cairn verify {export} --policy {}", policy_path(export))?;
        }
        match self.outcome.problems.as_slice() {
            [] => writeln!(f, "\nEverything is as it should be."),
            problems => {
                writeln!(f, "\nNot as it should be:")?;
                problems.iter().try_for_each(|problem| writeln!(f, "  {problem}"))
            }
        }
    }
}

/// Runs the demo; its network, too, as it was left.
pub fn run(options: &Demo) -> Result<(Shown, Net), Failed> {
    let Ended { outcome, courses, export, policy, net } = play(options.seed, |line| println!("{line}"))?;
    if let Some(path) = &options.export {
        write(path, &export)?;
        write(Path::new(&policy_path(&path.to_string_lossy())), policy.to_text().as_bytes())?;
    }
    let export = options.export.as_ref().map(|path| path.to_string_lossy().into_owned());
    Ok((Shown { outcome, courses, export }, net))
}

/// Runs the demo with a sign of life on the error output.
fn play(seed: u64, mut line: impl FnMut(&str)) -> Result<Ended, Failed> {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(200));
    let mut tell = |text: &str| {
        spinner.suspend(|| line(text));
        spinner.set_message(text.trim().chars().take(60).collect::<String>());
    };
    let ended = demo::run(seed, &mut tell);
    spinner.finish_and_clear();
    ended.map_err(|error| Failed::new(Exit::Platform, format_args!("{error:#}")))
}

/// Runs the demo in silence, and writes its log.
pub fn export(options: &Export) -> Result<Exported, Failed> {
    let Ended { outcome, export, policy, .. } = play(options.seed, |_| ())?;
    if let Some(problem) = outcome.problems.first() {
        return Err(Failed::new(Exit::Platform, format_args!("{problem}; run `cairn demo` to see all")));
    }
    let export = Sections::parse(&export).and_then(|export| options.format.write(&export)).map_err(Failure::from)?;
    let path = options.out.to_string_lossy().into_owned();
    let policy_file = policy_path(&path);
    write(&options.out, &export)?;
    write(Path::new(&policy_file), policy.to_text().as_bytes())?;
    Ok(Exported { events: outcome.events, bytes: export.len(), export: path, policy: policy_file })
}

/// Where the policy is that goes with an export.
fn policy_path(export: &str) -> String {
    format!("{export}.policy")
}
