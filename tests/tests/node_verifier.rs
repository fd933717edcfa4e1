//! Two verifiers that share no code, ours and the one in `node-verifier`, say the same of every file: true ones from the
//! audit canister as compiled wasm and from delegating subnets, and each of them spoiled in every way.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

#[path = "../../replay/verifier/tests/verifier/sample.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]
mod sample;

use cairn::verify::bundle::{self, Progress};
use cairn::verify::{Bundle, Failure, Form, Policy, Sections, file, verify};
use cairn_events::answer::{self, Records as _};
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_events::testing::{Dice, TestLog, TestRecords, principal, story};
use cairn_events::{Event, Family, Hash, LogId, Principal, Timestamp, Topic, codec};
use cairn_kit::api::audit::{AuditError, Tip};
use cairn_tests::log_fixture::{LogFixture, person};
use sample::{Claim, Subnet, der, key};
use serde_bytes::ByteBuf;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// A file, and what is trusted of it.
struct Case {
    name: String,
    bytes: Vec<u8>,
    policy: String,
    is_true: bool,
}

/// What a verifier says: an exit code of `cairn verify`, and of true files what they show.
#[derive(Debug, PartialEq)]
struct Verdict {
    exit: u64,
    hashes: Vec<String>,
    complete: Option<(u64, u64)>,
}

impl Verdict {
    fn accepted<'a>(events: impl IntoIterator<Item = &'a Event>, complete: (u64, u64)) -> Verdict {
        let hashes = events.into_iter().map(|event| event.hash().to_string()).collect();
        Verdict { exit: 0, hashes, complete: Some(complete) }
    }

    fn refused(failure: &Failure) -> Verdict {
        Verdict { exit: exit(failure), hashes: Vec::new(), complete: None }
    }

    /// What one finds malformed may be untrue to the other.
    fn agrees_with(&self, other: &Verdict) -> bool {
        self == other || (matches!(self.exit, 2 | 3) && matches!(other.exit, 2 | 3))
    }

    fn read(line: &str) -> Verdict {
        let told: Value = serde_json::from_str(line).unwrap();
        let list = |name: &str| told[name].as_array().cloned().unwrap_or_default();
        let ends: Vec<u64> = list("complete").iter().map(|end| end.as_u64().unwrap()).collect();
        Verdict {
            exit: told["exit"].as_u64().unwrap(),
            hashes: list("hashes").iter().map(|hash| hash.as_str().unwrap().to_owned()).collect(),
            complete: ends.first().copied().zip(ends.get(1).copied()),
        }
    }
}

fn exit(failure: &Failure) -> u64 {
    match failure {
        Failure::Malformed(_) => 2,
        Failure::Log(_) | Failure::Row { .. } | Failure::Answer(_) | Failure::Bundle(_) => 3,
        Failure::Certificate(_) => 4,
        Failure::Policy(_) => 5,
        Failure::Stale { .. } => 7,
        Failure::Page { failure, .. } => exit(failure),
    }
}

/// What our own verifier says.
fn ours(case: &Case) -> Verdict {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let policy = Policy::from_text(&case.policy, Timestamp(now)).unwrap();
    let judged = if case.bytes.starts_with(bundle::MAGIC) {
        bundle::verify(&case.bytes, &policy).map(|proven| Verdict::accepted(&proven.events, proven.complete))
    } else {
        verify(&case.bytes, &policy)
            .map(|verdict| Verdict::accepted(&file::read_events(&case.bytes).unwrap(), (0, verdict.events)))
    };
    judged.unwrap_or_else(|failure| Verdict::refused(&failure))
}

/// The other one, with what it needs.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node-verifier");
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("node-verifier")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
    }
    let arguments = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
    let installed = Command::new("npm").args(arguments).current_dir(&folder).output().unwrap();
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    folder
}

