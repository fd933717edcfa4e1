//! A whole log: an export, verified from its first event to the certificate of its end.

use crate::failure::Failure;
use crate::file::Sections;
use crate::{CertificateFault, FormatError, Policy, certificate, reading};
use cairn_events::answer::CertifiedTip;
use cairn_events::payload::Genesis;
use cairn_events::verify::LogVerifier;
use cairn_events::{Event, Hash, LogId, Payload, Principal, Timestamp, codec};

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

/// Checks an export, in any of its forms.
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
pub fn verify_each(
    bytes: &[u8],
    policy: &Policy,
    mut observe: impl FnMut(&Event, u64) + Send,
) -> Result<Verdict, Failure> {
    let sections = Sections::parse(bytes)?;
    let total = sections.events.len() as u64;
    check_identity(&sections, policy)?;
    let certified = certificate::open(&sections.hash_tree, &sections.certificate, policy)?;
    let mut log = LogVerifier::new(policy.canister, policy.log);
    let mut ends: Option<(Timestamp, Timestamp)> = None;
    let mut topics = (0, log.topics_root());
    reading::chunks(&sections.events, |chunk| {
        chunk.into_iter().try_for_each(|read| {
            let read = read?;
            log.push_rehashed(&read)?;
            let event = read.event();
            if log.size() == certified.tip.topics_size {
                topics = (log.size(), log.topics_root());
            }
            observe(event, total);
            ends = Some((ends.map_or(event.timestamp, |(begin, _)| begin), event.timestamp));
            Ok::<(), Failure>(())
        })
    })?;
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
    sections.check_text(bytes)?;
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

/// Tells another log from a broken one: the former is a question of the policy.
fn check_identity(sections: &Sections<'_>, policy: &Policy) -> Result<(), Failure> {
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
