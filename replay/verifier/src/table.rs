//! An export as CSV (RFC 4180, but for line ends of one byte): for tables, and still a whole proof.
//!
//! ```text
//! index,time,kind,actor,source,stream,topics,payload,hash,event
//! 0,2026-11-21T14:05:09Z,cairn_genesis,...,HEX
//! ...
//! hash_tree,,,,,,,,,HEX
//! certificate,,,,,,,,,HEX
//! ```
//! `event` is the event in its canonical CBOR: what the leaf of the Merkle tree is computed from. All else is there to be
//! read and follows from it: a row that says anything else is refused.

use crate::rows::Row;
use crate::{FormatError, Sections, text};

/// The first line.
pub(crate) const HEAD: &str = "index,time,kind,actor,source,stream,topics,payload,hash,event\n";
/// How the last two lines begin.
const HASH_TREE: &str = "hash_tree,,,,,,,,,";
const CERTIFICATE: &str = "certificate,,,,,,,,,";

/// Writes an export.
pub(crate) fn write(export: &Sections<'_>) -> Result<String, FormatError> {
    let mut out = HEAD.to_owned();
    for (event, encoded) in export.decoded()?.iter().zip(&export.events) {
        let Row { index, hash, time, kind, actor, source, stream, topics, payload } = Row::from(event);
        let payload = serde_json::to_string(&payload).unwrap_or_default();
        let (topics, event) = (topics.join("; "), hex::encode(encoded));
        let fields: [&str; 10] =
            [&index.to_string(), &time, kind, &actor, &source, &stream, &topics, &payload, &hash, &event];
        out.push_str(&fields.map(field).join(","));
        out.push('\n');
    }
    for (begin, content) in [(HASH_TREE, &export.hash_tree), (CERTIFICATE, &export.certificate)] {
        out.push_str(&format!("{begin}{}\n", hex::encode(content)));
    }
    Ok(out)
}

/// A field, quoted if it must be.
fn field(content: &str) -> String {
    if content.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", content.replace('"', "\"\""))
    } else {
        content.to_owned()
    }
}

/// Reads what an export stands on; that its rows say nothing else is not yet looked at.
pub(crate) fn read(bytes: &[u8]) -> Result<Sections<'static>, FormatError> {
    let lines = text::lines(bytes)?;
    let [_, events @ .., hash_tree, certificate] = lines.as_slice() else {
        return Err(FormatError::Short("the last lines"));
    };
    let event = |(number, line): (usize, &&str)| text::bytes(number, line.rsplit_once(',').map(|(_, event)| event));
    Ok(Sections {
        events: (2..).zip(events).map(event).collect::<Result<_, _>>()?,
        hash_tree: text::bytes(lines.len() - 1, hash_tree.strip_prefix(HASH_TREE))?,
        certificate: text::bytes(lines.len(), certificate.strip_prefix(CERTIFICATE))?,
    })
}
