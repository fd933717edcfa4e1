//! Which events each thread has, in order: blocks of event indices, chained backwards.
//!
//! A thread of one event has no block: its head has the index. Block `b` of the others holds `4 * 2^min(b, 8)` indices:
//! small threads stay small, large ones take blocks of 5 KiB. A block begins with the addresses of those before it:
//! block `b - 1`, and, where that is another one, block `b` with its lowest bit cleared. From the last block, any other
//! is reached in O(log) steps; appending touches the last block only.

use super::threads::Head;
use crate::region::Region;
use ic_stable_structures::Memory;

/// Indices in a thread's first block.
const FIRST: u64 = 4;
/// From this block on, blocks have the same size.
const LAST_SIZE: u64 = 8;
/// Bytes of an address: more than the network gives memory.
const ADDRESS: usize = 6;
/// Bytes of an index. No memory that the network gives holds 2^40 events.
const INDEX: usize = 5;
/// The largest block in bytes.
pub const MAX_BLOCK: u64 = 2 * ADDRESS as u64 + INDEX as u64 * (FIRST << LAST_SIZE);

fn capacity(block: u64) -> u64 {
    FIRST << block.min(LAST_SIZE)
}

/// How many addresses a block begins with.
fn addresses(block: u64) -> u64 {
    match block {
        0 => 0,
        _ if block % 2 == 1 => 1,
        _ => 2,
    }
}

/// Where a block has its `n`-th index; at `capacity` it ends.
fn offset(block: u64, n: u64) -> u64 {
    ADDRESS as u64 * addresses(block) + INDEX as u64 * n
}

/// Bytes of a block.
fn size(block: u64) -> u64 {
    offset(block, capacity(block))
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
        let blocks = |count: u64| if count < 2 { 0 } else { block_of(count - 1) + 1 };
        (blocks(count)..blocks(count + added)).map(size).sum()
    }

    /// Appends `index` to a thread. The room was ensured.
    pub fn push(&mut self, head: Head, index: u64) -> Head {
        let Head { count, last, tail, .. } = head;
        let block = block_of(count);
        let position = count - start(block);
        let tail = match count {
            0 => tail,
            1 => {
                let address = self.push_block(block, []);
                self.write(address + offset(block, 0), last);
                address
            }
            _ if position > 0 => tail,
            _ if addresses(block) == 1 => self.push_block(block, [tail]),
            _ => self.push_block(block, [tail, self.find(tail, block - 1, block & (block - 1))]),
        };
        if count > 0 {
            self.write(tail + offset(block, position), index);
        }
        Head { count: count + 1, last: index, tail, ..head }
    }

    fn push_block<const N: usize>(&mut self, block: u64, earlier: [u64; N]) -> u64 {
        let address = self.end;
        let bytes: Vec<u8> = earlier.iter().flat_map(|at| at.to_le_bytes().into_iter().take(ADDRESS)).collect();
        self.region.write(address, &bytes);
        self.end += size(block);
        address
    }

    fn write(&self, at: u64, index: u64) {
        self.region.write(at, index.to_le_bytes().first_chunk::<INDEX>().unwrap_or(&[0; INDEX]));
    }

    /// The address of block `wanted`, from that of the later block `from`.
    fn find(&self, mut address: u64, mut from: u64, wanted: u64) -> u64 {
        while from > wanted {
            let skip = from & (from - 1);
            let skips = addresses(from) == 2 && skip >= wanted;
            address = self.region.number::<ADDRESS>(if skips { address + ADDRESS as u64 } else { address });
            from = if skips { skip } else { from - 1 };
        }
        address
    }

    /// Reads the thread of this head.
    pub fn reader(&self, head: &Head) -> Reader<'_, M> {
        Reader { postings: self, head: *head, found: None }
    }
}

/// Reads one thread's postings; neighbouring positions cost one read each.
pub struct Reader<'a, M> {
    postings: &'a Postings<M>,
    head: Head,
    found: Option<(u64, u64)>,
}

impl<M: Memory> Reader<'_, M> {
    /// The event index at `position`, if the thread is that long.
    pub fn get(&mut self, position: u64) -> Option<u64> {
        let Head { count, last, tail, .. } = self.head;
        if position >= count {
            return None;
        }
        if position == count - 1 {
            return Some(last);
        }
        let block = block_of(position);
        let address = match self.found {
            Some((found, address)) if found == block => address,
            _ => self.postings.find(tail, block_of(count - 1), block),
        };
        self.found = Some((block, address));
        Some(self.postings.region.number::<INDEX>(address + offset(block, position - start(block))))
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
        let mut threads = [Head::default(); 3];
        let thread_of = |index: u64| if index.is_multiple_of(100) { 0 } else { 1 + (index % 2) as usize };
        for index in 0..30_000u64 {
            let head = &mut threads[thread_of(index)];
            let grown = postings.end() + Postings::<VectorMemory>::growth(head.count, 1);
            assert!(postings.ensure(grown - postings.end()));
            *head = postings.push(*head, index);
            assert_eq!((postings.end(), head.last), (grown, index));
            let whole = (0..head.count).step_by(1 + head.count as usize / 5);
            let mut reader = postings.reader(head);
            assert!(whole.clone().all(|position| reader.get(position).is_some_and(|found| found <= index)));
        }
        for (which, head) in threads.into_iter().enumerate() {
            let expected: Vec<u64> = (0..30_000).filter(|index| thread_of(*index) == which).collect();
            let mut reader = postings.reader(&head);
            let forwards: Vec<u64> = (0..head.count).filter_map(|position| reader.get(position)).collect();
            assert_eq!(forwards, expected);
            assert_eq!(reader.get(head.count), None);
            let far = [head.count - 1, 0, head.count / 2, 3, head.count / 3];
            assert!(far.iter().all(|position| reader.get(*position) == expected.get(*position as usize).copied()));
        }
    }

    #[test]
    fn a_thread_of_one_event_takes_nothing() {
        let mut postings = Postings::open(VectorMemory::default(), 0);
        let one = postings.push(Head { mark: 7, ..Head::default() }, (1 << 40) - 2);
        assert_eq!((postings.end(), one.count, one.mark), (0, 1, 7));
        assert_eq!(postings.reader(&one).get(0), Some((1 << 40) - 2));
        assert!(postings.ensure(Postings::<VectorMemory>::growth(1, 1)));
        let two = postings.push(one, (1 << 40) - 1);
        let mut reader = postings.reader(&two);
        assert_eq!([reader.get(0), reader.get(1), reader.get(2)], [Some((1 << 40) - 2), Some((1 << 40) - 1), None]);
    }

    #[test]
    fn growth_counts_whole_batches() {
        for count in [0, 1, 2, 3, 4, 11, 1019, 1020, 5000] {
            for added in [0, 1, 2, 5, 100, 3000] {
                let single: u64 = (0..added).map(|i| Postings::<VectorMemory>::growth(count + i, 1)).sum();
                assert_eq!(Postings::<VectorMemory>::growth(count, added), single, "{count} + {added}");
            }
        }
    }
}
