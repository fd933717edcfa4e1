//! The public interfaces: what the canister wasm exports, what is checked in, and what was promised before.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails here says enough")]

use candid_parser::utils::{CandidSource, service_compatible, service_equal};
use std::path::PathBuf;

const INTERFACES: [(&str, &str); 10] = [
    ("audit_storage", "canisters/audit_storage"),
    ("archive", "canisters/archive"),
    ("backend", "canisters/backend"),
    ("invoice_storage", "canisters/invoice_storage"),
    ("token_factory", "canisters/token_factory"),
    ("multisig_factory", "canisters/multisig_factory"),
    ("distribution_factory", "canisters/distribution_factory"),
    ("token", "canisters/contracts/token"),
    ("multisig", "canisters/contracts/multisig"),
    ("distribution", "canisters/contracts/distribution"),
];

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn checked_in(name: &str, folder: &str) -> String {
    std::fs::read_to_string(root().join(folder).join(format!("{name}.did"))).unwrap()
}

/// The interface in the module's own metadata section is the one checked in.
#[test]
fn modules_carry_the_checked_in_interface() {
    for (name, folder) in INTERFACES {
        let wasm = cairn::artifacts::wasm(name).unwrap();
        let interface = checked_in(name, folder);
        let is_inside = wasm.windows(interface.len()).any(|window| window == interface.as_bytes());
        assert!(is_inside, "{name}: the module's metadata holds another interface than {folder}/{name}.did");
    }
}

/// Clients of the interface as it was promised (`tests/golden/candid`) can use the present one. The promise changes
/// only on purpose: with `UPDATE_CANDID_BASELINE=1`.
#[test]
fn interfaces_keep_their_promises() {
    for (name, folder) in INTERFACES {
        let baseline = root().join("tests/golden/candid").join(format!("{name}.did"));
        let interface = checked_in(name, folder);
        if std::env::var_os("UPDATE_CANDID_BASELINE").is_some() {
            std::fs::create_dir_all(baseline.parent().unwrap()).unwrap();
            std::fs::write(&baseline, &interface).unwrap();
        }
        let promised = std::fs::read_to_string(&baseline).unwrap();
        service_compatible(CandidSource::Text(&interface), CandidSource::Text(&promised))
            .unwrap_or_else(|error| panic!("{name} breaks its clients: {error}"));
        let outcome = service_equal(CandidSource::Text(&interface), CandidSource::Text(&promised));
        assert!(outcome.is_ok(), "{name} grew: record the new promise with UPDATE_CANDID_BASELINE=1");
    }
}
