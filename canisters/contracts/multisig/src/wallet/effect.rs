//! One payment or call of an execution, and what an answer to it proves. Pure.
//!
//! A payment's arguments are frozen before it is first sent: fee, memo and `created_at_time` are the same in every
//! attempt, so the ledger executes it once at most. Every attempt has a number, and an answer counts for its own attempt
//! only. As soon as one attempt may have been executed, only the ledger's word that it was (a block, or a duplicate of
//! one) or that it has forgotten (too old) settles the payment. A call to a contract is sent once.

use cairn_events::{Amount, Timestamp};
use cairn_kit::api::multisig::EffectOutcome;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

const SECOND: u64 = 1_000_000_000;
/// The first wait before another attempt; it doubles.
const MIN_WAIT: u64 = 5 * SECOND;
/// The longest wait before another attempt.
const MAX_WAIT: u64 = 1_800 * SECOND;
/// How long a payment is tried. A ledger that has not answered for a week will not settle it.
pub const GIVE_UP: u64 = 7 * 86_400 * SECOND;
/// How long the arguments of a payment that certainly was not made are kept, in nanoseconds.
const STALE: u64 = 3_600 * SECOND;
/// How often a payment gets another fee.
const MAX_QUOTES: u32 = 3;

/// A payment or call of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// How often it was sent: the number of the last attempt.
    #[serde(rename = "n")]
    pub attempts: u32,
    /// Fees that did not hold.
    #[serde(rename = "q")]
    pub quotes: u32,
    /// Questions for the fee that were not answered, since the last one that was.
    #[serde(rename = "u")]
    pub unanswered: u32,
    /// Whether an attempt may have been executed.
    #[serde(rename = "d")]
    pub doubt: bool,
    /// What does not change between attempts; `None` before the fee is known.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Frozen>,
    /// The period of the daily limit in which it counts.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<u64>,
    /// When the work on it began.
    #[serde(rename = "b")]
    pub begun_at: Timestamp,
    /// How far it is.
    #[serde(rename = "s")]
    pub state: EffectState,
}

/// The arguments that the wallet chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The ledger's fee.
    #[serde(rename = "f")]
    pub fee: Amount,
    /// The memo.
    #[serde(rename = "m")]
    pub memo: ByteBuf,
    /// The time that the ledger tells payments apart by; no two of a wallet have the same.
    #[serde(rename = "t")]
    pub created_at: u64,
}

/// How far an effect is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EffectState {
    /// To be sent, not before.
    #[serde(rename = "d")]
    Due {
        /// Not before.
        #[serde(rename = "a")]
        at: Timestamp,
    },
    /// Sent, without an answer so far.
    #[serde(rename = "s")]
    Sent,
    /// It is known what became of it.
    #[serde(rename = "o")]
    Settled(EffectOutcome),
}

/// Whether an effect may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// A ledger recognises the repetition.
    Deduplicated,
    /// Nobody would.
    Never,
}

/// The answer to one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The ledger has it, from now or from before.
    Block(Amount),
    /// The callee replied.
    Replied(EffectOutcome),
    /// The ledger cannot tell any more whether it has it.
    TooOld,
    /// The fee is another one.
    BadFee,
    /// The ledger does not take it.
    Refused(String),
    /// The ledger does not take it now.
    Later(String),
    /// It never reached the callee, and never will.
    Unreachable(String),
    /// It did not reach the callee this time.
    NotSent(String),
    /// It may or may not have been executed.
    Unknown(String),
}

impl Effect {
    /// An effect to be sent at once.
    pub fn planned(now: Timestamp) -> Self {
        Effect {
            attempts: 0,
            quotes: 0,
            unanswered: 0,
            doubt: false,
            frozen: None,
            counted: None,
            begun_at: now,
            state: EffectState::Due { at: now },
        }
    }

    /// What became of it, once that is known.
    pub fn outcome(&self) -> Option<&EffectOutcome> {
        match &self.state {
            EffectState::Settled(outcome) => Some(outcome),
            EffectState::Due { .. } | EffectState::Sent => None,
        }
    }

