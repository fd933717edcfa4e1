//! Certificates that a subnet signs for the canisters that the root has given to it, as on the public network: a local
//! network never has them.

use crate::exports::{policy, small};
use crate::sample::{Claim, Range, Subnet, der, key, pages};
use cairn_events::question::{About, Span};
use cairn_events::testing::{TestLog, principal};
use cairn_events::{Principal, Timestamp};
use cairn_verifier::*;

/// What a verifier says of an answer that this subnet has certified.
fn verdict(log: &TestLog, policy: &Policy, subnet: Subnet) -> Result<(), Failure> {
    let (about, span) = (About::Everything, Span::default());
    let mut pages = pages(std::slice::from_ref(log), &about, span, 500);
    let claim = Claim { subnet: Some(subnet), ..Claim::of(log) };
    pages[0].certificate = claim.certificate();
    bundle::verify(&Bundle { about, span, pages }.to_bytes(), policy).map(drop).map_err(|failure| match failure {
        Failure::Page { page: 0, failure } => *failure,
        other => panic!("{other}"),
    })
}

/// Why a delegated certificate was refused.
fn refusal(log: &TestLog, subnet: Subnet) -> String {
    match verdict(log, &policy(log), subnet) {
        Err(Failure::Certificate(CertificateFault::Signature(why))) => why,
        other => panic!("{other:?}"),
    }
}

/// The canister of `small` is number 1.
fn range(first: u64, last: u64) -> Range {
    (principal(first), principal(last))
}

#[test]
fn a_subnet_speaks_for_the_canisters_that_it_was_given() {
    let log = small();
    for ranges in [
        vec![range(1, 1)],
        vec![range(0, 1)],
        vec![range(1, 9)],
        vec![range(0, 0), range(1, 4)],
        vec![(principal(0), Principal::from_slice(&[255; 29]))],
    ] {
        let sharded = Subnet { shards: ranges.iter().map(|range| vec![*range]).collect(), ..Subnet::of(&ranges) };
        let together = Subnet { together: true, ..Subnet::of(&ranges) };
        for subnet in [Subnet::of(&ranges), sharded, together] {
            assert_eq!(verdict(&log, &policy(&log), subnet), Ok(()), "{ranges:?}");
        }
    }
}

#[test]
fn it_does_not_speak_for_others() {
    let log = small();
    for ranges in [vec![], vec![range(0, 0)], vec![range(2, 9)], vec![range(0, 0), range(2, 2)], vec![range(9, 0)]] {
        let sharded = Subnet { shards: ranges.iter().map(|range| vec![*range]).collect(), ..Subnet::of(&ranges) };
        let together = Subnet { together: true, ..Subnet::of(&ranges) };
        for subnet in [Subnet::of(&ranges), sharded, together] {
            refusal(&log, subnet);
        }
    }
}

#[test]
fn only_the_root_says_which_subnet_is_which() {
    let log = small();
    let own = || Subnet::of(&[range(1, 1)]);
    refusal(&log, Subnet { told_by: key(2), ..own() });
    refusal(&log, Subnet { told_by: key(5), ..own() });
    refusal(&log, Subnet { key: der(&key(6)), ..own() });
    refusal(&log, Subnet { key: vec![1, 2, 3], ..own() });
    refusal(&log, Subnet { named: principal(3), ..own() });
}

#[test]
fn a_subnet_does_not_delegate_further() {
    let log = small();
    let nested = Subnet { nested: true, told_by: key(5), ..Subnet::of(&[range(1, 1)]) };
    let refused = verdict(&log, &policy(&log), nested);
    assert!(
        matches!(refused, Err(Failure::Malformed(FormatError::Cbor { section: "certificate", .. }))),
        "{refused:?}"
    );
}

#[test]
fn a_delegated_certificate_grows_old_like_any_other() {
    let log = small();
    let made = Claim::of(&log).time;
    let at = |now| {
        let freshness = Some(Freshness { seconds: 60, now: Timestamp(now) });
        verdict(&log, &Policy { freshness, ..policy(&log) }, Subnet::of(&[range(1, 1)]))
    };
    assert_eq!(at(made + 60_000_000_000), Ok(()));
    assert!(matches!(at(made + 60_000_000_001), Err(Failure::Stale { seconds: 60, .. })));
}

#[test]
fn a_flipped_bit_anywhere_in_a_delegation_is_refused() {
    let log = small();
    let policy = policy(&log);
    let claim = Claim { subnet: Some(Subnet::of(&[range(1, 1)])), ..Claim::of(&log) };
    let (about, span) = (About::Everything, Span::default());
    let mut pages = pages(std::slice::from_ref(&log), &about, span, 500);
    let certificate = claim.certificate();
    let begin = certificate.windows(10).position(|window| window == b"delegation").unwrap();
    for position in begin..certificate.len() {
        pages[0].certificate.clone_from(&certificate);
        pages[0].certificate[position] ^= 1 << (position % 8);
        let bytes = Bundle { about: about.clone(), span, pages: pages.clone() }.to_bytes();
        assert!(bundle::verify(&bytes, &policy).is_err(), "byte {position}");
    }
}
