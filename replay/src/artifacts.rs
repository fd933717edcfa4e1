//! Canister modules for tests, benchmark and demo, and the verifier for browsers: built once, the same way everywhere.
//!
//! Cargo itself decides what is out of date, so a module is never older than its sources. Modules built elsewhere
//! (another machine, a reproducible build) are used instead if [`WASM_DIR`] names their folder.

mod build;
mod toolchain;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use wasm_encoder::{CustomSection, Section};

/// The canisters of the platform, by package.
pub const CANISTERS: [&str; 10] = [
    "audit_storage",
    "archive",
    "backend",
    "invoice_storage",
    "token_factory",
    "multisig_factory",
    "distribution_factory",
    "token",
    "multisig",
    "distribution",
];

/// The verifier for browsers, by package: no canister, but a module like theirs.
pub const VERIFIER: &str = "cairn-verifier-browser";

/// Environment variable: a folder with `PACKAGE.wasm` files to use as they are, instead of building.
pub const WASM_DIR: &str = "CAIRN_WASM_DIR";

/// Name of the custom section that tells everybody a canister's interface.
const CANDID_SECTION: &str = "icp:public candid:service";

/// Why there is no module.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The target is not installed and cannot be.
    #[error("no wasm target: run `rustup target add wasm32-unknown-unknown` ({0})")]
    Target(String),
    /// Cargo could not be run or understood.
    #[error("cargo: {0}")]
    Cargo(String),
    /// The package does not compile.
    #[error("{0} does not build; cargo says why above, or run `cargo check -p {0} --target wasm32-unknown-unknown`")]
    Build(String),
    /// A file is not readable or writable.
    #[error("{0}")]
    File(String),
}

impl ArtifactError {
    fn file(path: &Path, error: &std::io::Error) -> Self {
        ArtifactError::File(format!("{}: {error}", path.display()))
    }
}

/// The module of the canister `package`, its Candid interface attached. The first call of a process builds all
/// canisters if anything changed.
///
/// # Errors
/// [`ArtifactError`]; its message says what to do.
pub fn wasm(package: &str) -> Result<Vec<u8>, ArtifactError> {
    if let Some(module) = built_elsewhere(package) {
        return module;
    }
    static BUILT: OnceLock<Result<BTreeMap<String, Vec<u8>>, ArtifactError>> = OnceLock::new();
    let modules = BUILT.get_or_init(|| build::packages(&CANISTERS)).as_ref().map_err(Clone::clone)?;
    modules.get(package).cloned().ok_or_else(|| ArtifactError::Build(package.to_owned()))
}

/// The module of `package`, a canister of this workspace that only tests run.
///
/// # Errors
/// [`ArtifactError`]; its message says what to do.
pub fn test_wasm(package: &str) -> Result<Vec<u8>, ArtifactError> {
    if let Some(module) = built_elsewhere(package) {
        return module;
    }
    // Together with the others, so that what they stand on is built once.
    let packages: Vec<&str> = CANISTERS.into_iter().chain([package]).collect();
    build::packages(&packages)?.remove(package).ok_or_else(|| ArtifactError::Build(package.to_owned()))
}

/// The module of the verifier for browsers. A folder [`WASM_DIR`] that has none is one of canisters: it is built then.
///
/// # Errors
/// [`ArtifactError`]; its message says what to do.
pub fn verifier() -> Result<Vec<u8>, ArtifactError> {
    if let Some(Ok(module)) = built_elsewhere(VERIFIER) {
        return Ok(module);
    }
    build::packages(&[VERIFIER])?.remove(VERIFIER).ok_or_else(|| ArtifactError::Build(VERIFIER.to_owned()))
}

/// The module of `package`, built from the workspace whose root is `sources`: for copies of it in which a rule is taken
/// away, to see whether that is found out. Not optimised.
///
/// # Errors
/// [`ArtifactError`]; its message says what to do.
pub fn build_mutant(sources: &Path, folder: &Path, package: &str) -> Result<Vec<u8>, ArtifactError> {
    let module = build::packages_of(sources, folder, &[package])?.remove(package);
    module.ok_or_else(|| ArtifactError::Build(package.to_owned()))
}

/// The module that lies ready in the folder [`WASM_DIR`], if there is such a folder.
fn built_elsewhere(package: &str) -> Option<Result<Vec<u8>, ArtifactError>> {
    let path = Path::new(&std::env::var_os(WASM_DIR)?).join(format!("{}.wasm", build::library(package)));
    Some(std::fs::read(&path).map_err(|error| ArtifactError::file(&path, &error)))
}

/// `module` with `interface` as its public Candid metadata.
fn with_interface(module: Vec<u8>, interface: &[u8]) -> Vec<u8> {
    annotated(module, CANDID_SECTION, interface)
}

/// `module` with one more custom section: the same code under another hash.
pub fn annotated(mut module: Vec<u8>, name: &str, content: &[u8]) -> Vec<u8> {
    CustomSection { name: name.into(), data: content.into() }.append_to(&mut module);
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_is_a_custom_section_at_the_end() {
        let empty = wasm_encoder::Module::new().finish();
        let module = with_interface(empty.clone(), b"service : {}");
        assert!(module.starts_with(&empty));
        assert!(module.ends_with(b"icp:public candid:serviceservice : {}"));
        assert_eq!(module.get(empty.len()), Some(&0), "the id of custom sections");
    }
}
