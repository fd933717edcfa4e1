//! Verdicts for ever, on files that were written once.
//!
//! `vectors/vectors.txt` is append-only: a line is a name and what is said of `NAME.cairn` to somebody who holds
//! `NAME.policy` and asks at [`NOW`]. Neither lines nor files ever change; what is new is added by `APPEND_GOLDEN=1`.

use crate::exports::{export, policy, small};
use crate::sample::{self, Claim, Range, Subnet, der, key, pages};
use cairn_events::question::{About, Span};
use cairn_events::testing::principal;
use cairn_events::{Hash, LogId, Principal, Timestamp};
use cairn_verifier::*;
use std::path::{Path, PathBuf};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
/// The present: two minutes after the certificate of `small`, but for five nanoseconds.
const NOW: Timestamp = Timestamp(1_700_000_300_000_000_000);
/// The ids next to that of the audit canister of `small`, which is number 1.
const BELOW: Principal = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 0]);
const ABOVE: Principal = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 2]);

const VERIFIED: &str = "verified";
const UNSIGNED: &str = "certificate: not the network's: Signature verification failed";
const OUTSIDE: &str = "certificate: not the network's: its delegation does not extend to canister";
const UNNAMED: &str = "certificate: not the network's: its delegation names no canisters";

/// A file as somebody may show it, and what the auditor holds.
struct Vector {
    name: &'static str,
    /// How the verdict begins: so much of it is known without a verifier.
    begins: &'static str,
    file: Vec<u8>,
    policy: Policy,
}

impl Vector {
    /// The same, for an auditor who holds something else.
    fn held(self, spoil: impl FnOnce(&mut Policy)) -> Vector {
        let mut policy = self.policy;
        spoil(&mut policy);
        Vector { policy, ..self }
    }

    /// The same, for an auditor who wants what is at most so old.
    fn fresh(self, seconds: u64) -> Vector {
        self.held(|policy| policy.freshness = Some(Freshness { seconds, now: NOW }))
    }
}

/// An export whose certificate was made from a claim like this.
fn certified(name: &'static str, begins: &'static str, spoil: impl FnOnce(&mut Claim)) -> Vector {
    let log = small();
    let mut claim = Claim::of(&log);
    spoil(&mut claim);
    Vector { name, begins, file: export(&claim, &log), policy: policy(&log) }
}

fn range(first: u64, last: u64) -> Range {
    (principal(first), principal(last))
}

/// A subnet that was given the audit canister.
fn own() -> Subnet {
    Subnet::of(&[range(1, 1)])
}

/// An export that a subnet has certified.
fn delegated(name: &'static str, begins: &'static str, subnet: Subnet) -> Vector {
    certified(name, begins, |claim| claim.subnet = Some(subnet))
}

/// A bundle: the answer to what there is, all of it.
fn answered(name: &'static str, begins: &'static str, subnet: Option<Subnet>) -> Vector {
    let (log, about, span) = (small(), About::Everything, Span::default());
    let mut pages = pages(std::slice::from_ref(&log), &about, span, 500);
    pages[0].certificate = Claim { subnet, ..Claim::of(&log) }.certificate();
    Vector { name, begins, file: Bundle { about, span, pages }.to_bytes(), policy: policy(&log) }
}

fn vectors() -> Vec<Vector> {
    [of_the_root(), of_policies(), of_ages(), of_ranges(), of_ranges_together(), of_subnets(), of_bundles()]
        .into_iter()
        .flatten()
        .collect()
}

/// Certificates without a delegation.
fn of_the_root() -> Vec<Vector> {
    let log = small();
    let (claim, shorter) = (Claim::of(&log), Claim { size: 3, ..Claim::of(&log) });
    let events = sample::events(&log);
    let mixed = file::write(events.iter().map(Vec::as_slice), &claim.hash_tree(), &shorter.certificate()).unwrap();
    vec![
        certified("root", VERIFIED, |_| ()),
        certified("root_another_signer", UNSIGNED, |claim| claim.signer = key(3)),
        certified("root_subnet_without_delegation", UNSIGNED, |claim| claim.signer = key(5)),
        certified("root_without_time", "certificate: it has no readable time", |claim| claim.timed = false),
        certified("root_before_last_event", "certificate: made at 2023-11-14T22:16:19.999999995Z (", |claim| {
            claim.time -= 10;
        }),
        certified("root_another_canister", "the certificate does not speak about canister ", |claim| {
            claim.canister = principal(9);
        }),
        certified("root_another_log", "the network certified log ", |claim| claim.log = LogId(Hash([1; 32]))),
        certified("root_another_end", "certificate: last_block_hash is ", |claim| claim.last_hash = Hash([1; 32])),
        Vector { file: mixed, ..certified("root_another_tree", "certificate: the certified data is ", |_| ()) },
    ]
}

