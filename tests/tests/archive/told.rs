//! What the log has told of itself: receipts of events, and its ends. All of it is in the log ever after (I11).

use cairn::verify::Verdict;
use cairn_events::verify::LogVerifier;
use cairn_events::{Event, Hash, Principal, Receipt, merkle};
use cairn_kit::api::audit::{AuditError, Proof, Seen, Tip};
use localnet::{Net, Reject};
use std::collections::BTreeMap;

/// What was told, in the order of telling.
#[derive(Clone, Default)]
pub struct Told {
    certified: Option<Vec<u8>>,
    receipts: Vec<Receipt>,
    tips: Vec<Tip>,
}

impl Told {
    /// Takes what a writer was told.
    pub fn take(&mut self, receipts: &[Receipt]) {
        self.receipts.extend_from_slice(receipts);
    }

    /// Looks at the log's end, if it has moved.
    pub fn look(&mut self, net: &mut Net, audit: Principal) {
        let certified = net.certified_data(audit);
        if certified == self.certified {
            return;
        }
        let tip: Result<Result<Tip, AuditError>, Reject> =
            net.query(audit, Principal::anonymous(), "getTip", (None::<Seen>,));
        // A canister that is stopped answers no query; later ones will show the same.
        let Ok(Ok(tip)) = tip else { return };
        self.certified = certified;
        self.tips.push(tip);
    }

    /// That all of it is in the log of these `events`, whose end was verified: by the log's own proofs, and by what the
    /// events are.
    pub fn check(&self, net: &mut Net, verdict: &Verdict, events: &[Event], found: &mut Vec<String>) {
        for receipt in &self.receipts {
            if !is_in(net, receipt, verdict, events) {
                found.push(format!("I11: the receipt of event {} is not of this log", receipt.index));
            }
        }
        for tip in &self.tips {
            if !is_begin(net, tip, verdict) {
                found.push(format!("I11: the log does not begin with the {} events that it ended with once", tip.size));
            }
        }
        self.ends(verdict, events, found);
    }

    /// Last events and topic maps, computed anew.
    fn ends(&self, verdict: &Verdict, events: &[Event], found: &mut Vec<String>) {
        let last: BTreeMap<u64, Hash> = self.tips.iter().map(|tip| (tip.size, tip.last_hash)).collect();
        let maps: BTreeMap<u64, Hash> = self.tips.iter().map(|tip| (tip.topics_size, tip.topics_root)).collect();
        let mut verifier = LogVerifier::new(verdict.canister, verdict.log);
        for event in events {
            if let Err(violation) = verifier.push(event) {
                return found.push(format!("I10: {violation}"));
            }
            let size = verifier.size();
            if last.get(&size).is_some_and(|hash| Some(*hash) != verifier.last_hash()) {
                found.push(format!("I11: the log of {size} events was shown with another last one"));
            }
            if maps.get(&size).is_some_and(|root| Some(*root) != verifier.topics_root()) {
                found.push(format!("I11: the topic map of {size} events was shown otherwise than it is"));
            }
        }
    }
}

/// Whether a receipt is that of an event of the log, and the log proves it.
fn is_in(net: &mut Net, receipt: &Receipt, verdict: &Verdict, events: &[Event]) -> bool {
    let Receipt { index, hash, stream_version, timestamp } = *receipt;
    let told = |event: &Event| (event.stream_version, event.timestamp) == (stream_version, timestamp);
    let Some(path) = path(net, verdict, "getInclusionProof", index) else { return false };
    events.get(index as usize).is_some_and(told)
        && merkle::verify_inclusion(&hash, index, verdict.events, &path, &verdict.root)
}

/// Whether the log extends the one that ended there, and proves it.
fn is_begin(net: &mut Net, tip: &Tip, verdict: &Verdict) -> bool {
    let Some(path) = path(net, verdict, "getConsistencyProof", tip.size) else { return false };
    tip.log == verdict.log && merkle::verify_consistency(tip.size, &tip.root, verdict.events, &verdict.root, &path)
}

/// The path of a proof for the log as it was verified.
fn path(net: &mut Net, verdict: &Verdict, method: &str, of: u64) -> Option<Vec<Hash>> {
    let proof: Result<Result<Proof, AuditError>, Reject> =
        net.query(verdict.canister, Principal::anonymous(), method, (of, verdict.events));
    Some(proof.ok()?.ok()?.path)
}
