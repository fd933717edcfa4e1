//! The verifier: bytes of an export and an auditor's policy in, a verdict out.
//!
//! Pure: no files, no clock, no network. What is trusted (the network's root key, the audit canister, the log) comes
//! from the [`Policy`] alone. Every byte of an export is covered: each section has one accepted encoding; events are
//! re-hashed field by field; the tree over them must be the one that the canister certified; the certificate must be
//! the network's. The first wrong thing is named.

mod cbor;
mod certificate;
pub mod file;
mod policy;

use cairn_events::answer::{self, CertifiedTip, Findings, Remembered, Untrue};
use cairn_events::payload::Genesis;
use cairn_events::question::{Answer, Question};
use cairn_events::verify::{LogVerifier, Violation};
use cairn_events::{Event, Hash, LogId, Payload, Principal, Timestamp, codec};

pub use cbor::CborError;
pub use certificate::{CertificateFault, Certified};
pub use file::FormatError;
pub use policy::{Policy, PolicyError};

/// What was found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How many events the log has.
    pub events: u64,
    /// The log.
    pub log: LogId,
    /// The audit canister.
    pub canister: Principal,
    /// The hash of the last event.
    pub last_hash: Hash,
    /// The root of the tree over all events.
    pub root: Hash,
    /// When the first event was accepted.
    pub begin: Timestamp,
    /// When the last event was accepted.
    pub end: Timestamp,
    /// When the network certified the log: the verdict is silent about later.
    pub certified_at: Timestamp,
    /// Whether the root key is that of the public Internet Computer.
    pub public_network: bool,
}

/// The first thing wrong with an export.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Not an export, or not in its one encoding.
    #[error("malformed: {0}")]
    Malformed(#[from] FormatError),
    /// The events are not a log.
    #[error("{0}")]
    Log(#[from] Violation),
    /// The certificate does not vouch for the events.
    #[error("certificate: {0}")]
    Certificate(#[from] CertificateFault),
    /// An answer does not hold.
    #[error("{0}")]
    Answer(#[from] Untrue),
    /// In itself perhaps whole, but not what the policy names.
    #[error("{0}")]
    Policy(String),
}

/// Checks an export.
///
/// # Errors
/// [`Failure`]: the first thing wrong.
pub fn verify(bytes: &[u8], policy: &Policy) -> Result<Verdict, Failure> {
    verify_each(bytes, policy, |_, _| ())
}

/// Checks an export and shows each event that is in order to `observe`, with the number of events that the file holds.
///
/// Until the verdict, nothing says that the events are the certified ones.
///
/// # Errors
/// [`Failure`]: the first thing wrong.
pub fn verify_each(bytes: &[u8], policy: &Policy, mut observe: impl FnMut(&Event, u64)) -> Result<Verdict, Failure> {
    let sections = file::Sections::parse(bytes)?;
    let total = sections.events.len() as u64;
    check_identity(&sections, policy)?;
    let certified = certificate::open(sections.hash_tree, sections.certificate, policy)?;
    let mut log = LogVerifier::new(policy.canister, policy.log);
    let mut ends: Option<(Timestamp, Timestamp)> = None;
    let mut topics = (0, log.topics_root());
    for (index, section) in sections.events.iter().enumerate() {
        let event = codec::decode_event(section).map_err(|error| FormatError::Event { index: index as u64, error })?;
        log.push(&event)?;
        if log.size() == certified.tip.topics_size {
            topics = (log.size(), log.topics_root());
        }
        observe(&event, total);
        ends = Some((ends.map_or(event.timestamp, |(begin, _)| begin), event.timestamp));
    }
    let (Some(last_hash), Some((begin, end)), (topics_size, Some(topics_root))) = (log.last_hash(), ends, topics)
    else {
        return Err(FormatError::Empty.into());
    };
    let (size, root) = (log.size(), log.root());
    let computed = CertifiedTip { log: policy.log, size, last_hash, root, topics_size, topics_root };
    certificate::compare(&certified.tip, &computed)?;
    let certified_at = certified.at;
    if certified_at < end {
        return Err(CertificateFault::BeforeLastEvent { certified_at, end }.into());
    }
    Ok(Verdict {
        events: log.size(),
        log: policy.log,
        canister: policy.canister,
        last_hash,
        root: log.root(),
        begin,
        end,
        certified_at,
        public_network: policy.is_public_network(),
    })
}

/// What an answer has shown, and as of when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The events, and what they are complete for.
    pub findings: Findings,
    /// The end of the log as the network has certified it.
    pub tip: CertifiedTip,
    /// When it did: nothing is said of later.
    pub certified_at: Timestamp,
}

/// Checks an answer to `question`. `remembered` is the end of the log that the question names as `since`.
///
/// # Errors
/// [`Failure`]: the first thing wrong.
pub fn verify_answer(
    question: &Question,
    answer: &Answer,
    policy: &Policy,
    remembered: Option<&Remembered>,
) -> Result<Answered, Failure> {
    let Certified { tip, at } = certificate::open(&answer.hash_tree, &answer.certificate, policy)?;
    let findings = answer::verify(question, answer, &tip, remembered)?;
    Ok(Answered { findings, tip, certified_at: at })
}

/// Tells another log from a broken one: the former is a question of the policy.
fn check_identity(sections: &file::Sections<'_>, policy: &Policy) -> Result<(), Failure> {
    let first = sections.events.first().ok_or(FormatError::Empty)?;
    let event = codec::decode_event(first).map_err(|error| FormatError::Event { index: 0, error })?;
    if let Payload::Genesis(Genesis { canister, .. }) = event.payload
        && canister != policy.canister
    {
        let named = policy.canister;
        return Err(Failure::Policy(format!(
            "the file holds the log of canister {canister}, the policy names {named}"
        )));
    }
    if event.log != policy.log {
        let (found, named) = (event.log, policy.log);
        return Err(Failure::Policy(format!("the file holds log {found}, the policy names {named}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
