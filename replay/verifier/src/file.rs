//! The binary form of an export: everything that is in it is authenticated, and nothing can be said in two ways.
//!
//! ```text
//! magic        8 bytes   "CAIRNLOG"
//! version      u32       1
//! count        u64       number of events
//! count times:
//!   length     u32       in bytes
//!   event                its canonical CBOR, from index 0
//! length       u32
//! hash tree              the canister's labelled tree, CBOR with the self-describing tag
//! length       u32
//! certificate            the network's certificate, CBOR with the self-describing tag
//! ```
//! Numbers are big-endian. Nothing may follow.

use cairn_events::Event;
use cairn_events::codec::{self, CodecError};

use crate::cbor::CborError;
use crate::{Failure, Form, lines, table};
use std::borrow::Cow;

/// What every export begins with.
pub const MAGIC: &[u8; 8] = b"CAIRNLOG";
/// The version of the format.
const VERSION: u32 = 1;

/// Why bytes are neither an export nor a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It begins with something else.
    #[error("neither an export nor a bundle of Cairn")]
    Magic,
    /// Made by another version.
    #[error("format version {0} is unknown; this reads version {VERSION}")]
    Version(u32),
    /// The bytes end too early.
    #[error("cut short in {0}")]
    Short(&'static str),
    /// A line of an export in text is not one.
    #[error("line {line} is {problem}")]
    Line {
        /// Which one, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There are not as many lines as there should be.
    #[error("{promised} events are promised, there are {found}")]
    Count {
        /// How many there should be.
        promised: u64,
        /// How many there are.
        found: u64,
    },
    /// Bytes that belong to nothing.
    #[error("{0} bytes after the end")]
    Trailing(usize),
    /// There are no events: even a new log has one.
    #[error("no events")]
    Empty,
    /// An event is not readable, or not in its one encoding.
    #[error("event {index}: {error}")]
    Event {
        /// Which one.
        index: u64,
        /// What is wrong.
        error: CodecError,
    },
    /// The hash tree or the certificate is not readable, or not in its one encoding.
    #[error("{section}: {error}")]
    Cbor {
        /// Which one.
        section: &'static str,
        /// What is wrong.
        error: CborError,
    },
    /// A bundle is not readable, or not in its one encoding.
    #[error("the bundle: {0}")]
    Bundle(CodecError),
    /// A section is too large to be written.
    #[error("{0} is larger than 4 GiB")]
    Large(&'static str),
}

/// The sections of an export, not yet looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sections<'a> {
    /// The encoded events.
    pub events: Vec<Cow<'a, [u8]>>,
    /// The encoded hash tree.
    pub hash_tree: Cow<'a, [u8]>,
    /// The encoded certificate.
    pub certificate: Cow<'a, [u8]>,
}

impl<'a> Sections<'a> {
    /// Takes an export of any form apart. What lines of text say beside is not looked at: see [`Sections::check_text`].
    ///
    /// # Errors
    /// [`FormatError`] if the bytes are not sections and nothing else.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
        match Form::of(bytes).ok_or(FormatError::Magic)? {
            Form::Binary => Self::parse_binary(bytes),
            Form::Lines => lines::read(bytes),
            Form::Table => table::read(bytes),
        }
    }

    /// That the text around the sections says what they say: nothing, in a file of bytes.
    ///
    /// # Errors
    /// [`Failure::Row`]: the first line that does not.
    pub fn check_text(&self, bytes: &[u8]) -> Result<(), Failure> {
        let Some(form @ (Form::Lines | Form::Table)) = Form::of(bytes) else { return Ok(()) };
        let expected = form.write(self)?;
        if expected == bytes {
            return Ok(());
        }
        let lines = |text| <[u8]>::split(text, |byte| *byte == b'\n');
        let same = lines(&expected).zip(lines(bytes)).take_while(|(expected, found)| expected == found).count();
        Err(Failure::Row { line: same + 1 })
    }

    /// The events, in order and unverified: for what has been verified already.
    ///
    /// # Errors
    /// [`FormatError::Event`].
    pub fn decoded(&self) -> Result<Vec<Event>, FormatError> {
        let decode = |(index, section): (u64, &Cow<'_, [u8]>)| {
            codec::decode_event(section).map_err(|error| FormatError::Event { index, error })
        };
        (0..).zip(&self.events).map(decode).collect()
    }

    fn parse_binary(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(FormatError::Magic)?;
        let mut reader = Reader { rest };
        match reader.u32("the header")? {
            VERSION => {}
            other => return Err(FormatError::Version(other)),
        }
        let count = u64::from_be_bytes(reader.array("the header")?);
        // The count is not believed: no memory is set aside for it.
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(reader.section("an event")?);
        }
        let hash_tree = reader.section("the hash tree")?;
        let certificate = reader.section("the certificate")?;
        if !reader.rest.is_empty() {
            return Err(FormatError::Trailing(reader.rest.len()));
        }
        Ok(Sections { events, hash_tree, certificate })
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], FormatError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(FormatError::Short(what))?;
        self.rest = rest;
        Ok(*head)
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, FormatError> {
        self.array(what).map(u32::from_be_bytes)
    }

    fn section(&mut self, what: &'static str) -> Result<Cow<'a, [u8]>, FormatError> {
        let length = usize::try_from(self.u32(what)?).map_err(|_| FormatError::Short(what))?;
        let (section, rest) = self.rest.split_at_checked(length).ok_or(FormatError::Short(what))?;
        self.rest = rest;
        Ok(Cow::Borrowed(section))
    }
}

/// Writes an export of encoded events, hash tree and certificate.
///
/// # Errors
/// [`FormatError::Large`].
pub fn write<'a>(
    events: impl ExactSizeIterator<Item = &'a [u8]>,
    hash_tree: &[u8],
    certificate: &[u8],
) -> Result<Vec<u8>, FormatError> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&(events.len() as u64).to_be_bytes());
    for event in events {
        write_section(&mut out, event, "an event")?;
    }
    write_section(&mut out, hash_tree, "the hash tree")?;
    write_section(&mut out, certificate, "the certificate")?;
    Ok(out)
}

fn write_section(out: &mut Vec<u8>, section: &[u8], what: &'static str) -> Result<(), FormatError> {
    let length = u32::try_from(section.len()).map_err(|_| FormatError::Large(what))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(section);
    Ok(())
}
