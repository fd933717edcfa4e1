//! What a ledger's reply to an attempt proves, given the attempts before it.
//!
//! A reply speaks for its own attempt only. While an earlier one may have been executed, nothing but the ledger's own
//! record (`Ok`, `Duplicate`) settles the transfer; after the ledger's window for it has closed, the ledger's log does,
//! or what it holds.

use serde::{Deserialize, Serialize};

/// What came back for one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is made: now, or by an earlier attempt. The block, unless its number is beyond 64 bits.
    Moved(Option<u64>),
    /// The ledger's window for it has closed.
    TooOld,
    /// The fee is another one.
    BadFee(String),
    /// Refused for another reason: funds, allowance, the ledger's rules.
    Refused(String),
    /// Not executed: the ledger is unavailable, or never got it (codes 1 to 3).
    NotExecuted(String),
    /// Nobody knows (codes 4 to 6), or the reply cannot be read.
    Unknown(String),
}

/// What follows for the transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was made, in this block, if it is known.
    Moved(Option<u64>),
    /// It was not made, and never will be.
    Failed(Failure),
    /// Open: repeat the identical call later.
    Retry(String),
    /// Closed by the ledger's clock: its log tells.
    Search,
}

/// Why a transfer was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The fee is another one.
    #[serde(rename = "fee")]
    Fee,
    /// The ledger refused.
    #[serde(rename = "refused")]
    Refused(String),
    /// The ledger could not be reached.
    #[serde(rename = "unreachable")]
    Unreachable(String),
    /// The ledger's log does not have it, and its window has closed.
    #[serde(rename = "absent")]
    Absent,
    /// The ledger holds what it would not if it had been made, and its window has closed.
    #[serde(rename = "unmoved")]
    Unmoved,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Fee => f.write_str("the ledger's fee has changed"),
            Failure::Refused(reason) => write!(f, "refused: {reason}"),
            Failure::Unreachable(reason) => write!(f, "not executed: {reason}"),
            Failure::Absent => f.write_str("the ledger's log does not have it"),
            Failure::Unmoved => f.write_str("the ledger's balance shows that it was not made"),
        }
    }
}

/// Age from which refusals that a ledger checks before its window, and so hide that the window has closed, count as
/// `TooOld`: the window of 24 hours, its drift, and a margin. Nothing sent can be under way that long.
pub const CLOSED_AFTER: u64 = 25 * 3_600 * 1_000_000_000;
/// Age from which a ledger that does not answer is no longer waited for: three days. Otherwise a transfer would hold
/// for ever what it takes.
pub const UNOBTAINABLE_AFTER: u64 = 3 * 86_400 * 1_000_000_000;

/// The verdict on a transfer of the age `age`, of which `earlier` attempts before this one may have been executed.
pub fn settle(earlier: u32, reply: Reply, age: u64) -> Verdict {
    let fresh = earlier == 0;
    match reply {
        Reply::Moved(block) => Verdict::Moved(block),
        Reply::Unknown(_) if age > UNOBTAINABLE_AFTER => Verdict::Search,
        Reply::Unknown(said) => Verdict::Retry(said),
        Reply::TooOld if fresh => Verdict::Failed(Failure::Refused("too old".to_owned())),
        Reply::TooOld => Verdict::Search,
        Reply::BadFee(_) if fresh => Verdict::Failed(Failure::Fee),
        Reply::Refused(said) if fresh => Verdict::Failed(Failure::Refused(said)),
        Reply::NotExecuted(said) if fresh => Verdict::Failed(Failure::Unreachable(said)),
        Reply::BadFee(_) | Reply::Refused(_) if age > CLOSED_AFTER => Verdict::Search,
        Reply::BadFee(said) | Reply::Refused(said) | Reply::NotExecuted(said) => Verdict::Retry(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> String {
        "no".to_owned()
    }

    #[test]
    fn the_ledgers_record_settles_whatever_came_before() {
        for earlier in [0, 1, 7] {
            assert_eq!(settle(earlier, Reply::Moved(Some(3)), 0), Verdict::Moved(Some(3)));
        }
    }

    #[test]
    fn a_definite_answer_to_the_only_attempt_settles_it() {
        assert_eq!(settle(0, Reply::BadFee(said()), 0), Verdict::Failed(Failure::Fee));
        assert_eq!(settle(0, Reply::Refused(said()), 0), Verdict::Failed(Failure::Refused(said())));
        assert_eq!(settle(0, Reply::NotExecuted(said()), 0), Verdict::Failed(Failure::Unreachable(said())));
        assert!(matches!(settle(0, Reply::TooOld, 0), Verdict::Failed(Failure::Refused(_))));
        assert_eq!(settle(0, Reply::Unknown(said()), 0), Verdict::Retry(said()));
    }

    #[test]
    fn no_refusal_settles_an_earlier_unknown_attempt() {
        for reply in [Reply::BadFee(said()), Reply::Refused(said()), Reply::NotExecuted(said()), Reply::Unknown(said())]
        {
            assert_eq!(settle(1, reply, CLOSED_AFTER), Verdict::Retry(said()));
        }
        assert_eq!(settle(1, Reply::TooOld, 0), Verdict::Search);
    }

    #[test]
    fn refusals_do_not_hide_for_ever_that_the_window_has_closed() {
        for reply in [Reply::BadFee(said()), Reply::Refused(said())] {
            assert_eq!(settle(1, reply, CLOSED_AFTER + 1), Verdict::Search);
        }
        assert_eq!(settle(1, Reply::NotExecuted(said()), u64::MAX), Verdict::Retry(said()));
    }

    #[test]
    fn a_ledger_that_never_answers_is_not_asked_for_ever() {
        for earlier in [0, 1, 7] {
            let silence = |age| settle(earlier, Reply::Unknown(said()), age);
            assert_eq!(silence(UNOBTAINABLE_AFTER), Verdict::Retry(said()));
            assert_eq!(silence(UNOBTAINABLE_AFTER + 1), Verdict::Search);
        }
    }
}
