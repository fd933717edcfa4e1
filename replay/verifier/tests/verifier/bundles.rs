use crate::exports::{policy, small};
use crate::sample::{Claim, first, key, pages};
use cairn_events::answer::Untrue;
use cairn_events::question::{About, Span};
use cairn_events::testing::{Dice, TestLog, principal, story};
use cairn_events::{Event, Family, Hash, LogId, Timestamp, Topic};
use cairn_verifier::*;
use proptest::prelude::*;
use std::slice::from_ref;
use std::sync::LazyLock;

fn bundle(logs: &[TestLog], about: About, span: Span, limit: u32) -> Bundle {
    let pages = pages(logs, &about, span, limit);
    Bundle { about, span, pages }
}

fn refusal(bundle: &Bundle, log: &TestLog) -> Failure {
    bundle::verify(&bundle.to_bytes(), &policy(log)).unwrap_err()
}

/// What a search of the whole log finds.
fn search<'a>(log: &'a TestLog, about: &About, span: &Span) -> Vec<&'a Event> {
    let fits = |event: &&Event| {
        about.includes(event)
            && !span.begins_after(event.index, event.timestamp)
            && !span.ends_before(event.index, event.timestamp)
    };
    log.events.iter().filter(fits).collect()
}

fn money() -> About {
    About::Topics(vec![Topic::Family(Family::Money)])
}

#[test]
fn a_bundle_in_order_shows_what_a_search_finds() {
    let log = story(7, 6);
    let some = log.events[log.events.len() / 2].clone();
    let both = About::Topics(vec![Topic::Family(Family::Money), *Topic::of(&some).last().unwrap()]);
    let nobody = About::Topics(vec![Topic::Party(principal(987))]);
    let size = log.events.len();
    for about in [About::Everything, money(), both, nobody] {
        for span in [
            Span::default(),
            Span { from: 3, until: Some(20), ..Span::default() },
            Span { from_time: Some(some.timestamp.0), ..Span::default() },
            Span { until_time: Some(some.timestamp.0), ..Span::default() },
        ] {
            for limit in [4, 500] {
                // The log grows while it is asked.
                let logs = [first(&log, size - 9), first(&log, size - 4), log.clone()];
                let bundle = bundle(&logs, about.clone(), span, limit);
                let last = logs.get(bundle.pages.len() - 1).unwrap_or(&log);
                let proven = bundle::verify(&bundle.to_bytes(), &policy(&log)).unwrap();
                let found = search(last, &about, &span);
                assert!(proven.events.iter().eq(found), "{about:?} {span:?} {limit}");
                assert_eq!((&proven.about, proven.span, proven.pages), (&about, span, bundle.pages.len()));
                assert_eq!(proven.tip.size, last.events.len() as u64);
                assert_eq!(proven.certified_at, Timestamp(Claim::of(last).time));
                assert_eq!(proven.complete.0, span.from);
            }
        }
    }
}

/// A receipt for one event, and its log.
static RECEIPT: LazyLock<(TestLog, Vec<u8>)> = LazyLock::new(|| {
    let log = small();
    let span = Span { from: 1, until: Some(2), ..Span::default() };
    let receipt = bundle(from_ref(&log), About::Everything, span, 500).to_bytes();
    (log, receipt)
});

#[test]
fn a_flipped_bit_anywhere_in_a_receipt_is_refused() {
    let (log, receipt) = &*RECEIPT;
    let policy = policy(log);
    assert_eq!(bundle::verify(receipt, &policy).unwrap().events, [log.events[1].clone()]);
    for position in 0..receipt.len() {
        for bit in 0..8 {
            let mut flipped = receipt.clone();
            flipped[position] ^= 1 << bit;
            assert!(bundle::verify(&flipped, &policy).is_err(), "bit {bit} of byte {position}");
        }
    }
}

#[test]
fn a_flipped_bit_in_a_question_makes_another_question_at_most() {
    let log = story(7, 1);
    let about = money();
    let bytes = bundle(from_ref(&log), about.clone(), Span::default(), 500).to_bytes();
    let policy = policy(&log);
    let mut others = 0;
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[position] ^= 1 << bit;
            if let Ok(proven) = bundle::verify(&flipped, &policy) {
                assert!((&proven.about, proven.span.from) != (&about, 0), "bit {bit} of byte {position}");
                assert!(proven.events.iter().eq(search(&log, &proven.about, &proven.span)));
                others += 1;
            }
        }
    }
    assert!(others > 0, "this test would show nothing");
}

