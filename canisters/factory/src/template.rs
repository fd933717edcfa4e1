//! The templates that contracts are made from: uploaded in chunks, hashed here, published as events.

use crate::memory::{self, memory};
use crate::refusal;
use crate::state;
use cairn_events::payload::TemplatePublished;
use cairn_events::topic::Service;
use cairn_events::{Hash, Payload, Principal, Submission};
use cairn_kit::access::Admin;
use cairn_kit::api::factory::{FactoryError, FactoryRequestError, FactoryTemporaryError, PublishedTemplate};
use cairn_kit::guard::Guards;
use cairn_kit::journal;
use cairn_kit::stable::{Cbor, HashKey, Memory, Slot};
use ic_stable_structures::{Memory as _, StableBTreeMap};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Most bytes of a module.
pub const MAX_SIZE: u64 = 8 * 1_048_576;
/// Most bytes of a chunk.
pub const MAX_CHUNK: u64 = 1_900_000;
/// Most modules kept.
pub const MAX_MODULES: u64 = 64;
/// Bytes of a part of a module in the management canister's chunk store, which has at most so many.
pub const PART: u64 = 1_048_576;
/// Bytes of a wasm page.
const PAGE: u64 = 65_536;

/// Where a module's bytes lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Module {
    #[serde(rename = "o")]
    offset: u64,
    #[serde(rename = "s")]
    size: u64,
    /// Hashes of its parts, in order: no installation hashes the module again.
    #[serde(rename = "p")]
    parts: Vec<Hash>,
}

/// An upload under way: its bytes lie behind the last module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Upload {
    #[serde(rename = "a")]
    admin: Principal,
    #[serde(rename = "s")]
    size: u64,
}

struct Store {
    modules: StableBTreeMap<HashKey, Cbor<Module>, Memory>,
    upload: Slot<Option<Upload>>,
    bytes: Memory,
}

thread_local! {
    static STORE: std::cell::RefCell<Store> = std::cell::RefCell::new(Store {
        modules: StableBTreeMap::init(memory(memory::MODULES)),
        upload: Slot::open(memory(memory::UPLOAD)),
        bytes: memory(memory::MODULE_BYTES),
    });
    static PUBLISHING: Guards<()> = Guards::new(1);
}

/// Takes the next part of a module; `offset` 0 begins anew. The bytes received so far.
///
/// # Errors
/// [`FactoryRequestError::Upload`]; nothing was taken.
pub fn upload(admin: Admin, offset: u64, chunk: &[u8]) -> Result<u64, FactoryError> {
    STORE.with_borrow_mut(|store| store.take(admin.principal(), offset, chunk)).map_err(upload_error)
}

/// Publishes what was uploaded, or a module uploaded before, as `version`: contracts are made from it from now on.
///
/// # Errors
/// [`FactoryError::Request`] if the hash is not that of the bytes, or the version is taken. Repeating is harmless.
pub async fn publish(
    admin: Admin,
    service: Service,
    version: String,
    expected: Hash,
) -> Result<PublishedTemplate, FactoryError> {
    let _guard = PUBLISHING
        .with(|guards| guards.acquire(()))
        .map_err(|_| FactoryError::Temporary(FactoryTemporaryError::Busy))?;
    let size = keep(&version, expected)
        .map_err(upload_error)
        .inspect_err(|error| refusal::record(admin.principal(), "publishTemplate", error))?;
    let published = PublishedTemplate { version: version.clone(), module_hash: expected, size };
    let current = state::read(|state| state.current_template());
    if current.is_some_and(|(name, template)| name == version && template.hash == expected) {
        return Ok(published);
    }
    let event = TemplatePublished { service, version, module_hash: expected, size };
    journal::append(vec![Submission::new(admin.principal(), Payload::TemplatePublished(event))])
        .await
        .map_err(refusal::append_failed)?;
    Ok(published)
}

fn upload_error(problem: String) -> FactoryError {
    FactoryError::Request(FactoryRequestError::Upload { problem })
}

