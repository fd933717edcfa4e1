//! The one log of this canister, and what of it is certified.

use crate::certificate::Digests;
use crate::commitment;
use crate::log::reserve::Means;
use crate::log::{Log, Parked};
use crate::memory::Bucketed;
use cairn_kit::api::audit::AuditError;
use cairn_kit::runtime;
use std::cell::{Cell, RefCell};

thread_local! {
    static LOG: RefCell<Option<Log<Bucketed>>> = const { RefCell::new(None) };
    static DIGESTS: RefCell<Digests> = const { RefCell::new(Digests::new()) };
    static REFUSALS: Cell<Refusals> = const { Cell::new(Refusals { strangers: 0, writers: 0 }) };
}

/// How many requests to write were refused since the last upgrade. Refusals leave no event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Of callers who may not write at all.
    pub strangers: u64,
    /// Of registered writers.
    pub writers: u64,
}

/// Takes `log` into service and certifies its end. For the install and upgrade hooks.
pub fn install(log: Log<Bucketed>) {
    LOG.set(Some(log));
    read(certify);
}

/// Looks at the log.
pub fn read<R>(look: impl FnOnce(&Log<Bucketed>) -> R) -> R {
    LOG.with_borrow(|log| match log {
        Some(log) => look(log),
        None => ic_cdk::trap("the log is not in service"),
    })
}

/// Changes the log, and certifies its new end in the same message; the topic map follows.
pub fn write<R>(change: impl FnOnce(&mut Log<Bucketed>, &Means) -> Result<R, AuditError>) -> Result<R, AuditError> {
    let means = means();
    let done = LOG.with_borrow_mut(|log| match log {
        Some(log) => {
            let done = change(log, &means)?;
            certify(log);
            Ok(done)
        }
        None => ic_cdk::trap("the log is not in service"),
    });
    commitment::arm();
    done
}

/// Takes events into the topic map, and certifies its new root in the same message; how many are left.
///
/// # Errors
/// [`Parked`]; the map covers what it covered.
pub fn advance_topics(most: u64) -> Result<u64, Parked> {
    LOG.with_borrow_mut(|log| match log {
        Some(log) => {
            let left = log.advance_topics(most)?;
            certify(log);
            Ok(left)
        }
        None => ic_cdk::trap("the log is not in service"),
    })
}

/// Notes something about this canister, beside the log's events.
pub fn note(change: impl FnOnce(&mut Log<Bucketed>)) {
    LOG.with_borrow_mut(|log| match log {
        Some(log) => change(log),
        None => ic_cdk::trap("the log is not in service"),
    });
}

/// What the canister has, now.
pub fn means() -> Means {
    Means { now: runtime::now(), cycles: ic_cdk::api::canister_liquid_cycle_balance(), stable: runtime::stable_bytes() }
}

/// Counts a refusal.
pub fn count_refusal(stranger: bool) {
    let Refusals { strangers, writers } = REFUSALS.get();
    REFUSALS.set(Refusals {
        strangers: strangers.saturating_add(u64::from(stranger)),
        writers: writers.saturating_add(u64::from(!stranger)),
    });
}

/// The refusals counted.
pub fn refusals() -> Refusals {
    REFUSALS.get()
}

fn certify(log: &Log<Bucketed>) {
    runtime::certify(DIGESTS.with_borrow_mut(|digests| digests.digest(log.tip().ok().as_ref())));
}
