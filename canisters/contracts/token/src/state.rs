//! The one ledger of this canister.

use crate::ledger::Ledger;
use std::cell::RefCell;

thread_local! {
    static LEDGER: RefCell<Option<Ledger>> = const { RefCell::new(None) };
}

/// Puts the ledger in place, at install and after an upgrade.
pub fn install(ledger: Ledger) {
    LEDGER.set(Some(ledger));
}

/// Reads the ledger. Traps if there is none: no method can be called before the install is over.
pub fn read<R>(reader: impl FnOnce(&Ledger) -> R) -> R {
    LEDGER.with_borrow(|ledger| match ledger {
        Some(ledger) => reader(ledger),
        None => ic_cdk::trap("the token is not installed"),
    })
}

/// Changes the ledger. Traps if there is none.
pub fn mutate<R>(change: impl FnOnce(&mut Ledger) -> R) -> R {
    LEDGER.with_borrow_mut(|ledger| match ledger {
        Some(ledger) => change(ledger),
        None => ic_cdk::trap("the token is not installed"),
    })
}
