//! Exports and answers made up for tests: any log, certified by any key.

use cairn_events::answer::{self, Remembered};
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_events::testing::{TestLog, TestRecords};
use cairn_events::value::leb128;
use cairn_events::{Hash, LogId, Principal, codec};
use ic_verify_bls_signature::PrivateKey;

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

    /// The digest of the interface specification, "Certification".
    fn digest(&self) -> [u8; 32] {
        let sha = |domain: &str, parts: [&[u8]; 2]| {
            let domain = [&[domain.len() as u8], domain.as_bytes()].concat();
            Hash::of(&[&domain, parts[0], parts[1]]).0
        };
        match self {
            Fork(left, right) => sha("ic-hashtree-fork", [&left.digest(), &right.digest()]),
            Label(label, child) => sha("ic-hashtree-labeled", [label.as_bytes(), &child.digest()]),
            LabelId(id, child) => sha("ic-hashtree-labeled", [id.as_slice(), &child.digest()]),
            Leaf(content) => sha("ic-hashtree-leaf", [content, &[]]),
            Pruned(digest) => *digest,
        }
    }
}

/// The key of a network.
pub fn key(byte: u8) -> PrivateKey {
    PrivateKey::deserialize(&[byte; 32]).unwrap()
}

/// Its public half, in DER.
pub fn der(key: &PrivateKey) -> Vec<u8> {
    let prefix = "308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100";
    [hex::decode(prefix).unwrap(), key.public_key().serialize().to_vec()].concat()
}

/// What the network and the audit canister would say of `log`, before a test spoils it.
pub struct Claim {
    pub last_hash: Hash,
    pub size: u64,
    pub root: Hash,
    pub topics_size: u64,
    pub topics_root: Hash,
    pub log: LogId,
    pub canister: Principal,
    pub time: u64,
    /// Whether the certificate says that time.
    pub timed: bool,
    pub signer: PrivateKey,
    /// The subnet that signs, if it is not the root that does.
    pub subnet: Option<Subnet>,
}

/// First and last canister.
pub type Range = (Principal, Principal);

/// A subnet that signs for canisters, and what the root says of it.
pub struct Subnet {
    /// Its canisters, in shards.
    pub shards: Vec<Vec<Range>>,
    /// Whether they stand with the subnet instead, all together, as they did once.
    pub together: bool,
    /// The subnet that the delegation names.
    pub named: Principal,
    /// What is said to be its key.
    pub key: Vec<u8>,
    /// The subnet whose key that is, unless its canisters stand all together.
    pub key_of: Principal,
    /// Who says so.
    pub told_by: PrivateKey,
    /// Whether that one is itself a subnet.
    pub nested: bool,
}

impl Subnet {
    /// A subnet that has these canisters.
    pub fn of(ranges: &[Range]) -> Subnet {
        Subnet {
            shards: vec![ranges.to_vec()],
            together: false,
            named: HOME,
            key: der(&key(5)),
            key_of: HOME,
            told_by: key(1),
            nested: false,
        }
    }

    /// What the root says, certified.
    fn delegation(&self, time: u64) -> Vec<u8> {
        let about = Label("public_key", Box::new(Leaf(self.key.clone())));
        let told = if self.together {
            let ranges = entry("canister_ranges", list(&self.shards.concat()));
            Label("subnet", Box::new(LabelId(HOME, Box::new(fork(ranges, about)))))
        } else {
            let shard = |ranges: &Vec<Range>| {
                let first = ranges.first().map_or(Principal::management_canister(), |(first, _)| *first);
                LabelId(first, Box::new(Leaf(list(ranges))))
            };
            let shards = self.shards.iter().map(shard).reduce(fork).unwrap_or(Pruned([3; 32]));
            let ranges = Label("canister_ranges", Box::new(LabelId(HOME, Box::new(shards))));
            fork(ranges, Label("subnet", Box::new(LabelId(self.key_of, Box::new(about)))))
        };
        let told = fork(told, entry("time", leb128(time)));
        let above = if self.nested { Subnet::of(&[]).delegation(time) } else { Vec::new() };
        let told = sealed(&told, &self.told_by, &above);
        [vec![0xa2], text("subnet_id"), bytes(self.named.as_slice()), text("certificate"), bytes(&told)].concat()
    }
}

/// The subnet that there is.
const HOME: Principal = Principal::from_slice(&[5; 29]);

