//! The one store of this canister.

use crate::memory::{BODIES, ENDS, IDENTITY, memory};
use crate::store::{Identity, OpenError, Store};
use cairn_kit::stable::Memory;
use std::cell::RefCell;

thread_local! {
    static STORE: RefCell<Option<Store<Memory>>> = const { RefCell::new(None) };
}

/// Begins a new archive.
pub fn create(who: Identity) {
    STORE.set(Some(Store::create(memory(IDENTITY), memory(ENDS), memory(BODIES), who)));
}

/// Takes the archive in stable memory into service.
///
/// # Errors
/// [`OpenError`].
pub fn open() -> Result<(), OpenError> {
    STORE.set(Some(Store::open(memory(IDENTITY), memory(ENDS), memory(BODIES))?));
    Ok(())
}

/// Asks the store.
pub fn with<R>(ask: impl FnOnce(&Store<Memory>) -> R) -> R {
    STORE.with_borrow(|store| match store {
        Some(store) => ask(store),
        None => ic_cdk::trap("the archive is not in service"),
    })
}