/// What it prints.
fn node(folder: &Path, script: &str, files: impl IntoIterator<Item = PathBuf>) -> String {
    let output = Command::new("node").arg(script).args(files).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it says of all files.
fn theirs(cases: &[Case]) -> Vec<Verdict> {
    let folder = installed();
    let write = |(number, case): (usize, &Case)| -> [PathBuf; 2] {
        let (file, policy) = (folder.join(format!("{number}.cairn")), folder.join(format!("{number}.policy")));
        std::fs::write(&file, &case.bytes).unwrap();
        std::fs::write(&policy, &case.policy).unwrap();
        [file, policy]
    };
    let files = cases.iter().enumerate().flat_map(write);
    node(&folder, "verify.mjs", files).lines().map(Verdict::read).collect()
}

/// The audit canister's log, and what is trusted of it.
struct Real {
    log: LogFixture,
    policy: Policy,
}

impl Real {
    fn begin() -> Real {
        let mut log = LogFixture::begin(77).unwrap();
        log.grow_callbacks(1, 1_100).unwrap();
        log.net.run_until_idle(50);
        let tip: Result<Tip, AuditError> = log.net.query(log.audit, Principal::anonymous(), "getTip", ()).unwrap();
        let id = tip.unwrap().log.to_string();
        let policy = Policy::new(&log.net.root_key(), &log.audit.to_text(), &id).unwrap();
        Real { log, policy }
    }

    /// All pages of an answer; between two of them the log grows.
    fn prove(&mut self, asker: Principal, about: &About, span: Span) -> Bundle {
        let mut progress = Progress::new(about.clone(), span);
        let mut pages = Vec::new();
        while let Some(question) = progress.question() {
            let answer = ask(&mut self.log, asker, &question);
            progress.take(&answer, &self.policy).unwrap();
            pages.push(answer);
            let size = progress.position().unwrap().1;
            self.log.grow_callbacks(size, size + 3).unwrap();
            self.log.net.run_until_idle(50);
        }
        Bundle { about: about.clone(), span, pages }
    }
}

fn ask(log: &mut LogFixture, asker: Principal, question: &Question) -> Answer {
    let answer: Result<Answer, AuditError> = log.net.query(log.audit, asker, "getAnswer", (question,)).unwrap();
    answer.unwrap()
}

/// Questions of every sort, and who asks.
fn questions(busy: Principal) -> Vec<(&'static str, Principal, About, Span)> {
    let nobody = Principal::anonymous();
    let (contracts, contract) = (Topic::Family(Family::Contracts), Topic::Contract(busy));
    let part = |from, until| Span { from, until: Some(until), ..Span::default() };
    vec![
        ("pages", nobody, About::Topics(vec![contracts]), Span::default()),
        ("everything", nobody, About::Everything, part(20, 60)),
        ("receipt", nobody, About::Everything, part(7, 8)),
        ("topic", nobody, About::Topics(vec![contract]), Span::default()),
        ("part of a topic", nobody, About::Topics(vec![contracts]), part(100, 130)),
        ("two topics", nobody, About::Topics(vec![contracts, contract]), part(0, 1_000)),
        ("none", person(12), About::Topics(vec![Topic::Party(person(12))]), Span::default()),
    ]
}

type Spoil = fn(&mut Bundle, &mut Dice);

fn flip(bytes: &mut [u8], dice: &mut Dice) {
    if !bytes.is_empty() {
        let at = dice.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.below(8);
    }
}

/// One of the pages, and of its events.
fn page<'a>(bundle: &'a mut Bundle, dice: &mut Dice) -> &'a mut Answer {
    let at = dice.below(bundle.pages.len() as u64) as usize;
    &mut bundle.pages[at]
}

fn events<'a>(bundle: &'a mut Bundle, dice: &mut Dice) -> (&'a mut Vec<ByteBuf>, usize) {
    let events = &mut page(bundle, dice).events;
    let at = dice.below(events.len().max(1) as u64) as usize;
    (events, at)
}

