//! The export format: everything that is in it is authenticated, and nothing can be said in two ways.
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
    pub events: Vec<&'a [u8]>,
    /// The encoded hash tree.
    pub hash_tree: &'a [u8],
    /// The encoded certificate.
    pub certificate: &'a [u8],
}

impl<'a> Sections<'a> {
    /// Takes an export apart.
    ///
    /// # Errors
    /// [`FormatError`] if the bytes are not sections and nothing else.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
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

    fn section(&mut self, what: &'static str) -> Result<&'a [u8], FormatError> {
        let length = usize::try_from(self.u32(what)?).map_err(|_| FormatError::Short(what))?;
        let (section, rest) = self.rest.split_at_checked(length).ok_or(FormatError::Short(what))?;
        self.rest = rest;
        Ok(section)
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

/// The events of an export, in order and unverified: for what has been verified already.
///
/// # Errors
/// [`FormatError`].
pub fn read_events(bytes: &[u8]) -> Result<Vec<Event>, FormatError> {
    let sections = Sections::parse(bytes)?;
    let decode = |(index, section): (usize, &&[u8])| {
        codec::decode_event(section).map_err(|error| FormatError::Event { index: index as u64, error })
    };
    sections.events.iter().enumerate().map(decode).collect()
}
