//! An export as JSON Lines: the proof of the log's end, and each event with its own proof.
//!
//! ```text
//! {"format":"cairn-log","version":1,"events":N,"hash_tree":HEX,"certificate":HEX}
//! {"index":0,"hash":HEX,"time":...,"kind":...,...,"payload":{...},"path":[HEX,...],"event":HEX}
//! ```
//! and so on, a line for each event. `event` is the event in its canonical CBOR, `path` its way to the Merkle root that
//! the canister's tree names (RFC 9162, 2.1.3): the first line and that of an event prove it by themselves. All else is
//! there to be read and follows from `event`: a line that says anything else is refused.

use crate::rows::Row;
use crate::{FormatError, Sections, text};
use cairn_events::{Hash, merkle};
use serde::{Deserialize, Serialize};

/// What the first line says that it is.
const FORMAT: &str = "cairn-log";
/// The version of the format.
const VERSION: u32 = 1;
/// Where an event begins in its line,
const EVENT: &str = "\"event\":\"";
/// and what ends the line.
const END: &str = "\"}";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    format: String,
    version: u32,
    events: u64,
    hash_tree: String,
    certificate: String,
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    row: Row,
    path: Vec<String>,
    event: String,
}

/// Writes an export.
pub(crate) fn write(export: &Sections<'_>) -> Result<String, FormatError> {
    let events = export.decoded()?;
    let size = events.len() as u64;
    let first = First {
        format: FORMAT.to_owned(),
        version: VERSION,
        events: size,
        hash_tree: hex::encode(&export.hash_tree),
        certificate: hex::encode(&export.certificate),
    };
    let mut nodes: Vec<Hash> = Vec::new();
    for event in &events {
        nodes.extend(merkle::append(event.index, &event.hash(), &nodes).unwrap_or_default());
    }
    let mut out = json(&first);
    for ((index, event), encoded) in (0..).zip(&events).zip(&export.events) {
        let path = merkle::inclusion_proof(index, size, &nodes).unwrap_or_default();
        let path = path.iter().map(Hash::to_string).collect();
        out.push_str(&json(&Line { row: Row::from(event), path, event: hex::encode(encoded) }));
    }
    Ok(out)
}

/// A line. Texts, numbers and lists always have a JSON form.
fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).unwrap_or_default() + "\n"
}

/// Reads what an export stands on; that its lines say nothing else is not yet looked at.
pub(crate) fn read(bytes: &[u8]) -> Result<Sections<'static>, FormatError> {
    let lines = text::lines(bytes)?;
    let (first, events) = lines.split_first().ok_or(FormatError::Short("the first line"))?;
    let wrong = FormatError::Line { line: 1, problem: "not the first line of an export" };
    let First { format, version, events: count, hash_tree, certificate } =
        serde_json::from_str(first).map_err(|_| wrong.clone())?;
    if format != FORMAT {
        return Err(wrong);
    }
    if version != VERSION {
        return Err(FormatError::Version(version));
    }
    if count != events.len() as u64 {
        return Err(FormatError::Count { promised: count, found: events.len() as u64 });
    }
    let event = |(number, line): (usize, &&str)| {
        let begin = line.strip_suffix(END).and_then(|line| line.rsplit_once(EVENT));
        text::bytes(number, begin.map(|(_, event)| event))
    };
    Ok(Sections {
        events: (2..).zip(events).map(event).collect::<Result<_, _>>()?,
        hash_tree: text::bytes(1, Some(&hash_tree))?,
        certificate: text::bytes(1, Some(&certificate))?,
    })
}
