use super::*;
use cairn_events::testing::{TestLog, principal, story};
use cairn_events::value::leb128;
use ic_verify_bls_signature::PrivateKey;
use proptest::prelude::*;

/// A hash tree, as tests write it.
enum Tree {
    Fork(Box<Tree>, Box<Tree>),
    Label(&'static str, Box<Tree>),
    LabelId(Principal, Box<Tree>),
    Leaf(Vec<u8>),
    Pruned([u8; 32]),
}

use Tree::{Fork, Label, LabelId, Leaf, Pruned};

fn fork(left: Tree, right: Tree) -> Tree {
    Fork(Box::new(left), Box::new(right))
}

fn entry(label: &'static str, leaf: impl Into<Vec<u8>>) -> Tree {
    Label(label, Box::new(Leaf(leaf.into())))
}

fn head(major: u8, n: usize) -> Vec<u8> {
    match n {
        0..=23 => vec![major << 5 | n as u8],
        24..=255 => vec![major << 5 | 24, n as u8],
        _ => [vec![major << 5 | 25], (n as u16).to_be_bytes().to_vec()].concat(),
    }
}

fn bytes(content: &[u8]) -> Vec<u8> {
    [head(2, content.len()), content.to_vec()].concat()
}

fn text(content: &str) -> Vec<u8> {
    [head(3, content.len()), content.as_bytes().to_vec()].concat()
}

impl Tree {
    fn cbor(&self) -> Vec<u8> {
        match self {
            Fork(left, right) => [vec![0x83, 1], left.cbor(), right.cbor()].concat(),
            Label(label, child) => [vec![0x83, 2], bytes(label.as_bytes()), child.cbor()].concat(),
            LabelId(id, child) => [vec![0x83, 2], bytes(id.as_slice()), child.cbor()].concat(),
            Leaf(content) => [vec![0x82, 3], bytes(content)].concat(),
            Pruned(digest) => [vec![0x82, 4], bytes(digest)].concat(),
        }
    }

    fn tagged(&self) -> Vec<u8> {
        [vec![0xd9, 0xd9, 0xf7], self.cbor()].concat()
    }

    fn digest(&self) -> [u8; 32] {
        cbor::hash_tree(&self.tagged()).unwrap().digest()
    }
}

fn key(byte: u8) -> PrivateKey {
    PrivateKey::deserialize(&[byte; 32]).unwrap()
}

fn der(key: &PrivateKey) -> Vec<u8> {
    let prefix = "308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100";
    [hex::decode(prefix).unwrap(), key.public_key().serialize().to_vec()].concat()
}

/// What the network and the audit canister would say of `log`, before a test spoils it.
struct Claim {
    last_hash: Hash,
    size: u64,
    root: Hash,
    log: LogId,
    canister: Principal,
    time: u64,
    signer: PrivateKey,
}

impl Claim {
    fn of(log: &TestLog) -> Claim {
        let mut tree = cairn_events::merkle::Frontier::default();
        log.events.iter().for_each(|event| tree.push(&event.hash()));
        let last = log.events.last().unwrap();
        Claim {
            last_hash: last.hash(),
            size: tree.size(),
            root: tree.root(),
            log: log.id,
            canister: log.canister,
            time: last.timestamp.0 + 5,
            signer: key(1),
        }
    }

    fn tree(&self) -> Tree {
        let ours = fork(
            fork(entry("log_id", self.log.0.0), entry("merkle_root", self.root.0)),
            entry("merkle_size", leb128(self.size)),
        );
        let standard =
            fork(entry("last_block_hash", self.last_hash.0), entry("last_block_index", leb128(self.size - 1)));
        fork(standard, ours)
    }

    fn certificate(&self) -> Vec<u8> {
        let data = entry("certified_data", self.tree().digest());
        let canister = LabelId(self.canister, Box::new(fork(data, Pruned([9; 32]))));
        let state = fork(Label("canister", Box::new(canister)), entry("time", leb128(self.time)));
        let message = [b"\x0Dic-state-root".to_vec(), state.digest().to_vec()].concat();
        let signature = self.signer.sign(&message).serialize();
        [vec![0xd9, 0xd9, 0xf7, 0xa2], text("tree"), state.cbor(), text("signature"), bytes(&signature)].concat()
    }

    fn export(&self, log: &TestLog) -> Vec<u8> {
        let events: Vec<Vec<u8>> = log.events.iter().map(codec::encode_event).collect();
        file::write(events.iter().map(Vec::as_slice), &self.tree().tagged(), &self.certificate()).unwrap()
    }
}

fn policy(log: &TestLog) -> Policy {
    Policy { root_key: der(&key(1)), canister: log.canister, log: log.id }
}

/// A log of a few events.
fn small() -> TestLog {
    let mut log = story(1, 1);
    log.events.truncate(4);
    log
}

#[test]
fn an_export_in_order_is_accepted() {
    let log = story(7, 5);
    let claim = Claim::of(&log);
    let verdict = verify(&claim.export(&log), &policy(&log)).unwrap();
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
    let export = Claim::of(&log).export(&log);
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
    let export = Claim::of(&log).export(&log);
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
        verify(&Claim::of(&spoiled).export(&spoiled), &policy(&log)).unwrap_err()
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
        verify(&claim.export(&log), &policy(&log)).unwrap_err()
    };
    assert!(matches!(failure, Failure::Certificate(CertificateFault::Signature(_))));
}