/// What is in order, for auditors who hold something else.
fn of_policies() -> Vec<Vector> {
    let root = |name, begins| certified(name, begins, |_| ());
    vec![
        root("policy_another_root_key", UNSIGNED).held(|policy| policy.root_key = der(&key(2))),
        delegated("policy_another_root_key_delegated", UNSIGNED, own()).held(|policy| policy.root_key = der(&key(2))),
        delegated("policy_subnet_for_root", UNSIGNED, own()).held(|policy| policy.root_key = der(&key(5))),
        root("policy_another_log", "the file holds log ").held(|policy| policy.log = LogId(Hash([1; 32]))),
        root("policy_another_canister", "the file holds the log of canister ")
            .held(|policy| policy.canister = principal(9)),
    ]
}

/// Certificates where age matters.
fn of_ages() -> Vec<Vector> {
    let ahead = |name, begins, seconds: u64| {
        certified(name, begins, |claim| claim.time = NOW.0 + seconds * 1_000_000_000).fresh(120)
    };
    let stale = "certified at 2023-11-14T22:16:20.000000005Z (";
    vec![
        certified("age_fresh", VERIFIED, |_| ()).fresh(120),
        certified("age_stale", stale, |_| ()).fresh(119),
        delegated("age_fresh_delegated", VERIFIED, own()).fresh(120),
        delegated("age_stale_delegated", stale, own()).fresh(119),
        ahead("age_clocks_differ", VERIFIED, 300),
        ahead("age_future", "certificate: made at 2023-11-14T22:23:21.000000000Z (", 301),
    ]
}

/// Ranges as they stand today, in shards: `/canister_ranges/<subnet>/<first canister>`.
fn of_ranges() -> Vec<Vector> {
    let one = |name, begins, ranges: &[Range]| delegated(name, begins, Subnet::of(ranges));
    let many = |name, begins, shards: &[Vec<Range>]| {
        delegated(name, begins, Subnet { shards: shards.to_vec(), ..Subnet::of(&[]) })
    };
    vec![
        one("ranges_one_canister", VERIFIED, &[range(1, 1)]),
        one("ranges_inside", VERIFIED, &[range(0, 9)]),
        one("ranges_begin_at_it", VERIFIED, &[range(1, 9)]),
        one("ranges_end_at_it", VERIFIED, &[range(0, 1)]),
        one("ranges_in_the_second", VERIFIED, &[range(0, 0), range(1, 4)]),
        one("ranges_end_just_below", OUTSIDE, &[(principal(0), BELOW)]),
        one("ranges_begin_just_above", OUTSIDE, &[(ABOVE, principal(9))]),
        one("ranges_around_it", OUTSIDE, &[(principal(0), BELOW), (ABOVE, principal(9))]),
        one("ranges_backwards", OUTSIDE, &[range(9, 0)]),
        one("ranges_empty", OUTSIDE, &[]),
        many("shards_in_the_second", VERIFIED, &[vec![range(0, 0)], vec![range(1, 4)]]),
        many("shards_around_it", OUTSIDE, &[vec![(principal(0), BELOW)], vec![(ABOVE, principal(9))]]),
        many("shards_pruned", OUTSIDE, &[]),
    ]
}

/// Ranges as they stood once: `/subnet/<subnet>/canister_ranges`.
fn of_ranges_together() -> Vec<Vector> {
    let together =
        |name, begins, ranges: &[Range]| delegated(name, begins, Subnet { together: true, ..Subnet::of(ranges) });
    vec![
        together("together_one_canister", VERIFIED, &[range(1, 1)]),
        together("together_in_the_second", VERIFIED, &[range(0, 0), range(1, 4)]),
        together("together_end_just_below", OUTSIDE, &[(principal(0), BELOW)]),
        together("together_begin_just_above", OUTSIDE, &[(ABOVE, principal(9))]),
        together("together_empty", OUTSIDE, &[]),
    ]
}