/// Makes sure that the module is kept, from the upload if it is new; its size.
fn keep(version: &str, expected: Hash) -> Result<u64, String> {
    if version.is_empty() || version.len() > TemplatePublished::MAX_VERSION {
        let max = TemplatePublished::MAX_VERSION;
        return Err(format!("a version of {} bytes; at least 1, at most {max}", version.len()));
    }
    if let Some(template) = state::read(|state| state.template(version))
        && template.hash != expected
    {
        return Err(format!("this version is module {}", template.hash));
    }
    STORE.with_borrow_mut(|store| match store.modules.get(&HashKey(expected)) {
        Some(module) => Ok(module.0.size),
        None => store.keep_upload(expected),
    })
}

/// Opens the memories of modules and upload; traps if they are not what they should be.
pub fn touch() {
    STORE.with_borrow(|store| (store.modules.len(), store.upload.get()));
}

/// The size of a kept module.
pub fn size(module: Hash) -> Option<u64> {
    STORE.with_borrow(|store| store.modules.get(&HashKey(module))).map(|row| row.0.size)
}

/// The hashes of a kept module's parts, each of [`PART`] bytes but for the last.
pub fn parts(module: Hash) -> Vec<Hash> {
    STORE.with_borrow(|store| store.modules.get(&HashKey(module))).map(|row| row.0.parts).unwrap_or_default()
}

/// Bytes of a kept module; none where it has none.
pub fn bytes(module: Hash, offset: u64, length: u64) -> Vec<u8> {
    STORE.with_borrow(|store| match store.modules.get(&HashKey(module)) {
        Some(Cbor(row)) if offset.saturating_add(length) <= row.size => store.read(row.offset + offset, length),
        _ => Vec::new(),
    })
}

impl Store {
    fn take(&mut self, admin: Principal, offset: u64, chunk: &[u8]) -> Result<u64, String> {
        let length = chunk.len() as u64;
        if length == 0 || length > MAX_CHUNK {
            return Err(format!("a chunk of {length} bytes; at least 1, at most {MAX_CHUNK}"));
        }
        let received = match self.upload.get() {
            Some(upload) if upload.admin == admin && offset != 0 => upload.size,
            _ => 0,
        };
        if offset != received {
            return Err(format!("the chunk begins at {offset}, the upload has {received} bytes"));
        }
        let size = received + length;
        if size > MAX_SIZE {
            return Err(format!("{size} bytes; at most {MAX_SIZE}"));
        }
        self.write(self.end() + offset, chunk)?;
        self.upload.set(&Some(Upload { admin, size }));
        Ok(size)
    }

    fn keep_upload(&mut self, expected: Hash) -> Result<u64, String> {
        let upload = self.upload.get().ok_or_else(|| format!("no module {expected} was uploaded"))?;
        if self.modules.len() >= MAX_MODULES {
            return Err(format!("{MAX_MODULES} modules are kept already, at most that many can be"));
        }
        let offset = self.end();
        let found = self.hash(offset, upload.size);
        if found != expected {
            return Err(format!("the uploaded bytes have hash {found}, expected {expected}"));
        }
        let magic = self.read(offset, upload.size.min(4));
        if !(magic.starts_with(b"\0asm") || magic.starts_with(&[0x1f, 0x8b])) {
            return Err("neither a wasm module nor one in gzip".to_owned());
        }
        let size = upload.size;
        let part = |start: u64| self.hash(offset + start, PART.min(size - start));
        let parts = (0..size).step_by(PART as usize).map(part).collect();
        self.modules.insert(HashKey(expected), Cbor(Module { offset, size, parts }));
        self.upload.set(&None);
        Ok(upload.size)
    }

    /// Where the last module ends.
    fn end(&self) -> u64 {
        self.modules.values().map(|row| row.0.offset + row.0.size).max().unwrap_or(0)
    }

    fn hash(&self, offset: u64, size: u64) -> Hash {
        let mut sha = Sha256::new();
        for start in (0..size).step_by(PAGE as usize) {
            sha.update(self.read(offset + start, PAGE.min(size - start)));
        }
        Hash(sha.finalize().into())
    }

    fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let mut bytes = vec![0; length as usize];
        self.bytes.read(offset, &mut bytes);
        bytes
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), String> {
        let end = offset + bytes.len() as u64;
        let missing = end.div_ceil(PAGE).saturating_sub(self.bytes.size());
        if missing > 0 && self.bytes.grow(missing) < 0 {
            return Err("stable memory is exhausted".to_owned());
        }
        self.bytes.write(offset, bytes);
        Ok(())
    }
}
