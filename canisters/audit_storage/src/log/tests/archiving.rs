//! Ranges of bodies that leave the log: every answer stays what it was, and so does every decision.

use super::scans::assert_scanned;
use super::*;
use crate::log::archiving::Next;
use crate::log::{OpenError, broken};
use cairn_events::payload::{
    AdminGranted, ArchivingConfigured, AuditorGranted, ErasureReason, OpeningErased, range_digest,
};
use cairn_events::question::{About, Span};
use cairn_events::{Class, Effect, Family, Kind, Topic, answer};
use cairn_kit::api::audit::AuditTemporaryError;
use proptest::prelude::*;
use std::ops::Range;

const MODULE: &[u8] = b"the module of an archive";
const ARCHIVE: u8 = 60;

fn settings(keep: u64, range: u64) -> ArchivingConfigured {
    let module_hash = Hash::of(&[MODULE]);
    ArchivingConfigured { enabled: true, keep, range, capacity: 1_000_000, cycles: 1_000, module_hash }
}

fn configure(bench: &mut Bench, settings: ArchivingConfigured) {
    assert_eq!(bench.log.upload_module(MODULE), Ok(settings.module_hash));
    bench.log.configure_archiving(id(ALICE), settings, &bench.means).expect("configured");
}

fn next(bench: &Bench) -> Next {
    bench.log.next_of_archiving(&bench.means)
}

/// Does what is next, as the canister does it; whether there was something.
fn step(bench: &mut Bench) -> bool {
    bench.means.cycles = 10 * FLOOR_CYCLES;
    match next(bench) {
        Next::Rest => return false,
        Next::Intend => bench.log.intend_archive(&bench.means).expect("intended"),
        Next::Create(_) => {
            bench.log.note_asked(true);
            let number = bench.log.archives().count() as u8;
            bench.log.note_created(id(ARCHIVE + number));
        }
        Next::Close => panic!("nothing was lost"),
        Next::Install(_, intent) => bench.log.record_archive(intent.module_hash, &bench.means).expect("recorded"),
        Next::Move(archive, range) => move_range(bench, archive, range),
    }
    true
}

fn move_range(bench: &mut Bench, archive: Principal, range: Range<u64>) {
    let bodies = bench.log.range_bodies(range.clone()).expect("they are here");
    let digest = range_digest(range.start, bodies.iter().map(|body| body.as_slice()));
    bench.archive.extend(range.clone().zip(bodies));
    bench.log.record_move(archive, range, digest, &bench.means).expect("moved");
}

/// Moves all there is to move, the topic map having caught up.
fn archive(bench: &mut Bench) {
    bench.cover(100);
    while step(bench) {
        bench.cover(100);
    }
}

/// A deployment up to its delivery or before it, by number.
fn deploy(bench: &mut Bench, n: u8) {
    let batch = [
        requested_with(n, 10 * usize::from(n), Some(opening().commitment())).opened_by(opening()).exactly(0),
        intended(n, Payload::PaymentIntended).exactly(1),
        settled(n, Payload::PaymentCaptured),
        dispatched(n).exactly(3),
    ];
    bench.append(BACKEND, &batch).expect("accepted");
    if !n.is_multiple_of(3) {
        bench.append(FACTORY, &[committed(n).exactly(4)]).expect("accepted");
    }
}

#[test]
fn it_is_off_until_an_admin_says_otherwise() {
    let mut bench = Bench::new();
    (1..20).for_each(|n| deploy(&mut bench, n));
    bench.cover(100);
    let image = bench.image();
    assert!(!step(&mut bench) && bench.image() == image);
    assert!(!bench.log.archiving().is_active());
    bench.log.upload_module(MODULE).expect("taken");
    assert_eq!(next(&bench), Next::Rest);
    let off = ArchivingConfigured { enabled: false, ..settings(10, 10) };
    configure(&mut bench, off);
    assert!(!step(&mut bench) && !bench.log.archiving().is_active());
    configure(&mut bench, settings(10, 10));
    assert!(next(&bench) == Next::Intend && bench.log.archiving().is_active());
    bench.means.cycles = FLOOR_CYCLES;
    assert_eq!(next(&bench), Next::Rest, "not with cycles that outcomes need");
}

