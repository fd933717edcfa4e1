//! `@icp-sdk/core`, the standard agent in JavaScript, on Node.

use crate::running::Running;
use localnet::Principal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PACKAGE: &str = r#"{ "private": true, "type": "module", "dependencies": { "@icp-sdk/core": "6.1.0" } }"#;
const SCRIPT: &str = include_str!("agent.mjs");

/// The folder with the script and its packages, made once.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("javascript");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("package.json"), PACKAGE).unwrap();
        std::fs::write(folder.join("agent.mjs"), SCRIPT).unwrap();
        install(&folder);
        folder
    })
}

/// Installs the packages that the folder's `package.json` asks for.
pub fn install(folder: &Path) {
    let arguments = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
    let installed = Command::new("npm").args(arguments).current_dir(folder).output().expect("npm is there");
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
}

/// Runs a part of the script; the error is what it printed.
pub fn run(part: &str, url: &str, root_key: &[u8], canister: Principal) -> Result<(), String> {
    let mut node = Command::new("node");
    node.arg("agent.mjs").arg(part).arg(url).arg(hex::encode(root_key)).arg(canister.to_text());
    let output = node.current_dir(folder()).output().expect("node is there");
    let printed = [output.stdout, output.stderr].concat();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&printed).into_owned()) }
}

async fn works(part: &'static str, running: Running) {
    let (url, key, counter) = (running.server.url(), running.server.root_key(), running.counter);
    let outcome = tokio::task::spawn_blocking(move || run(part, &url, &key, counter)).await.unwrap();
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_queries_and_updates_with_verification_on() {
    works("works", Running::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_polls_when_it_has_to() {
    works("works", Running::impatient().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_of_the_browser_are_recognised() {
    works("identities", Running::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mainnet_key_is_not_ours() {
    works("mainnet", Running::start().await).await;
}
