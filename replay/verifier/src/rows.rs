//! Events and questions, for people and as JSON.

use cairn_events::moment;
use cairn_events::question::{About, Span};
use cairn_events::{Event, Family, Timestamp, Topic, Value};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use std::fmt;

/// An event, as it is shown.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Row {
    /// Position in the log.
    pub index: u64,
    /// Hash of its block, in hexadecimal.
    pub hash: String,
    /// When it was accepted.
    pub time: String,
    /// Its kind.
    pub kind: &'static str,
    /// On whose behalf.
    pub actor: String,
    /// Which canister wrote it.
    pub source: String,
    /// Its stream.
    pub stream: String,
    /// Its topics.
    pub topics: Vec<String>,
    /// What happened.
    pub payload: Shown,
}

impl From<&Event> for Row {
    fn from(event: &Event) -> Self {
        Row {
            index: event.index,
            hash: event.hash().to_string(),
            time: moment::utc(event.timestamp),
            kind: event.payload.kind().btype(),
            actor: event.actor.to_text(),
            source: event.source.to_text(),
            stream: event.stream.to_string(),
            topics: Topic::of(event).iter().map(topic).collect(),
            payload: Shown(event.payload.to_value()),
        }
    }
}

impl Row {
    /// What stands above the columns.
    pub const HEAD: &'static str = "  index  time                  kind                          actor        stream";
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.strip_prefix("cairn_").unwrap_or(self.kind);
        let actor: String = self.actor.chars().take(11).collect();
        let stream: String = self.stream.chars().take(32).collect();
        write!(f, "{:>7}  {}  {kind:<28}  {actor:<11}  {stream}", self.index, self.time)
    }
}

/// The name of a topic: what it is, and which.
pub fn topic(topic: &Topic) -> String {
    match topic {
        Topic::Family(family) => format!("family {}", family_name(*family)),
        Topic::Party(id) => format!("party {id}"),
        Topic::Contract(id) => format!("contract {id}"),
        Topic::Deployment(id) => format!("deployment {id}"),
        Topic::Service(service) => format!("service {}", service.name()),
    }
}

/// The name of a family.
pub fn family_name(family: Family) -> &'static str {
    match family {
        Family::Platform => "platform",
        Family::Deployments => "deployments",
        Family::Money => "money",
        Family::Contracts => "contracts",
    }
}

/// A question in words.
pub fn question(about: &About, span: &Span) -> String {
    let topics = match about {
        About::Everything => "every event".to_owned(),
        About::Topics(topics) => {
            format!("every event of {}", topics.iter().map(topic).collect::<Vec<_>>().join(" and "))
        }
    };
    let Span { from, until, from_time, until_time } = *span;
    let at = |time: u64| moment::utc(Timestamp(time));
    let bounds = [
        (from > 0).then(|| format!("from event {from} on")),
        until.map(|until| format!("before event {until}")),
        from_time.map(|time| format!("from {} on", at(time))),
        until_time.map(|time| format!("before {}", at(time))),
    ];
    std::iter::once(topics).chain(bounds.into_iter().flatten()).collect::<Vec<_>>().join(", ")
}

/// A value of a block, as JSON has it: blobs as hexadecimal text, numbers beyond 2^53 as decimal text, the entries of
/// maps in the order of their names.
#[derive(Clone, Debug)]
pub struct Shown(pub Value);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Value::Nat(n) => match u64::try_from(*n) {
                Ok(small) if small <= 1 << 53 => serializer.serialize_u64(small),
                _ => serializer.serialize_str(&n.to_string()),
            },
            Value::Text(text) => serializer.serialize_str(text),
            Value::Blob(bytes) => serializer.serialize_str(&hex::encode(bytes)),
            Value::Array(items) => serializer.collect_seq(items.iter().map(|item| Shown(item.clone()))),
            Value::Map(entries) => {
                let mut sorted: Vec<&(String, Value)> = entries.iter().collect();
                sorted.sort_by_key(|(name, _)| name);
                let mut map = serializer.serialize_map(Some(sorted.len()))?;
                for (name, item) in sorted {
                    map.serialize_entry(name, &Shown(item.clone()))?;
                }
                map.end()
            }
        }
    }
}
