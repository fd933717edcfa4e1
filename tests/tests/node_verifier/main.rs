//! Verifiers say the same of every file: true ones from the audit canister as compiled wasm and from delegating
//! subnets, and each of them spoiled in every way. Ours; the one in `node-verifier`, with which it shares no code; and
//! ours again, as the module that it is in browsers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

mod corpus;
#[path = "../../../replay/verifier/tests/verifier/sample.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]
mod sample;
mod spoils;

use cairn::verify::{Exit, Policy, Sections, bundle, verify};
use cairn_events::{Event, Timestamp};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// A file, and what is trusted of it.
#[derive(Clone)]
struct Case {
    name: String,
    bytes: Vec<u8>,
    policy: String,
    is_true: bool,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| corpus::corpus(5));

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

    fn refused(exit: Exit) -> Verdict {
        Verdict { exit: exit as u64, hashes: Vec::new(), complete: None }
    }

    /// Whether another verifier may say `other` of `case`. They look at the fields of an event in another order: where
    /// any bit of one is flipped, what the one finds malformed may be untrue to the other.
    fn agrees_with(&self, other: &Verdict, case: &Case) -> bool {
        let is_either = |verdict: &Verdict| matches!(verdict.exit, 2 | 3);
        self == other || (case.name.ends_with("is flipped") && is_either(self) && is_either(other))
    }

    fn read(line: &str) -> Verdict {
        let told: Value = serde_json::from_str(line).unwrap();
        let list = |name: &str| told[name].as_array().cloned().unwrap_or_default();
        let ends: Vec<u64> = list("complete").iter().map(|end| end.as_u64().unwrap()).collect();
        let hashes: Vec<String> = list("hashes").iter().map(|hash| hash.as_str().unwrap().to_owned()).collect();
        let exit = told["exit"].as_u64().unwrap();
        assert_eq!(told["events"].as_u64(), (exit == 0).then_some(hashes.len() as u64));
        assert_eq!(told["why"].is_string(), exit != 0);
        Verdict { exit, hashes, complete: ends.first().copied().zip(ends.get(1).copied()) }
    }
}

/// What our own verifier says, at the time `now`.
fn ours(case: &Case, now: Timestamp) -> Verdict {
    let Ok(policy) = Policy::from_text(&case.policy, now) else { return Verdict::refused(Exit::Malformed) };
    let judged = if case.bytes.starts_with(bundle::MAGIC) {
        bundle::verify(&case.bytes, &policy).map(|proven| Verdict::accepted(&proven.events, proven.complete))
    } else {
        verify(&case.bytes, &policy).map(|verdict| {
            Verdict::accepted(&Sections::parse(&case.bytes).unwrap().decoded().unwrap(), (0, verdict.events))
        })
    };
    judged.unwrap_or_else(|failure| Verdict::refused(failure.exit()))
}

fn present() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64)
}

/// A folder for what a verifier needs.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The files of a case, and of its policy.
fn write(folder: &Path, number: usize, case: &Case) -> [PathBuf; 2] {
    let (file, policy) = (folder.join(format!("{number}.cairn")), folder.join(format!("{number}.policy")));
    std::fs::write(&file, &case.bytes).unwrap();
    std::fs::write(&policy, &case.policy).unwrap();
    [file, policy]
}

/// What a script prints.
fn node(folder: &Path, script: &Path, arguments: impl IntoIterator<Item = PathBuf>) -> String {
    let output = Command::new("node").arg(script).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The other verifier, with what it needs.
fn installed() -> PathBuf {
    let folder = folder("node-verifier");
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

#[test]
fn two_verifiers_say_the_same_of_every_file() {
    let (folder, cases) = (installed(), &*CASES);
    // Every kind of event in every form has the hash that it has for ever.
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/tests/golden/v1.txt");
    let hashed = node(&folder, Path::new("golden.mjs"), [golden.clone()]);
    assert_eq!(hashed.trim(), std::fs::read_to_string(golden).unwrap().lines().count().to_string());
    let true_ones = cases.iter().filter(|case| case.is_true).count();
    assert!(true_ones >= 8 && cases.len() - true_ones >= 40, "{true_ones} of {}", cases.len());
    let files = cases.iter().enumerate().flat_map(|(number, case)| write(&folder, number, case));
    let told = node(&folder, Path::new("verify.mjs"), files);
    assert_eq!(told.lines().count(), cases.len());
    let now = present();
    for (case, theirs) in cases.iter().zip(told.lines().map(Verdict::read)) {
        let ours = ours(case, now);
        assert_eq!(ours.exit == 0, case.is_true, "{}: {ours:?}", case.name);
        assert!(theirs.agrees_with(&ours, case), "{}: {theirs:?}, and not {ours:?}", case.name);
    }
    println!("{true_ones} true and {} false files", cases.len() - true_ones);
}

#[test]
fn the_verifier_in_a_browser_says_what_ours_says() {
    let folder = folder("browser-verifier");
    let module = folder.join("verifier.wasm");
    std::fs::write(&module, cairn::artifacts::verifier().unwrap()).unwrap();
    let export = CASES.iter().find(|case| case.name == "export").unwrap();
    let (now, others, dated) = (present(), corpus::others(export), corpus::dated(export));
    let mut asked: Vec<(&Case, Timestamp)> = CASES.iter().chain(&others).map(|case| (case, now)).collect();
    asked.extend(dated.iter().map(|(case, at)| (case, *at)));
    let files = asked.iter().enumerate().flat_map(|(number, (case, at))| {
        let [file, policy] = write(&folder, number, case);
        [file, policy, PathBuf::from(at.0.to_string())]
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node_verifier/browser.mjs");
    let told = node(&folder, &script, [module].into_iter().chain(files));
    assert_eq!(told.lines().count(), asked.len());
    for ((case, at), theirs) in asked.into_iter().zip(told.lines().map(Verdict::read)) {
        assert_eq!(theirs, ours(case, at), "{}", case.name);
        assert_eq!(theirs.exit == 0, case.is_true, "{}: {theirs:?}", case.name);
    }
}
