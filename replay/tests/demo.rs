//! The demo as others run it, and what can be done with its export.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs the command with `--json`; its exit code and the object on its last line.
fn cairn(arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_cairn")).args(arguments).arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code().unwrap(), last.unwrap_or_default())
}

#[test]
fn the_demo_ends_well_and_its_log_is_verified_and_replayed() {
    let path = file("demo.cairn");
    let export = path.to_str().unwrap();
    let (code, shown) = cairn(&["demo", "--seed", "5", "--export", export]);
    assert_eq!((code, &shown["problems"]), (0, &Value::Array(Vec::new())), "{shown}");
    let number = |name: &str| shown[name].as_u64().unwrap_or_else(|| panic!("{name} in {shown}"));
    assert!(number("users") >= 25 && number("deployments") >= 40, "{shown}");
    assert!(number("refunded") > 0 && number("refused") > 0, "{shown}");
    assert_eq!(number("payments_captured"), number("delivered") + number("refunded"));
    assert_eq!((number("escrow_balance"), number("upgraded"), number("rebuilt")), (0, 7, 6));
    assert_eq!(number("delivered"), number("tokens") + number("wallets") + number("distributions"));
    assert_eq!((number("wallets"), number("distributions")), (2, 3));
    assert_eq!((number("wallet_payments"), number("claims")), (2, 7), "one each, and three of each airdrop");
    for name in ["chain_verified", "certificate_verified", "digests_equal"] {
        assert_eq!(shown[name], true, "{name}");
    }

    let policy = format!("{export}.policy");
    let (code, verified) = cairn(&["verify", export, "--policy", &policy]);
    assert_eq!((code, &verified["events"]), (0, &shown["events"]));
    let (code, rebuilt) = cairn(&["rebuild", export, "--policy", &policy]);
    assert_eq!((code, &rebuilt["events"]), (0, &shown["events"]));
    assert_eq!(rebuilt["projections"].as_array().unwrap().len(), 4);

    // The same seed, the same network, the same log: byte for byte.
    let again = file("again.cairn");
    let (code, exported) = cairn(&["export", "--seed", "5", "--out", again.to_str().unwrap()]);
    assert_eq!((code, &exported["events"]), (0, &shown["events"]));
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap(), "the exports differ");
}

/// The demo itself ended well, and its log is written; its network cannot be served.
#[test]
fn a_port_that_is_taken_ends_with_6() {
    let path = file("taken.cairn");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, report) = cairn(&["demo", "--seed", "5", "--export", path.to_str().unwrap(), "--serve", &port]);
    assert_eq!((code, &report["exit_code"]), (6, &Value::from(6)), "{report}");
    assert!(report["error"].as_str().unwrap().ends_with("try another --serve PORT"), "{report}");
    assert!(path.exists());
}
