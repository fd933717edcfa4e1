//! Licences, bans and sources of everything we depend on, checked against `deny.toml`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails here says enough")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The packages that are built for the host and for canisters.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked"])
        .args(["--filter-platform=x86_64-unknown-linux-gnu", "--filter-platform=wasm32-unknown-unknown"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let built: BTreeSet<&str> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().filter(|package| built.contains(package["id"].as_str().unwrap())).cloned().collect()
}

fn policy() -> toml::Table {
    std::fs::read_to_string(Path::new(ROOT).join("deny.toml")).unwrap().parse().unwrap()
}

fn strings(value: &toml::Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

#[test]
fn every_licence_is_allowed() {
    let policy = policy();
    let allowed: Vec<spdx::Licensee> =
        strings(&policy["licenses"]["allow"]).iter().map(|text| spdx::Licensee::parse(text).unwrap()).collect();
    let packages = packages();
    assert!(packages.len() > 100, "only {} packages: the tree was not read", packages.len());
    for package in packages {
        let (name, licence) = (&package["name"], package["license"].as_str());
        let licence = licence.unwrap_or_else(|| panic!("{name} names no licence"));
        let expression = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX).unwrap();
        let is_allowed = expression.evaluate(|wanted| allowed.iter().any(|licensee| licensee.satisfies(wanted)));
        assert!(is_allowed, "{name}: licence {licence} is not in deny.toml");
    }
}

#[test]
fn nothing_banned_is_used() {
    let policy = policy();
    let names: BTreeSet<String> =
        packages().iter().map(|package| package["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.contains("serde_cbor"), "the exception for serde_cbor is no longer needed");
    for ban in policy["bans"]["deny"].as_array().unwrap() {
        let name = ban["crate"].as_str().unwrap();
        assert!(!names.contains(name), "{name} is banned: {}", ban["reason"]);
    }
}

#[test]
fn every_source_is_ours_or_the_registry() {
    let policy = policy();
    let registries = strings(&policy["sources"]["allow-registry"]);
    for package in packages() {
        if let Some(source) = package["source"].as_str() {
            let is_known = registries.iter().any(|registry| source == format!("registry+{registry}"));
            assert!(is_known, "{}: source {source} is not in deny.toml", package["name"]);
        }
    }
}

/// One codec module, and no other, knows the unmaintained crate in our own code.
#[test]
fn serde_cbor_stays_behind_the_codec() {
    let users: BTreeSet<String> = ["events", "projections", "canisters"]
        .iter()
        .flat_map(|folder| rust_files(&Path::new(ROOT).join(folder)))
        .filter(|file| std::fs::read_to_string(file).unwrap().contains("serde_cbor::"))
        .map(|file| file.strip_prefix(ROOT).unwrap().display().to_string())
        .collect();
    assert_eq!(users, BTreeSet::from(["events/src/codec.rs".to_owned()]));
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false if path.extension().is_some_and(|extension| extension == "rs") => vec![path],
            false => Vec::new(),
        })
        .collect()
}
