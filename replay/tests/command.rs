//! The command as others see it: exit codes and JSON. Of each code there is a test that ends in its name.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

#[path = "../verifier/tests/verifier/sample.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]
mod sample;

use cairn::verify::{Bundle, Form, Freshness, Policy, Sections, file, verify};
use cairn_events::question::{About, Span};
use cairn_events::testing::{TestLog, principal, story};
use cairn_events::{Event, Family, Hash, LogId, Timestamp, Topic};
use sample::{Claim, der, key};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with the export of a log and its policy.
struct Case {
    folder: PathBuf,
    log: TestLog,
    policy: Policy,
}

impl Case {
    fn new(name: &str) -> Case {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let log = story(3, 6);
        let policy = Policy { root_key: der(&key(1)), canister: log.canister, log: log.id, freshness: None };
        let case = Case { folder, log, policy };
        let claim = Claim::of(&case.log);
        let events = sample::events(&case.log);
        let export = file::write(events.iter().map(Vec::as_slice), &claim.hash_tree(), &claim.certificate());
        case.write("log.cairn", &export.unwrap());
        case.write("policy", case.policy.to_text().as_bytes());
        case
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.folder.join(name), content).unwrap();
    }

    /// Flips a bit of the export.
    fn damage(&self, position: impl Fn(&[u8]) -> usize) {
        let mut bytes = std::fs::read(self.folder.join("log.cairn")).unwrap();
        let position = position(&bytes);
        bytes[position] ^= 1;
        self.write("log.cairn", &bytes);
    }

    fn verify(&self) -> (i32, Value) {
        cairn(&["verify", &self.path("log.cairn"), "--policy", &self.path("policy")])
    }

    /// Writes the answer to a question as a bundle.
    fn prove(&self, about: About, span: Span) -> String {
        let pages = sample::pages(std::slice::from_ref(&self.log), &about, span, 7);
        self.write("answer.cairn", &Bundle { about, span, pages }.to_bytes());
        self.path("answer.cairn")
    }

    fn verify_with(&self, policy: Policy) -> i32 {
        self.write("policy", policy.to_text().as_bytes());
        self.verify().0
    }
}

/// Runs the command with `--json`; its exit code and the object on its last line.
fn cairn(arguments: &[&str]) -> (i32, Value) {
    run(Command::new(env!("CARGO_BIN_EXE_cairn")).args(arguments))
}

fn run(command: &mut Command) -> (i32, Value) {
    let output = command.arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code().unwrap(), last.unwrap_or_default())
}

/// The codes of the README, of the help and of the tests here are the same.
#[test]
fn every_documented_code_has_a_test() {
    let number = |text: &str| text.trim().parse::<u8>().ok();
    let readme = include_str!("../README.md").lines().filter_map(|line| {
        let (code, meaning) = line.strip_prefix('|')?.strip_suffix('|')?.split_once('|')?;
        Some((number(code)?, meaning.trim().to_owned()))
    });
    let codes: Vec<(u8, String)> = readme.collect();
    assert!(codes.iter().map(|(code, _)| *code).eq(0..10), "{codes:?}");

    let help = Command::new(env!("CARGO_BIN_EXE_cairn")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, told) = help.split_once("Exit codes:\n").unwrap();
    let told = told.lines().filter_map(|line| {
        let (code, meaning) = line.trim().split_once("  ")?;
        Some((number(code)?, meaning.to_owned()))
    });
    assert_eq!(told.collect::<Vec<_>>(), codes);

    for (code, meaning) in codes {
        assert!(include_str!("command.rs").contains(&format!("_ends_with_{code}() {{\n")), "{code}: {meaning}");
    }
}

#[test]
fn an_export_in_order_ends_with_0() {
    let case = Case::new("fine");
    let (code, report) = case.verify();
    assert_eq!((code, &report["verified"]), (0, &Value::Bool(true)));
    assert_eq!(report["events"], case.log.events.len());
    assert_eq!(report["network"], "local or test");
    let (key, canister) = (hex::encode(&case.policy.root_key), case.policy.canister.to_text());
    let file = case.path("log.cairn");
    let id = case.policy.log.to_string();
    let options = ["verify", &file, "--root-key", &key, "--canister", &canister, "--log-id", &id];
    assert_eq!(cairn(&options).0, 0);
    case.write("root.der", &case.policy.root_key);
    let root = case.path("root.der");
    assert_eq!(cairn(&["verify", &file, "--root-key", &root, "--canister", &canister, "--log-id", &id]).0, 0);
}

