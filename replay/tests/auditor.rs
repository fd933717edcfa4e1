//! An auditor's walk, on a demo whose network is served.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

use cairn::download::Download;
use cairn::verify::Sections;
use serde_bytes::ByteBuf;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A demo's network that runs, and a folder with its export and policy.
struct Walk {
    folder: PathBuf,
    url: String,
    demo: Child,
}

impl Walk {
    fn begin(name: &str) -> Walk {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        let mut demo = Command::new(env!("CARGO_BIN_EXE_cairn"));
        demo.args(["demo", "--seed", "5", "--export", "log.cairn", "--serve", "0"]).current_dir(&folder);
        let mut demo = demo.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(demo.stderr.take().unwrap()).lines();
        let told = lines.map(Result::unwrap).find(|line| line.contains("http://")).unwrap();
        let url = told.split(' ').find(|word| word.starts_with("http://")).unwrap().to_owned();
        Walk { folder, url, demo }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// Asks the network.
    fn live(&self, arguments: &[&str]) -> (i32, Vec<Value>) {
        let source = ["--network", &self.url, "--policy", &self.path("log.cairn.policy")];
        cairn(&[arguments, &source].concat())
    }

    /// Asks nobody.
    fn offline(&self, arguments: &[&str]) -> (i32, Value) {
        let (code, mut told) = cairn(&[arguments, &["--policy", &self.path("log.cairn.policy")]].concat());
        (code, told.pop().unwrap())
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        let _ = self.demo.kill();
        let _ = self.demo.wait();
    }
}

/// Runs the command with `--json`; its exit code and the objects that it prints.
fn cairn(arguments: &[&str]) -> (i32, Vec<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_cairn")).args(arguments).arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn indices(report: &Value) -> Vec<u64> {
    report["events"]
        .as_array()
        .unwrap_or_else(|| panic!("{report}"))
        .iter()
        .map(|row| row["index"].as_u64().unwrap())
        .collect()
}

/// Of the log's events, those that have a topic: a search of everything.
fn having(all: &Value, topic: &str) -> Vec<u64> {
    let has = |row: &&Value| row["topics"].as_array().unwrap().iter().any(|other| other == topic);
    all["events"].as_array().unwrap().iter().filter(has).map(|row| row["index"].as_u64().unwrap()).collect()
}

#[test]
fn a_stranger_gets_complete_answers_and_keeps_them() {
    let walk = Walk::begin("auditor");
    let last = |(code, mut told): (i32, Vec<Value>)| {
        let report = told.pop().unwrap();
        assert_eq!(code, 0, "{report}");
        report
    };
    let all = last(walk.live(&["query", "--limit", "100000"]));
    assert_eq!(indices(&all).len() as u64, all["log_length"].as_u64().unwrap());
    assert_eq!(all["rest"], Value::Null);

    // What is asked is what a search of everything finds.
    let money = last(walk.live(&["query", "--family", "money", "--limit", "100000"]));
    assert_eq!(indices(&money), having(&all, "family money"));
    let newest = last(walk.live(&["query", "--family", "money", "--limit", "3", "--newest"]));
    assert_eq!(indices(&newest), indices(&money)[indices(&money).len() - 3..]);
    assert!(newest["rest"].is_string());
    let contract = all["events"].as_array().unwrap().iter().rev().find_map(|row| {
        let topics = row["topics"].as_array().unwrap();
        topics.iter().find_map(|topic| topic.as_str().unwrap().strip_prefix("contract "))
    });
    let contract = contract.unwrap();
    let both = last(walk.live(&["query", "--contract", contract, "--family", "money"]));
    let of_contract = having(&all, &format!("contract {contract}"));
    let expected: Vec<u64> = of_contract.into_iter().filter(|index| indices(&money).contains(index)).collect();
    assert!(!expected.is_empty());
    assert_eq!(indices(&both), expected);

    // A bundle, a receipt and an export outlive the network.
    let (bundle, receipt, export) = (walk.path("money.cairn"), walk.path("receipt.cairn"), walk.path("today.cairn"));
    last(walk.live(&["prove", "--family", "money", "--out", &bundle]));
    last(walk.live(&["prove", "--event", "7", "--out", &receipt]));
    last(walk.live(&["export", "--out", &export]));
    for form in ["jsonl", "csv"] {
        let text = walk.path(form);
        last(walk.live(&["export", "--format", form, "--out", &text]));
        assert_eq!(walk.offline(&["verify", &text]).0, 0);
        assert!(!Path::new(&format!("{text}.part")).exists(), "all of it has come");
    }
    let (state, other) = (walk.path("state.json"), walk.path("state.new"));
    std::fs::write(&other, "what another follower remembers").unwrap();
    let follow = ["follow", "--once", "--family", "money", "--state", &state];
    let (code, told) = walk.live(&follow);
    assert_eq!((code, told.len()), (0, indices(&money).len() + 1), "each event, and the report");
    let (code, told) = walk.live(&follow);
    assert_eq!((code, told.len()), (0, 1), "nothing is new");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "what another follower remembers");
    assert_eq!(walk.live(&["follow", "--once", "--family", "platform", "--state", &state]).0, 5);
    // A follower who remembers another history is not talked out of it.
    let kept = std::fs::read_to_string(&state).unwrap();
    let root = serde_json::from_str::<Value>(&kept).unwrap()["root"].as_str().unwrap().to_owned();
    std::fs::write(&state, kept.replace(&root, &"ab".repeat(32))).unwrap();
    assert_eq!(walk.live(&follow).0, 3);
    // Nor out of how long it was.
    let (mut seen, now): (Value, _) = (serde_json::from_str(&kept).unwrap(), 1_u64 << 63);
    seen["size"] = (seen["size"].as_u64().unwrap() + 1_000).into();
    for (certified_at, code) in [(0, 3), (now, 8)] {
        seen["certified_at"] = certified_at.into();
        std::fs::write(&state, seen.to_string()).unwrap();
        assert_eq!(walk.live(&follow).0, code, "set back, or a node that is behind");
    }
    std::fs::write(&state, "{").unwrap();
    assert_eq!(walk.live(&follow).0, 2);
    assert_eq!(walk.live(&["query", "--until", "1000000"]).0, 8, "there are not as many");
    let policy = std::fs::read_to_string(walk.path("log.cairn.policy")).unwrap();
    let fresh = policy.replace("archival", "at most 60 seconds old");
    std::fs::write(walk.path("fresh.policy"), &fresh).unwrap();
    let live = ["query", "--network", &walk.url, "--policy", &walk.path("fresh.policy"), "--limit", "1"];
    assert_eq!(cairn(&live).0, 0, "a live answer is fresh");
    let log = walk.path("log.cairn");
    assert_eq!(cairn(&["verify", &log, "--policy", &walk.path("fresh.policy")]).0, 7, "the demo's export is not");

