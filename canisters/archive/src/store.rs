//! What an archive has: the bodies of the events from one index on, without gaps.
//!
//! Nothing here knows the platform. Bodies are opaque bytes when they come in, so that an archive need not know the
//! kinds of events that the log has. There is no way to change or remove one.

use cairn_events::payload::range_digest;
use cairn_events::{Hash, LogId, Principal, codec};
use cairn_kit::api::archive::{
    ArchiveError, ArchiveRequestError, ArchiveTemporaryError, Holdings, MAX_RANGE_BYTES, MAX_RANGE_EVENTS,
};
use ic_stable_structures::{Cell, Log, Memory};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::ops::Range;

/// The version of everything in stable memory. Another one needs code that migrates.
pub const LAYOUT: u32 = 1;

/// Most bytes of bodies in a reply.
const MAX_REPLY_BYTES: usize = 1_900_000;

/// Whose archive it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// [`LAYOUT`] when it was created.
    pub layout: u32,
    /// The log.
    pub log: LogId,
    /// The log's canister.
    pub audit: Principal,
    /// Index of the first event.
    pub from: u64,
}

/// Why stable memory does not hold an archive that this code can serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is none.
    #[error("stable memory holds no archive")]
    NoArchive,
    /// It was laid out by other code.
    #[error("layout {0}, expected {LAYOUT}")]
    Layout(u32),
}

/// The bodies of one archive.
pub struct Store<M: Memory> {
    who: Identity,
    bodies: Log<Vec<u8>, M, M>,
}

impl<M: Memory> Store<M> {
    /// A new archive in fresh memories.
    pub fn create(identity: M, ends: M, bodies: M, who: Identity) -> Self {
        Cell::init(identity, Vec::new()).set(codec::encode(&who));
        Store { who, bodies: Log::init(ends, bodies) }
    }

    /// The archive in these memories. The cost does not depend on what it has.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(identity: M, ends: M, bodies: M) -> Result<Self, OpenError> {
        let identity = Cell::init(identity, Vec::new());
        let who: Identity = codec::decode_trusted(identity.get()).map_err(|_| OpenError::NoArchive)?;
        if who.layout != LAYOUT {
            return Err(OpenError::Layout(who.layout));
        }
        Ok(Store { who, bodies: Log::init(ends, bodies) })
    }

    /// What there is.
    pub fn holdings(&self) -> Holdings {
        let Identity { log, audit, from, .. } = self.who;
        Holdings { log, audit, from, until: from + self.bodies.len(), bytes: self.bodies.data_size_bytes() }
    }

    /// Takes the bodies of the events from index `from` on. Those that are here already must be the same.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn append(&self, caller: Principal, from: u64, bodies: &[ByteBuf]) -> Result<Holdings, ArchiveError> {
        self.authorize(caller)?;
        let Holdings { from: first, until: next, .. } = self.holdings();
        let count = bodies.len() as u64;
        if count > MAX_RANGE_EVENTS {
            return refused(ArchiveRequestError::TooMany { found: count, max: MAX_RANGE_EVENTS });
        }
        if from < first {
            return refused(ArchiveRequestError::OutOfBounds { found: from, from: first, until: next });
        }
        if from > next {
            return refused(ArchiveRequestError::Gap { expected: next, found: from });
        }
        // First all that could be refused, so that a refusal changes nothing.
        for (index, body) in (from..).zip(bodies) {
            let differs = index < next && self.body(index).as_deref() != Some(body.as_slice());
            if differs || body.is_empty() {
                return refused(ArchiveRequestError::Conflict { index });
            }
        }
        for (_, body) in (from..).zip(bodies).filter(|(index, _)| *index >= next) {
            let taken = self.bodies.append(&body.clone().into_vec());
            taken.map_err(|_| ArchiveError::Temporary(ArchiveTemporaryError::NoMemory))?;
        }
        Ok(self.holdings())
    }

    /// The digest ([`range_digest`]) of the bodies of the events `range`, as they lie in memory.
    ///
    /// # Errors
    /// [`ArchiveRequestError`].
    pub fn digest(&self, caller: Principal, range: Range<u64>) -> Result<Hash, ArchiveError> {
        self.authorize(caller)?;
        let count = range.end.saturating_sub(range.start);
        if count > MAX_RANGE_EVENTS {
            return refused(ArchiveRequestError::TooMany { found: count, max: MAX_RANGE_EVENTS });
        }
        let from = range.start;
        let bodies = range.map(|index| self.there(index)).collect::<Result<Vec<_>, _>>()?;
        Ok(range_digest(from, bodies.iter().map(Vec::as_slice)))
    }

    /// Bodies, in the order asked for.
    ///
    /// # Errors
    /// [`ArchiveRequestError`].
    pub fn bodies(&self, indices: &[u64]) -> Result<Vec<ByteBuf>, ArchiveError> {
        if indices.len() as u64 > MAX_RANGE_EVENTS {
            return refused(ArchiveRequestError::TooMany { found: indices.len() as u64, max: MAX_RANGE_EVENTS });
        }
        let (mut bodies, mut bytes) = (Vec::with_capacity(indices.len()), 0);
        for index in indices {
            let body = self.there(*index)?;
            bytes += body.len();
            if bytes > MAX_REPLY_BYTES {
                let (found, max) = (bytes as u64, MAX_REPLY_BYTES as u64);
                return refused(ArchiveRequestError::TooMany { found, max });
            }
            bodies.push(ByteBuf::from(body));
        }
        Ok(bodies)
    }

    /// The body of event `index`.
    pub fn body(&self, index: u64) -> Option<Vec<u8>> {
        self.bodies.get(index.checked_sub(self.who.from)?)
    }

    fn there(&self, index: u64) -> Result<Vec<u8>, ArchiveError> {
        let Holdings { from, until, .. } = self.holdings();
        let missing = ArchiveError::Request(ArchiveRequestError::OutOfBounds { found: index, from, until });
        self.body(index).ok_or(missing)
    }

    fn authorize(&self, caller: Principal) -> Result<(), ArchiveError> {
        if caller == self.who.audit {
            return Ok(());
        }
        refused(ArchiveRequestError::Unauthorized { caller })
    }
}

fn refused<T>(problem: ArchiveRequestError) -> Result<T, ArchiveError> {
    Err(ArchiveError::Request(problem))
}

/// A range that is sent at a time is not larger than what one message carries.
const _: () = assert!(MAX_RANGE_BYTES < 1_500_000);

#[cfg(test)]
mod tests;
