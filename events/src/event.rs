//! The envelope around every payload, and its hash.

use crate::topic::links;
use crate::value::{Form, Hashed};
use crate::{Hash, Link, LogId, Payload, Stream, Timestamp, Topic, Value};
use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

/// The version of the envelope and of the topics' derivation.
pub const SCHEMA_VERSION: u16 = 1;

/// A fact that the audit canister has accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the log, from 0.
    #[serde(rename = "i")]
    pub index: u64,
    /// [`SCHEMA_VERSION`] when the event was accepted.
    #[serde(rename = "v")]
    pub schema: u16,
    /// The log this belongs to.
    #[serde(rename = "l")]
    pub log: LogId,
    /// When it was accepted: the greater of the network's time and the previous event's timestamp.
    #[serde(rename = "t")]
    pub timestamp: Timestamp,
    /// The stream.
    #[serde(rename = "s")]
    pub stream: Stream,
    /// How many events the stream has, this one included.
    #[serde(rename = "w")]
    pub stream_version: u64,
    /// On whose behalf, as the source claims.
    #[serde(rename = "a")]
    pub actor: Principal,
    /// The canister that wrote it, as the network attests.
    #[serde(rename = "o")]
    pub source: Principal,
    /// The source's own numbering, from 1 without gaps.
    #[serde(rename = "q")]
    pub source_seq: u64,
    /// The business process, where there is one.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    pub correlation: Option<Hash>,
    /// Index of the event that caused this one.
    #[serde(rename = "u", skip_serializing_if = "Option::is_none", default)]
    pub causation: Option<u64>,
    /// One link per topic, in the order of [`crate::Topic::derive`].
    #[serde(rename = "k", with = "links")]
    pub links: Vec<Link>,
    /// What happened.
    #[serde(rename = "p")]
    pub payload: Payload,
    /// Hash of the previous event; absent for event 0.
    #[serde(rename = "h", skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<Hash>,
}

impl Event {
    /// The event as a block of ICRC-3.
    pub fn to_value(&self) -> Value {
        self.to_form()
    }

    /// The hash of the event's block: what the next event, the tree and the certificate refer to.
    pub fn hash(&self) -> Hash {
        self.to_form::<Hashed>().0
    }

    /// Whether `person` acted or is named.
    pub fn concerns(&self, person: Principal) -> bool {
        Topic::of(self).contains(&Topic::Party(person))
    }

    fn to_form<F: Form>(&self) -> F {
        let mut entries = Vec::with_capacity(15);
        let mut put = |key: &'static str, value: F| entries.push(F::entry(key, value));
        if let Some(parent) = self.parent {
            put("phash", F::blob(&parent.0));
        }
        let kind = self.payload.kind();
        put("btype", F::known_text(kind.btype(), kind.btype_hash()));
        put("ts", F::nat(u128::from(self.timestamp.0)));
        put("v", F::nat(u128::from(self.schema)));
        put("log", F::blob(&self.log.0.0));
        put("idx", F::nat(u128::from(self.index)));
        put("stream", F::text(self.stream.text().as_str()));
        put("sver", F::nat(u128::from(self.stream_version)));
        put("actor", F::blob(self.actor.as_slice()));
        put("src", F::blob(self.source.as_slice()));
        put("sseq", F::nat(u128::from(self.source_seq)));
        if let Some(correlation) = self.correlation {
            put("corr", F::blob(&correlation.0));
        }
        if let Some(causation) = self.causation {
            put("cause", F::nat(u128::from(causation)));
        }
        put("links", F::array(self.links.iter().map(|link| F::blob(&link.to_bytes())).collect()));
        put("tx", self.payload.to_form());
        F::map(entries)
    }
}

impl Payload {
    /// The payload as the `tx` of a block; the kind is not repeated in it.
    pub fn to_value(&self) -> Value {
        self.to_form()
    }

    fn to_form<F: Form>(&self) -> F {
        // Payloads hold nothing that a value cannot; the golden test of every kind proves it.
        self.content_form().unwrap_or_else(|_| F::map(Vec::new()))
    }
}

/// The audit canister's answer to an accepted submission. Repeating the submission repeats the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CandidType)]
pub struct Receipt {
    /// The event's index.
    pub index: u64,
    /// The event's hash.
    pub hash: Hash,
    /// The event's version in its stream.
    pub stream_version: u64,
    /// The event's timestamp.
    pub timestamp: Timestamp,
}
