//! How often somebody may ask through the log itself: every such question is an event for ever.

use cairn_events::Principal;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Questions of one person in a minute.
pub const MAX_PER_MINUTE: u32 = 20;
/// Nanoseconds of a minute.
const MINUTE: u64 = 60_000_000_000;

/// Who has asked within the minute. Those who may ask are few, and each has one row; the rows of earlier minutes go.
#[derive(Debug, Default)]
pub struct Asked {
    minute: u64,
    questions: BTreeMap<Principal, u32>,
}

impl Asked {
    /// Counts one more question of `person`.
    ///
    /// # Errors
    /// When the next one is taken, in nanoseconds.
    pub fn admit(&mut self, person: Principal, now: u64) -> Result<(), u64> {
        let minute = now / MINUTE;
        if minute != self.minute {
            (self.minute, self.questions) = (minute, BTreeMap::new());
        }
        let questions = self.questions.entry(person).or_default();
        if *questions >= MAX_PER_MINUTE {
            return Err(minute.saturating_add(1).saturating_mul(MINUTE));
        }
        *questions += 1;
        Ok(())
    }
}

thread_local! {
    static ASKED: RefCell<Asked> = RefCell::default();
}

/// Counts one more question of `person`, who may ask.
///
/// # Errors
/// When the next one is taken, in nanoseconds.
pub fn admit(person: Principal, now: u64) -> Result<(), u64> {
    ASKED.with_borrow_mut(|asked| asked.admit(person, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_minute_each() {
        let (alice, bob) = (Principal::from_slice(&[1]), Principal::from_slice(&[2]));
        let mut asked = Asked::default();
        for now in 0..u64::from(MAX_PER_MINUTE) {
            assert_eq!(asked.admit(alice, 3 * MINUTE + now), Ok(()));
        }
        assert_eq!(asked.admit(alice, 4 * MINUTE - 1), Err(4 * MINUTE));
        assert_eq!(asked.admit(bob, 4 * MINUTE - 1), Ok(()));
        assert_eq!(asked.admit(alice, 4 * MINUTE), Ok(()));
        assert_eq!(asked.questions.len(), 1, "what is over is forgotten");
    }
}
