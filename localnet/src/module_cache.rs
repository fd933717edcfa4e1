//! Compiled modules on disk.
//!
//! A compiled module is machine code: it is loaded only from a directory that nobody else can write to.

use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::{Engine, Module};

/// Files written by this process: their partial names must differ.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Loads a module compiled by an engine with the same settings, if it is there.
#[allow(unsafe_code)]
pub(crate) fn load(engine: &Engine, dir: &Path, wasm: &[u8]) -> Option<Module> {
    let file = dir.join(file_name(engine, wasm));
    if !file.exists() || !is_private(dir).unwrap_or(false) {
        return None;
    }
    // SAFETY: the file was written by `store`, under a name that ties it to the module and to this
    // engine's version and settings, into a directory to which only this user can write.
    unsafe { Module::deserialize_file(engine, file) }.ok()
}

/// Stores a compiled module: on the disk before it has its name, so that nobody ever loads half of it.
pub(crate) fn store(engine: &Engine, dir: &Path, wasm: &[u8], module: &Module) -> io::Result<()> {
    create(dir)?;
    if !is_private(dir)? {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let file = dir.join(file_name(engine, wasm));
    let partial = dir.join(partial("module"));
    let mut writer = File::create(&partial)?;
    writer.write_all(&module.serialize().map_err(io::Error::other)?)?;
    writer.sync_all()?;
    fs::rename(&partial, file)
}

/// Module, engine version and engine settings make the name.
fn file_name(engine: &Engine, wasm: &[u8]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let name: String = Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    PathBuf::from(format!("{name}-{:016x}.cwasm", hasher.finish()))
}

/// A name that no other process and no other thread uses.
fn partial(what: &str) -> String {
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    format!("{what}-{}-{number}.partial", std::process::id())
}

fn create(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Whether only this user can write there: the directory belongs to whom our own files in it do.
#[cfg(unix)]
fn is_private(dir: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(dir)?;
    let probe = dir.join(partial("probe"));
    let owner = File::create_new(&probe)?.metadata()?.uid();
    fs::remove_file(probe)?;
    Ok(metadata.uid() == owner && metadata.mode() & 0o022 == 0)
}

/// Elsewhere directories of a user are private unless they were opened to others.
#[cfg(not(unix))]
fn is_private(_: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("localnet-module-cache-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_module_is_found_again_by_an_engine_with_the_same_settings_only() {
        let dir = directory("settings");
        let wasm = wat::parse_str("(module (func (export \"f\")))").expect("valid text form");
        let engine = Engine::default();
        let module = Module::new(&engine, &wasm).expect("compiles");
        store(&engine, &dir, &wasm, &module).expect("is stored");
        assert!(load(&engine, &dir, &wasm).is_some());
        let with_fuel = Engine::new(wasmtime::Config::new().consume_fuel(true)).expect("an engine");
        assert!(load(&with_fuel, &dir, &wasm).is_none());
        assert!(load(&engine, &dir, &wasm[..8]).is_none());
        fs::remove_dir_all(dir).expect("removed");
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_others_can_write_to_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt;
        let dir = directory("open");
        let wasm = wat::parse_str("(module)").expect("valid text form");
        let engine = Engine::default();
        let module = Module::new(&engine, &wasm).expect("compiles");
        store(&engine, &dir, &wasm, &module).expect("is stored");
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).expect("opened");
        assert!(load(&engine, &dir, &wasm).is_none());
        assert!(store(&engine, &dir, &wasm, &module).is_err());
        fs::remove_dir_all(dir).expect("removed");
    }
}
