//! Which events each thread has, in order: blocks of event indices, chained backwards.
//!
//! Block `b` of a thread holds `4 * 2^min(b, 8)` indices: small threads stay small, large ones take blocks of 8 KiB.
//! A block begins with the addresses of two earlier ones: block `b - 1`, and block `b` with its lowest bit cleared.
//! From the last block, any other is reached in O(log) steps; appending touches the last block only.

use crate::region::Region;
use ic_stable_structures::Memory;

/// Indices in a thread's first block.
const FIRST: u64 = 4;
/// From this block on, blocks have the same size.
const LAST_SIZE: u64 = 8;
/// Bytes before a block's indices.
const HEADER: u64 = 16;
/// The largest block in bytes.
pub const MAX_BLOCK: u64 = HEADER + 8 * (FIRST << LAST_SIZE);

fn capacity(block: u64) -> u64 {
    FIRST << block.min(LAST_SIZE)
}

/// The position of the first index in `block`.
fn start(block: u64) -> u64 {
    let doubling = block.min(LAST_SIZE);
    FIRST * ((1 << doubling) - 1) + (block - doubling) * capacity(LAST_SIZE)
}

/// The block that holds `position`.
fn block_of(position: u64) -> u64 {
    let doubling = FIRST * ((1 << LAST_SIZE) - 1);
    if position < doubling {
        u64::from((position / FIRST + 1).ilog2())
    } else {
        LAST_SIZE + (position - doubling) / capacity(LAST_SIZE)
    }
}

/// The blocks of all threads.
pub struct Postings<M> {
    region: Region<M>,
    end: u64,
}

impl<M: Memory> Postings<M> {
    /// Those in `memory`, of which `end` bytes are taken.
    pub fn open(memory: M, end: u64) -> Self {
        Postings { region: Region::new(memory), end }
    }

    /// Bytes taken.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Whether the memory is as long as it must be.
    pub fn is_whole(&self) -> bool {
        self.region.holds(self.end)
    }

    /// Makes room for `bytes` more; false if there is none.
    pub fn ensure(&self, bytes: u64) -> bool {
        self.region.ensure(self.end + bytes)
    }

    /// Bytes that `added` more indices take in a thread of `count`.
    pub fn growth(count: u64, added: u64) -> u64 {
        let next = if count == 0 { 0 } else { block_of(count - 1) + 1 };
        let last = block_of((count + added).saturating_sub(1));
        if added == 0 { 0 } else { (next..=last).map(|block| HEADER + 8 * capacity(block)).sum() }
    }

    /// Appends `index` to the thread whose last block is at `tail` and which has `count` indices. Returns its last
    /// block then. The room was ensured.
    pub fn push(&mut self, tail: u64, count: u64, index: u64) -> u64 {
        let block = block_of(count);
        let offset = count - start(block);
        if offset > 0 {
            self.region.write(tail + HEADER + 8 * offset, &index.to_le_bytes());
            return tail;
        }
        let address = self.end;
        let skip = if block == 0 { 0 } else { self.find(tail, block - 1, block & (block - 1)) };
        let words = [tail, skip, index].map(u64::to_le_bytes);
        self.region.write(address, words.as_flattened());
        self.end += HEADER + 8 * capacity(block);
        address
    }

    /// The address of block `wanted`, from that of the later block `from`.
    fn find(&self, mut address: u64, mut from: u64, wanted: u64) -> u64 {
        while from > wanted {
            let skip = from & (from - 1);
            if skip >= wanted {
                (address, from) = (self.region.u64(address + 8), skip);
            } else {
                (address, from) = (self.region.u64(address), from - 1);
            }
        }
        address
    }

    /// Reads the thread whose last block is at `tail` and which has `count` indices.
    pub fn reader(&self, tail: u64, count: u64) -> Reader<'_, M> {
        Reader { postings: self, tail, count, found: None }
    }
}

/// Reads one thread's postings; neighbouring positions cost one read each.
pub struct Reader<'a, M> {
    postings: &'a Postings<M>,
    tail: u64,
    count: u64,
    found: Option<(u64, u64)>,
}

impl<M: Memory> Reader<'_, M> {
    /// The event index at `position`, if the thread is that long.
    pub fn get(&mut self, position: u64) -> Option<u64> {
        if position >= self.count {
            return None;
        }
        let block = block_of(position);
        let address = match self.found {
            Some((found, address)) if found == block => address,
            _ => self.postings.find(self.tail, block_of(self.count - 1), block),
        };
        self.found = Some((block, address));
        Some(self.postings.region.u64(address + HEADER + 8 * (position - start(block))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ic_stable_structures::VectorMemory;

    #[test]
    fn blocks_follow_each_other_without_gap() {
        for block in 0..40 {
            assert_eq!(start(block) + capacity(block), start(block + 1));
            assert_eq!(block_of(start(block)), block);
            assert_eq!(block_of(start(block + 1) - 1), block);
        }
    }

    #[test]
    fn every_position_is_found_again_in_interleaved_threads() {
        let mut postings = Postings::open(VectorMemory::default(), 0);
        let mut threads = [(0u64, 0u64); 3];
        for index in 0..30_000u64 {
            let which = if index % 100 == 0 { 0 } else { 1 + (index % 2) as usize };
            let (tail, count) = threads[which];
            let grown = postings.end() + Postings::<VectorMemory>::growth(count, 1);
            assert!(postings.ensure(grown - postings.end()));
            threads[which] = (postings.push(tail, count, index), count + 1);
            assert_eq!(postings.end(), grown);
        }
        for (which, (tail, count)) in threads.into_iter().enumerate() {
            let expected: Vec<u64> =
                (0..30_000).filter(|i| if i % 100 == 0 { which == 0 } else { which == 1 + (i % 2) as usize }).collect();
            let mut reader = postings.reader(tail, count);
            let forwards: Vec<u64> = (0..count).filter_map(|position| reader.get(position)).collect();
            assert_eq!(forwards, expected);
            assert_eq!(reader.get(count), None);
            let far = [count - 1, 0, count / 2, 3, count / 3];
            assert!(far.iter().all(|position| reader.get(*position) == expected.get(*position as usize).copied()));
        }
    }

    #[test]
    fn growth_counts_whole_batches() {
        for count in [0, 1, 3, 4, 11, 1019, 1020, 5000] {
            for added in [0, 1, 5, 100, 3000] {
                let single: u64 = (0..added).map(|i| Postings::<VectorMemory>::growth(count + i, 1)).sum();
                assert_eq!(Postings::<VectorMemory>::growth(count, added), single, "{count} + {added}");
            }
        }
    }
}
