//! The version of the layout of stable memory: code that does not know it must not touch it.

use crate::stable::Memory;
use ic_stable_structures::Memory as _;

/// The memory holds another layout than the code expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Nothing was ever written: this canister was not installed by this code.
    #[error("stable memory has no layout version")]
    Missing,
    /// Another version.
    #[error("stable memory has layout version {found}, this code knows {known}")]
    Mismatch {
        /// What the memory says.
        found: u32,
        /// What the code says.
        known: u32,
    },
    /// Stable memory could not grow.
    #[error("stable memory is exhausted")]
    Exhausted,
}

/// First bytes of the version's memory.
const MAGIC: [u8; 4] = *b"layo";

/// Writes the version, in `init`.
///
/// # Errors
/// [`LayoutError::Exhausted`].
pub fn begin(memory: &Memory, version: u32) -> Result<(), LayoutError> {
    if memory.size() == 0 && memory.grow(1) < 0 {
        return Err(LayoutError::Exhausted);
    }
    memory.write(0, &MAGIC);
    memory.write(4, &version.to_le_bytes());
    Ok(())
}

/// Checks the version, first thing in `post_upgrade`; trap with the error, so that the old code stays.
///
/// # Errors
/// [`LayoutError`] if the memory is not of this version.
pub fn check(memory: &Memory, version: u32) -> Result<(), LayoutError> {
    if memory.size() == 0 {
        return Err(LayoutError::Missing);
    }
    let (mut magic, mut found) = ([0; 4], [0; 4]);
    memory.read(0, &mut magic);
    memory.read(4, &mut found);
    match u32::from_le_bytes(found) {
        _ if magic != MAGIC => Err(LayoutError::Missing),
        found if found != version => Err(LayoutError::Mismatch { found, known: version }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ic_stable_structures::DefaultMemoryImpl;
    use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};

    #[test]
    fn only_the_written_version_passes() {
        let memory = MemoryManager::init(DefaultMemoryImpl::default()).get(MemoryId::new(0));
        assert_eq!(check(&memory, 1), Err(LayoutError::Missing));
        begin(&memory, 1).unwrap();
        assert_eq!(check(&memory, 1), Ok(()));
        assert_eq!(check(&memory, 2), Err(LayoutError::Mismatch { found: 1, known: 2 }));
    }
}
