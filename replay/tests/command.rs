//! The command as others see it: exit codes and JSON.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

#[path = "../src/verify/tests/sample.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]
mod sample;

use cairn::verify::{Policy, file};
use cairn_events::testing::{TestLog, principal, story};
use cairn_events::{Hash, LogId};
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
        let policy = Policy { root_key: der(&key(1)), canister: log.canister, log: log.id };
        let case = Case { folder, log, policy };
        let claim = Claim::of(&case.log);
        let events = sample::events(&case.log);
        let export = file::write(events.iter().map(Vec::as_slice), &claim.hash_tree(), &claim.certificate());
        case.write("log.cairn", &export.unwrap());
        case.write("policy.json", case.policy.to_json().as_bytes());
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
        cairn(&["verify", &self.path("log.cairn"), "--policy", &self.path("policy.json")])
    }

    fn verify_with(&self, policy: Policy) -> i32 {
        self.write("policy.json", policy.to_json().as_bytes());
        self.verify().0
    }
}

/// Runs the command with `--json`; its exit code and the object on its last line.
fn cairn(arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_cairn")).args(arguments).arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code().unwrap(), last.unwrap_or_default())
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
    let (code, report) = cairn(&["verify", "/nonexistent", "--policy", &case.path("policy.json")]);
    assert_eq!((code, &report["exit_code"]), (2, &Value::from(2)));
    case.damage(|_| 0);
    assert_eq!(case.verify().0, 2);
    case.write("policy.json", b"{");
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
fn indexes_are_rebuilt_from_an_export() {
    let case = Case::new("rebuild");
    let file = case.path("log.cairn");
    let (code, report) = cairn(&["rebuild", &file, "--policy", &case.path("policy.json")]);
    assert_eq!((code, &report["verified"]), (0, &Value::Bool(true)));
    assert_eq!(report["events"], case.log.events.len());
    let (_, unverified) = cairn(&["rebuild", &file]);
    assert_eq!(unverified["verified"], false);
    assert_eq!(unverified["projections"], report["projections"]);
    let (_, earlier) = cairn(&["rebuild", &file, "--until", "5"]);
    assert_eq!(earlier["events"], 5);
}