/// Who says which subnet is which.
fn of_subnets() -> Vec<Vector> {
    let nested = "malformed: certificate: expected a certificate without a second delegation";
    let no_key = "certificate: not the network's: Subnet public key not found";
    let short =
        "certificate: not the network's: BLS DER-encoded public key must be 133 bytes long, but is 3 bytes long";
    vec![
        delegated("subnet_told_by_another", UNSIGNED, Subnet { told_by: key(2), ..own() }),
        delegated("subnet_told_by_itself", UNSIGNED, Subnet { told_by: key(5), ..own() }),
        delegated("subnet_key_of_another", UNSIGNED, Subnet { key: der(&key(6)), ..own() }),
        delegated("subnet_key_short", short, Subnet { key: vec![1, 2, 3], ..own() }),
        delegated("subnet_key_under_another", no_key, Subnet { key_of: principal(3), ..own() }),
        delegated("subnet_named_otherwise", UNNAMED, Subnet { named: principal(3), ..own() }),
        delegated("subnet_named_otherwise_together", UNNAMED, Subnet { named: principal(3), together: true, ..own() }),
        delegated("subnet_delegates_further", nested, Subnet { nested: true, told_by: key(5), ..own() }),
    ]
}

/// Answers, whose certificates are looked at in the same way.
fn of_bundles() -> Vec<Vector> {
    let outside = "page 0: certificate: not the network's: its delegation does not extend to canister";
    let stale = "page 0: certified at 2023-11-14T22:16:20.000000005Z (";
    let subnet = |ranges: &[Range]| Some(Subnet::of(ranges));
    vec![
        answered("bundle", VERIFIED, None),
        answered("bundle_stale", stale, None).fresh(119),
        answered("bundle_in_the_second_range", VERIFIED, subnet(&[range(0, 0), range(1, 4)])),
        answered("bundle_range_ends_just_below", outside, subnet(&[(principal(0), BELOW)])),
    ]
}

fn path(name: &str, kind: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{name}.{kind}"))
}

fn read(name: &str, kind: &str) -> Vec<u8> {
    let path = path(name, kind);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is said of the files of this name.
fn verdict(name: &str) -> String {
    let bytes = read(name, "cairn");
    let policy = Policy::from_text(&String::from_utf8(read(name, "policy")).unwrap(), NOW).unwrap();
    let verdict = if bytes.starts_with(bundle::MAGIC) {
        bundle::verify(&bytes, &policy).map(drop)
    } else {
        verify(&bytes, &policy).map(drop)
    };
    verdict.map_or_else(|failure| failure.to_string(), |()| VERIFIED.to_owned())
}

/// Names and verdicts.
fn lines(index: &str) -> Vec<(&str, &str)> {
    index.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once(' ').unwrap()).collect()
}

/// Writes what there is not yet.
fn add(vector: &Vector, index: &mut String) {
    let policy = vector.policy.to_text();
    for (kind, content) in [("cairn", &vector.file[..]), ("policy", policy.as_bytes())] {
        let path = path(vector.name, kind);
        if !path.exists() {
            std::fs::write(path, content).unwrap();
        }
    }
    if lines(index).iter().all(|(name, _)| *name != vector.name) {
        *index += &[vector.name, " ", &verdict(vector.name), "\n"].concat();
    }
}

#[test]
fn every_vector_has_its_verdict() {
    let (path, vectors) = (path("vectors", "txt"), vectors());
    let mut index = std::fs::read_to_string(&path).unwrap();
    if std::env::var_os("APPEND_GOLDEN").is_some() {
        vectors.iter().for_each(|vector| add(vector, &mut index));
        std::fs::write(&path, &index).unwrap();
    }
    let lines = lines(&index);
    for (name, said) in &lines {
        assert_eq!(verdict(name), *said, "{name}");
    }
    for Vector { name, begins, .. } in &vectors {
        let line = lines.iter().find(|(listed, _)| listed == name);
        let (_, said) = line.unwrap_or_else(|| panic!("{name} is missing; what is new is added by APPEND_GOLDEN=1"));
        assert!(said.starts_with(*begins), "{name}: {said}");
    }
    let files = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let stored = files.filter(|path| path.extension().is_some_and(|kind| kind == "cairn")).count();
    assert_eq!(stored, lines.len(), "a line for every file");
}
