//! What the wallet remembers: numbered entries, each with the hash of the one before.

use super::Wallet;
use super::budget::charge;
use cairn_events::{Hash, Principal, Timestamp, codec};
use cairn_kit::api::multisig::{TrailEntry, TrailEvent, TrailPage};
use cairn_kit::stable::Cbor;

/// Most entries of a page.
const MAX_PAGE: usize = 100;
/// Bytes after which a page ends: calls and batches are long.
const PAGE_BYTES: usize = 500_000;

/// The hash of an entry.
pub fn hash(entry: &TrailEntry) -> Hash {
    // Nothing that is recorded holds what ICRC-3 cannot; should it ever, the chain must not break.
    entry.hash().unwrap_or_else(|_| Hash::of(&[&codec::encode(entry)]))
}

impl Wallet {
    /// Entries so far: the number of the next one.
    pub fn trail_length(&self) -> u64 {
        self.trail.len()
    }

    /// Records what happened, and returns the entry's number.
    pub(super) fn record(&mut self, actor: Principal, event: TrailEvent, now: Timestamp) -> u64 {
        let mut course = self.course().clone();
        let number = self.trail.len();
        let at = now.max(course.last_entry_at);
        if actor != course.id {
            charge(&mut course.usage, actor, &event, now);
        }
        let entry = TrailEntry { number, at, actor, event, parent: course.tip };
        (course.tip, course.last_entry_at) = (Some(hash(&entry)), at);
        self.trail.insert(number, Cbor(entry));
        self.set_course(course);
        number
    }

    /// The hash of the last entry.
    pub fn tip(&self) -> Option<Hash> {
        self.course().tip
    }

    /// A page of entries from number `start` on.
    pub fn trail_page(&self, start: u64, limit: usize) -> TrailPage {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for row in self.trail.range(start..).take(limit.min(MAX_PAGE)) {
            let entry = row.value().0;
            bytes += codec::encode(&entry).len();
            entries.push(entry);
            if bytes > PAGE_BYTES {
                break;
            }
        }
        let next = entries.last().map_or(start, |last| last.number.saturating_add(1));
        let total = self.trail_length();
        TrailPage { next: (next < total && !entries.is_empty()).then_some(next), entries, total }
    }
}
