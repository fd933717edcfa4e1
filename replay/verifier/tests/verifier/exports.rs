use cairn_events::testing::{TestLog, principal, story};
use cairn_events::{Hash, LogId, Timestamp};
use cairn_verifier::*;
use proptest::prelude::*;
use std::sync::LazyLock;

use crate::sample::{self, Claim, der, key};

pub fn export(claim: &Claim, log: &TestLog) -> Vec<u8> {
    let events = sample::events(log);
    file::write(events.iter().map(Vec::as_slice), &claim.hash_tree(), &claim.certificate()).unwrap()
}

pub fn policy(log: &TestLog) -> Policy {
    Policy { root_key: der(&key(1)), canister: log.canister, log: log.id, freshness: None }
}

/// A log of a few events.
pub fn small() -> TestLog {
    let mut log = story(1, 1);
    log.events.truncate(4);
    log
}

#[test]
fn an_export_in_order_is_accepted() {
    let log = story(7, 5);
    let claim = Claim::of(&log);
    let verdict = verify(&export(&claim, &log), &policy(&log)).unwrap();
    assert_eq!(verdict.events, log.events.len() as u64);
    assert_eq!(verdict.last_hash, claim.last_hash);
    assert_eq!(verdict.root, claim.root);
    assert_eq!(verdict.certified_at, Timestamp(claim.time));
    assert_eq!(verdict.begin, log.events[0].timestamp);
    assert!(!verdict.public_network);
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let log = small();
    let export = export(&Claim::of(&log), &log);
    let policy = policy(&log);
    verify(&export, &policy).unwrap();
    let worker = |first: usize| {
        let mut export = export.clone();
        for position in (first..export.len()).step_by(2) {
            for bit in 0..8 {
                export[position] ^= 1 << bit;
                assert!(verify(&export, &policy).is_err(), "bit {bit} of byte {position}");
                export[position] ^= 1 << bit;
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| worker(0));
        scope.spawn(|| worker(1));
    });
}

#[test]
fn bytes_missing_or_added_are_refused() {
    let log = small();
    let export = export(&Claim::of(&log), &log);
    for length in 0..export.len() {
        assert!(matches!(verify(&export[..length], &policy(&log)), Err(Failure::Malformed(_))), "{length}");
    }
    let longer = [export, vec![0]].concat();
    assert_eq!(verify(&longer, &policy(&log)), Err(FormatError::Trailing(1).into()));
}

#[test]
fn events_removed_swapped_or_repeated_are_named() {
    let log = story(7, 3);
    let refusal = |spoil: &dyn Fn(&mut TestLog)| {
        let mut spoiled = log.clone();
        spoil(&mut spoiled);
        verify(&export(&Claim::of(&spoiled), &spoiled), &policy(&log)).unwrap_err()
    };
    let index = |failure| match failure {
        Failure::Log(violation) => violation.index,
        other => panic!("{other}"),
    };
    assert_eq!(index(refusal(&|log| drop(log.events.remove(5)))), 5);
    assert_eq!(index(refusal(&|log| log.events.swap(3, 4))), 3);
    assert_eq!(index(refusal(&|log| log.events.insert(6, log.events[5].clone()))), 6);
    assert_eq!(index(refusal(&|log| log.events[8].timestamp = Timestamp(0))), 8);
    // A content changed and everything sealed anew: the chain is whole, the certificate is not the network's.
    let failure = {
        let mut claim = Claim::of(&log);
        claim.signer = key(2);
        verify(&export(&claim, &log), &policy(&log)).unwrap_err()
    };
    assert!(matches!(failure, Failure::Certificate(CertificateFault::Signature(_))));
}

#[test]
fn a_shortened_log_is_refused_by_its_certificate() {
    let log = story(7, 3);
    let mut shorter = log.clone();
    shorter.events.pop();
    let claim = Claim::of(&log);
    let failure = verify(&export(&claim, &shorter), &policy(&log)).unwrap_err();
    assert!(matches!(failure, Failure::Certificate(CertificateFault::Differs { label: "last_block_hash", .. })));
}