    /// When it is to be sent.
    pub fn due(&self) -> Option<Timestamp> {
        match self.state {
            EffectState::Due { at } => Some(at),
            EffectState::Sent | EffectState::Settled(_) => None,
        }
    }

    /// The next attempt, which the caller sends in the same message.
    pub fn send(&mut self) -> u32 {
        self.attempts = self.attempts.saturating_add(1);
        self.state = EffectState::Sent;
        self.attempts
    }

    /// The work on it begins now, unless it has: the time that it waited for a limit or a freeze is not taken from it.
    pub fn take_up(&mut self, now: Timestamp) {
        if self.attempts == 0 && self.unanswered == 0 {
            self.begun_at = now;
        }
    }

    /// The answer to the question for the fee. `frozen` is what the payment will carry.
    pub fn quoted(&mut self, quote: Result<Frozen, String>, now: Timestamp) {
        if self.frozen.is_some() || self.due().is_none() {
            return;
        }
        match quote {
            Ok(frozen) => (self.frozen, self.unanswered) = (Some(frozen), 0),
            Err(reason) => {
                self.unanswered = self.unanswered.saturating_add(1);
                self.wait(&reason, now);
            }
        }
    }

    /// Arguments of long ago are chosen anew, as long as no attempt may have been executed: a ledger would refuse them.
    pub fn refresh(&mut self, now: Timestamp) {
        let stale = |frozen: &Frozen| frozen.created_at.saturating_add(STALE) < now.0;
        if !self.doubt && self.frozen.as_ref().is_some_and(stale) {
            self.frozen = None;
        }
    }

    /// Nobody waits for an answer any more, as after an upgrade.
    pub fn interrupted(&mut self, repeat: Repeat, now: Timestamp) {
        if self.state == EffectState::Sent {
            let unknown = Answer::Unknown("interrupted before the answer".to_owned());
            self.answered(repeat, self.attempts, unknown, now);
        }
    }

    /// Draws the consequences of the answer to `attempt`; whether it was the present one.
    pub fn answered(&mut self, repeat: Repeat, attempt: u32, answer: Answer, now: Timestamp) -> bool {
        if self.state != EffectState::Sent || self.attempts != attempt {
            return false;
        }
        match answer {
            Answer::Block(block) => self.settle(EffectOutcome::Transferred { block }),
            Answer::Replied(outcome) => self.settle(outcome),
            Answer::Unknown(reason) => {
                self.doubt = true;
                match repeat {
                    Repeat::Never => self.settle(EffectOutcome::Unknown { reason }),
                    Repeat::Deduplicated => self.wait(&reason, now),
                }
            }
            // From here on this attempt had no effect; that says nothing of an earlier one that may have had.
            Answer::TooOld => self.close("the ledger does not remember payments as old as this"),
            answer if self.doubt => self.wait(answer.reason(), now),
            Answer::BadFee if self.quotes < MAX_QUOTES => {
                self.quotes = self.quotes.saturating_add(1);
                self.frozen = None;
                self.state = EffectState::Due { at: now };
            }
            Answer::Later(reason) | Answer::NotSent(reason) if repeat == Repeat::Deduplicated => {
                self.wait(&reason, now);
            }
            answer => self.close(answer.reason()),
        }
        true
    }

    /// Ends it without another attempt: it failed, unless an attempt may have been executed.
    pub fn close(&mut self, reason: &str) {
        let reason = reason.to_owned();
        self.settle(if self.doubt { EffectOutcome::Unknown { reason } } else { EffectOutcome::Failed { reason } });
    }

    /// Puts off what the daily limit does not let through. What is in doubt is not put off for ever.
    pub fn postpone(&mut self, at: Timestamp, now: Timestamp) {
        if self.doubt && self.is_given_up(now) {
            return self.close("the daily limit does not let the ledger be asked again");
        }
        self.state = EffectState::Due { at };
    }