#[test]
fn a_shortened_log_is_refused_by_its_certificate() {
    let log = story(7, 3);
    let mut shorter = log.clone();
    shorter.events.pop();
    let claim = Claim::of(&log);
    let events: Vec<Vec<u8>> = shorter.events.iter().map(codec::encode_event).collect();
    let export =
        file::write(events.iter().map(Vec::as_slice), &claim.tree().tagged(), &claim.certificate()).unwrap();
    let failure = verify(&export, &policy(&log)).unwrap_err();
    assert!(matches!(failure, Failure::Certificate(CertificateFault::Differs { label: "last_block_hash", .. })));
}

#[test]
fn every_certified_value_is_compared() {
    let log = small();
    let refusal = |spoil: &dyn Fn(&mut Claim)| {
        let mut claim = Claim::of(&log);
        spoil(&mut claim);
        verify(&claim.export(&log), &policy(&log)).unwrap_err()
    };
    let differs = |failure| match failure {
        Failure::Certificate(CertificateFault::Differs { label, .. }) => label,
        other => panic!("{other}"),
    };
    assert_eq!(differs(refusal(&|claim| claim.last_hash = Hash([0; 32]))), "last_block_hash");
    assert_eq!(differs(refusal(&|claim| claim.size += 1)), "last_block_index");
    assert_eq!(differs(refusal(&|claim| claim.root = Hash([0; 32]))), "merkle_root");
    assert_eq!(differs(refusal(&|claim| claim.log = LogId(Hash([0; 32])))), "log_id");
    assert_eq!(refusal(&|claim| claim.signer = key(3)).exit_code(), 4);
    let early = refusal(&|claim| claim.time -= 10);
    assert!(matches!(early, Failure::Certificate(CertificateFault::BeforeLastEvent { .. })));
    let elsewhere = refusal(&|claim| claim.canister = principal(77));
    assert!(matches!(elsewhere, Failure::Policy(_)), "{elsewhere}");
}

#[test]
fn the_policy_decides_not_the_file() {
    let log = small();
    let export = Claim::of(&log).export(&log);
    let refusal = |policy: Policy| verify(&export, &policy).unwrap_err();
    assert_eq!(refusal(Policy { log: LogId(Hash([1; 32])), ..policy(&log) }).exit_code(), 5);
    assert_eq!(refusal(Policy { root_key: der(&key(2)), ..policy(&log) }).exit_code(), 4);
    assert_eq!(refusal(Policy { canister: principal(78), ..policy(&log) }).exit_code(), 5);
}

#[test]
fn policies_are_read_strictly() {
    let log = small();
    let policy = policy(&log);
    assert_eq!(Policy::from_json(policy.to_json().as_bytes()), Ok(policy.clone()));
    assert_eq!(Policy::new(&policy.root_key, &policy.canister.to_text(), &policy.log.to_string()), Ok(policy.clone()));
    let id = policy.canister.to_text();
    assert!(matches!(Policy::new(b"00", &id, &policy.log.to_string()), Err(PolicyError::RootKey(_))));
    assert!(matches!(Policy::new(&policy.root_key, "x", &policy.log.to_string()), Err(PolicyError::Canister(_))));
    assert!(matches!(Policy::new(&policy.root_key, &id, "ab"), Err(PolicyError::Log(_))));
    assert!(matches!(Policy::from_json(b"{}"), Err(PolicyError::File(_))));
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    let deep = [vec![0xd9, 0xd9, 0xf7], [0x83, 1].repeat(1_000_000)].concat();
    assert_eq!(cbor::hash_tree(&deep), Err(CborError::Depth));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_make_it_panic(noise in proptest::collection::vec(any::<u8>(), 0..300), magic in any::<bool>()) {
        let log = small();
        let bytes = if magic { [b"CAIRNLOG\0\0\0\x01".to_vec(), noise.clone()].concat() } else { noise.clone() };
        prop_assert!(verify(&bytes, &policy(&log)).is_err());
        let _ = cbor::hash_tree(&noise);
        let _ = cbor::certificate(&[vec![0xd9, 0xd9, 0xf7], noise].concat());
    }

    #[test]
    fn spliced_exports_are_refused_without_panic(from in 0usize..2_000, to in 0usize..2_000, length in 1usize..64) {
        let log = small();
        let export = Claim::of(&log).export(&log);
        let mut spliced = export.clone();
        let (from, to) = (from % (export.len() - length), to % (export.len() - length));
        spliced[to..to + length].copy_from_slice(&export[from..from + length]);
        prop_assert_eq!(verify(&spliced, &policy(&log)).is_ok(), spliced == export);
    }
}
