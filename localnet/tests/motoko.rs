//! Canisters compiled by the Motoko compiler, with both ways to keep state across upgrades: enhanced
//! orthogonal persistence (64-bit memory, the heap is kept) and the classical one (32-bit memory,
//! stable variables are written to stable memory).
//!
//! The compiler comes as an npm package and is installed below the target folder when first needed.

// Helpers of tests may fail a test like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use candid::Nat;
use localnet::management_types::{CanisterInstallMode, UpgradeFlags, WasmMemoryPersistence};
use localnet::{Net, Principal, Reject};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// The compiler of today, and the last one that still compiles to 32-bit memories.
const PACKAGES: [&str; 2] = ["motoko@4.10.0", "motoko-classic@npm:motoko@3.9.7"];

/// The folder with both compilers.
fn compilers() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("motoko");
        std::fs::create_dir_all(&folder).unwrap();
        if PACKAGES.iter().all(|package| folder.join("node_modules").join(alias(package)).exists()) {
            return folder;
        }
        std::fs::write(folder.join("package.json"), r#"{ "private": true }"#).unwrap();
        let mut npm = Command::new("npm");
        npm.current_dir(&folder).args(["install", "--no-audit", "--no-fund", "--no-save"]).args(PACKAGES);
        run(npm, "npm");
        folder
    })
}

/// The name a package is installed under.
fn alias(package: &str) -> &str {
    package.split('@').next().unwrap()
}

fn run(mut command: Command, program: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("the Motoko tests need `{program}`: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

fn compile(package: &str, source: &str) -> Vec<u8> {
    let folder = compilers();
    let (program, wasm) = (folder.join(format!("{package}.mo")), folder.join(format!("{package}.wasm")));
    std::fs::write(&program, source).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/motoko/compile.js");
    let mut node = Command::new("node");
    node.current_dir(folder).arg(script).arg(package).arg(program).arg(&wasm);
    run(node, "node");
    std::fs::read(wasm).unwrap()
}

const COUNTER: &str = include_str!("motoko/counter.mo");

fn orthogonal() -> &'static [u8] {
    static WASM: OnceLock<Vec<u8>> = OnceLock::new();
    WASM.get_or_init(|| compile("motoko", COUNTER))
}

fn classical() -> &'static [u8] {
    static WASM: OnceLock<Vec<u8>> = OnceLock::new();
    let source = || COUNTER.replace("persistent actor", "actor").replace("\n  var ", "\n  stable var ");
    WASM.get_or_init(|| compile("motoko-classic", &source()))
}

fn owner() -> Principal {
    Principal::self_authenticating(b"owner")
}

fn installed(wasm: &[u8]) -> (Net, Principal) {
    let mut net = Net::default();
    let id = net.create_canister(owner(), 10_000_000_000_000);
    net.install(id, owner(), wasm, no_arguments()).unwrap();
    (net, id)
}

fn no_arguments() -> Vec<u8> {
    candid::encode_args(()).unwrap()
}

fn count(net: &mut Net, id: Principal) -> Nat {
    net.query(id, owner(), "get", ()).unwrap()
}

/// Lets time pass a second at a time.
fn wait(net: &mut Net, seconds: u32) {
    for _ in 0..seconds {
        net.advance(Duration::from_secs(1));
        net.run_until_idle(100);
    }
}

fn upgrade(
    net: &mut Net,
    id: Principal,
    wasm: &[u8],
    wasm_memory_persistence: Option<WasmMemoryPersistence>,
) -> Result<(), Reject> {
    let flags = UpgradeFlags { skip_pre_upgrade: None, wasm_memory_persistence };
    net.deploy(id, owner(), CanisterInstallMode::Upgrade(Some(flags)), wasm, &no_arguments())
}

/// Update, query, call of itself, trap, timers.
fn counts(wasm: &[u8]) -> (Net, Principal) {
    let (mut net, id) = installed(wasm);
    assert_eq!(net.update::<Nat>(id, owner(), "add", (Nat::from(5_u8),)).unwrap(), 5_u8);
    assert_eq!(net.update::<Nat>(id, owner(), "addTwice", (Nat::from(10_u8),)).unwrap(), 25_u8);
    let reject = net.update::<()>(id, owner(), "fail", ()).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0503"), "{reject}");
    assert_eq!(count(&mut net, id), 25_u8);
    net.update::<()>(id, owner(), "addEverySecond", ()).unwrap();
    net.update::<()>(id, owner(), "addOnceInAMinute", (Nat::from(100_u8),)).unwrap();
    wait(&mut net, 4);
    assert_eq!(count(&mut net, id), 29_u8);
    wait(&mut net, 57);
    let counted = count(&mut net, id);
    assert!(counted == 185_u8 || counted == 186_u8, "{counted}");
    (net, id)
}

#[test]
fn a_canister_with_64_bit_memory_keeps_its_heap_across_upgrades() {
    let (mut net, id) = counts(orthogonal());
    let before = count(&mut net, id);
    upgrade(&mut net, id, orthogonal(), Some(WasmMemoryPersistence::Keep)).unwrap();
    assert_eq!(count(&mut net, id), before);
    // Timers are gone, the canister goes on.
    wait(&mut net, 3);
    assert_eq!(count(&mut net, id), before);
    let after = before + 1_u8;
    assert_eq!(net.update::<Nat>(id, owner(), "add", (Nat::from(1_u8),)).unwrap(), after);
    upgrade(&mut net, id, orthogonal(), Some(WasmMemoryPersistence::Keep)).unwrap();
    assert_eq!(count(&mut net, id), after);
}

#[test]
fn an_upgrade_must_say_what_becomes_of_a_heap_that_holds_the_state() {
    let (mut net, id) = installed(orthogonal());
    net.update::<Nat>(id, owner(), "add", (Nat::from(5_u8),)).unwrap();
    let reject = upgrade(&mut net, id, orthogonal(), None).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0504"));
    assert!(reject.message.contains("Missing upgrade option"), "{reject}");
    let reject = upgrade(&mut net, id, classical(), Some(WasmMemoryPersistence::Keep)).unwrap_err();
    assert!(reject.message.contains("Invalid upgrade option"), "{reject}");
    assert_eq!(count(&mut net, id), 5_u8);
    upgrade(&mut net, id, orthogonal(), Some(WasmMemoryPersistence::Replace)).unwrap();
    assert_eq!(count(&mut net, id), 0_u8);
}

#[test]
fn a_canister_with_32_bit_memory_keeps_its_stable_variables_across_upgrades() {
    let (mut net, id) = counts(classical());
    let before = count(&mut net, id);
    upgrade(&mut net, id, classical(), None).unwrap();
    assert_eq!(count(&mut net, id), before);
    let fork = net.fork();
    assert_eq!(count(&mut { fork }, id), before);
}
