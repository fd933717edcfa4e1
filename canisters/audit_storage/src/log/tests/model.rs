//! Random batches against a model that is as simple as can be, and the verifier at the end.

use super::*;
use cairn_events::{Class, Effect, Expected};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What a random submission is made of.
#[derive(Clone, Debug)]
struct Draft {
    kind: u8,
    deployment: u8,
    actor: u8,
    /// 0: any version; 1: the version it has; 2: one less.
    expected: u8,
    /// Whether a cause is named, and how far from the end of the log it is.
    cause: Option<i8>,
    opened: bool,
}

fn draft() -> impl Strategy<Value = Draft> {
    let cause = prop_oneof![8 => Just(None), 1 => (-5i8..5).prop_map(Some)];
    (0u8..12, 0u8..4, 0u8..2, prop_oneof![1 => Just(0u8), 6 => Just(1u8), 1 => Just(2u8)], cause, any::<bool>())
        .prop_map(|(kind, deployment, actor, expected, cause, opened)| Draft {
            kind,
            deployment,
            actor,
            expected,
            cause,
            opened,
        })
}

/// A batch: who sends it, how far off its number is, what is in it.
fn batch() -> impl Strategy<Value = (u8, i8, Vec<Draft>)> {
    let writer = prop_oneof![6 => Just(BACKEND), 3 => Just(FACTORY), 1 => Just(STRANGER)];
    let shift = prop_oneof![10 => Just(0i8), 1 => -3i8..3];
    (writer, shift, prop::collection::vec(draft(), 1..5))
}

fn submission(draft: &Draft, writer: u8) -> Submission {
    let n = draft.deployment;
    let mut submission = match (writer, draft.kind) {
        (FACTORY, 0..11) => committed(n),
        (_, 0 | 1) if draft.opened => requested_with(n, 10, Some(opening().commitment())).opened_by(opening()),
        (_, 0 | 1) => requested(n),
        (_, 2) => intended(n, Payload::PaymentIntended),
        (_, 3) => settled(n, Payload::PaymentCaptured),
        (_, 4 | 5) => dispatched(n),
        (_, 6) => abandoned(n),
        (_, 7) => intended(n, Payload::RefundIntended),
        (_, 8) => settled(n, Payload::RefundPaid),
        (_, 9) => intended(n, Payload::ReleaseIntended),
        (_, 10) => settled(n, Payload::EscrowReleased),
        _ => requested(n).opened_by(opening()),
    };
    submission.actor = id(ALICE + draft.actor);
    submission
}

/// The rules, without regard to cost.
#[derive(Clone, Default)]
struct Model {
    accepted: BTreeMap<u8, Vec<Submission>>,
    versions: BTreeMap<Stream, u64>,
    open: BTreeSet<(Stream, Effect)>,
    decided: BTreeSet<Stream>,
    dispatched: BTreeSet<Stream>,
    events: u64,
}

impl Model {
    fn accept(&mut self, writer: u8, first_seq: u64, batch: &[Submission]) -> Result<bool, ()> {
        let accepted = self.accepted.get(&writer).ok_or(())?;
        let next = accepted.len() as u64 + 1;
        if first_seq != next {
            let begin = usize::try_from(first_seq).map_err(|_| ())?.checked_sub(1).ok_or(())?;
            let before = accepted.get(begin..begin + batch.len()).ok_or(())?;
            let content = |s: &Submission| (s.actor, s.correlation, s.causation, s.payload.clone());
            let same = before.iter().map(content).eq(batch.iter().map(content));
            return if same { Ok(false) } else { Err(()) };
        }
        let mut after = self.clone();
        for submission in batch {
            after.accept_one(writer, submission)?;
        }
        *self = after;
        Ok(true)
    }

