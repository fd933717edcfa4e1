//! Saved states: a whole network in a directory.
//!
//! A state consists of parts: the network without memories, the pages of all memories (each content
//! once), and the modules. [`directory`] replaces a state as a whole or not at all, [`pages`] holds the
//! memories, [`network`] everything else. The encoding is CBOR; its version stands in the manifest.

mod directory;
mod network;
mod pages;
pub(crate) mod shared;
#[cfg(test)]
mod tests;

use crate::config::Config;
use crate::net::Net;
use directory::Directory;
use network::SavedNet;
use pages::PagePool;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The encoding that is written, and the only one that is read.
const VERSION: u32 = 1;

const NETWORK: &str = "network";
const PAGES: &str = "pages";

/// The parts of a state by name; a module's name is its hash in hexadecimal.
type Parts = BTreeMap<String, Vec<u8>>;

/// Why a state cannot be saved or restored.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// At which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Nothing was saved in this directory yet.
    #[error("{}: no state is saved here", .0.display())]
    Absent(PathBuf),
    /// The state was saved by another version of this crate.
    #[error("the state has format {found}, this is format {supported}")]
    Version {
        /// The format of the state.
        found: u32,
        /// The format of this crate.
        supported: u32,
    },
    /// A part is missing, or is not the one that was saved.
    #[error("part {0:?} is missing or damaged")]
    Damaged(String),
    /// A part is whole, but cannot be decoded.
    #[error("part {part:?} is malformed: {detail}")]
    Malformed {
        /// The part.
        part: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl Net {
    /// Saves everything in a directory, in place of the state that it may hold: canisters with modules,
    /// heaps, stable memories, calls in progress, timers and logs, messages on their way, answers, clock,
    /// seed, faults and trace. After a crash at any moment the directory holds the old state or the new
    /// one. Saving changes nothing in the network.
    ///
    /// # Errors
    /// [`StateError::Io`]; the directory still holds the old state.
    pub fn save(&self, directory: impl AsRef<Path>) -> Result<(), StateError> {
        let mut pool = PagePool::default();
        let mut parts = Parts::new();
        let network = SavedNet::of(self, &mut pool, &mut parts);
        parts.insert(NETWORK.to_owned(), encode(NETWORK, &network)?);
        parts.insert(PAGES.to_owned(), pool.into_bytes());
        Directory::create(directory.as_ref())?.replace(VERSION, &parts)
    }

    /// The network that was saved in a directory. It goes on as the saved one would have, with the saved
    /// seed, keys and clock; everything else that `config` says holds from now on.
    ///
    /// # Errors
    /// [`StateError`]: there is no state, or it is not whole. Nothing in the directory is changed.
    pub fn restore(directory: impl AsRef<Path>, config: Config) -> Result<Self, StateError> {
        let parts = Directory::open(directory.as_ref())?.read(VERSION)?;
        let part = |name: &str| parts.get(name).ok_or_else(|| StateError::Damaged(name.to_owned()));
        let pool = PagePool::from_bytes(part(PAGES)?)?;
        let network: SavedNet = decode(NETWORK, part(NETWORK)?)?;
        network.into_net(config, &pool, &parts)
    }
}

fn encode(part: &str, value: &impl Serialize) -> Result<Vec<u8>, StateError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).map_err(|error| malformed(part, error))?;
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(part: &str, mut bytes: &[u8]) -> Result<T, StateError> {
    let value = ciborium::from_reader(&mut bytes).map_err(|error| malformed(part, error))?;
    if bytes.is_empty() { Ok(value) } else { Err(malformed(part, "bytes are left over")) }
}

fn malformed(part: &str, detail: impl ToString) -> StateError {
    StateError::Malformed { part: part.to_owned(), detail: detail.to_string() }
}
