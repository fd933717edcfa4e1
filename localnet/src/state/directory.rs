//! A directory that holds one state: the old one or the new one, never a mix of both.
//!
//! Parts are files named by the SHA-256 of their content, so that a new state never touches a file of
//! the old one. The manifest names the parts of the state in force. Every file is written beside,
//! flushed to disk and renamed; the new manifest takes the place of the old one when all its parts are
//! durable, and only then the parts that it does not name are removed.

use super::{Parts, StateError, decode, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const MANIFEST: &str = "manifest";
const LOCK: &str = "lock";
const PART: &str = "part";
const PARTIAL: &str = "partial";
/// Bytes of the digest that ends the manifest.
const DIGEST: usize = 32;

/// The parts of a state. Followed in its file by its own SHA-256.
#[derive(Serialize, Deserialize)]
struct Manifest {
    version: u32,
    /// SHA-256 of each part.
    parts: BTreeMap<String, [u8; DIGEST]>,
}

/// The directory, locked against other processes.
pub(super) struct Directory {
    path: PathBuf,
    /// Unlocked when it is closed, also by the end of the process.
    _lock: File,
}

impl Directory {
    /// To write to: waits for others who read or write.
    pub(super) fn create(path: &Path) -> Result<Self, StateError> {
        fs::create_dir_all(path).map_err(|error| failed(path, error))?;
        let file = path.join(LOCK);
        let lock = File::create(&file).and_then(|lock| lock.lock().map(|()| lock));
        Ok(Self { path: path.to_owned(), _lock: lock.map_err(|error| failed(&file, error))? })
    }

    /// To read from: waits for others who write.
    pub(super) fn open(path: &Path) -> Result<Self, StateError> {
        let file = path.join(LOCK);
        match File::open(&file).and_then(|lock| lock.lock_shared().map(|()| lock)) {
            Ok(lock) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StateError::Absent(path.to_owned())),
            Err(error) => Err(failed(&file, error)),
        }
    }

    /// Puts a state in place of the present one.
    pub(super) fn replace(&self, version: u32, parts: &Parts) -> Result<(), StateError> {
        let mut manifest = Manifest { version, parts: BTreeMap::new() };
        for (name, content) in parts {
            let digest = Sha256::digest(content).into();
            let file = part_file(&digest);
            // A file of this name was complete when it got it; it may have been damaged since.
            if !fs::read(self.path.join(&file)).is_ok_and(|found| found == *content) {
                self.write(&file, content)?;
            }
            manifest.parts.insert(name.clone(), digest);
        }
        self.flush()?;
        let mut bytes = encode(MANIFEST, &manifest)?;
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        self.write(MANIFEST, &bytes)?;
        self.flush()?;
        self.remove_all_but(manifest.parts.values().map(part_file).collect())
    }

    /// The parts of the state, all of them as they were saved.
    pub(super) fn read(&self, version: u32) -> Result<Parts, StateError> {
        let manifest = self.manifest()?;
        if manifest.version != version {
            return Err(StateError::Version { found: manifest.version, supported: version });
        }
        let parts = manifest.parts.into_iter().map(|(name, digest)| {
            let content = fs::read(self.path.join(part_file(&digest))).ok();
            match content.filter(|content| Sha256::digest(content)[..] == digest) {
                Some(content) => Ok((name, content)),
                None => Err(StateError::Damaged(name)),
            }
        });
        parts.collect()
    }

    fn manifest(&self) -> Result<Manifest, StateError> {
        let file = self.path.join(MANIFEST);
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(StateError::Absent(self.path.clone())),
            Err(error) => return Err(failed(&file, error)),
        };
        match bytes.split_last_chunk::<DIGEST>() {
            Some((content, digest)) if Sha256::digest(content)[..] == *digest => decode(MANIFEST, content),
            _ => Err(StateError::Damaged(MANIFEST.to_owned())),
        }
    }

    /// Writes a file beside its name, and gives it that name when it is on disk.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        let file = self.path.join(name);
        let partial = file.with_extension(PARTIAL);
        File::create(&partial)
            .and_then(|mut created| created.write_all(content).and_then(|()| created.sync_all()))
            .and_then(|()| fs::rename(&partial, &file))
            .map_err(|error| failed(&file, error))
    }

    /// Makes the names in the directory durable.
    fn flush(&self) -> Result<(), StateError> {
        File::open(&self.path).and_then(|directory| directory.sync_all()).map_err(|error| failed(&self.path, error))
    }

    /// Removes what earlier states and interrupted saves have left behind.
    fn remove_all_but(&self, kept: BTreeSet<String>) -> Result<(), StateError> {
        for entry in fs::read_dir(&self.path).map_err(|error| failed(&self.path, error))? {
            let path = entry.map_err(|error| failed(&self.path, error))?.path();
            let is_ours = path.extension().is_some_and(|extension| extension == PART || extension == PARTIAL);
            let is_kept = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| kept.contains(name));
            if is_ours && !is_kept {
                fs::remove_file(&path).map_err(|error| failed(&path, error))?;
            }
        }
        Ok(())
    }
}

fn part_file(digest: &[u8; DIGEST]) -> String {
    format!("{}.{PART}", hexadecimal(digest))
}

/// The digits of a hash.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn failed(path: &Path, source: io::Error) -> StateError {
    StateError::Io { path: path.to_owned(), source }
}