/// The ways in which answers are spoiled. Where there is nothing to spoil, nothing happens.
const SPOILS: [(&str, Spoil); 32] = [
    ("an event is missing", |bundle, dice| {
        let (events, at) = events(bundle, dice);
        if at < events.len() {
            events.remove(at);
        }
    }),
    ("the last event is missing", |bundle, dice| drop(events(bundle, dice).0.pop())),
    ("two events are swapped", |bundle, dice| {
        let (events, at) = events(bundle, dice);
        if at > 0 {
            events.swap(at - 1, at);
        }
    }),
    ("an event comes twice", |bundle, dice| {
        let (events, at) = events(bundle, dice);
        if at < events.len() {
            events.insert(at, events[at].clone());
        }
    }),
    ("an event is changed", |bundle, dice| {
        let (events, at) = events(bundle, dice);
        if at < events.len() {
            let mut event = codec::decode_event(&events[at]).unwrap();
            event.timestamp = Timestamp(event.timestamp.0 + 1);
            events[at] = codec::encode_event(&event).into();
        }
    }),
    ("a bit of an event is flipped", |bundle, dice| {
        let (events, at) = events(bundle, dice);
        if at < events.len() {
            flip(&mut events[at], dice);
        }
    }),
    ("no event", |bundle, dice| events(bundle, dice).0.clear()),
    ("the event after is missing", |bundle, dice| page(bundle, dice).after = None),
    ("the event after is another", |bundle, dice| {
        let page = page(bundle, dice);
        page.after = page.after.as_ref().and(page.events.first().cloned());
    }),
    ("the path is changed", |bundle, dice| {
        let path = &mut page(bundle, dice).inclusion;
        if let Some(step) = path.first_mut() {
            flip(&mut step.0, dice);
        }
    }),
    ("the path is too short", |bundle, dice| {
        page(bundle, dice).inclusion.pop();
    }),
    ("the path is too long", |bundle, dice| page(bundle, dice).inclusion.push(Hash([1; 32]))),
    ("the head is missing", |bundle, dice| page(bundle, dice).head = None),
    ("the head is of another count", |bundle, dice| {
        if let Some(leaf) = page(bundle, dice).head.as_mut().and_then(|head| head.leaf.as_mut()) {
            leaf.head.count += 1;
        }
    }),
    ("the head is another event", |bundle, dice| {
        if let Some(leaf) = page(bundle, dice).head.as_mut().and_then(|head| head.leaf.as_mut()) {
            leaf.head.index -= 1;
        }
    }),
    ("the topic is said to be unknown", |bundle, dice| {
        if let Some(head) = page(bundle, dice).head.as_mut() {
            head.leaf = None;
        }
    }),
    ("a fork of the map is changed", |bundle, dice| {
        if let Some(fork) = page(bundle, dice).head.as_mut().and_then(|head| head.forks.first_mut()) {
            flip(&mut fork.sibling.0, dice);
        }
    }),
    ("a fork of the map is missing", |bundle, dice| {
        if let Some(head) = page(bundle, dice).head.as_mut() {
            head.forks.pop();
        }
    }),
    ("the topic is another", |bundle, dice| page(bundle, dice).topic = Some(Topic::Family(Family::Money))),
    ("the question is wider", |bundle, _| bundle.about = About::Everything),
    ("the question has no topic", |bundle, _| bundle.about = About::Topics(Vec::new())),
    ("the question has many topics", |bundle, _| {
        if let About::Topics(topics) = &mut bundle.about {
            *topics = vec![topics[0]; 5];
        }
    }),
    ("the question reaches beyond the log", |bundle, _| bundle.span.until = Some(1 << 40)),
    ("the question is reversed", |bundle, _| (bundle.span.from, bundle.span.until) = (9, Some(8))),
    ("a page is missing", |bundle, dice| {
        let at = dice.below(bundle.pages.len() as u64) as usize;
        bundle.pages.remove(at);
    }),
    ("pages are swapped", |bundle, _| bundle.pages.reverse()),
    ("a page comes twice", |bundle, _| bundle.pages.extend(bundle.pages.last().cloned())),
    ("growth is not proven", |bundle, _| {
        if let Some(page) = bundle.pages.get_mut(1) {
            page.consistency.pop();
        }
    }),
    ("growth is proven where nothing grew", |bundle, _| bundle.pages[0].consistency.push(Hash([2; 32]))),
    ("the tree is changed", |bundle, dice| {
        let page = page(bundle, dice);
        let last = page.hash_tree.len() - 1;
        page.hash_tree[last] ^= 1;
    }),
    ("the certificate is changed", |bundle, dice| {
        let page = page(bundle, dice);
        let last = page.certificate.len() - 1;
        page.certificate[last] ^= 1;
    }),
    ("the tree is no tree", |bundle, dice| page(bundle, dice).hash_tree.clear()),
];

/// The corpus, from a seed.
fn corpus(seed: u64) -> Vec<Case> {
    let (mut real, mut dice, mut cases) = (Real::begin(), Dice(seed), Vec::new());
    let export = cairn::export::export(&mut real.log.net, real.log.audit, |_, _| ()).unwrap();
    let some = codec::decode_event(&Sections::parse(&export).unwrap().events[40]).unwrap();
    let busy = some.payload.contract().unwrap();
    let policy = real.policy.to_text();
    let add = |cases: &mut Vec<Case>, name: String, bytes: Vec<u8>, policy: &str, is_true| {
        cases.push(Case { name, bytes, policy: policy.to_owned(), is_true });
    };
    for (what, asker, about, span) in questions(busy) {
        let whole = real.prove(asker, &about, span);
        for (how, spoil) in SPOILS {
            let mut spoiled = whole.clone();
            spoil(&mut spoiled, &mut dice);
            if spoiled != whole {
                add(&mut cases, format!("{what}: {how}"), spoiled.to_bytes(), &policy, false);
            }
        }
        add(&mut cases, what.to_owned(), whole.to_bytes(), &policy, true);
        spoil_bytes(&mut cases, what, &whole.to_bytes(), &real.policy, &mut dice);
    }
    let mut small = LogFixture::begin(78).unwrap();
    small.grow_callbacks(1, 30).unwrap();
    small.net.run_until_idle(20);
    let tip: Result<Tip, AuditError> = small.net.query(small.audit, Principal::anonymous(), "getTip", ()).unwrap();
    let own = Policy::new(&small.net.root_key(), &small.audit.to_text(), &tip.unwrap().log.to_string()).unwrap();
    let export = cairn::export::export(&mut small.net, small.audit, |_, _| ()).unwrap();
    add(&mut cases, "export".to_owned(), export.clone(), &own.to_text(), true);
    spoil_bytes(&mut cases, "export", &export, &own, &mut dice);
    spoil_export(&mut cases, &export, &own, &mut dice);
    delegations(&mut cases);
    lagging(&mut cases);
    cases
}

