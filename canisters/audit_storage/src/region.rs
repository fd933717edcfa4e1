//! A stretch of stable memory, read and written in place.

use ic_stable_structures::Memory;

/// Bytes of a page.
pub const PAGE: u64 = 65_536;

/// A memory without structure of its own. Whoever writes has ensured the room before, whoever reads knows the bounds.
pub struct Region<M>(M);

impl<M: Memory> Region<M> {
    /// All of `memory`.
    pub fn new(memory: M) -> Self {
        Region(memory)
    }

    /// Makes room for the bytes `[0, end)`; false if the network gives no more memory.
    #[must_use]
    pub fn ensure(&self, end: u64) -> bool {
        let missing = end.div_ceil(PAGE).saturating_sub(self.0.size());
        missing == 0 || self.0.grow(missing) >= 0
    }

    /// How many pages there are.
    pub fn pages(&self) -> u64 {
        self.0.size()
    }

    /// Whether there is room for the bytes `[0, end)`.
    pub fn holds(&self, end: u64) -> bool {
        end <= self.0.size().saturating_mul(PAGE)
    }

    /// The `N` bytes at `offset`.
    pub fn array<const N: usize>(&self, offset: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read(offset, &mut bytes);
        bytes
    }

    /// The bytes `[begin, end)`.
    pub fn bytes(&self, begin: u64, end: u64) -> Vec<u8> {
        let length = usize::try_from(end.saturating_sub(begin)).unwrap_or_default();
        let mut bytes = vec![0; length];
        self.0.read(begin, &mut bytes);
        bytes
    }

    /// The little-endian number at `offset`.
    pub fn u64(&self, offset: u64) -> u64 {
        u64::from_le_bytes(self.array(offset))
    }

    /// The little-endian number of `N` bytes, at most 8, at `offset`.
    pub fn number<const N: usize>(&self, offset: u64) -> u64 {
        number(&self.array::<N>(offset))
    }

    /// The little-endian number at `offset`.
    pub fn u32(&self, offset: u64) -> u32 {
        u32::from_le_bytes(self.array(offset))
    }

    /// Writes `bytes` at `offset`.
    pub fn write(&self, offset: u64, bytes: &[u8]) {
        self.0.write(offset, bytes);
    }
}

/// The little-endian number that these bytes are, at most 8 of them.
pub fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
