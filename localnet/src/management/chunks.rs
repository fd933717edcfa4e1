//! The chunk store of a canister ("IC method upload_chunk").

use super::{Call, Reply, done, reply};
use crate::canister::Canister;
use crate::net::Net;
use crate::reject::Reject;
use candid::Principal;
use ic_management_canister_types::{CanisterIdRecord, ChunkHash, UploadChunkArgs};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of a chunk at most.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks a store may hold.
const CHUNKS: usize = 100;

/// Chunks by their SHA-256.
pub(crate) type ChunkStore = BTreeMap<[u8; 32], Arc<[u8]>>;

pub(super) fn store_error(text: impl std::fmt::Display) -> Reject {
    Reject::canister_error(504, format_args!("Error from Wasm chunk store: {text}."))
}

/// Adds a chunk to a store; its hash.
pub(super) fn store_chunk(store: &mut ChunkStore, chunk: Vec<u8>) -> Result<[u8; 32], Reject> {
    if chunk.len() > CHUNK_BYTES {
        return Err(store_error(format_args!(
            "Wasm chunk size {} exceeds the maximum chunk size of {CHUNK_BYTES}",
            chunk.len()
        )));
    }
    let hash: [u8; 32] = Sha256::digest(&chunk).into();
    if store.len() >= CHUNKS && !store.contains_key(&hash) {
        return Err(store_error(format_args!(
            "Wasm chunk store has already reached maximum capacity of {CHUNKS} chunks"
        )));
    }
    store.insert(hash, chunk.into());
    Ok(hash)
}

impl Net {
    pub(super) fn upload_chunk(&mut self, call: &mut Call<'_>) -> Reply {
        let args: UploadChunkArgs = call.decode()?;
        let canister = self.chunk_store(args.canister_id, call.caller)?;
        let hash = store_chunk(&mut canister.chunks, args.chunk)?;
        reply(&ChunkHash { hash: hash.to_vec() })
    }

    pub(super) fn clear_chunk_store(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        self.chunk_store(args.canister_id, call.caller)?.chunks.clear();
        done()
    }

    pub(super) fn stored_chunks(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        let canister = self.chunk_store(args.canister_id, call.caller)?;
        let hashes = canister.chunks.keys().map(|hash| ChunkHash { hash: hash.to_vec() });
        reply(&hashes.collect::<Vec<_>>())
    }

    /// The store belongs to a canister: its controllers may use it, and the canister itself.
    pub(super) fn chunk_store(&mut self, id: Principal, caller: Principal) -> Result<&mut Canister, Reject> {
        if id == caller {
            return self.existing(id);
        }
        self.controlled(id, caller)
    }
}