    fn accept_one(&mut self, writer: u8, submission: &Submission) -> Result<(), ()> {
        let payload = &submission.payload;
        let stream = payload.stream(id(writer));
        let version = self.versions.get(&stream).copied().unwrap_or(0);
        let role = if writer == BACKEND { WriterRole::Gateway } else { WriterRole::Factory };
        let exact = submission.expected == Expected::Exact(version);
        let has_commitment = matches!(payload, Payload::DeploymentRequested(p) if p.billing.is_some());
        if matches!(payload, Payload::DeploymentDispatched(_)) {
            self.dispatched.insert(stream);
        }
        // There is one factory; it delivers what it was asked to.
        let asked = !matches!(payload, Payload::DeliveryCommitted(_)) || self.dispatched.contains(&stream);
        let allowed = payload.kind().roles().contains(&role)
            && (exact || submission.expected == Expected::Any)
            && submission.causation.is_none_or(|cause| cause < self.events)
            && (submission.openings.is_empty() || has_commitment);
        let fits = match payload.kind().class() {
            Class::Intent(effect) => {
                exact
                    && (effect != Effect::Delivery || !self.decided.contains(&stream))
                    && self.open.insert((stream, effect))
            }
            Class::Outcome(effect) => {
                self.open.remove(&(stream, effect));
                effect != Effect::Delivery || exact && self.decided.insert(stream)
            }
            Class::Fact => true,
        };
        self.versions.insert(stream, version + 1);
        self.events += 1;
        self.accepted.entry(writer).or_default().push(submission.clone());
        if allowed && asked && fits { Ok(()) } else { Err(()) }
    }
}

/// The submissions that the drafts stand for, as the log is now.
fn submissions(drafts: &[Draft], writer: u8, model: &Model) -> Vec<Submission> {
    let mut added: BTreeMap<Stream, u64> = BTreeMap::new();
    let submissions = drafts.iter().map(|draft| {
        let mut submission = submission(draft, writer);
        let stream = submission.payload.stream(id(writer));
        let added = added.entry(stream).or_default();
        let version = model.versions.get(&stream).copied().unwrap_or(0) + *added;
        *added += 1;
        submission.expected = match draft.expected {
            0 => Expected::Any,
            1 => Expected::Exact(version),
            _ => Expected::Exact(version.wrapping_sub(1)),
        };
        submission.causation = draft.cause.map(|offset| model.events.saturating_add_signed(i64::from(offset)));
        submission
    });
    submissions.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn the_log_accepts_what_the_model_accepts(batches in prop::collection::vec(batch(), 1..40)) {
        let mut bench = Bench::new();
        let mut model = Model { events: bench.log.counters().events, ..Model::default() };
        model.accepted = [(BACKEND, Vec::new()), (FACTORY, Vec::new())].into();
        for (writer, shift, drafts) in batches {
            let batch = submissions(&drafts, writer, &model);
            let first_seq = bench.next_seq(writer).saturating_add_signed(i64::from(shift));
            let (before, certified) = (bench.image(), bench.certified());
            let expected = model.accept(writer, first_seq, &batch);
            let found = bench.append_at(writer, first_seq, &batch);
            prop_assert_eq!(expected.is_ok(), found.is_ok(), "{:?} but {:?}", expected, found);
            match found {
                Ok(appended) if expected == Ok(true) => {
                    let events: Vec<Event> = appended.receipts.iter().map(|r| bench.log.event(r.index).expect("there")).collect();
                    prop_assert!(batch.iter().zip(&events).all(|(submission, event)| submission.is_content_of(event)));
                    prop_assert!(appended.receipts.iter().zip(&events).all(|(receipt, event)| receipt.hash == event.hash()));
                    let again = bench.append_at(writer, first_seq, &batch).expect("a repetition");
                    prop_assert_eq!(again.receipts, appended.receipts);
                }
                _ => prop_assert!(bench.image() == before && bench.certified() == certified, "something changed"),
            }
            prop_assert_eq!(bench.log.counters().open_intents, model.open.len() as u64);
            if shift > 0 {
                prop_assert!(bench.log.advance_topics(shift as u64).is_ok());
            }
        }
        bench.cover(5);
        prop_assert_eq!(bench.log.counters().events, model.events);
        bench.verify();
        super::scans::assert_scanned(&bench);
        let (tip, certified) = (bench.log.tip(), bench.certified());
        bench.reopen();
        bench.verify();
        prop_assert!(bench.log.tip() == tip && bench.certified() == certified);
    }
}