    fn is_given_up(&self, now: Timestamp) -> bool {
        now.0 >= self.begun_at.0.saturating_add(GIVE_UP)
    }

    fn settle(&mut self, outcome: EffectOutcome) {
        self.state = EffectState::Settled(outcome);
    }

    fn wait(&mut self, reason: &str, now: Timestamp) {
        if self.is_given_up(now) {
            return self.close(reason);
        }
        let tries = self.attempts.saturating_add(self.unanswered).saturating_sub(1).min(16);
        let wait = MIN_WAIT.checked_shl(tries).unwrap_or(MAX_WAIT).min(MAX_WAIT);
        self.state = EffectState::Due { at: Timestamp(now.0.saturating_add(wait)) };
    }
}

impl Answer {
    fn reason(&self) -> &str {
        match self {
            Answer::Block(_) | Answer::Replied(_) => "done",
            Answer::TooOld => "too old",
            Answer::BadFee => "the ledger's fee changes all the time",
            Answer::Refused(reason)
            | Answer::Later(reason)
            | Answer::Unreachable(reason)
            | Answer::NotSent(reason)
            | Answer::Unknown(reason) => reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);

    fn sent() -> Effect {
        let mut effect = Effect::planned(NOW);
        effect.quoted(Ok(Frozen { fee: Amount(1), memo: ByteBuf::new(), created_at: 5 }), NOW);
        assert_eq!(effect.send(), 1);
        effect
    }

    fn answer(effect: &mut Effect, answer: Answer) -> bool {
        let attempt = effect.attempts;
        effect.answered(Repeat::Deduplicated, attempt, answer, NOW)
    }

    fn text() -> String {
        "why".to_owned()
    }

    #[test]
    fn definite_answers_settle_a_payment_of_one_attempt() {
        for (given, outcome) in [
            (Answer::Block(Amount(9)), EffectOutcome::Transferred { block: Amount(9) }),
            (Answer::Refused(text()), EffectOutcome::Failed { reason: text() }),
            (Answer::Unreachable(text()), EffectOutcome::Failed { reason: text() }),
        ] {
            let mut effect = sent();
            assert!(answer(&mut effect, given));
            assert_eq!(effect.outcome(), Some(&outcome));
        }
    }

    #[test]
    fn a_later_refusal_says_nothing_of_an_unknown_attempt() {
        let refusals = [Answer::Refused(text()), Answer::Unreachable(text()), Answer::BadFee, Answer::Later(text())];
        for refusal in refusals {
            let mut effect = sent();
            let frozen = effect.frozen.clone();
            answer(&mut effect, Answer::Unknown(text()));
            assert!(effect.due().is_some_and(|at| at > NOW));
            effect.send();
            answer(&mut effect, refusal.clone());
            assert_eq!((effect.outcome(), &effect.frozen), (None, &frozen), "{refusal:?}");
            effect.send();
            answer(&mut effect, Answer::Block(Amount(4)));
            assert_eq!(effect.outcome(), Some(&EffectOutcome::Transferred { block: Amount(4) }));
        }
    }

    #[test]
    fn too_old_settles_what_was_in_doubt_as_unknown() {
        let mut doubtful = sent();
        answer(&mut doubtful, Answer::Unknown(text()));
        doubtful.send();
        answer(&mut doubtful, Answer::TooOld);
        assert!(matches!(doubtful.outcome(), Some(EffectOutcome::Unknown { .. })));
        let mut certain = sent();
        answer(&mut certain, Answer::Later(text()));
        certain.send();
        answer(&mut certain, Answer::TooOld);
        assert!(matches!(certain.outcome(), Some(EffectOutcome::Failed { .. })));
    }

    #[test]
    fn another_fee_is_asked_for_a_few_times_and_never_in_doubt() {
        let mut effect = sent();
        for _ in 0..MAX_QUOTES {
            answer(&mut effect, Answer::BadFee);
            assert_eq!((effect.due(), &effect.frozen), (Some(NOW), &None));
            effect.quoted(Ok(Frozen { fee: Amount(2), memo: ByteBuf::new(), created_at: 6 }), NOW);
            effect.send();
        }
        answer(&mut effect, Answer::BadFee);
        assert!(matches!(effect.outcome(), Some(EffectOutcome::Failed { .. })));
    }

    /// The answer of an attempt before an upgrade, or before a newer attempt, is not the answer to the present one.
    #[test]
    fn answers_count_for_their_own_attempt_only() {
        let mut effect = sent();
        effect.interrupted(Repeat::Deduplicated, NOW);
        let waiting = effect.clone();
        assert!(!effect.answered(Repeat::Deduplicated, 1, Answer::Refused(text()), NOW));
        assert_eq!(effect, waiting, "nobody waits for it any more");
        assert_eq!(effect.send(), 2);
        assert!(!effect.answered(Repeat::Deduplicated, 1, Answer::Refused(text()), NOW));
        assert_eq!(effect.state, EffectState::Sent);
        assert!(effect.answered(Repeat::Deduplicated, 2, Answer::Block(Amount(3)), NOW));
        assert!(!effect.answered(Repeat::Deduplicated, 2, Answer::Refused(text()), NOW), "it is settled for good");
    }

    #[test]
    fn arguments_become_stale_unless_they_are_in_doubt() {
        let later = Timestamp(NOW.0 + STALE);
        let mut certain = sent();
        answer(&mut certain, Answer::NotSent(text()));
        certain.refresh(Timestamp(STALE));
        assert!(certain.frozen.is_some());
        certain.refresh(later);
        assert_eq!(certain.frozen, None);
        let mut doubtful = sent();
        answer(&mut doubtful, Answer::Unknown(text()));
        doubtful.refresh(later);
        assert!(doubtful.frozen.is_some());
    }

    #[test]
    fn a_call_is_sent_once() {
        for given in [Answer::Unknown(text()), Answer::Later(text()), Answer::NotSent(text()), Answer::TooOld] {
            let mut call = Effect::planned(NOW);
            let attempt = call.send();
            let in_doubt = matches!(given, Answer::Unknown(_));
            assert!(call.answered(Repeat::Never, attempt, given, NOW));
            assert_eq!(matches!(call.outcome(), Some(EffectOutcome::Unknown { .. })), in_doubt);
            assert!(call.outcome().is_some());
        }
        let mut interrupted = Effect::planned(NOW);
        interrupted.send();
        interrupted.interrupted(Repeat::Never, NOW);
        assert!(matches!(interrupted.outcome(), Some(EffectOutcome::Unknown { .. })));
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        prop_oneof![
            Just(Answer::TooOld),
            Just(Answer::BadFee),
            Just(Answer::Refused(text())),
            Just(Answer::Later(text())),
            Just(Answer::Unreachable(text())),
            Just(Answer::NotSent(text())),
            Just(Answer::Unknown(text())),
        ]
    }

    proptest! {
        /// Whatever a ledger answers: once a payment is in doubt its arguments never change, and it is never called failed.
        #[test]
        fn doubt_is_never_forgotten(answers in prop::collection::vec((any_answer(), 0u64..200_000), 1..30)) {
            let (mut effect, mut now, mut doubted) = (sent(), NOW, None);
            for (answer, seconds) in answers {
                now = Timestamp(now.0 + seconds * SECOND);
                let unknown = matches!(answer, Answer::Unknown(_));
                prop_assert!(effect.answered(Repeat::Deduplicated, effect.attempts, answer, now));
                if unknown && doubted.is_none() {
                    doubted = effect.frozen.clone();
                }
                if doubted.is_some() {
                    prop_assert_eq!(&effect.frozen, &doubted);
                    let failed = matches!(effect.outcome(), Some(EffectOutcome::Failed { .. }));
                    prop_assert!(!failed);
                }
                if effect.outcome().is_some() {
                    break;
                }
                effect.quoted(Ok(Frozen { fee: Amount(1), memo: ByteBuf::new(), created_at: now.0 }), now);
                effect.send();
            }
        }
    }
}