#[test]
fn settings_are_bounded_and_name_the_module() {
    let mut bench = Bench::new();
    bench.log.upload_module(MODULE).expect("taken");
    let before = bench.image();
    let unknown = ArchivingConfigured { module_hash: Hash([1; 32]), ..settings(1, 10) };
    let small = ArchivingConfigured { capacity: 999, ..settings(1, 10) };
    for bad in [settings(0, 10), settings(1, 9), settings(1, 2_001), small, unknown] {
        assert!(bench.log.configure_archiving(id(ALICE), bad, &bench.means).is_err());
    }
    assert!(bench.log.upload_module(&[]).is_err() && bench.log.upload_module(&vec![0; 1_500_001]).is_err());
    assert!(bench.image() == before && bench.log.module() == MODULE);
}

#[test]
fn what_was_archived_is_answered_as_before() {
    let mut bench = Bench::new();
    (1..30).for_each(|n| deploy(&mut bench, n));
    let before = bench.events();
    configure(&mut bench, settings(20, 15));
    archive(&mut bench);
    let moved = bench.log.kept_from();
    assert!(moved > 100 && moved.is_multiple_of(15), "{moved}");
    assert_eq!(bench.events()[..before.len()], before);
    let page = bench.log.page(&query(Filter::All, Order::OldestFirst)).expect("a page");
    let all = ArchivedBodies { archive: id(ARCHIVE), indices: (0..7).collect() };
    assert_eq!(page.archived, Some(vec![all]));
    assert!(page.events.iter().all(|event| event.is_empty()) && page.next == Some(7));
    let last = bench.log.view(moved).expect("it is here");
    assert_eq!(last.hash, bench.log.event(moved).expect("here").hash());
    bench.verify();
    assert_scanned(&bench);
    bench.reopen();
    bench.verify();
    assert_scanned(&bench);
}

#[test]
fn a_range_is_given_up_for_the_right_digest_only() {
    let mut bench = Bench::new();
    (1..10).for_each(|n| deploy(&mut bench, n));
    configure(&mut bench, settings(5, 10));
    bench.cover(100);
    while !matches!(next(&bench), Next::Move(..)) {
        assert!(step(&mut bench));
    }
    bench.cover(100);
    let Next::Move(archive, range) = next(&bench) else { panic!("a range is full") };
    let bodies = bench.log.range_bodies(range.clone()).expect("they are here");
    let digest = |bodies: &[ByteBuf]| range_digest(range.start, bodies.iter().map(|body| body.as_slice()));
    let (right, image) = (digest(&bodies), bench.image());
    let wrong = [
        (archive, range.clone(), digest(&bodies[1..])),
        (archive, range.clone(), Hash([0; 32])),
        (id(BOB), range.clone(), right),
        (archive, 0..range.end + 1, right),
        (archive, 1..range.end, range_digest(1, bodies[1..].iter().map(|body| body.as_slice()))),
        (archive, 0..0, range_digest(0, [])),
    ];
    for (archive, range, digest) in wrong {
        let refused = bench.log.record_move(archive, range.clone(), digest, &bench.means);
        assert!(matches!(refused, Err(AuditError::Internal(_))), "{archive} {range:?}: {refused:?}");
    }
    // The move is an event; if the log cannot take it, everything stays, across upgrades too.
    bench.means.cycles = 0;
    let refused = bench.log.record_move(archive, range.clone(), right, &bench.means);
    assert!(matches!(refused, Err(AuditError::Temporary(_))), "{refused:?}");
    bench.means.cycles = 10 * FLOOR_CYCLES;
    assert!(bench.image() == image, "a refusal changed something");
    bench.reopen();
    assert_eq!(next(&bench), Next::Move(archive, range.clone()));
    move_range(&mut bench, archive, range.clone());
    let again = bench.log.record_move(archive, range, right, &bench.means);
    assert_eq!(again, Err(broken("an event is missing")), "it is gone already");
    bench.cover(100);
    bench.verify();
}

