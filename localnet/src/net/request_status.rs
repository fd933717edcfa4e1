//! What is known of the calls from users ("Request status").

use super::ingress::Ingress;
use crate::execution::Response;
use crate::reject::Reject;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How long a response is kept for those who poll, nanoseconds ("Asynchronous canister calling").
const KEPT_NANOS: u64 = 5 * 60 * 1_000_000_000;
/// Bytes of responses that are kept; when there are more, the oldest calls are only known as done.
const KEPT_BYTES: usize = 1 << 30;

/// A submitted call: its request id ("Request ids").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId([u8; 32]);

impl MessageId {
    /// The call with this request id.
    pub const fn new(request_id: [u8; 32]) -> Self {
        Self(request_id)
    }

    /// The n-th call that was made in process.
    pub(super) fn numbered(number: u64) -> Self {
        let hasher = Sha256::new().chain_update(b"localnet request").chain_update(number.to_be_bytes());
        Self(hasher.finalize().into())
    }

    /// The 32 bytes under which the state tree holds the status of the call ("Request status").
    pub fn request_id(&self) -> [u8; 32] {
        self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How far a call has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RequestStatus {
    /// It waits to be executed.
    Received,
    /// Its execution has begun.
    Processing,
    Replied(Vec<u8>),
    Rejected(Reject),
    /// It was answered; the answer is forgotten.
    Done,
}

impl RequestStatus {
    /// The text in the state tree.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Processing => "processing",
            Self::Replied(_) => "replied",
            Self::Rejected(_) => "rejected",
            Self::Done => "done",
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Replied(_) | Self::Rejected(_) | Self::Done)
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Replied(reply) => reply.len(),
            Self::Rejected(reject) => reject.message.len(),
            Self::Received | Self::Processing | Self::Done => 0,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    status: RequestStatus,
    /// Of a call through the public interface: it is forgotten in time. Of others the embedder
    /// may ask whenever it likes.
    ingress: Option<Ingress>,
}

/// The calls from users that are not forgotten yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Requests {
    records: BTreeMap<MessageId, Record>,
    /// Answered calls by the time when they are forgotten.
    expiring: BTreeSet<(u64, MessageId)>,
    /// Bytes of the responses of `expiring`.
    kept_bytes: usize,
    /// What the certified tree does not show yet.
    #[serde(skip)]
    changed: BTreeSet<MessageId>,
}

impl Requests {
    /// After a network was saved and restored: the certified tree is made anew.
    pub(super) fn restored(mut self) -> Self {
        self.changed = self.records.keys().copied().collect();
        self
    }

    /// All calls, in order, for digests of the state.
    pub(super) fn answers(&self) -> impl fmt::Debug + '_ {
        &self.records
    }

    pub(crate) fn status(&self, id: &MessageId) -> Option<&RequestStatus> {
        self.records.get(id).map(|record| &record.status)
    }

    /// Who made the call, if it came through the public interface.
    pub(crate) fn ingress(&self, id: &MessageId) -> Option<&Ingress> {
        self.records.get(id)?.ingress.as_ref()
    }

    /// The calls whose status has changed since this was asked last.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<MessageId> {
        std::mem::take(&mut self.changed)
    }

    pub(super) fn insert(&mut self, id: MessageId, ingress: Option<Ingress>) {
        self.records.insert(id, Record { status: RequestStatus::Received, ingress });
        self.changed.insert(id);
    }

    pub(super) fn begin(&mut self, id: &MessageId) {
        if let Some(record) = self.records.get_mut(id) {
            record.status = RequestStatus::Processing;
            self.changed.insert(*id);
        }
    }

    pub(super) fn finish(&mut self, id: MessageId, response: Response, now: u64) {
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        record.status = match response {
            Ok(reply) => RequestStatus::Replied(reply),
            Err(reject) => RequestStatus::Rejected(reject),
        };
        self.changed.insert(id);
        if let Some(ingress) = &record.ingress {
            self.kept_bytes += record.status.bytes();
            let forgotten = ingress.expiry.max(now.saturating_add(KEPT_NANOS));
            self.expiring.insert((forgotten, id));
        }
    }

    /// The response to a call made in process, which is then forgotten.
    pub(super) fn take_response(&mut self, id: &MessageId) -> Option<Response> {
        let record = self.records.get(id)?;
        if !record.status.is_terminal() || record.ingress.is_some() {
            return None;
        }
        self.changed.insert(*id);
        match self.records.remove(id)?.status {
            RequestStatus::Replied(reply) => Some(Ok(reply)),
            RequestStatus::Rejected(reject) => Some(Err(reject)),
            RequestStatus::Received | RequestStatus::Processing | RequestStatus::Done => None,
        }
    }

    /// Forgets what has had its time, and the answers there is no room for.
    pub(super) fn prune(&mut self, now: u64) {
        while let Some((_, id)) = self.expiring.first().copied().filter(|(time, _)| *time <= now) {
            self.expiring.pop_first();
            self.changed.insert(id);
            if let Some(record) = self.records.remove(&id) {
                self.kept_bytes = self.kept_bytes.saturating_sub(record.status.bytes());
            }
        }
        if self.kept_bytes > KEPT_BYTES {
            self.forget_answers(KEPT_BYTES / 2);
        }
    }

    /// Forgets the oldest answers, so that at most so many bytes are left; the calls are still known.
    fn forget_answers(&mut self, bytes: usize) {
        for (_, id) in &self.expiring {
            if self.kept_bytes <= bytes {
                return;
            }
            if let Some(record) = self.records.get_mut(id) {
                self.kept_bytes = self.kept_bytes.saturating_sub(record.status.bytes());
                record.status = RequestStatus::Done;
                self.changed.insert(*id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candid::Principal;

    fn ingress(id: MessageId, expiry: u64) -> Ingress {
        let anyone = Principal::anonymous();
        Ingress {
            request_id: id.request_id(),
            sender: anyone,
            canister_id: anyone,
            effective_canister_id: anyone,
            method: String::new(),
            arg: Vec::new(),
            expiry,
        }
    }

    #[test]
    fn without_room_the_oldest_answers_are_forgotten_but_not_the_calls() {
        let mut requests = Requests::default();
        let ids: Vec<MessageId> = (0..4).map(MessageId::numbered).collect();
        for (time, id) in ids.iter().enumerate() {
            requests.insert(*id, Some(ingress(*id, 0)));
            requests.finish(*id, Ok(vec![0; 100]), time as u64);
        }
        requests.forget_answers(250);
        let status = |id| requests.status(id).map(RequestStatus::name);
        assert_eq!(
            ids.iter().map(status).collect::<Vec<_>>(),
            [Some("done"), Some("done"), Some("replied"), Some("replied")]
        );
    }
}