/// Whatever the file: bytes missing, added, changed; another policy.
fn spoil_bytes(cases: &mut Vec<Case>, what: &str, bytes: &[u8], policy: &Policy, dice: &mut Dice) {
    let mut add = |how: &str, bytes: Vec<u8>, policy: Policy| {
        cases.push(Case { name: format!("{what}: {how}"), bytes, policy: policy.to_text(), is_true: false });
    };
    let changed = |at: usize, to: u8| [&bytes[..at], &[to], &bytes[at + 1..]].concat();
    add("cut short", bytes[..dice.below(bytes.len() as u64) as usize].to_vec(), policy.clone());
    add("longer", [bytes, &[0]].concat(), policy.clone());
    add("another magic", changed(0, b'X'), policy.clone());
    add("another version", changed(11, 9), policy.clone());
    add("another root key", bytes.to_vec(), Policy { root_key: der(&key(9)), ..policy.clone() });
    add("another canister", bytes.to_vec(), Policy { canister: person(7), ..policy.clone() });
    add("another log", bytes.to_vec(), Policy { log: LogId(Hash([7; 32])), ..policy.clone() });
    let freshness = Some(cairn::verify::Freshness { seconds: 60, now: Timestamp(0) });
    add("too old", bytes.to_vec(), Policy { freshness, ..policy.clone() });
}

fn spoil_export(cases: &mut Vec<Case>, export: &[u8], policy: &Policy, dice: &mut Dice) {
    let whole = Sections::parse(export).unwrap();
    let mut add = |how: &str, spoil: &mut dyn FnMut(&mut Sections<'_>)| {
        let mut spoiled = whole.clone();
        spoil(&mut spoiled);
        let bytes = Form::Binary.write(&spoiled).unwrap();
        cases.push(Case { name: format!("export: {how}"), bytes, policy: policy.to_text(), is_true: false });
    };
    add("an event is missing", &mut |export| drop(export.events.remove(5)));
    add("the first event is missing", &mut |export| drop(export.events.remove(0)));
    add("the last event is missing", &mut |export| drop(export.events.pop()));
    add("events are swapped", &mut |export| export.events.swap(3, 4));
    add("an event comes twice", &mut |export| export.events.insert(3, export.events[3].clone()));
    add("no event", &mut |export| export.events.clear());
    add("the tree is changed", &mut |export| *export.hash_tree.to_mut().last_mut().unwrap() ^= 1);
    add("the certificate is changed", &mut |export| *export.certificate.to_mut().last_mut().unwrap() ^= 1);
    let mut change = |how: &str, change: fn(&mut Event)| {
        add(how, &mut |export| {
            let event = &mut export.events[9];
            let mut changed = codec::decode_event(event).unwrap();
            change(&mut changed);
            *event = codec::encode_event(&changed).into();
        });
    };
    change("an index is changed", |event| event.index += 1);
    change("a time is changed", |event| event.timestamp = Timestamp(1));
    change("an actor is changed", |event| event.actor = principal(4));
    change("a parent is changed", |event| event.parent = Some(Hash([4; 32])));
    change("a link is changed", |event| event.links[0].sequence += 1);
    change("a number is changed", |event| event.source_seq += 1);
    change("a version is changed", |event| event.stream_version += 1);
    for position in 0..8 {
        let at = dice.below(whole.events.len() as u64) as usize;
        add(&format!("bit {position} of event {at} is flipped"), &mut |export| {
            flip(export.events[at].to_mut(), dice);
        });
    }
}