    let (code, proven) = walk.offline(&["verify", &bundle]);
    assert_eq!((code, indices(&proven)), (0, indices(&money)));
    let (code, proven) = walk.offline(&["verify", &receipt]);
    assert_eq!((code, indices(&proven)), (0, vec![7]));
    let (code, verified) = walk.offline(&["verify", &export]);
    assert_eq!((code, &verified["events"]), (0, &all["log_length"]));
    let (code, compared) = walk.offline(&["diff", &log, &export]);
    assert_eq!(code, 0, "{compared}");
    assert!(compared["relation"] == "equal" || compared["relation"] == "second_extends_first", "{compared}");
}

#[test]
fn an_interrupted_export_goes_on_where_it_stopped() {
    let walk = Walk::begin("interrupted");
    let (whole, again) = (walk.path("whole.cairn"), walk.path("again.cairn"));
    let part = format!("{again}.part");
    assert_eq!(walk.live(&["export", "--out", &whole]).0, 0);
    let bytes = std::fs::read(&whole).unwrap();
    let sections = Sections::parse(&bytes).unwrap();
    let events: Vec<ByteBuf> = sections.events.iter().map(|event| ByteBuf::from(event.to_vec())).collect();
    let begin = |certificate: &[u8]| {
        let tree = sections.hash_tree.to_vec();
        let mut download = Download::begin(Path::new(&part), tree, certificate.to_vec()).unwrap();
        download.add(&events[..10], events.len() as u64).unwrap();
    };
    // The last event has not come as a whole, and the network is gone for a while.
    begin(&sections.certificate);
    let kept = std::fs::read(&part).unwrap();
    std::fs::write(&part, &kept[..kept.len() - 3]).unwrap();
    let policy = walk.path("log.cairn.policy");
    let nobody = ["export", "--out", &again, "--network", "http://127.0.0.1:9", "--policy", &policy];
    assert_eq!(cairn(&nobody).0, 8);
    let live = ["export", "--out", &again, "--network", &walk.url, "--policy", &policy];
    let output = Command::new(env!("CARGO_BIN_EXE_cairn")).args(live).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&format!("goes on after 9 of {} events", events.len())), "{told}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(std::fs::read(&again).unwrap(), bytes, "the same bytes as without an interruption");
    assert!(!Path::new(&part).exists());

    // What has come so far is believed as little as anything else.
    std::fs::write(&part, "something else").unwrap();
    assert_eq!(cairn(&live).0, 2);
    let mut other = sections.certificate.to_vec();
    *other.last_mut().unwrap() ^= 1;
    begin(&other);
    assert_eq!(cairn(&live).0, 4);
    begin(&sections.certificate);
    let mut spoiled = std::fs::read(&part).unwrap();
    *spoiled.last_mut().unwrap() ^= 1;
    std::fs::write(&part, &spoiled).unwrap();
    assert!([2, 3].contains(&cairn(&live).0), "the tenth event is another one");
    begin(&sections.certificate);
    let text = std::fs::read_to_string(&policy).unwrap();
    let id = text.lines().find_map(|line| line.strip_prefix("log_id: ")).unwrap();
    let other = text.replace(id, &"ab".repeat(32));
    std::fs::write(walk.path("other.policy"), other).unwrap();
    let export =
        |policy: &str| cairn(&["export", "--out", &again, "--network", &walk.url, "--policy", &walk.path(policy)]).0;
    assert_eq!(export("other.policy"), 5);

    // An end that has become too old meanwhile gives way to the present one, which continues it.
    std::fs::write(walk.path("fresh.policy"), text.replace("archival", "at most 60 seconds old")).unwrap();
    let demo = std::fs::read(walk.path("log.cairn")).unwrap();
    let old = Sections::parse(&demo).unwrap();
    let mut download = Download::begin(Path::new(&part), old.hash_tree.to_vec(), old.certificate.to_vec()).unwrap();
    download.add(&events[..10], old.events.len() as u64).unwrap();
    assert_eq!(export("fresh.policy"), 0);
    let (code, compared) = walk.offline(&["diff", &whole, &again]);
    assert_eq!(code, 0, "{compared}");
    assert_eq!(walk.offline(&["verify", &again]).0, 0);
}

