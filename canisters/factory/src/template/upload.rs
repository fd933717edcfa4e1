//! Uploads: a module's bytes arrive in chunks.
//!
//! Each upload is its owner's, has its own room from the beginning, and can be gone on with from wherever it stands, also
//! after an upgrade of the factory. Their number and the room that they take together are bounded; one that nobody goes on
//! with is forgotten after a day.

use super::module;
use super::store::{self, PART};
use crate::memory::{self, memory};
use crate::refusal;
use crate::state;
use cairn_events::{Hash, Principal};
use cairn_kit::access::Admin;
use cairn_kit::api::factory::{FactoryError, FactoryRequestError};
use cairn_kit::api::template::{UploadRefusal, UploadSession, UploadedModule};
use cairn_kit::runtime;
use cairn_kit::stable::{Cbor, Memory};
use ic_stable_structures::StableBTreeMap;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Least bytes of a module.
pub const MIN_SIZE: u64 = module::HEADER;
/// Most bytes of a module.
pub const MAX_SIZE: u64 = 8 * PART;
/// Most bytes of a chunk.
pub const MAX_CHUNK: u64 = 1_900_000;
/// Most uploads under way.
pub const MAX_UPLOADS: u64 = 8;
/// Most uploads of one admin under way.
pub const MAX_OWN_UPLOADS: u64 = 4;
/// Most bytes that the uploads under way may take together.
pub const MAX_BYTES: u64 = 32 * PART;
/// Nanoseconds after its last chunk in which an upload is forgotten: a day.
pub const LIFETIME: u64 = 86_400_000_000_000;

/// An upload under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Upload {
    #[serde(rename = "o")]
    owner: Principal,
    /// What was announced.
    #[serde(rename = "s")]
    size: u64,
    /// What is here.
    #[serde(rename = "r")]
    received: u64,
    #[serde(rename = "e")]
    expires: u64,
    /// Where it lies.
    #[serde(rename = "b")]
    blocks: Vec<u32>,
}

type Uploads = StableBTreeMap<u64, Cbor<Upload>, Memory>;

thread_local! {
    static UPLOADS: RefCell<Uploads> = RefCell::new(Uploads::init(memory(memory::UPLOADS)));
}

/// Opens the memory; traps if it is not what it should be.
pub(super) fn touch() {
    UPLOADS.with_borrow(|uploads| uploads.len());
}

fn refuse<T>(refusal: UploadRefusal) -> Result<T, FactoryError> {
    Err(FactoryError::Request(FactoryRequestError::Upload(refusal)))
}

/// Begins an upload of so many bytes. Forgets those that nobody goes on with.
///
/// # Errors
/// [`UploadRefusal`], if it is too large, or too many are under way.
pub fn begin(admin: Admin, size: u64) -> Result<UploadSession, FactoryError> {
    let (now, owner) = (runtime::now(), admin.principal());
    UPLOADS.with_borrow_mut(|uploads| {
        forget_expired(uploads, now);
        let of_all: Vec<Upload> = uploads.values().map(|row| row.0).collect();
        check_room(&of_all, owner, size).or_else(refuse)?;
        let (id, blocks) = store::with(|store| store.take(size));
        let upload = Upload { owner, size, received: 0, expires: now.saturating_add(LIFETIME), blocks };
        let session = session(id, &upload);
        uploads.insert(id, Cbor(upload));
        Ok(session)
    })
}

fn check_room(of_all: &[Upload], owner: Principal, size: u64) -> Result<(), UploadRefusal> {
    if !(MIN_SIZE..=MAX_SIZE).contains(&size) {
        return Err(UploadRefusal::Size { size, min: MIN_SIZE, max: MAX_SIZE });
    }
    let own = of_all.iter().filter(|upload| upload.owner == owner).count() as u64;
    for (open, max) in [(own, MAX_OWN_UPLOADS), (of_all.len() as u64, MAX_UPLOADS)] {
        if open >= max {
            return Err(UploadRefusal::TooMany { open, max });
        }
    }
    let room = |size: u64| size.div_ceil(PART) * PART;
    let found = of_all.iter().map(|upload| room(upload.size)).sum::<u64>() + room(size);
    if found > MAX_BYTES { Err(UploadRefusal::NoRoom { found, max: MAX_BYTES }) } else { Ok(()) }
}

fn forget_expired(uploads: &mut Uploads, now: u64) {
    let expired: Vec<u64> = uploads.iter().filter(|row| row.value().0.expires <= now).map(|row| *row.key()).collect();
    expired.into_iter().for_each(|id| forget(uploads, id));
}

fn forget(uploads: &mut Uploads, id: u64) {
    if let Some(Cbor(upload)) = uploads.remove(&id) {
        store::with(|store| store.release(&upload.blocks));
    }
}

