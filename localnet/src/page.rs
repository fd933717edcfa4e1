//! Host pages: the unit of comparison, of rollback and of sharing between states.

/// Bytes of a host page.
pub(crate) const PAGE: usize = 4_096;

/// A host page.
pub(crate) type Page = [u8; PAGE];

/// What a page holds that nobody has written to.
pub(crate) static ZERO: Page = [0; PAGE];