#[test]
fn a_wrong_command_line_ends_with_1() {
    let case = Case::new("usage");
    assert_eq!(cairn(&["verify"]).0, 1);
    assert_eq!(cairn(&["verify", &case.path("log.cairn")]).0, 1, "a policy is required");
    assert_eq!(cairn(&["verify", &case.path("log.cairn"), "--canister", "aaaaa-aa"]).0, 1);
    assert_eq!(cairn(&["nonsense"]).0, 1);
    let id = case.policy.log.to_string();
    let arguments = ["verify", &case.path("log.cairn"), "--root-key", "00", "--canister", "aaaaa-aa", "--log-id", &id];
    assert_eq!(cairn(&arguments).0, 1);
    assert_eq!(Command::new(env!("CARGO_BIN_EXE_cairn")).arg("--help").output().unwrap().status.code(), Some(0));
}

#[test]
fn an_unreadable_or_malformed_file_ends_with_2() {
    let case = Case::new("malformed");
    let (code, report) = cairn(&["verify", "/nonexistent", "--policy", &case.path("policy")]);
    assert_eq!((code, &report["exit_code"]), (2, &Value::from(2)));
    case.damage(|_| 0);
    assert_eq!(case.verify().0, 2);
    case.write("policy", b"{");
    assert_eq!(case.verify().0, 2);
}

#[test]
fn a_broken_log_ends_with_3() {
    let case = Case::new("log");
    // The seed stands in the genesis, and nowhere else.
    let seed = |bytes: &[u8]| bytes.windows(32).position(|window| window == [7; 32]).unwrap();
    case.damage(seed);
    let (code, report) = case.verify();
    assert_eq!(code, 3);
    assert!(report["error"].as_str().unwrap().starts_with("event 0: "), "{report}");
}

#[test]
fn a_certificate_that_vouches_for_something_else_ends_with_4() {
    let case = Case::new("certificate");
    case.damage(|bytes| bytes.len() - 1);
    assert_eq!(case.verify().0, 4);
    let case = Case::new("certificate");
    assert_eq!(case.verify_with(Policy { root_key: der(&key(2)), ..case.policy.clone() }), 4);
}

#[test]
fn another_log_than_the_policys_ends_with_5() {
    let case = Case::new("policy");
    assert_eq!(case.verify_with(Policy { log: LogId(Hash([1; 32])), ..case.policy.clone() }), 5);
    assert_eq!(case.verify_with(Policy { canister: principal(88), ..case.policy.clone() }), 5);
}

#[test]
fn bundles_end_as_exports_do() {
    let case = Case::new("bundle");
    let money = || About::Topics(vec![Topic::Family(Family::Money)]);
    let policy = case.path("policy");
    let file = case.prove(money(), Span::default());
    let verify = || cairn(&["verify", &file, "--policy", &policy]);
    let (code, report) = verify();
    assert_eq!((code, &report["verified"]), (0, &Value::Bool(true)), "{report}");
    let count = case.log.events.iter().filter(|event| money().includes(event)).count();
    assert_eq!(report["events"].as_array().unwrap().len(), count);
    assert_eq!(report["complete_until"], case.log.events.len());

    let whole = std::fs::read(&file).unwrap();
    let spoiled = |spoil: &dyn Fn(&mut Bundle)| {
        let mut bundle = Bundle::from_bytes(&whole).unwrap();
        spoil(&mut bundle);
        case.write("answer.cairn", &bundle.to_bytes());
        verify().0
    };
    assert_eq!(spoiled(&|bundle| drop(bundle.pages.pop())), 3, "cut short");
    assert_eq!(spoiled(&|bundle| drop(bundle.pages[1].events.remove(2))), 3, "an event is missing");
    assert_eq!(spoiled(&|bundle| *bundle.pages[1].certificate.last_mut().unwrap() ^= 1), 4);
    assert_eq!(spoiled(&|bundle| bundle.pages[0].hash_tree.clear()), 2);
    case.write("answer.cairn", &whole[..whole.len() - 1]);
    assert_eq!(verify().0, 2);
    case.write("answer.cairn", &whole);
    let policies = [
        (Policy { root_key: der(&key(2)), ..case.policy.clone() }, 4),
        (Policy { canister: principal(88), ..case.policy.clone() }, 5),
        (Policy { log: LogId(Hash([1; 32])), ..case.policy.clone() }, 5),
        (case.policy.clone(), 0),
    ];
    for (policy, expected) in policies {
        case.write("policy", policy.to_text().as_bytes());
        assert_eq!(verify().0, expected);
    }
}

