//! One run of cargo for all modules, under a lock that other processes of this workspace respect.

use super::{ArtifactError, toolchain, with_interface};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The profile of canisters.
const PROFILE: &str = "canister";
/// That of canisters with a rule taken away: quick to build.
const MUTANT_PROFILE: &str = "mutant";

/// Prefixes of variables that an outer cargo, clippy or test run sets for itself: inherited, they would make every
/// build of the canisters a different one.
const FOREIGN: [&str; 17] = [
    "CARGO_BIN_",
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_CRATE_",
    "CARGO_ENCODED_",
    "CARGO_FEATURE_",
    "CARGO_INCREMENTAL",
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CLIPPY_",
    "MAKEFLAGS",
    "RUSTC",
    "RUSTFLAGS",
];

/// Builds those of `packages` that can be built and reads their modules.
pub fn packages(packages: &[&str]) -> Result<BTreeMap<String, Vec<u8>>, ArtifactError> {
    let workspace = workspace();
    toolchain::ensure(&workspace)?;
    let folder = workspace.join("target/canisters");
    let _lock = lock(&folder)?;
    build(&workspace, &folder, PROFILE, packages)
}

/// As [`packages`], of the workspace whose root is `sources`, with its artifacts elsewhere and unoptimised.
pub fn packages_of(
    sources: &Path,
    folder: &Path,
    packages: &[&str],
) -> Result<BTreeMap<String, Vec<u8>>, ArtifactError> {
    toolchain::ensure(sources)?;
    build(sources, folder, MUTANT_PROFILE, packages)
}

fn build(
    workspace: &Path,
    folder: &Path,
    profile: &str,
    packages: &[&str],
) -> Result<BTreeMap<String, Vec<u8>>, ArtifactError> {
    let messages = run_cargo(workspace, folder, profile, packages)?;
    let mut modules = BTreeMap::new();
    for artifact in messages.lines().filter_map(|line| Artifact::parse(line, packages)) {
        let module = read(&artifact.module)?;
        let interface = artifact.interface();
        let module = if interface.exists() { with_interface(module, &read(&interface)?) } else { module };
        modules.insert(artifact.package, module);
    }
    Ok(modules)
}

/// Cargo's name of the library of `package`, and of its module.
pub fn library(package: &str) -> String {
    package.replace('-', "_")
}

fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn read(path: &Path) -> Result<Vec<u8>, ArtifactError> {
    fs::read(path).map_err(|error| ArtifactError::file(path, &error))
}

/// Waits until no other process builds or reads modules; until the file is dropped, none will.
fn lock(folder: &Path) -> Result<File, ArtifactError> {
    fs::create_dir_all(folder).map_err(|error| ArtifactError::file(folder, &error))?;
    let path = folder.join("cairn.lock");
    let file = File::create(&path).map_err(|error| ArtifactError::file(&path, &error))?;
    file.lock().map_err(|error| ArtifactError::file(&path, &error))?;
    Ok(file)
}

/// Cargo's JSON messages. A canister that does not compile has no artifact among them; the others have theirs.
fn run_cargo(workspace: &Path, folder: &Path, profile: &str, packages: &[&str]) -> Result<String, ArtifactError> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--keep-going", "--lib", "--profile", profile, "--target", toolchain::TARGET]);
    cargo.args(["--message-format", "json-render-diagnostics", "--target-dir"]).arg(folder);
    cargo.args(packages.iter().flat_map(|package| ["-p", package]));
    for (name, _) in std::env::vars_os() {
        if FOREIGN.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    let output = cargo
        .current_dir(workspace)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| ArtifactError::Cargo(error.to_string()))?;
    String::from_utf8(output.stdout).map_err(|error| ArtifactError::Cargo(error.to_string()))
}

/// A module that cargo built or found fresh.
struct Artifact {
    package: String,
    folder: PathBuf,
    module: PathBuf,
}

impl Artifact {
    /// Reads one of cargo's messages; `None` unless it is about the module of one of `packages`.
    fn parse(line: &str, packages: &[&str]) -> Option<Artifact> {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        if message.get("reason")?.as_str()? != "compiler-artifact" {
            return None;
        }
        let target = message.get("target")?.get("name")?.as_str()?;
        let package = packages.iter().find(|package| library(package) == target)?;
        let files = message.get("filenames")?.as_array()?;
        let module = files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm"))?;
        let manifest = Path::new(message.get("manifest_path")?.as_str()?);
        let folder = manifest.parent()?.to_owned();
        Some(Artifact { package: (*package).to_owned(), folder, module: module.into() })
    }

    /// The checked-in interface.
    fn interface(&self) -> PathBuf {
        self.folder.join(format!("{}.did", self.package))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_recognised() {
        let line = r#"{"reason":"compiler-artifact","manifest_path":"/w/canisters/backend/Cargo.toml",
            "target":{"name":"backend"},"filenames":["/t/backend.wasm","/t/libbackend.rlib"],"fresh":true}"#;
        let artifact = Artifact::parse(line, &["backend"]).unwrap();
        assert_eq!(artifact.module, Path::new("/t/backend.wasm"));
        assert_eq!(artifact.interface(), Path::new("/w/canisters/backend/backend.did"));
        assert!(Artifact::parse(&line.replace("\"backend\"}", "\"serde\"}"), &["backend"]).is_none());
        let dashed = line.replace("\"backend\"}", "\"back_end\"}");
        assert_eq!(Artifact::parse(&dashed, &["back-end"]).unwrap().package, "back-end");
        assert!(Artifact::parse(r#"{"reason":"build-finished","success":true}"#, &["backend"]).is_none());
        assert!(Artifact::parse("warning: not JSON", &["backend"]).is_none());
    }
}
