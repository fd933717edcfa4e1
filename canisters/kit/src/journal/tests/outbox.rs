use super::*;
use crate::api::audit::{AuditTemporaryError, Seen};
use crate::journal::outbox::{Answer, Outbox};
use cairn_events::payload::CanisterUpgraded;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    /// A caller brings so many submissions; one of them may be bad.
    Bring(usize, bool),
    /// The batch goes out, and the log sees it.
    Send,
    /// Its answer arrives.
    Answer,
    /// Its answer arrives, and the callback traps.
    Trap,
    /// The answer is lost.
    Lose,
    /// The batch does not even go out.
    Unsent,
    /// A waiting caller gives up.
    Leave,
    /// New code: the heap is gone, and whoever waits with it.
    Upgrade,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1usize..4, prop::bool::weighted(0.2)).prop_map(|(count, bad)| Step::Bring(count, bad)),
        4 => Just(Step::Send),
        4 => Just(Step::Answer),
        1 => Just(Step::Trap),
        1 => Just(Step::Lose),
        1 => Just(Step::Unsent),
        1 => Just(Step::Leave),
        1 => Just(Step::Upgrade),
    ];
    prop::collection::vec(step, 0..80)
}

/// A canister, its callers and the log.
#[derive(Default)]
struct World {
    outbox: Outbox,
    log: Log,
    bad: Vec<u64>,
    applied: Vec<u64>,
    /// The answer that is on its way back.
    reply: Option<Result<Vec<Receipt>, AuditError>>,
    next: u64,
    groups: BTreeMap<u64, Vec<u64>>,
    waiting: BTreeMap<u64, Vec<u64>>,
    refused: Vec<Vec<u64>>,
}

impl World {
    fn step(&mut self, step: Step) {
        match step {
            Step::Bring(count, bad) => self.bring(count as u64, bad),
            Step::Send if self.reply.is_none() => self.send(),
            Step::Answer => self.answer(),
            Step::Trap if self.reply.is_some() => {
                // Everything the callback did is undone; what remains is the cleanup's mark.
                let (outbox, applied) = (self.outbox.clone(), self.applied.clone());
                let reply = self.reply.clone();
                self.answer();
                (self.outbox, self.applied, self.reply) = (outbox, applied, None);
                let _ = reply;
                self.outbox.interrupted();
            }
            Step::Lose if self.reply.take().is_some() => self.outbox.doubt(),
            Step::Unsent if self.reply.is_none() && self.outbox.prepare().is_some() => self.outbox.unexecuted(),
            Step::Leave => {
                if let Some((ticket, numbers)) = self.waiting.pop_first() {
                    let failure = self.outbox.leave(ticket);
                    self.told(&numbers, &Err(failure));
                }
            }
            Step::Upgrade => {
                let stored = cairn_events::codec::encode(&self.outbox.store());
                self.outbox = Outbox::load(&cairn_events::codec::decode(&stored).unwrap()).unwrap();
                self.reply = None;
                self.waiting.clear();
            }
            _ => {}
        }
        self.collect();
        assert!(self.log.accepted.starts_with(&self.applied), "applied what the log does not have");
    }

    fn bring(&mut self, count: u64, bad: bool) {
        let numbers: Vec<u64> = (self.next..self.next + count).collect();
        self.next += count;
        if bad {
            self.bad.push(self.next - 1);
        }
        let ticket = self.outbox.enqueue(numbers.iter().copied().map(numbered).collect()).unwrap();
        self.waiting.insert(ticket, numbers.clone());
        self.groups.insert(numbers[0], numbers);
    }

    fn send(&mut self) {
        if let Some(batch) = self.outbox.prepare() {
            let args: AppendArgs = candid::decode_one(batch.args()).unwrap();
            let carried = args.submissions.iter().map(|wire| wire.causation.unwrap());
            self.log.refuse = carried.into_iter().find(|number| self.bad.contains(number));
            self.reply = Some(self.log.append(&args));
        }
    }

    fn answer(&mut self) {
        match self.reply.take() {
            Some(Ok(receipts)) => {
                let recorded = self.outbox.accepted(&receipts).unwrap();
                for event in recorded {
                    assert_eq!(event.source_seq, self.applied.len() as u64 + 1, "numbered in order, without gaps");
                    assert_eq!(event.receipt, receipt(self.applied.len()));
                    self.applied.push(event.causation.unwrap());
                }
            }
            Some(Err(error)) => self.outbox.refused(&error),
            None => {}
        }
    }