/// Ranges of canisters, as the network writes them.
fn list(ranges: &[Range]) -> Vec<u8> {
    let ends = |(first, last): &Range| [vec![0x82], bytes(first.as_slice()), bytes(last.as_slice())].concat();
    [vec![0xd9, 0xd9, 0xf7], head(4, ranges.len()), ranges.iter().flat_map(ends).collect()].concat()
}

impl Claim {
    pub fn of(log: &TestLog) -> Claim {
        let mut tree = cairn_events::merkle::Frontier::default();
        log.events.iter().for_each(|event| tree.push(&event.hash()));
        let last = log.events.last().unwrap();
        Claim {
            last_hash: last.hash(),
            size: tree.size(),
            root: tree.root(),
            topics_size: tree.size(),
            topics_root: TestRecords::of(log, log.events.len(), log.events.len()).tip().unwrap().topics_root,
            log: log.id,
            canister: log.canister,
            time: last.timestamp.0 + 5,
            timed: true,
            signer: key(1),
            subnet: None,
        }
    }

    fn tree(&self) -> Tree {
        let ours = fork(
            fork(entry("log_id", self.log.0.0), entry("merkle_root", self.root.0)),
            fork(
                entry("merkle_size", leb128(self.size)),
                fork(entry("topics_root", self.topics_root.0), entry("topics_size", leb128(self.topics_size))),
            ),
        );
        let standard =
            fork(entry("last_block_hash", self.last_hash.0), entry("last_block_index", leb128(self.size - 1)));
        fork(standard, ours)
    }

    /// The network's certificate.
    pub fn certificate(&self) -> Vec<u8> {
        let data = entry("certified_data", self.tree().digest());
        let canister = LabelId(self.canister, Box::new(fork(data, Pruned([9; 32]))));
        let canister = Label("canister", Box::new(canister));
        let state = if self.timed { fork(canister, entry("time", leb128(self.time))) } else { canister };
        match &self.subnet {
            None => sealed(&state, &self.signer, &[]),
            Some(subnet) => sealed(&state, &key(5), &subnet.delegation(self.time)),
        }
    }

    /// The canister's tree, encoded.
    pub fn hash_tree(&self) -> Vec<u8> {
        self.tree().tagged()
    }
}

/// A certificate of `tree`, signed by `key`, with a delegation unless that is empty.
fn sealed(tree: &Tree, key: &PrivateKey, delegation: &[u8]) -> Vec<u8> {
    let message = [b"\x0Dic-state-root".to_vec(), tree.digest().to_vec()].concat();
    let signature = key.sign(&message).serialize();
    let entries = if delegation.is_empty() { 0xa2 } else { 0xa3 };
    let mut sealed = vec![0xd9, 0xd9, 0xf7, entries];
    sealed.extend([text("tree"), tree.cbor(), text("signature"), bytes(&signature)].concat());
    if !delegation.is_empty() {
        sealed.extend([text("delegation"), delegation.to_vec()].concat());
    }
    sealed
}

/// The log's events, encoded.
pub fn events(log: &TestLog) -> Vec<Vec<u8>> {
    log.events.iter().map(codec::encode_event).collect()
}

/// The first events of a log.
pub fn first(log: &TestLog, size: usize) -> TestLog {
    let mut first = log.clone();
    first.events.truncate(size);
    first
}

/// All pages of an answer, with `limit` events each at most: the first page from a log as `logs` has it first, and so
/// on; the last one stands for all later pages.
pub fn pages(logs: &[TestLog], about: &About, span: Span, limit: u32) -> Vec<Answer> {
    let mut question = Question { about: about.clone(), span, order: Order::OldestFirst, limit, since: None };
    let (mut pages, mut remembered) = (Vec::new(), None);
    loop {
        let log = logs.get(pages.len()).or(logs.last()).unwrap();
        let records = TestRecords::of(log, log.events.len(), log.events.len());
        let (claim, tip) = (Claim::of(log), records.tip().unwrap());
        let answer = answer::answer(&records, &question).unwrap();
        let answer = Answer { hash_tree: claim.hash_tree(), certificate: claim.certificate(), ..answer };
        let findings = answer::verify(&question, &answer, &tip, remembered.as_ref()).unwrap();
        pages.push(answer);
        let Some(span) = findings.rest else { return pages };
        remembered = Some(Remembered { size: tip.size, root: tip.root });
        question = Question { span, since: Some(tip.size), ..question };
    }
}
