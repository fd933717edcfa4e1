//! The digest of a projection's rows: equal digests, equal rows.

use crate::tables::{Order, Tables};
use cairn_events::Hash;
use sha2::{Digest, Sha256};
use std::ops::Bound;

/// Computes a digest in slices, for tables too large for one message.
///
/// SHA-256 over the rows in key order: length of the key, key, length of the row, row; lengths as 8 bytes big-endian.
/// The running state lives in the heap and does not survive an upgrade: begin anew after one. The tables must not
/// change between slices.
#[derive(Clone, Debug, Default)]
pub struct Digester {
    sha: Sha256,
    last: Option<Vec<u8>>,
    rows: u64,
}

impl Digester {
    /// Takes in up to `limit` more rows. Returns the digest when there are no more.
    pub fn advance(&mut self, tables: &dyn Tables, limit: usize) -> Option<Hash> {
        let from = self.last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let rows = tables.scan(from, Bound::Unbounded, Order::Ascending, limit);
        for (key, row) in &rows {
            self.frame(key);
            self.frame(row);
            self.rows += 1;
        }
        let complete = rows.len() < limit;
        if let Some((key, _)) = rows.into_iter().next_back() {
            self.last = Some(key);
        }
        complete.then(|| Hash(self.sha.clone().finalize().into()))
    }

    /// How many rows were taken in so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn frame(&mut self, bytes: &[u8]) {
        self.sha.update((bytes.len() as u64).to_be_bytes());
        self.sha.update(bytes);
    }
}

/// The digest of all rows, in one go.
pub fn digest(tables: &dyn Tables) -> Hash {
    let mut digester = Digester::default();
    loop {
        if let Some(digest) = digester.advance(tables, 1000) {
            return digest;
        }
    }
}