#[test]
fn bytes_missing_or_added_are_refused() {
    let (log, receipt) = &*RECEIPT;
    for length in 0..receipt.len() {
        let refused = bundle::verify(&receipt[..length], &policy(log));
        assert!(matches!(refused, Err(Failure::Malformed(_))), "{length}");
    }
    let longer = [receipt.clone(), vec![0]].concat();
    assert!(matches!(bundle::verify(&longer, &policy(log)), Err(Failure::Malformed(FormatError::Bundle(_)))));
    let mut newer = receipt.clone();
    newer[11] = 2;
    assert_eq!(bundle::verify(&newer, &policy(log)), Err(FormatError::Version(2).into()));
}

#[test]
fn pages_removed_swapped_or_added_are_named() {
    let log = story(7, 6);
    let whole = bundle(from_ref(&log), money(), Span::default(), 5);
    assert!(whole.pages.len() > 3);
    let last = whole.pages.len() - 1;
    let spoiled = |spoil: &dyn Fn(&mut Bundle)| {
        let mut spoiled = whole.clone();
        spoil(&mut spoiled);
        refusal(&spoiled, &log)
    };
    let page = |failure| match failure {
        Failure::Page { page, .. } => page,
        other => panic!("{other}"),
    };
    assert_eq!(spoiled(&|bundle| bundle.pages.clear()), BundleFault::Empty.into());
    let cut = spoiled(&|bundle| drop(bundle.pages.pop()));
    assert!(matches!(cut, Failure::Bundle(BundleFault::Unfinished { page, .. }) if page == last - 1), "{cut}");
    let longer = spoiled(&|bundle| bundle.pages.push(bundle.pages[last].clone()));
    assert_eq!(longer, BundleFault::Superfluous { page: last + 1 }.into());
    assert_eq!(page(spoiled(&|bundle| drop(bundle.pages.remove(0)))), 0);
    assert_eq!(page(spoiled(&|bundle| drop(bundle.pages.remove(1)))), 1);
    assert_eq!(page(spoiled(&|bundle| bundle.pages.swap(1, 2))), 1);
    assert_eq!(page(spoiled(&|bundle| bundle.pages.insert(1, bundle.pages[0].clone()))), 1);
    assert_eq!(page(spoiled(&|bundle| drop(bundle.pages[2].events.remove(1)))), 2);
    assert_eq!(page(spoiled(&|bundle| bundle.pages[2].events.swap(0, 1))), 2);
    assert_eq!(page(spoiled(&|bundle| bundle.pages[last].head = None)), last);
    assert_eq!(page(spoiled(&|bundle| bundle.about = About::Everything)), 0);
    assert_eq!(page(spoiled(&|bundle| bundle.about = About::Topics(Vec::new()))), 0);
    assert_eq!(page(spoiled(&|bundle| bundle.span.until = Some(u64::MAX))), last);
}

#[test]
fn pages_of_two_histories_are_not_one_answer() {
    let log = story(7, 6);
    let grown = |position: usize| {
        let (mut grown, event) = (log.clone(), &log.events[position]);
        grown.append(event.source, event.actor, event.payload.clone());
        grown
    };
    let last = log.events.len() - 1;
    let whole = bundle(&[grown(last)], About::Everything, Span::default(), 10);
    let mut mixed = bundle(&[grown(last - 1)], About::Everything, Span::default(), 10);
    mixed.pages[0] = whole.pages[0].clone();
    let failure = refusal(&mixed, &log);
    let Failure::Page { page: 1, failure } = failure else { panic!("{failure}") };
    assert!(matches!(*failure, Failure::Answer(Untrue::Fork { .. })), "{failure}");
}

#[test]
fn a_page_of_another_network_canister_or_log_is_refused() {
    let log = story(7, 2);
    let refusal = |spoil: &dyn Fn(&mut Claim)| {
        let mut claim = Claim::of(&log);
        spoil(&mut claim);
        let mut spoiled = bundle(from_ref(&log), money(), Span::default(), 500);
        spoiled.pages[0].hash_tree = claim.hash_tree();
        spoiled.pages[0].certificate = claim.certificate();
        match refusal(&spoiled, &log) {
            Failure::Page { page: 0, failure } => *failure,
            other => panic!("{other}"),
        }
    };
    assert!(matches!(refusal(&|claim| claim.signer = key(3)), Failure::Certificate(CertificateFault::Signature(_))));
    assert!(matches!(refusal(&|claim| claim.canister = principal(9)), Failure::Policy(_)));
    assert!(matches!(refusal(&|claim| claim.log = LogId(Hash([0; 32]))), Failure::Policy(_)));
    assert!(matches!(refusal(&|claim| claim.topics_root = Hash([0; 32])), Failure::Answer(Untrue::Map(_))));
}