#[test]
fn decisions_need_no_archive() {
    let mut bench = Bench::new();
    let by = |payload| Submission::new(id(ALICE), payload);
    let admin = by(Payload::AdminGranted(AdminGranted { admin: id(20) }));
    let until = Timestamp(u64::MAX);
    let auditor = by(Payload::AuditorGranted(AuditorGranted { auditor: id(21), until }));
    bench.append(BACKEND, &[admin, auditor]).expect("accepted");
    (1..40).for_each(|n| deploy(&mut bench, n));
    let first_seq = bench.next_seq(HOST);
    let report = |n: u8| {
        let refused = cairn_events::payload::Refused { method: format!("m{n}"), reason: Reason::new("no", "") };
        Submission::new(id(ALICE), Payload::Refused(refused))
    };
    let quiet = bench.append(HOST, &[report(1), report(2)]).expect("accepted").receipts;
    (40..80).for_each(|n| deploy(&mut bench, n));
    configure(&mut bench, settings(1, 10));
    archive(&mut bench);
    assert!(bench.log.kept_from() > quiet[1].index && bench.log.kept_bodies() > 0);
    for reopened in [false, true] {
        if reopened {
            bench.reopen();
        }
        assert_eq!(bench.log.writers().expect("whole").len(), 4);
        assert_eq!(bench.log.is_entitled(id(21), 5), Ok(true));
        assert_eq!(bench.log.is_entitled(id(22), 5), Ok(false));
        // A writer that was silent for long repeats its last batch.
        let again = bench.append_at(HOST, first_seq, &[report(1), report(2)]).expect("a repetition");
        assert_eq!(again.receipts, quiet);
        let other = bench.append_at(HOST, first_seq, &[report(1), report(3)]).expect_err("other content");
        assert!(matches!(request_error(other), AuditRequestError::SequenceReused { .. }));
        let old = bench.append_at(BACKEND, 1, &[requested(1)]).expect_err("long gone");
        assert!(matches!(request_error(old), AuditRequestError::Archived { .. }));
        // Openings stay here, and who is concerned is known without the body.
        let (index, commitment) = (5, opening().commitment());
        assert_eq!(bench.log.opening(id(ALICE), index, commitment, 0), Ok(Some(opening())));
        assert!(bench.log.opening(id(BOB), index, commitment, 0).is_err());
    }
    // Deployment 3 was dispatched to the factory in what is archived now, and not decided.
    let refusal = bench.append(BACKEND, &[abandoned(2).exactly(5)]).expect_err("delivered");
    assert!(matches!(request_error(refusal), AuditRequestError::IntentConflict { .. }));
    bench.append(FACTORY, &[committed(3).exactly(4)]).expect("it may still deliver");
    let reason = ErasureReason::Requested;
    let erased = OpeningErased { index: 5, commitment: opening().commitment(), reason };
    bench.append(BACKEND, &[by(Payload::OpeningErased(erased))]).expect("erased");
    bench.cover(100);
    bench.verify();
    assert_scanned(&bench);
}

#[test]
fn a_creation_of_which_nothing_is_known_ends_it_until_an_admin_says_so() {
    let mut bench = Bench::new();
    (1..10).for_each(|n| deploy(&mut bench, n));
    configure(&mut bench, settings(5, 10));
    bench.cover(100);
    assert!(step(&mut bench));
    let Next::Create(intent) = next(&bench) else { panic!("intended") };
    bench.log.note_asked(true);
    bench.log.note_asked(false);
    assert_eq!(next(&bench), Next::Create(intent), "certainly not created: the same intent again");
    bench.log.note_asked(true);
    bench.reopen();
    assert_eq!(next(&bench), Next::Close);
    let busy = AuditError::Temporary(AuditTemporaryError::Archiving);
    assert_eq!(bench.log.upload_module(b"another"), Err(busy));
    let open = bench.log.counters().open_intents;
    bench.log.close_creation(Reason::new("unknown", "lost"), &bench.means).expect("closed");
    assert_eq!((next(&bench), bench.log.counters().open_intents), (Next::Rest, open - 1));
    assert_eq!((bench.log.archiving().halted(), bench.log.archiving().is_active()), (Some(0), false));
    bench.reopen();
    configure(&mut bench, settings(5, 10));
    archive(&mut bench);
    assert!(bench.log.kept_from() > 0 && bench.log.archiving().halted().is_none());
    assert_eq!(bench.log.counters().open_intents, open - 1);
    bench.verify();
}