/// What a subnet certifies for the canisters that it was given, and for others.
fn delegations(cases: &mut Vec<Case>) {
    let log = story(1, 1);
    let policy = Policy { root_key: der(&key(1)), canister: log.canister, log: log.id, freshness: None };
    let mut add = |name: &str, subnet: Subnet, is_true: bool| {
        let bytes = delegated(&log, subnet);
        cases.push(Case { name: format!("subnet: {name}"), bytes, policy: policy.to_text(), is_true });
    };
    let range = |first, last| (principal(first), principal(last));
    let own = || Subnet::of(&[range(1, 1)]);
    add("its canister", own(), true);
    add("its canisters", Subnet::of(&[range(0, 0), range(1, 9)]), true);
    add("all together", Subnet { together: true, ..own() }, true);
    add("another's canister", Subnet::of(&[range(2, 3)]), false);
    add("another's canister, all together", Subnet { together: true, ..Subnet::of(&[range(2, 3)]) }, false);
    add("no canister, all together", Subnet { together: true, ..Subnet::of(&[]) }, false);
    add("another root", Subnet { told_by: key(2), ..own() }, false);
    add("another key", Subnet { key: der(&key(6)), ..own() }, false);
    add("another subnet", Subnet { named: principal(3), ..own() }, false);
    add("nested", Subnet { nested: true, told_by: key(5), ..own() }, false);
}

fn delegated(log: &TestLog, subnet: Subnet) -> Vec<u8> {
    let (about, span) = (About::Everything, Span::default());
    let mut pages = sample::pages(std::slice::from_ref(log), &about, span, 500);
    pages[0].certificate = Claim { subnet: Some(subnet), ..Claim::of(log) }.certificate();
    Bundle { about, span, pages }.to_bytes()
}

#[test]
fn two_verifiers_say_the_same_of_every_file() {
    let cases = corpus(5);
    // Every kind of event in every form has the hash that it has for ever.
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/tests/golden/v1.txt");
    let hashed = node(&installed(), "golden.mjs", [golden.clone()]);
    assert_eq!(hashed.trim(), std::fs::read_to_string(golden).unwrap().lines().count().to_string());
    let true_ones = cases.iter().filter(|case| case.is_true).count();
    assert!(true_ones >= 8 && cases.len() - true_ones >= 40, "{true_ones} of {}", cases.len());
    let told = theirs(&cases);
    assert_eq!(told.len(), cases.len());
    for (case, theirs) in cases.iter().zip(told) {
        let ours = ours(case);
        assert_eq!(ours.exit == 0, case.is_true, "{}: {ours:?}", case.name);
        assert!(theirs.agrees_with(&ours), "{}: {theirs:?}, and not {ours:?}", case.name);
    }
    println!("{true_ones} true and {} false files", cases.len() - true_ones);
}

/// Answers of a log whose topic map is behind it, about a time that is over where the map ends, and one that is not.
fn lagging(cases: &mut Vec<Case>) {
    let log = story(4, 6);
    let (size, covered) = (log.events.len(), log.events.len() - 4);
    let records = TestRecords::of(&log, size, covered);
    let tip = records.tip().unwrap();
    let claim = Claim { topics_size: tip.topics_size, topics_root: tip.topics_root, ..Claim::of(&log) };
    let policy = Policy { root_key: der(&key(1)), canister: log.canister, log: log.id, freshness: None };
    let about = About::Topics(vec![Topic::Family(Family::Money)]);
    let ask = |until_time| {
        let span = Span { until_time, ..Span::default() };
        let question = Question { about: about.clone(), span, order: Order::OldestFirst, limit: 500, since: None };
        let proof = answer::answer(&records, &question).unwrap();
        (span, Answer { hash_tree: claim.hash_tree(), certificate: claim.certificate(), ..proof })
    };
    let mut add = |name: &str, span: Span, page: &Answer, is_true: bool| {
        let bytes = Bundle { about: about.clone(), span, pages: vec![page.clone()] }.to_bytes();
        cases.push(Case { name: format!("map behind: {name}"), bytes, policy: policy.to_text(), is_true });
    };
    let time = log.events[covered].timestamp.0;
    let ((endless, open), (past, over), (present, early)) = (ask(None), ask(Some(time)), ask(Some(time + 1)));
    let index = covered as u64 + 1;
    let (after, inclusion) = (records.event(index).map(ByteBuf::from), records.inclusion(index).unwrap());
    let late = Answer { after, inclusion, ..over.clone() };
    add("no end", endless, &open, true);
    add("a time that is over", past, &over, true);
    add("a time that goes on", present, &early, false);
    add("nothing shows that it is over", past, &open, false);
    add("shown too late", past, &late, false);
    add("not over yet", present, &over, false);
    add("shown for nothing", endless, &over, false);
}
