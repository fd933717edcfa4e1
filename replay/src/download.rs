//! A log on its way to this machine: what has come is kept in a file, so that an interruption costs nothing.
//!
//! ```text
//! magic        8 bytes   "CAIRNPRT"
//! version      u32       1
//! length       u32
//! hash tree              of the end that is wanted
//! length       u32
//! certificate
//! as many times as events have come:
//!   length     u32
//!   event
//! ```
//! Numbers are big-endian. The end is settled first: whenever the rest comes, the finished export is the same. A section
//! that was cut short is fetched again. Nothing here is believed: the export is verified when it is whole.

use crate::verify::Sections;
use cairn_events::question::Answer;
use serde_bytes::ByteBuf;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What every such file begins with.
const MAGIC: &[u8; 8] = b"CAIRNPRT";
/// The version of the format.
const VERSION: u32 = 1;

/// Why a download cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The file system refuses.
    #[error("{0}; check the path")]
    File(#[from] io::Error),
    /// The file is something else.
    #[error("not a part of an export; delete it to begin anew")]
    Foreign,
    /// A section is too large.
    #[error("a section of {0} bytes is too large")]
    Large(usize),
}

/// A log of which a part is here.
#[derive(Debug)]
pub struct Download {
    path: PathBuf,
    file: File,
    hash_tree: Vec<u8>,
    certificate: Vec<u8>,
    events: Vec<Vec<u8>>,
}

impl Download {
    /// Begins a download of the log that has this end.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub fn begin(path: &Path, hash_tree: Vec<u8>, certificate: Vec<u8>) -> Result<Download, DownloadError> {
        let mut file = File::create(path)?;
        let head = [&MAGIC[..], &VERSION.to_be_bytes()[..], &section(&hash_tree)?, &section(&certificate)?].concat();
        file.write_all(&head)?;
        Ok(Download { path: path.to_owned(), file, hash_tree, certificate, events: Vec::new() })
    }

    /// Takes up a download that was interrupted, if there is one.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub fn resume(path: &Path) -> Result<Option<Download>, DownloadError> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let head = [&MAGIC[..], &VERSION.to_be_bytes()].concat();
        let Some(rest) = bytes.strip_prefix(head.as_slice()) else {
            // Interrupted before anything came.
            return if head.starts_with(&bytes) { Ok(None) } else { Err(DownloadError::Foreign) };
        };
        let (sections, left_over) = sections(rest);
        let mut sections = sections.into_iter();
        let (Some(hash_tree), Some(certificate)) = (sections.next(), sections.next()) else { return Ok(None) };
        let events: Vec<Vec<u8>> = sections.collect();
        let file = OpenOptions::new().append(true).open(path)?;
        file.set_len((bytes.len() - left_over) as u64)?;
        Ok(Some(Download { path: path.to_owned(), file, hash_tree, certificate, events }))
    }

    /// How many events have come.
    pub fn length(&self) -> u64 {
        self.events.len() as u64
    }

    /// The end that is wanted, as the answer to a question for nothing else.
    pub fn end(&self) -> Answer {
        let (hash_tree, certificate) = (self.hash_tree.clone(), self.certificate.clone());
        Answer { hash_tree, certificate, ..Answer::default() }
    }

    /// Goes on to another end, which continues the one wanted so far.
    ///
    /// # Errors
    /// [`DownloadError`]; the file is as it was.
    pub fn reach_for(&mut self, hash_tree: Vec<u8>, certificate: Vec<u8>) -> Result<(), DownloadError> {
        let events = std::mem::take(&mut self.events);
        let written = self.path.with_added_extension("new");
        let mut download = Download::begin(&written, hash_tree, certificate)?;
        download.add(&events.into_iter().map(ByteBuf::from).collect::<Vec<_>>(), u64::MAX)?;
        fs::rename(&written, &self.path)?;
        *self = Download { path: std::mem::take(&mut self.path), ..download };
        Ok(())
    }

    /// Keeps the events that come next, of a log that has `size`.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub fn add(&mut self, events: &[ByteBuf], size: u64) -> Result<(), DownloadError> {
        let missing = usize::try_from(size.saturating_sub(self.length())).unwrap_or(usize::MAX);
        let events = events.iter().take(missing).map(|event| event.to_vec());
        let mut bytes = Vec::new();
        let before = self.events.len();
        self.events.extend(events);
        for event in self.events.iter().skip(before) {
            bytes.extend(section(event)?);
        }
        Ok(self.file.write_all(&bytes)?)
    }

    /// The export, once all events have come.
    pub fn export(&self) -> Sections<'_> {
        Sections {
            events: self.events.iter().map(|event| event.into()).collect(),
            hash_tree: (&self.hash_tree).into(),
            certificate: (&self.certificate).into(),
        }
    }

    /// Removes the file: the export is written.
    ///
    /// # Errors
    /// [`DownloadError::File`].
    pub fn finish(self) -> Result<(), DownloadError> {
        Ok(fs::remove_file(self.path)?)
    }
}

fn section(content: &[u8]) -> Result<Vec<u8>, DownloadError> {
    let length = u32::try_from(content.len()).map_err(|_| DownloadError::Large(content.len()))?;
    Ok([&length.to_be_bytes()[..], content].concat())
}

/// The whole sections, and how many bytes are left over.
fn sections(mut rest: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut sections = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk()
        && let Some((section, after)) = after.split_at_checked(u32::from_be_bytes(*length) as usize)
    {
        sections.push(section.to_vec());
        rest = after;
    }
    (sections, rest.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may fail

    use super::*;

    fn kept(path: &Path) -> Option<Vec<Vec<u8>>> {
        Download::resume(path).unwrap().map(|download| download.events)
    }

    #[test]
    fn whatever_was_cut_off_comes_again_and_nothing_else() {
        let path = std::env::temp_dir().join(format!("cairn-download-{}", std::process::id()));
        let events: Vec<ByteBuf> = (1..6_u8).map(|n| ByteBuf::from(vec![n; usize::from(n) * 7])).collect();
        let mut whole = Download::begin(&path, vec![1; 9], vec![2; 8]).unwrap();
        whole.add(&events[..2], 4).unwrap();
        whole.add(&events[2..], 4).unwrap();
        assert_eq!(whole.length(), 4, "a page may hold what came later");
        let bytes = fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            let Some(mut download) = Download::resume(&path).unwrap() else {
                assert!(length < 12 + 13 + 12);
                continue;
            };
            let known = usize::try_from(download.length()).unwrap();
            assert!(known < 4);
            download.add(&events[known..], 4).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(kept(&path).unwrap(), whole.events);
        }
        fs::write(&path, b"something else").unwrap();
        assert!(matches!(Download::resume(&path), Err(DownloadError::Foreign)));
        fs::remove_file(&path).unwrap();
        assert!(kept(&path).is_none());
    }
}