    fn collect(&mut self) {
        let tickets: Vec<u64> = self.waiting.keys().copied().collect();
        for ticket in tickets {
            if let Some(answer) = self.outbox.take_answer(ticket) {
                let numbers = self.waiting.remove(&ticket).unwrap();
                self.told(&numbers, &answer);
            }
        }
    }

    fn told(&mut self, numbers: &[u64], answer: &Answer) {
        match answer {
            Ok(receipts) => {
                assert_eq!(receipts.len(), numbers.len());
                let begin = self.applied.iter().position(|number| *number == numbers[0]).expect("accepted, so applied");
                assert_eq!(&self.applied[begin..begin + numbers.len()], numbers, "atomic and in order");
                assert_eq!(receipts[0], receipt(begin), "the caller's own receipts");
            }
            Err(AppendFailure::Pending) => {}
            Err(AppendFailure::Refused(error)) => {
                let AuditError::Request(AuditRequestError::StreamVersion { position, .. }) = error else { panic!() };
                assert!(self.bad.contains(&numbers[*position as usize]), "the blame is where the fault is");
                self.refused.push(numbers.to_vec());
            }
            Err(AppendFailure::NotReady(_)) => self.refused.push(numbers.to_vec()),
        }
    }

    fn drain(&mut self) {
        while self.outbox.in_flight() + self.outbox.waiting() > 0 {
            self.step(Step::Send);
            self.step(Step::Answer);
        }
    }
}

proptest! {
    #[test]
    fn every_event_once_in_order_and_none_lost(steps in steps()) {
        let mut world = World::default();
        for step in steps {
            world.step(step);
        }
        world.drain();
        prop_assert_eq!(&world.applied, &world.log.accepted, "what the log has is applied, once and in order");
        prop_assert_eq!(world.outbox.applied(), world.applied.len() as u64);
        prop_assert!(world.waiting.is_empty(), "every caller got an answer");
        prop_assert!(!world.applied.iter().any(|number| world.bad.contains(number)));
        for refused in &world.refused {
            prop_assert!(!world.applied.iter().any(|number| refused.contains(number)), "refused is refused for ever");
        }
        for numbers in world.groups.values() {
            let accepted = numbers.iter().filter(|number| world.applied.contains(number)).count();
            prop_assert!(accepted == 0 || accepted == numbers.len(), "all of a group, or nothing");
        }
    }
}

#[test]
fn a_receipt_must_come_after_the_last_one() {
    let mut outbox = Outbox::default();
    outbox.enqueue(vec![numbered(0)]).unwrap();
    outbox.prepare().unwrap();
    outbox.accepted(&[receipt(5)]).unwrap();
    let ticket = outbox.enqueue(vec![numbered(1)]).unwrap();
    outbox.prepare().unwrap();
    assert!(outbox.accepted(&[receipt(5)]).is_err());
    assert_eq!(outbox.take_answer(ticket), Some(Err(AppendFailure::Pending)));
    assert!(outbox.alarm().is_some() && outbox.in_flight() == 1, "the batch stays, nothing new is taken");
    assert!(outbox.enqueue(vec![numbered(2)]).is_err());
    let outbox = Outbox::load(&outbox.store()).unwrap();
    assert!(outbox.alarm().is_some() && !outbox.needs_timer(), "after an upgrade, too");
}

/// The event at this index; `other` tells two logs apart.
fn seen(index: u64, other: u8) -> Seen {
    Seen { index, hash: Hash([other; 32]) }
}

/// What the log refuses because it is another one.
fn other_log() -> AuditError {
    AuditError::Request(AuditRequestError::OtherLog { index: 9, size: 5 })
}

#[test]
fn a_log_that_lacks_what_was_seen_raises_the_alarm() {
    let unknown = AuditError::Request(AuditRequestError::NotAWriter { caller: principal(1) });
    let begins = AuditError::Temporary(AuditTemporaryError::NotReady);
    // Before anything is known of the log, it may still begin, and may not know us yet.
    assert!(!Outbox::default().meet(&unknown) && !Outbox::default().meet(&begins));
    let mut outbox = Outbox::default();
    assert!(outbox.saw(seen(9, 1)) && !outbox.saw(seen(4, 2)), "only what comes later is kept");
    assert!(!outbox.clone().meet(&unknown), "it never wrote");
    assert!(outbox.clone().meet(&begins) && outbox.clone().meet(&other_log()));
    assert!(outbox.clone().saw(seen(9, 2)), "the same place, another event");
    let ticket = outbox.enqueue(vec![numbered(0)]).unwrap();
    let sent: (AppendArgs, Option<Seen>) = candid::decode_args(outbox.prepare().unwrap().args()).unwrap();
    assert_eq!(sent.1, Some(seen(9, 1)), "the log must have it");
    outbox.refused(&other_log());
    assert_eq!(outbox.take_answer(ticket), Some(Err(AppendFailure::Pending)), "the right log may have it");
    assert!(outbox.prepare().is_none() && !outbox.needs_timer(), "nothing is sent any more");
    assert!(outbox.enqueue(vec![numbered(1)]).is_err());
}