#[test]
fn an_export_answers_questions_as_a_scan_of_it_does() {
    let case = Case::new("asked");
    let (file, policy, events) = (case.path("log.cairn"), case.path("policy"), &case.log.events);
    let last = events.len() as u64;
    let ask = |options: &[&str]| {
        let (code, report) = cairn(&[&["query", "--log", &file, "--policy", &policy], options].concat());
        assert_eq!((code, &report["verified"]), (0, &Value::Bool(true)), "{report}");
        let shown = report["events"].as_array().unwrap().iter().map(|row| row["index"].as_u64().unwrap()).collect();
        let complete = (report["complete_from"].as_u64().unwrap(), report["complete_until"].as_u64().unwrap());
        (complete, shown, report["rest"].is_string())
    };
    let scan = |keep: &dyn Fn(&Event) -> bool| -> Vec<u64> {
        events.iter().filter(|event| keep(event)).map(|event| event.index).collect()
    };
    let money = About::Topics(vec![Topic::Family(Family::Money)]);
    let all = scan(&|event| money.includes(event));
    assert_eq!(ask(&["--limit", "1000"]), ((0, last), scan(&|_| true), false));
    assert_eq!(ask(&["--family", "money"]), ((0, last), all.clone(), false));
    assert_eq!(ask(&["--family", "money", "--limit", "2"]), ((0, all[2]), all[..2].to_vec(), true));
    let newest = all[all.len() - 3..].to_vec();
    let complete = (all[all.len() - 4] + 1, last);
    assert_eq!(ask(&["--family", "money", "--limit", "3", "--newest"]), (complete, newest, true));
    let middle = scan(&|event| (10..20).contains(&event.index) && money.includes(event));
    assert_eq!(ask(&["--family", "money", "--from", "10", "--until", "20"]), ((10, 20), middle, false));
    assert_eq!(ask(&["--until-time", "1970-01-01T00:00:00Z"]), ((0, 0), vec![], false));
    assert_eq!(ask(&["--from", &last.to_string()]), ((last, last), vec![], false));
    assert_eq!(ask(&["--event", "5"]), ((5, 6), vec![5], false));

    let asked = |options: &[&str]| cairn(&[&["query", "--policy", &policy], options].concat()).0;
    assert_eq!(asked(&["--log", &file, "--from", "20", "--until", "10"]), 1);
    assert_eq!(asked(&["--log", &file, "--network", "http://127.0.0.1:1"]), 1, "one source");
    assert_eq!(asked(&[]), 1, "no source");
    for beyond in [["--from", "1000000"], ["--until", "1000000"]] {
        assert_eq!(asked(&[&["--log", &file][..], &beyond].concat()), 3, "it says nothing of what comes later");
    }
    assert_eq!(asked(&["--log", "/nonexistent"]), 2);
    case.damage(|bytes| bytes.len() - 1);
    assert_eq!(asked(&["--log", &file]), 4, "nothing is shown of what is not proven");
}

/// The log that the README begins with, written once and for ever: what has been written stays readable.
#[test]
fn the_sample_in_the_repository_verifies() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
    let (log, policy) = (format!("{folder}/log.cairn"), format!("{folder}/log.cairn.policy"));
    let (code, report) = cairn(&["verify", &log, "--policy", &policy]);
    assert_eq!((code, &report["verified"], &report["events"]), (0, &Value::Bool(true), &Value::from(750)), "{report}");
    let (code, report) = cairn(&["query", "--log", &log, "--policy", &policy, "--service", "token_factory"]);
    assert_eq!((code, &report["complete_until"]), (0, &Value::from(750)), "{report}");
}