#[test]
fn every_certified_value_is_compared() {
    let log = small();
    let refusal = |spoil: &dyn Fn(&mut Claim)| {
        let mut claim = Claim::of(&log);
        spoil(&mut claim);
        verify(&export(&claim, &log), &policy(&log)).unwrap_err()
    };
    let differs = |failure| match failure {
        Failure::Certificate(CertificateFault::Differs { label, .. }) => label,
        other => panic!("{other}"),
    };
    assert_eq!(differs(refusal(&|claim| claim.last_hash = Hash([0; 32]))), "last_block_hash");
    assert_eq!(differs(refusal(&|claim| claim.size += 1)), "merkle_size");
    assert_eq!(differs(refusal(&|claim| claim.topics_size -= 1)), "topics_root");
    assert_eq!(differs(refusal(&|claim| claim.topics_root = Hash([0; 32]))), "topics_root");
    assert_eq!(differs(refusal(&|claim| claim.root = Hash([0; 32]))), "merkle_root");
    assert!(matches!(refusal(&|claim| claim.log = LogId(Hash([0; 32]))), Failure::Policy(_)));
    let unsigned = refusal(&|claim| claim.signer = key(3));
    assert!(matches!(unsigned, Failure::Certificate(CertificateFault::Signature(_))), "{unsigned}");
    let early = refusal(&|claim| claim.time -= 10);
    assert!(matches!(early, Failure::Certificate(CertificateFault::BeforeLastEvent { .. })));
    let elsewhere = refusal(&|claim| claim.canister = principal(77));
    assert!(matches!(elsewhere, Failure::Policy(_)), "{elsewhere}");
}

#[test]
fn the_policy_decides_not_the_file() {
    let log = small();
    let export = export(&Claim::of(&log), &log);
    let refusal = |policy: Policy| verify(&export, &policy).unwrap_err();
    assert!(matches!(refusal(Policy { log: LogId(Hash([1; 32])), ..policy(&log) }), Failure::Policy(_)));
    assert!(matches!(refusal(Policy { canister: principal(78), ..policy(&log) }), Failure::Policy(_)));
    assert!(matches!(refusal(Policy { root_key: der(&key(2)), ..policy(&log) }), Failure::Certificate(_)));
}

#[test]
fn policies_are_read_strictly() {
    let log = small();
    let policy = policy(&log);
    let now = Timestamp(9);
    assert_eq!(Policy::from_text(&policy.to_text(), now), Ok(policy.clone()));
    let fresh = Policy { freshness: Some(Freshness { seconds: 300, now }), ..policy.clone() };
    assert_eq!(Policy::from_text(&fresh.to_text(), now), Ok(fresh.clone()));
    let without = policy.to_text().replace("freshness: archival\n", "");
    assert_eq!(Policy::from_text(&without, now), Ok(policy.clone()));
    assert_eq!(Policy::new(&policy.root_key, &policy.canister.to_text(), &policy.log.to_string()), Ok(policy.clone()));
    let id = policy.canister.to_text();
    assert!(matches!(Policy::new(b"00", &id, &policy.log.to_string()), Err(PolicyError::RootKey(_))));
    assert!(matches!(Policy::new(&policy.root_key, "x", &policy.log.to_string()), Err(PolicyError::Canister(_))));
    assert!(matches!(Policy::new(&policy.root_key, &id, "ab"), Err(PolicyError::Log(_))));
    let refusal = |text: String| Policy::from_text(&text, now).unwrap_err();
    let text = policy.to_text();
    assert!(matches!(refusal(text.replace("canister:", "# canister:")), PolicyError::Missing("canister")));
    assert!(matches!(refusal(text.replace("canister:", "canisters:")), PolicyError::Line { line: 3, .. }));
    assert!(matches!(refusal(text.replace("canister:", "canister")), PolicyError::Line { line: 3, .. }));
    assert!(matches!(refusal(text.clone() + "freshness: archival\n"), PolicyError::Line { line: 6, .. }));
    for freshness in ["", "at most 5 minutes old", "at most -1 seconds old", "at most  seconds old"] {
        let refused = refusal(text.replace("archival", freshness));
        assert!(matches!(refused, PolicyError::Freshness(_)), "{freshness}: {refused}");
    }
}

/// A small log and its export, made once.
static SMALL: LazyLock<(TestLog, Vec<u8>)> = LazyLock::new(|| {
    let log = small();
    let export = export(&Claim::of(&log), &log);
    (log, export)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_make_it_panic(noise in proptest::collection::vec(any::<u8>(), 0..300), magic in any::<bool>()) {
        let (log, _) = &*SMALL;
        let bytes = if magic { [b"CAIRNLOG\0\0\0\x01".to_vec(), noise].concat() } else { noise };
        prop_assert!(verify(&bytes, &policy(log)).is_err());
    }

    #[test]
    fn spliced_exports_are_refused_without_panic(from in 0usize..2_000, to in 0usize..2_000, length in 1usize..64) {
        let (log, export) = &*SMALL;
        let mut spliced = export.clone();
        let (from, to) = (from % (export.len() - length), to % (export.len() - length));
        spliced[to..to + length].copy_from_slice(&export[from..from + length]);
        prop_assert_eq!(verify(&spliced, &policy(log)).is_ok(), spliced == *export);
    }
}
