//! `cairn prove`: an answer as a file that proves itself.

use super::arguments::Prove;
use super::ask::Asking;
use super::query::Found;
use super::{Exit, Failed, Report, progress};
use crate::verify::Bundle;
use crate::verify::bundle::Progress;
use serde::Serialize;
use std::fmt;

/// A bundle that was written.
#[derive(Serialize)]
pub struct Written {
    bundle: String,
    bytes: usize,
    pages: usize,
    #[serde(flatten)]
    found: Found,
}

impl Report for Written {}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Written { bundle, bytes, pages, found } = self;
        writeln!(f, "{found}  written         {bundle}: {bytes} bytes, pages: {pages}")
    }
}

/// Asks for all pages of an answer, verifies them, and writes them with their question.
pub fn run(options: &Prove) -> Result<Written, Failed> {
    let mut asking = Asking::new(&options.network)?;
    let (about, span) = (options.asked.topics.about(), options.asked.span());
    let mut progress = Progress::new(about.clone(), span);
    let mut pages = Vec::new();
    let bar = progress::bar("proving", 0);
    while let Some(question) = progress.question() {
        question.check().map_err(|problem| Failed::new(Exit::Usage, problem))?;
        let answer = asking.answer(&question)?;
        progress.take(&answer, &asking.policy())?;
        pages.push(answer);
        if let Some((position, length)) = progress.position() {
            bar.set_length(length);
            bar.set_position(position);
        }
    }
    bar.finish_and_clear();
    let proven =
        progress.finish(&asking.policy()).map_err(|fault| Failed::from(crate::verify::Failure::from(fault)))?;
    let bytes = Bundle { about, span, pages }.to_bytes();
    std::fs::write(&options.out, &bytes).map_err(|error| Failed::file(&options.out, &error))?;
    let bundle = options.out.to_string_lossy().into_owned();
    Ok(Written { bundle, bytes: bytes.len(), pages: proven.pages, found: Found::from(&proven) })
}