#[test]
fn a_full_archive_is_followed_by_another() {
    let mut bench = Bench::new();
    configure(&mut bench, settings(5, 50));
    for n in 1..=200 {
        bench.append(BACKEND, &[requested_with(n, DeploymentRequested::MAX_ARGS, None).exactly(0)]).expect("accepted");
        archive(&mut bench);
    }
    let archives: Vec<_> = bench.log.archives().collect();
    assert!(archives.len() >= 3, "{archives:?}");
    assert!(archives.windows(2).all(|pair| pair[0].1.end == pair[1].1.start && pair[0].0 != pair[1].0));
    assert!(bench.log.archiving_status().archives.iter().all(|archive| archive.bytes <= 1_000_000));
    bench.verify();
    let memory = bench.memories[3].borrow().len() as u64;
    assert!(memory < bench.log.event_bytes() * 2 / 3, "freed pages are used again: {memory}");
}

#[test]
fn archiving_that_does_not_fit_the_log_is_not_opened() {
    let mut bench = Bench::new();
    (1..10).for_each(|n| deploy(&mut bench, n));
    configure(&mut bench, settings(5, 10));
    archive(&mut bench);
    bench.memories[11].borrow_mut().clear();
    let opened = Log::open(attach(&bench.memories, &bench.quota)).err();
    assert_eq!(opened, Some(OpenError::Truncated("archiving")));
}

#[test]
fn creations_of_archives_are_bracketed() {
    assert_eq!(Kind::ArchiveIntended.class(), Class::Intent(Effect::Creation));
    for outcome in [Kind::ArchiveCreated, Kind::ArchiveUnresolved] {
        assert_eq!(outcome.class(), Class::Outcome(Effect::Creation));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Wherever the boundary is, pages, scans and answers are those that there were without archives.
    #[test]
    fn the_boundary_does_not_show(
        steps in prop::collection::vec((1u8..8, 1u64..40, 10u64..30, any::<bool>()), 1..6),
    ) {
        let mut bench = Bench::new();
        let (mut n, mut movable, mut events, mut before) = (0, 0, Vec::new(), Vec::new());
        for (count, keep, range, reopens) in steps {
            (0..count).for_each(|_| {
                n += 1;
                deploy(&mut bench, n);
            });
            bench.cover(7);
            let added = bench.events();
            prop_assert_eq!(&added[..events.len()], &events[..]);
            events = added;
            before.push((events.len() as u64, findings(&bench, events.len() as u64)));
            configure(&mut bench, settings(keep, range));
            archive(&mut bench);
            if reopens {
                bench.reopen();
            }
            let size = bench.log.counters().events;
            // What was moved stays moved, whatever is to be kept from then on.
            movable = movable.max(size.saturating_sub(keep));
            prop_assert!(bench.log.kept_from() <= movable);
            for (size, found) in &before {
                prop_assert_eq!(&findings(&bench, *size), found);
            }
        }
        bench.verify();
        assert_scanned(&bench);
    }
}

/// What answers about the first `size` events find.
fn findings(bench: &Bench, size: u64) -> Vec<Vec<Event>> {
    let topics = [
        Topic::Family(Family::Money),
        Topic::Family(Family::Platform),
        Topic::Party(id(ALICE)),
        Topic::Deployment(deployment(2)),
    ];
    let tip = bench.certified_tip();
    let mut abouts: Vec<About> = topics.iter().map(|topic| About::Topics(vec![*topic])).collect();
    abouts.extend([About::Everything, About::Topics(vec![topics[0], topics[2]])]);
    let mut found = Vec::new();
    for about in abouts {
        for (from, order) in [(0, Order::OldestFirst), (size / 2, Order::NewestFirst)] {
            let span = Span { from, until: Some(size), ..Span::default() };
            let question = Question { about: about.clone(), span, order, limit: 500, since: None };
            let answer = bench.answer(&question);
            found.push(answer::verify(&question, &answer, &tip, None).expect("it holds").events);
        }
    }
    found
}
