//! Saved states of localnet: damaged, but with all digests in order.

use crate::mutation::Shape;
use crate::target::{Target, Verdict};
use anyhow::Context as _;
use localnet::{Config, Net, Principal};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The manifest of a state: format and digests of its parts.
#[derive(Clone, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    parts: BTreeMap<String, [u8; 32]>,
}

/// The part `network` of a state.
pub struct States {
    manifest: Manifest,
    files: Vec<(String, Vec<u8>)>,
    corpus: Vec<Vec<u8>>,
}

/// A small network with messages on their way.
fn saved(folder: &Path) -> anyhow::Result<()> {
    let mut net = Net::default();
    let owner = Principal::self_authenticating(b"owner");
    let wasm = wat::parse_str(
        r#"(module (memory 1) (global (mut i32) (i32.const 7)) (data (i32.const 0) "some data")
            (func (export "canister_update noop")))"#,
    )?;
    for _ in 0..2 {
        let id = net.create_canister(owner, 1_000_000_000_000);
        net.install(id, owner, &wasm, Vec::new()).map_err(|reject| anyhow::anyhow!("{reject}"))?;
        net.submit_raw(id, owner, "noop", vec![1, 2, 3]);
    }
    net.tick();
    net.save(folder)?;
    Ok(())
}

/// What this process writes.
fn home() -> PathBuf {
    std::env::temp_dir().join(format!("cairn-fuzz-{}", std::process::id()))
}

/// A folder of this thread.
fn folder() -> PathBuf {
    home().join(format!("{:?}", std::thread::current().id()).replace(['(', ')'], ""))
}

fn part_file(digest: &[u8; 32]) -> String {
    format!("{}.part", hex::encode(digest))
}

impl States {
    pub fn new() -> anyhow::Result<States> {
        let folder = folder();
        saved(&folder)?;
        let bytes = fs::read(folder.join("manifest"))?;
        let content = bytes.len().checked_sub(32).and_then(|end| bytes.get(..end)).context("a short manifest")?;
        let manifest: Manifest = ciborium::from_reader(content)?;
        let mut files = Vec::new();
        for digest in manifest.parts.values() {
            files.push((part_file(digest), fs::read(folder.join(part_file(digest)))?));
        }
        let network = manifest.parts.get("network").context("no network")?;
        let corpus = vec![fs::read(folder.join(part_file(network)))?];
        fs::remove_dir_all(folder)?;
        Ok(States { manifest, files, corpus })
    }

    /// Writes the state with another part `network`.
    fn write(&self, folder: &Path, network: &[u8]) -> anyhow::Result<PathBuf> {
        if !folder.exists() {
            fs::create_dir_all(folder)?;
            fs::write(folder.join("lock"), [])?;
            for (name, content) in &self.files {
                fs::write(folder.join(name), content)?;
            }
        }
        let mut manifest = self.manifest.clone();
        let digest: [u8; 32] = Sha256::digest(network).into();
        let part = folder.join(part_file(&digest));
        fs::write(&part, network)?;
        manifest.parts.insert("network".to_owned(), digest);
        let mut bytes = Vec::new();
        ciborium::into_writer(&manifest, &mut bytes)?;
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        fs::write(folder.join("manifest"), bytes)?;
        Ok(part)
    }
}

impl Drop for States {
    fn drop(&mut self) {
        // It is a temporary folder: should it stay, no harm is done.
        let _ = fs::remove_dir_all(home());
    }
}

impl Target for States {
    fn name(&self) -> &'static str {
        "state"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Cbor(0)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let folder = folder();
        let part = self.write(&folder, input).map_err(|error| error.to_string())?;
        let restored = Net::restore(&folder, Config::default());
        if input != self.corpus[0] {
            fs::remove_file(part).map_err(|error| error.to_string())?;
        }
        Ok(Verdict::from(&restored))
    }
}
