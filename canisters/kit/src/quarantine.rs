//! The time between an upgrade by the factory and its confirmation: the contract answers nobody but its factory, runs no
//! timers and makes no calls. So until then the state before the upgrade can be restored, and nothing is lost or done
//! twice by that.

use cairn_events::Principal;
use std::cell::Cell;

thread_local! {
    // In the heap: only an upgrade empties the heap, and an upgrade decides anew.
    static BY: Cell<Option<Principal>> = const { Cell::new(None) };
}

/// Begins the quarantine if it was the factory that upgraded: `by` is the caller of `post_upgrade`, who ordered the
/// installation. First in `post_upgrade`, before any timer.
pub fn after_upgrade(by: Principal, factory: Option<Principal>) {
    BY.set(factory.filter(|factory| *factory == by));
}

/// Whether the contract is in quarantine.
pub fn is_active() -> bool {
    BY.get().is_some()
}

/// Ends the quarantine; whether there was one.
pub(crate) fn end() -> bool {
    BY.take().is_some()
}

/// The guard of every method of a contract.
///
/// # Errors
/// The contract is in quarantine, and the caller is not its factory.
pub fn serving() -> Result<(), String> {
    pass(BY.get(), ic_cdk::api::msg_caller)
}

fn pass(by: Option<Principal>, caller: impl FnOnce() -> Principal) -> Result<(), String> {
    match by {
        Some(factory) if caller() != factory => {
            Err("the contract has just been upgraded and answers as soon as that is confirmed: try again".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_quarantine_only_the_factory_is_answered() {
        let (factory, owner) = (Principal::from_slice(&[1]), Principal::from_slice(&[2]));
        after_upgrade(owner, Some(factory));
        assert!(!is_active(), "an owner may upgrade, too, and needs nobody's confirmation");
        after_upgrade(factory, None);
        assert!(!is_active());
        after_upgrade(factory, Some(factory));
        assert!(is_active());
        assert!(pass(BY.get(), || owner).is_err());
        assert!(pass(BY.get(), || factory).is_ok());
        assert!(end() && !is_active() && !end());
        assert!(pass(BY.get(), || owner).is_ok());
    }
}