fn session(id: u64, upload: &Upload) -> UploadSession {
    let Upload { owner, size, received, expires, .. } = *upload;
    UploadSession { id, owner, size, received, expires_at: expires }
}

/// An upload that `owner` goes on with.
fn own(uploads: &Uploads, id: u64, owner: Principal) -> Result<Upload, FactoryError> {
    match uploads.get(&id) {
        Some(Cbor(upload)) if upload.owner != owner => refuse(UploadRefusal::OtherOwner { session: id }),
        Some(Cbor(upload)) if upload.expires > runtime::now() => Ok(upload),
        _ => refuse(UploadRefusal::UnknownSession { session: id }),
    }
}

/// Takes the next part of a module; the bytes received so far. A part whose reply was lost may be sent again: the refusal
/// says where the upload stands.
///
/// # Errors
/// [`UploadRefusal`].
pub fn chunk(admin: Admin, id: u64, offset: u64, chunk: &[u8]) -> Result<u64, FactoryError> {
    UPLOADS.with_borrow_mut(|uploads| {
        let mut upload = own(uploads, id, admin.principal())?;
        check_chunk(&upload, offset, chunk.len() as u64).or_else(refuse)?;
        let written = store::with(|store| store.write(&upload.blocks, offset, chunk));
        written.map_err(|_| refusal::internal("stable memory is exhausted"))?;
        upload.received += chunk.len() as u64;
        upload.expires = runtime::now().saturating_add(LIFETIME);
        let received = upload.received;
        uploads.insert(id, Cbor(upload));
        Ok(received)
    })
}

fn check_chunk(upload: &Upload, offset: u64, length: u64) -> Result<(), UploadRefusal> {
    if length == 0 || length > MAX_CHUNK {
        return Err(UploadRefusal::Chunk { length, max: MAX_CHUNK });
    }
    if offset != upload.received {
        return Err(UploadRefusal::Offset { expected: upload.received, found: offset });
    }
    let found = offset.saturating_add(length);
    if found > upload.size { Err(UploadRefusal::Beyond { size: upload.size, found }) } else { Ok(()) }
}

/// Ends an upload: the module is kept under the hash of its bytes, which is computed here.
///
/// # Errors
/// [`UploadRefusal`]: bytes are missing, or they are no wasm, or there is no room. The upload stays.
pub fn finish(admin: Admin, id: u64) -> Result<UploadedModule, FactoryError> {
    UPLOADS.with_borrow_mut(|uploads| {
        let upload = own(uploads, id, admin.principal())?;
        let Upload { size, received, blocks, .. } = upload;
        if received < size {
            return refuse(UploadRefusal::Incomplete { received, size });
        }
        if !module::is_wasm(&store::with(|store| store.read(&blocks, 0, MIN_SIZE))) {
            return refuse(UploadRefusal::NotWasm);
        }
        if !make_room() {
            return refuse(UploadRefusal::TooManyModules { max: store::MAX_MODULES });
        }
        uploads.remove(&id);
        Ok(UploadedModule { module_hash: store::with(|store| store.keep(size, blocks)), size })
    })
}

/// Whether one more module can be kept, by forgetting those that nothing will be made from.
fn make_room() -> bool {
    if !store::with(|store| store.has_room()) {
        let wanted = state::read(wanted);
        store::with(|store| store.forget_modules(&wanted));
    }
    store::with(|store| store.has_room())
}

/// The modules that something may still be made from.
fn wanted(state: &state::State) -> BTreeSet<Hash> {
    let templates = state.templates();
    let published = templates.before(None).filter(|(_, template)| template.withdrawn.is_none());
    let proposed = templates.proposals().into_iter().map(|proposal| proposal.proposed.module_hash);
    let open = state.open_deployments().into_iter().filter_map(|deployment| state.request(deployment));
    published.map(|(_, template)| template.hash).chain(proposed).chain(open.map(|request| request.template)).collect()
}

/// Ends an upload without a module.
///
/// # Errors
/// [`UploadRefusal::OtherOwner`]. Repeating is harmless.
pub fn cancel(admin: Admin, id: u64) -> Result<(), FactoryError> {
    UPLOADS.with_borrow_mut(|uploads| match own(uploads, id, admin.principal()) {
        Err(FactoryError::Request(FactoryRequestError::Upload(UploadRefusal::UnknownSession { .. }))) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            forget(uploads, id);
            Ok(())
        }
    })
}

/// Every upload under way.
pub fn sessions(_: Admin) -> Vec<UploadSession> {
    let now = runtime::now();
    let all = |uploads: &Uploads| {
        let rows = uploads.iter().map(|row| session(*row.key(), &row.value().0));
        rows.filter(|session| session.expires_at > now).collect()
    };
    UPLOADS.with_borrow(all)
}