#[test]
fn exports_as_text_end_as_those_of_bytes_do() {
    let case = Case::new("text");
    let binary = std::fs::read(case.path("log.cairn")).unwrap();
    case.write("log.bytes", &binary);
    for form in [Form::Lines, Form::Table] {
        let text = form.write(&Sections::parse(&binary).unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let ends = |text: &str| {
            case.write("log.cairn", text.as_bytes());
            case.verify()
        };
        let (code, report) = ends(&text);
        assert_eq!((code, &report["events"]), (0, &Value::from(case.log.events.len())), "{report}");
        let (code, compared) = cairn(&["diff", &case.path("log.bytes"), &case.path("log.cairn")]);
        assert_eq!((code, &compared["relation"]), (0, &Value::from("equal")));
        assert_eq!(cairn(&["rebuild", &case.path("log.cairn"), "--policy", &case.path("policy")]).0, 0);

        let (code, report) = ends(&text.replacen("cairn_fee_configured", "cairn_genesis", 1));
        assert_eq!(code, 3, "{report}");
        assert!(report["error"].as_str().unwrap().starts_with("line "), "{report}");
        assert_eq!(cairn(&["diff", &case.path("log.bytes"), &case.path("log.cairn")]).0, 3, "nor is it compared");
        assert_eq!(ends(&text.replacen(&hex::encode([7; 32]), &hex::encode([8; 32]), 9)).0, 3, "another genesis");
        assert_eq!(ends(text.trim_end()).0, 2, "cut short");
        assert_eq!(ends(&text.replace('a', "ä")).0, 2);
        let other = Policy { log: LogId(Hash([1; 32])), ..case.policy.clone() };
        case.write("log.cairn", text.as_bytes());
        assert_eq!(case.verify_with(other), 5);
        assert_eq!(case.verify_with(Policy { root_key: der(&key(2)), ..case.policy.clone() }), 4);
        assert_eq!(case.verify_with(case.policy.clone()), 0);
    }
    let policy = case.path("policy");
    let export = ["export", "--network", "http://127.0.0.1:9", "--policy", &policy, "--out", &case.path("out")];
    assert_eq!(cairn(&[&export[..], &["--format", "xml"]].concat()).0, 1);
}

/// Nothing to run, nothing that can be run, and canisters that do nothing at all.
#[cfg(feature = "platform")]
#[test]
fn a_platform_that_cannot_be_run_ends_with_6() {
    use cairn::artifacts::{CANISTERS, WASM_DIR};
    let case = Case::new("platform");
    let out = case.path("out");
    let cases: [(&str, &[&str], &[u8]); 3] =
        [("none", &[], b""), ("nonsense", &CANISTERS, b"nonsense"), ("idle", &CANISTERS, b"\0asm\x01\0\0\0")];
    for (name, canisters, module) in cases {
        let modules = case.folder.join(name);
        std::fs::create_dir_all(&modules).unwrap();
        for canister in canisters {
            std::fs::write(modules.join(format!("{canister}.wasm")), module).unwrap();
        }
        for task in [&["demo", "--export", &out][..], &["export", "--out", &out]] {
            let (code, report) = run(Command::new(env!("CARGO_BIN_EXE_cairn")).args(task).env(WASM_DIR, &modules));
            assert_eq!((code, &report["exit_code"]), (6, &Value::from(6)), "{name}: {report}");
            assert!(!Path::new(&out).exists(), "nothing was written");
        }
    }
}

#[test]
fn what_is_too_old_for_the_policy_ends_with_7() {
    let case = Case::new("stale");
    let freshness = Some(Freshness { seconds: 300, now: Timestamp(0) });
    assert_eq!(case.verify_with(Policy { freshness, ..case.policy.clone() }), 7);
    let file = case.prove(About::Everything, Span::default());
    assert_eq!(cairn(&["verify", &file, "--policy", &case.path("policy")]).0, 7);
    let freshness = Some(Freshness { seconds: u64::MAX, now: Timestamp(0) });
    assert_eq!(case.verify_with(Policy { freshness, ..case.policy.clone() }), 0);
    // Whoever asks for long minds the age of each answer when it comes; and five minutes, if the policy minds none.
    let bytes = std::fs::read(case.path("log.cairn")).unwrap();
    let now = verify(&bytes, &case.policy).unwrap().certified_at;
    let minute = Some(Freshness { seconds: 60, now });
    for (freshness, seconds, fresh) in
        [(minute, 0, true), (minute, 60, true), (minute, 61, false), (None, 300, true), (None, 301, false)]
    {
        let policy = Policy { freshness, ..case.policy.clone() };
        let later = policy.live(Timestamp(now.0 + seconds * 1_000_000_000));
        assert_eq!(verify(&bytes, &later).is_ok(), fresh, "{seconds} seconds later");
        assert!(verify(&bytes, &later.archival()).is_ok());
    }
}

#[test]
fn a_network_that_is_not_there_ends_with_8() {
    let case = Case::new("network");
    let (nobody, policy, out) = ("http://127.0.0.1:9", case.path("policy"), case.path("out"));
    let source = ["--network", nobody, "--policy", &policy];
    assert_eq!(cairn(&[&["query"], &source[..]].concat()).0, 8);
    assert_eq!(cairn(&[&["prove", "--out", &out], &source[..]].concat()).0, 8);
    assert_eq!(cairn(&[&["export", "--out", &out], &source[..]].concat()).0, 8);
    assert_eq!(cairn(&[&["follow", "--once", "--state", &out], &source[..]].concat()).0, 8);
    assert!(!Path::new(&out).exists(), "nothing was written");
    // What cannot be asked is not asked.
    assert_eq!(cairn(&[&["query", "--from", "9", "--until", "8"], &source[..]].concat()).0, 1);
    assert_eq!(cairn(&[&["query", "--service", "none"], &source[..]].concat()).0, 1);
    assert_eq!(cairn(&["query", "--network", nobody]).0, 1, "a policy is required");
    let two = ["follow", "--state", &out, "--family", "money", "--family", "contracts"];
    assert_eq!(cairn(&[&two, &source[..]].concat()).0, 1);
}

#[test]
fn two_exports_are_compared_and_a_fork_ends_with_9() {
    let case = Case::new("diff");
    let size = case.log.events.len();
    let export = |name: &str, log: &TestLog| {
        let (claim, events) = (Claim::of(log), sample::events(log));
        let export = file::write(events.iter().map(Vec::as_slice), &claim.hash_tree(), &claim.certificate());
        case.write(name, &export.unwrap());
        case.path(name)
    };
    let shorter = sample::first(&case.log, size - 2);
    let mut other = shorter.clone();
    let event = other.events[size - 3].clone();
    for _ in 0..3 {
        other.append(event.source, event.actor, event.payload.clone());
    }
    let (log, shorter, other) = (case.path("log.cairn"), export("shorter", &shorter), export("other", &other));
    let policy = case.path("policy");
    let diff = |first: &str, second: &str| {
        let (code, report) = cairn(&["diff", first, second]);
        (code, report["relation"].as_str().unwrap_or_default().to_owned(), report["common_events"].as_u64())
    };
    let common = Some(size as u64 - 2);
    assert_eq!(diff(&log, &log), (0, "equal".to_owned(), Some(size as u64)));
    assert_eq!(diff(&log, &shorter), (0, "first_extends_second".to_owned(), common));
    assert_eq!(diff(&shorter, &log), (0, "second_extends_first".to_owned(), common));
    assert_eq!(diff(&log, &other), (9, "fork".to_owned(), common));
    let (code, report) = cairn(&["diff", &log, &shorter, "--policy", &policy]);
    assert_eq!((code, &report["verified"]), (0, &Value::Bool(true)));
    case.damage(|bytes| bytes.len() - 1);
    assert_eq!(cairn(&["diff", &log, &shorter, "--policy", &policy]).0, 4);
    assert_eq!(cairn(&["diff", &log, "/nonexistent"]).0, 2);
}

#[test]
fn indexes_are_rebuilt_from_an_export() {
    let case = Case::new("rebuild");
    let file = case.path("log.cairn");
    let (code, report) = cairn(&["rebuild", &file, "--policy", &case.path("policy")]);
    assert_eq!((code, &report["verified"]), (0, &Value::Bool(true)));
    assert_eq!(report["events"], case.log.events.len());
    let (_, unverified) = cairn(&["rebuild", &file]);
    assert_eq!(unverified["verified"], false);
    assert_eq!(unverified["projections"], report["projections"]);
    let (_, earlier) = cairn(&["rebuild", &file, "--until", "5"]);
    assert_eq!(earlier["events"], 5);
}