#[test]
fn old_answers_are_refused_where_age_matters() {
    let log = story(7, 2);
    let bytes = bundle(from_ref(&log), money(), Span::default(), 500).to_bytes();
    let made = Claim::of(&log).time;
    let second = 1_000_000_000;
    let at = |now| {
        let freshness = Some(Freshness { seconds: 60, now: Timestamp(now) });
        bundle::verify(&bytes, &Policy { freshness, ..policy(&log) })
    };
    assert!(at(made).is_ok() && at(made + 60 * second).is_ok());
    let stale = at(made + 60 * second + 1).unwrap_err();
    assert!(matches!(&stale, Failure::Page { failure, .. } if matches!(**failure, Failure::Stale { seconds: 60, .. })));
    assert!(at(made.saturating_sub(300 * second)).is_ok(), "clocks differ a little");
    if let Some(long_before) = made.checked_sub(301 * second) {
        let future = at(long_before).unwrap_err();
        let Failure::Page { failure, .. } = future else { panic!("{future}") };
        assert!(matches!(*failure, Failure::Certificate(CertificateFault::Future { .. })), "{failure}");
    }
}

/// Bundles of two pages, and their log.
static PAGES: LazyLock<(TestLog, Bundle)> = LazyLock::new(|| {
    let log = story(7, 3);
    let logs = [first(&log, log.events.len() - 3), log.clone()];
    let bundle = bundle(&logs, money(), Span { until: Some(25), ..Span::default() }, 6);
    (log, bundle)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_make_it_panic(noise in proptest::collection::vec(any::<u8>(), 0..300), magic in any::<bool>()) {
        let (log, _) = &*RECEIPT;
        let bytes = if magic { [b"CAIRNANS\0\0\0\x01".to_vec(), noise].concat() } else { noise };
        prop_assert!(bundle::verify(&bytes, &policy(log)).is_err());
    }

    #[test]
    fn spliced_receipts_are_refused_without_panic(from in 0usize..2_000, to in 0usize..2_000, length in 1usize..64) {
        let (log, receipt) = &*RECEIPT;
        let mut spliced = receipt.clone();
        let (from, to) = (from % (receipt.len() - length), to % (receipt.len() - length));
        spliced[to..to + length].copy_from_slice(&receipt[from..from + length]);
        prop_assert_eq!(bundle::verify(&spliced, &policy(log)).is_ok(), spliced == *receipt);
    }

    /// What is dropped, repeated, moved or exchanged between pages is noticed: nothing false is ever accepted.
    #[test]
    fn whatever_is_done_to_pages_only_truth_is_accepted(seed in any::<u64>()) {
        let (log, whole) = &*PAGES;
        let (mut dice, mut spoiled) = (Dice(seed), whole.clone());
        for _ in 0..1 + dice.below(2) {
            spoil(&mut spoiled, &mut dice);
        }
        if let Ok(proven) = bundle::verify(&spoiled.to_bytes(), &policy(log)) {
            let found: Vec<&Event> = search(log, &proven.about, &proven.span);
            let found = found.into_iter().filter(|event| event.index < proven.complete.1);
            prop_assert!(proven.events.iter().eq(found), "{:?} {:?}", proven.about, proven.span);
        }
    }
}

fn spoil(bundle: &mut Bundle, dice: &mut Dice) {
    let pages = bundle.pages.len() as u64;
    if pages == 0 {
        return;
    }
    let (one, other) = (dice.below(pages) as usize, dice.below(pages) as usize);
    let donor = bundle.pages[other].clone();
    match dice.below(13) {
        0 => drop(bundle.pages.remove(one)),
        1 => bundle.pages.swap(one, other),
        2 => bundle.pages.insert(one, donor),
        3 => bundle.span.from = dice.below(40),
        4 => bundle.span.until = Some(dice.below(40)),
        5 => bundle.about = About::Everything,
        6 => bundle.pages[one].events = donor.events,
        7 => bundle.pages[one].after = if dice.one_in(2) { donor.after } else { None },
        8 => bundle.pages[one].before = if dice.one_in(2) { donor.after } else { donor.before },
        9 => bundle.pages[one].head = donor.head,
        10 => bundle.pages[one].inclusion = donor.inclusion,
        11 => bundle.pages[one].consistency = donor.consistency,
        _ => {
            let events = &mut bundle.pages[one].events;
            if !events.is_empty() {
                events.remove(dice.below(events.len() as u64) as usize);
            }
        }
    }
}
