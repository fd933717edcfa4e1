//! Files of which it is known whether they are true.

use super::Case;
use super::sample::{self, Claim, Subnet, der, key};
use super::spoils::{SPOILS, flip};
use cairn::verify::bundle::Progress;
use cairn::verify::{Bundle, Form, Freshness, Policy, Sections, verify};
use cairn_events::answer::{self, Records as _};
use cairn_events::question::{About, Answer, Order, Question, Span};
use cairn_events::testing::{Dice, TestLog, TestRecords, principal, story};
use cairn_events::{Event, Family, Hash, LogId, Principal, Timestamp, Topic, codec};
use cairn_kit::api::audit::{AuditError, Tip};
use cairn_tests::log_fixture::{LogFixture, person};
use serde_bytes::ByteBuf;

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

/// The corpus, from a seed.
pub fn corpus(seed: u64) -> Vec<Case> {
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
    let freshness = Some(Freshness { seconds: 60, now: Timestamp(0) });
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

/// What only our own verifier reads: an export as text, true and spoiled; and what is no file at all, or no policy.
pub fn others(export: &Case) -> Vec<Case> {
    let (mut dice, mut cases) = (Dice(6), Vec::new());
    let sections = Sections::parse(&export.bytes).unwrap();
    for form in [Form::Lines, Form::Table] {
        let text = form.write(&sections).unwrap();
        let mut add = |how: &str, bytes: Vec<u8>, is_true| {
            cases.push(Case { name: format!("{}: {how}", form.name()), bytes, is_true, ..export.clone() });
        };
        let said = String::from_utf8(text.clone()).unwrap();
        add("another kind is said", said.replacen("cairn_genesis", "cairn_refused", 1).into_bytes(), false);
        let line = said.split_inclusive('\n').nth(7).unwrap();
        add("a line is missing", said.replacen(line, "", 1).into_bytes(), false);
        add("cut short", text[..dice.below(text.len() as u64) as usize].to_vec(), false);
        for _ in 0..20 {
            let mut flipped = text.clone();
            flip(&mut flipped, &mut dice);
            add("a bit is flipped", flipped, false);
        }
        add("true", text, true);
    }
    for noise in [&b""[..], b"{", b"CAIRNLOG", b"CAIRNANS", b"index,"] {
        let name = format!("no file, {} bytes", noise.len());
        cases.push(Case { name, bytes: noise.to_vec(), is_true: false, ..export.clone() });
    }
    let twice = export.policy.repeat(2);
    for policy in ["", "who knows?", &twice, &export.policy.replace("archival", "at most 1e9 seconds old")] {
        cases.push(Case { name: "no policy".to_owned(), policy: policy.to_owned(), is_true: false, ..export.clone() });
    }
    cases
}

/// An export that may be a minute old, at various times.
pub fn dated(export: &Case) -> Vec<(Case, Timestamp)> {
    let policy = Policy::from_text(&export.policy, Timestamp(0)).unwrap();
    let Timestamp(certified) = verify(&export.bytes, &policy).unwrap().certified_at;
    let freshness = Some(Freshness { seconds: 60, now: Timestamp(0) });
    let policy = Policy { freshness, ..policy }.to_text();
    let second = 1_000_000_000;
    let at = |name: &str, now: u64, is_true| {
        let name = format!("at most a minute old: {name}");
        (Case { name, policy: policy.clone(), is_true, ..export.clone() }, Timestamp(now))
    };
    vec![
        at("just now", certified, true),
        at("a minute", certified + 60 * second, true),
        at("more than that", certified + 60 * second + 1, false),
        at("five minutes early", certified - 300 * second, true),
        at("more than that", certified - 300 * second - 1, false),
        at("before everything", 0, false),
        at("at the end of time", u64::MAX, false),
    ]
}
