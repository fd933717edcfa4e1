//! Saved states of localnet: damaged, but with all digests in order.

use super::folder::Folder;
use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
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

/// A byte that says what is another one than was saved: the part `network`,
const NETWORK: u8 = 0;
/// or the manifest.
const MANIFEST: u8 = 1;

/// That byte, and the part or the manifest.
pub struct States {
    folder: Folder,
    manifest: Manifest,
    files: Vec<(String, Vec<u8>)>,
    /// What tells the network that was saved from all others.
    hash: [u8; 32],
    corpus: Vec<Vec<u8>>,
}

/// Saves a small network with messages on their way; its hash.
fn saved(folder: &Path) -> anyhow::Result<[u8; 32]> {
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
    Ok(net.state_hash())
}

fn part_file(digest: &[u8; 32]) -> String {
    format!("{}.part", hex::encode(digest))
}

impl States {
    pub fn new() -> anyhow::Result<States> {
        let folder = Folder::new()?;
        let path = folder.own();
        let hash = saved(&path)?;
        let bytes = fs::read(path.join("manifest"))?;
        let content = bytes.len().checked_sub(32).and_then(|end| bytes.get(..end)).context("a short manifest")?;
        let manifest: Manifest = ciborium::from_reader(content)?;
        let mut files = Vec::new();
        for digest in manifest.parts.values() {
            files.push((part_file(digest), fs::read(path.join(part_file(digest)))?));
        }
        let network = fs::read(path.join(part_file(manifest.parts.get("network").context("no network")?)))?;
        let corpus = vec![[&[NETWORK][..], &network].concat(), [&[MANIFEST][..], content].concat()];
        fs::remove_dir_all(path)?;
        Ok(States { folder, manifest, files, hash, corpus })
    }

    /// Writes the state with another part or manifest; the part's file, if there is one more now.
    fn write(&self, path: &Path, what: u8, bytes: &[u8]) -> anyhow::Result<Option<PathBuf>> {
        if !path.exists() {
            fs::create_dir_all(path)?;
            fs::write(path.join("lock"), [])?;
            for (name, content) in &self.files {
                fs::write(path.join(name), content)?;
            }
        }
        let (mut manifest, mut part) = (bytes.to_vec(), None);
        if what == NETWORK {
            let digest: [u8; 32] = Sha256::digest(bytes).into();
            let file = path.join(part_file(&digest));
            fs::write(&file, bytes)?;
            part = (self.corpus[0][1..] != *bytes).then_some(file);
            let mut changed = self.manifest.clone();
            changed.parts.insert("network".to_owned(), digest);
            manifest.clear();
            ciborium::into_writer(&changed, &mut manifest)?;
        }
        let digest = Sha256::digest(&manifest);
        manifest.extend_from_slice(&digest);
        fs::write(path.join("manifest"), manifest)?;
        Ok(part)
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
        Shape::Cbor(1)
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Some((what, bytes)) = input.split_first() else { return Ok(Verdict::Refused) };
        let (path, what) = (self.folder.own(), what % 2);
        let part = self.write(&path, what, bytes).map_err(|error| error.to_string())?;
        let restored = Net::restore(&path, Config::default());
        let is_as_saved = part.is_none();
        if let Some(part) = part {
            fs::remove_file(part).map_err(|error| error.to_string())?;
        }
        if let (Ok(net), true) = (&restored, is_as_saved) {
            ensure(net.state_hash() == self.hash, || "another network than was saved is restored".to_owned())?;
        }
        Ok(Verdict::from(&restored))
    }
}