/// An Ed25519 key, as `openssl genpkey` writes it.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g
-----END PRIVATE KEY-----
";

#[test]
fn people_ask_about_themselves() {
    let walk = Walk::begin("identity");
    let pem = walk.path("key.pem");
    std::fs::write(&pem, KEY).unwrap();
    let own = cairn::identity::read(KEY.as_bytes()).unwrap().sender().unwrap().to_text();
    let (code, told) = walk.live(&["query", "--party", &own, "--identity", &pem]);
    assert_eq!((code, told[0]["events"].as_array().map(Vec::len)), (0, Some(0)), "verified: there is none");
    let receipt = walk.path("own.cairn");
    assert_eq!(walk.live(&["prove", "--party", &own, "--identity", &pem, "--out", &receipt]).0, 0);
    assert_eq!(walk.offline(&["verify", &receipt]).0, 0);
    assert_eq!(walk.live(&["query", "--party", &own]).0, 8, "nobody in particular may not");
    assert_eq!(walk.live(&["query", "--party", "aaaaa-aa", "--identity", &pem]).0, 8, "nor about others");
    std::fs::write(&pem, "no key").unwrap();
    assert_eq!(walk.live(&["query", "--party", &own, "--identity", &pem]).0, 2);
    assert_eq!(walk.live(&["query", "--party", &own, "--identity", &walk.path("none.pem")]).0, 2);
}
