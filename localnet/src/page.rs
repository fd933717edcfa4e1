//! Host pages: the unit of comparison, of rollback and of sharing between forks.

use std::sync::{Arc, LazyLock};

/// Bytes of a host page.
pub(crate) const PAGE: usize = 4_096;

/// A host page.
pub(crate) type Page = [u8; PAGE];

static ZERO: LazyLock<Arc<Page>> = LazyLock::new(|| Arc::new([0; PAGE]));

/// The one page of zeros, shared by everything that has not been written to.
pub(crate) fn zero_page() -> Arc<Page> {
    Arc::clone(&ZERO)
}
