//! Bundles: a question and all pages of its answer in one file, complete in itself.
//!
//! ```text
//! magic        8 bytes   "CAIRNANS"
//! version      u32       1, big-endian
//! bundle                 canonical CBOR: about, span, pages
//! ```
//! Nothing may follow. Pages are asked for from the oldest event on. Each answers the question that the one before it has
//! left open, and proves that the log has only grown since: pages of a log that is being written are still of one log.
//! A receipt for one event is a bundle whose span holds its index alone.
//!
//! The question is the file's own: a verdict is about the question that it names, not about any other.

use crate::{Answered, Failure, FormatError, Policy, verify_answer};
use cairn_events::answer::{CertifiedTip, Findings, MAX_PAGE, Remembered};
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_events::{Event, Timestamp, codec};
use serde::{Deserialize, Serialize};

/// What every bundle begins with.
pub const MAGIC: &[u8; 8] = b"CAIRNANS";
/// The version of the format.
const VERSION: u32 = 1;

/// A question and all pages of its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Which events are asked about.
    #[serde(rename = "about")]
    pub about: About,
    /// Within which part of the log.
    #[serde(rename = "span")]
    pub span: Span,
    /// The pages of the answer.
    #[serde(rename = "pages")]
    pub pages: Vec<Answer>,
}

/// Why pages are not one answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// There are none.
    #[error("the bundle has no pages")]
    Empty,
    /// The last page leaves something open.
    #[error("the bundle ends with page {page}, which is complete up to event {until} only")]
    Unfinished {
        /// The last page.
        page: usize,
        /// Up to where it is complete.
        until: u64,
    },
    /// A page after the one that answers the rest.
    #[error("page {page} answers nothing: the one before it leaves nothing open")]
    Superfluous {
        /// The page.
        page: usize,
    },
}

/// What a bundle has shown to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Which events were asked about.
    pub about: About,
    /// Within which part of the log.
    pub span: Span,
    /// These events, all of them, the oldest first.
    pub events: Vec<Event>,
    /// How many events were shown to prove it: of several topics asked for together, those of the rarest.
    pub shown: u64,
    /// In how many pages.
    pub pages: usize,
    /// What they are complete for, as bounds on the index: from the one, up to but not including the other.
    pub complete: (u64, u64),
    /// The end of the log as the network certified it last.
    pub tip: CertifiedTip,
    /// When it did: the verdict is silent about later.
    pub certified_at: Timestamp,
    /// Whether the root key is that of the public Internet Computer.
    pub public_network: bool,
}

impl Bundle {
    /// The bundle as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&MAGIC[..], &VERSION.to_be_bytes(), &codec::encode(self)].concat()
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// [`FormatError`] if the bytes are not exactly what [`Bundle::to_bytes`] writes for some bundle.
    pub fn from_bytes(bytes: &[u8]) -> Result<Bundle, FormatError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(FormatError::Magic)?;
        let (version, rest) = rest.split_first_chunk().ok_or(FormatError::Short("the header"))?;
        match u32::from_be_bytes(*version) {
            VERSION => codec::decode(rest).map_err(FormatError::Bundle),
            other => Err(FormatError::Version(other)),
        }
    }
}

/// An answer, page by page: what is to be asked next, and what was found once nothing is left open.
///
/// Whoever makes a bundle and whoever verifies one goes through the same steps. The policy is given page by page: to
/// ask for them takes time, and what each is as old as is asked when it has come.
#[derive(Clone, Debug)]
pub struct Progress {
    about: About,
    span: Span,
    rest: Option<Span>,
    pages: usize,
    events: Vec<Event>,
    shown: u64,
    last: Option<Last>,
}

/// What the last page has shown.
#[derive(Clone, Copy, Debug)]
struct Last {
    until: u64,
    tip: CertifiedTip,
    certified_at: Timestamp,
}

impl Last {
    fn end(&self) -> Remembered {
        Remembered { size: self.tip.size, root: self.tip.root }
    }
}

impl Progress {
    /// Nothing is answered yet.
    pub fn new(about: About, span: Span) -> Self {
        Progress { about, span, rest: Some(span), pages: 0, events: Vec::new(), shown: 0, last: None }
    }

    /// What is to be asked next.
    pub fn question(&self) -> Option<Question> {
        Some(Question {
            about: self.about.clone(),
            span: self.rest?,
            order: Order::OldestFirst,
            limit: MAX_PAGE,
            since: self.last.map(|last| last.tip.size),
        })
    }

    /// Up to which event the pages so far are complete, and how many events the log had then.
    pub fn position(&self) -> Option<(u64, u64)> {
        self.last.map(|last| (last.until, last.tip.size))
    }

    /// Takes in the answer to [`Progress::question`].
    ///
    /// # Errors
    /// [`Failure`]: the first thing wrong.
    pub fn take(&mut self, answer: &Answer, policy: &Policy) -> Result<(), Failure> {
        let page = self.pages;
        let question = self.question().ok_or(BundleFault::Superfluous { page })?;
        let known = self.last.map(|last| last.end());
        let Answered { findings: Findings { events, shown, complete: (_, until), rest }, tip, certified_at } =
            verify_answer(&question, answer, policy, known.as_ref())
                .map_err(|failure| Failure::Page { page, failure: Box::new(failure) })?;
        self.events.extend(events);
        self.shown += shown;
        self.pages += 1;
        self.rest = rest;
        self.last = Some(Last { until, tip, certified_at });
        Ok(())
    }

    /// What was proven, if nothing is left open.
    ///
    /// # Errors
    /// [`BundleFault`].
    pub fn finish(self, policy: &Policy) -> Result<Proven, BundleFault> {
        let Last { until, tip, certified_at } = self.last.ok_or(BundleFault::Empty)?;
        if self.rest.is_some() {
            return Err(BundleFault::Unfinished { page: self.pages.saturating_sub(1), until });
        }
        Ok(Proven {
            complete: (self.span.from, until),
            about: self.about,
            span: self.span,
            events: self.events,
            shown: self.shown,
            pages: self.pages,
            tip,
            certified_at,
            public_network: policy.is_public_network(),
        })
    }
}

/// Checks a bundle.
///
/// # Errors
/// [`Failure`]: the first thing wrong.
pub fn verify(bytes: &[u8], policy: &Policy) -> Result<Proven, Failure> {
    let Bundle { about, span, pages } = Bundle::from_bytes(bytes)?;
    let mut progress = Progress::new(about, span);
    pages.iter().try_for_each(|page| progress.take(page, policy))?;
    Ok(progress.finish(policy)?)
}
