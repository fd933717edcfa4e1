//! One worker per key, a bounded number of workers in all; released on drop, after a trap too.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The keys being worked on. Transient: after an upgrade nobody works on anything.
///
/// ```
/// use cairn_kit::guard::{GuardError, Guards};
/// let guards = Guards::new(2);
/// let guard = guards.acquire("a").unwrap();
/// assert_eq!(guards.acquire("a").err(), Some(GuardError::Busy));
/// drop(guard);
/// assert!(guards.acquire("a").is_ok());
/// ```
#[derive(Debug)]
pub struct Guards<K: Ord> {
    held: Rc<RefCell<BTreeSet<K>>>,
    cap: usize,
}

/// Why a key cannot be worked on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// Somebody else works on it.
    #[error("it is being worked on")]
    Busy,
    /// As many keys as may be at once are being worked on.
    #[error("{held} are being worked on, at most {cap} may be")]
    TooMany {
        /// How many are.
        held: usize,
        /// How many may be.
        cap: usize,
    },
}

impl<K: Ord + Clone> Guards<K> {
    /// Guards of at most `cap` keys at once.
    pub fn new(cap: usize) -> Self {
        Guards { held: Rc::default(), cap }
    }

    /// Takes `key` until the guard is dropped; hold it across awaits.
    ///
    /// # Errors
    /// [`GuardError`]: nothing was taken.
    pub fn acquire(&self, key: K) -> Result<Guard<K>, GuardError> {
        let mut held = self.held.borrow_mut();
        if held.contains(&key) {
            return Err(GuardError::Busy);
        }
        if held.len() >= self.cap {
            return Err(GuardError::TooMany { held: held.len(), cap: self.cap });
        }
        held.insert(key.clone());
        Ok(Guard { held: Rc::clone(&self.held), key })
    }

    /// How many keys are taken.
    pub fn held(&self) -> usize {
        self.held.borrow().len()
    }

    /// Whether `key` is taken.
    pub fn is_held(&self, key: &K) -> bool {
        self.held.borrow().contains(key)
    }
}

/// The right to work on a key.
#[derive(Debug)]
#[must_use = "the key is free again as soon as the guard is dropped"]
pub struct Guard<K: Ord> {
    held: Rc<RefCell<BTreeSet<K>>>,
    key: K,
}

impl<K: Ord> Guard<K> {
    /// What is being worked on.
    pub fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Ord> Drop for Guard<K> {
    fn drop(&mut self) {
        self.held.borrow_mut().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_exclusive_and_capped() {
        let guards = Guards::new(2);
        let first = guards.acquire(1).unwrap();
        let second = guards.acquire(2).unwrap();
        assert_eq!(guards.acquire(1).err(), Some(GuardError::Busy));
        assert_eq!(guards.acquire(3).err(), Some(GuardError::TooMany { held: 2, cap: 2 }));
        assert_eq!((*first.key(), guards.held()), (1, 2));
        drop(second);
        assert!(guards.acquire(3).is_ok(), "a released key makes room");
        assert!(guards.is_held(&1) && !guards.is_held(&3));
    }
}
