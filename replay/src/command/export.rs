//! `cairn export`: a log with its certificate, from a network; from a demo in silence see [`demo`](super::demo).

use super::arguments::Export;
use super::ask::{Asking, end_of_log};
#[cfg(feature = "platform")]
use super::demo;
use super::policy::read_policy;
use super::verify::verify;
use super::{Exit, Failed, Report, progress};
use crate::download::{Download, DownloadError};
use crate::verify::{Failure, verify_answer};
use cairn_events::answer::Remembered;
use cairn_events::question::Question;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// What is added to the name of a file of which there is only a part.
const PART: &str = "part";

/// A log that was written to a file.
#[derive(Serialize)]
pub struct Exported {
    pub events: u64,
    pub bytes: usize,
    pub export: String,
    pub policy: String,
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
        #[cfg(feature = "platform")]
        _ => demo::export(options),
        #[cfg(not(feature = "platform"))]
        _ => Err(Failed::new(Exit::Usage, "give --network and --policy: there is no platform in this build")),
    }
}

/// The end comes first, and then what leads up to it: a log that grows meanwhile does not matter. What comes is kept, so
/// that an interrupted export goes on where it stopped, up to the same end.
fn of_network(options: &Export, url: &str, policy: &Path) -> Result<Exported, Failed> {
    let mut asking = Asking::of(url, read_policy(policy)?, None)?;
    let part = options.out.with_added_extension(PART);
    let mut download = match Download::resume(&part).map_err(|error| unusable(&part, &error))? {
        Some(download) => download,
        None => {
            let end = asking.answer(&end_of_log())?;
            Download::begin(&part, end.hash_tree, end.certificate).map_err(|error| unusable(&part, &error))?
        }
    };
    let size = settle_end(&mut asking, &mut download, &part)?;
    if download.length() > 0 {
        eprintln!("{}: goes on after {} of {size} events", part.display(), download.length());
    }
    let bar = progress::bar("exporting", size);
    while download.length() < size {
        let page = asking.page(download.length())?;
        download.add(&page.events, size).map_err(|error| unusable(&part, &error))?;
        bar.set_position(download.length());
    }
    bar.finish_and_clear();
    let bytes = options.format.write(&download.export()).map_err(|error| about_part(&part, error.into()))?;
    // How old the end may be was asked before what leads up to it came, which may have taken long.
    verify(&bytes, &asking.policy().archival()).map_err(|failed| beside_part(&part, failed))?;
    write(&options.out, &bytes)?;
    download.finish().map_err(|error| unusable(&part, &error))?;
    let (export, policy) = (options.out.to_string_lossy().into_owned(), policy.to_string_lossy().into_owned());
    Ok(Exported { events: size, bytes: bytes.len(), export, policy })
}

/// Verifies the end up to which the download goes, and how many events there are. One that has become too old for the
/// policy since it came is replaced by the present one, which is proven to continue it.
fn settle_end(asking: &mut Asking, download: &mut Download, part: &Path) -> Result<u64, Failed> {
    let (question, policy) = (end_of_log(), asking.policy());
    let tip = match verify_answer(&question, &download.end(), &policy, None) {
        Ok(end) => return Ok(end.tip.size),
        Err(Failure::Stale { .. }) if download.length() > 0 => {
            verify_answer(&question, &download.end(), &policy.archival(), None).map_err(|it| about_part(part, it))?.tip
        }
        Err(failure) => return Err(about_part(part, failure)),
    };
    let question = Question { since: Some(tip.size), ..question };
    let end = asking.answer(&question)?;
    let known = Remembered { size: tip.size, root: tip.root };
    let size =
        verify_answer(&question, &end, &asking.policy(), Some(&known)).map_err(|it| about_part(part, it))?.tip.size;
    download.reach_for(end.hash_tree, end.certificate).map_err(|error| unusable(part, &error))?;
    Ok(size)
}

fn unusable(part: &Path, error: &DownloadError) -> Failed {
    Failed::new(Exit::Malformed, format_args!("{}: {error}", part.display()))
}

fn about_part(part: &Path, failure: Failure) -> Failed {
    beside_part(part, Failed::from(failure))
}

/// What was wrong with what has come so far will be wrong again.
fn beside_part(part: &Path, Failed { exit, message }: Failed) -> Failed {
    Failed::new(exit, format_args!("{message}; delete {} to begin anew", part.display()))
}

/// Writes a file: all of it, or none.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Failed> {
    let written = path.with_added_extension("new");
    std::fs::write(&written, content).map_err(|error| Failed::file(&written, &error))?;
    std::fs::rename(&written, path).map_err(|error| Failed::file(path, &error))
}
