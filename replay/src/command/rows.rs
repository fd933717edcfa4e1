//! Events and questions, for people and as JSON.

use super::moment;
use cairn_events::question::{About, Span};
use cairn_events::{Event, Family, Timestamp, Topic, Value};
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::fmt;

/// An event, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    index: u64,
    hash: String,
    time: String,
    kind: &'static str,
    actor: String,
    source: String,
    stream: String,
    topics: Vec<String>,
    payload: Json,
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
            payload: value(&event.payload.to_value()),
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

/// A value of a block as JSON: blobs as hexadecimal text, numbers beyond 2^53 as decimal text.
fn value(of: &Value) -> Json {
    match of {
        Value::Nat(n) => match u64::try_from(*n) {
            Ok(small) if small <= 1 << 53 => json!(small),
            _ => json!(n.to_string()),
        },
        Value::Text(text) => json!(text),
        Value::Blob(bytes) => json!(hex::encode(bytes)),
        Value::Array(items) => Json::Array(items.iter().map(value).collect()),
        Value::Map(entries) => Json::Object(entries.iter().map(|(key, item)| (key.clone(), value(item))).collect()),
    }
}