#[test]
fn the_alarm_ends_with_the_event_that_says_so() {
    let mut outbox = Outbox::default();
    outbox.saw(seen(9, 1));
    outbox.enqueue(vec![numbered(0)]).unwrap();
    outbox.prepare().unwrap();
    outbox.refused(&other_log());
    assert_eq!(outbox.end_of_alarm(), None, "nobody wants it to end");
    outbox.acknowledge(principal(5));
    let mut outbox = Outbox::load(&outbox.store()).unwrap();
    let end = outbox.end_of_alarm().unwrap();
    assert!(outbox.alarm().is_some() && outbox.enqueue(vec![numbered(1)]).is_err(), "not yet");
    outbox.enqueue(vec![end.clone()]).unwrap();
    assert_eq!(outbox.end_of_alarm(), None, "it is on its way");
    // First what was in doubt, as it was; then the end.
    assert_eq!(outbox.prepare().unwrap().len(), 1);
    outbox.accepted(&[receipt(2)]).unwrap();
    assert!(outbox.alarm().is_some());
    assert_eq!(outbox.prepare().unwrap().groups.first().unwrap().payloads(), [end.payload]);
    let mut contradicted = outbox.clone();
    contradicted.refused(&other_log());
    assert!(contradicted.end_of_alarm().is_none() && contradicted.prepare().is_none(), "raised anew");
    outbox.accepted(&[receipt(3)]).unwrap();
    assert_eq!((outbox.alarm(), outbox.needs_timer()), (None, false));
    assert!(outbox.enqueue(vec![numbered(2)]).is_ok());
}

#[test]
fn a_spent_reserve_stops_intents_only() {
    let mut outbox = Outbox::default();
    let creation = cairn_events::payload::CreationIntended { cycles: 1 };
    let intent = outbox.enqueue(vec![Submission::new(principal(1), Payload::CreationIntended(creation))]).unwrap();
    let fact = outbox.enqueue(vec![numbered(1)]).unwrap();
    assert_eq!(outbox.prepare().unwrap().len(), 2);
    outbox.refused(&AuditError::Temporary(AuditTemporaryError::ReserveExhausted { open_intents: 9 }));
    assert!(matches!(outbox.take_answer(intent), Some(Err(AppendFailure::Refused(AuditError::Temporary(_))))));
    assert_eq!(outbox.prepare().unwrap().len(), 1);
    outbox.accepted(&[receipt(0)]).unwrap();
    assert_eq!(outbox.take_answer(fact), Some(Ok(vec![receipt(0)])));
}

#[test]
fn batches_are_bounded_and_first_come_first_served() {
    let mut outbox = Outbox::default();
    for group in 0..5 {
        outbox.enqueue((0..40).map(|number| numbered(group * 40 + number)).collect()).unwrap();
    }
    assert_eq!(outbox.prepare().unwrap().len(), 80, "a third group of forty does not fit");
    assert_eq!(outbox.waiting(), 120);
    assert!(matches!(
        outbox.enqueue((0..101).map(numbered).collect()),
        Err(AppendFailure::Refused(AuditError::Request(AuditRequestError::BatchSize { submissions: 101, .. })))
    ));
    let mut taken = 0;
    while outbox.enqueue((0..100).map(numbered).collect()).is_ok() {
        taken += 1;
    }
    assert_eq!(taken, 8, "what waits is bounded");
}

#[test]
fn an_upgrade_is_told_once() {
    let mut outbox = Outbox::default();
    outbox.owe_upgrade(77);
    let mut outbox = Outbox::load(&outbox.store()).unwrap();
    assert_eq!(outbox.upgrade_to_report(), Some(77));
    let upgraded = CanisterUpgraded { module_hash: None, instructions: 77 };
    outbox.enqueue(vec![Submission::new(principal(1), Payload::CanisterUpgraded(upgraded))]).unwrap();
    assert_eq!(outbox.upgrade_to_report(), None, "somebody is telling it");
    outbox.prepare().unwrap();
    let mut outbox = Outbox::load(&outbox.store()).unwrap();
    assert_eq!(outbox.upgrade_to_report(), None, "it is on its way");
    outbox.accepted(&[receipt(0)]).unwrap();
    assert_eq!(outbox.upgrade_to_report(), None);
    assert!(!outbox.needs_timer());
}
