//! Snapshots out of the network and into it: metadata and data, piece by piece.

use crate::heap::Heap;
use crate::image::Image;
use crate::management::chunks::{store_chunk, store_error};
use crate::management::{Call, Reply, done, reply};
use crate::net::Net;
use crate::reject::Reject;
use crate::snapshot::{Snapshot, Source, deadline_of, described, global_value, timer_of};
use crate::stable::{StableMemory, WASM_PAGE};
use ic_management_canister_types::{
    ChunkHash, ReadCanisterSnapshotDataArgs, ReadCanisterSnapshotDataResult, ReadCanisterSnapshotMetadataArgs,
    ReadCanisterSnapshotMetadataResult, SnapshotDataKind, SnapshotDataOffset, UploadCanisterSnapshotDataArgs,
    UploadCanisterSnapshotMetadataArgs, UploadCanisterSnapshotMetadataResult,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes that are read or uploaded at once.
const MAX_SLICE: u64 = 2_000_000;
/// Bytes of a heap at most.
const MAX_HEAP: u64 = 4 << 30;
const MAX_CERTIFIED_DATA: usize = 32;
const MAX_GLOBALS: usize = 1_000;

impl Net {
    pub(in crate::management) fn read_canister_snapshot_metadata(&mut self, call: &mut Call<'_>) -> Reply {
        let args: ReadCanisterSnapshotMetadataArgs = call.decode()?;
        let canister = self.existing(args.canister_id)?;
        canister.shows_snapshots_to(call.caller)?;
        let snapshot = canister.snapshot(&args.snapshot_id)?;
        reply(&ReadCanisterSnapshotMetadataResult {
            source: Some(snapshot.source.into()),
            taken_at_timestamp: snapshot.taken_at,
            wasm_module_size: snapshot.module.len() as u64,
            globals: snapshot.globals.iter().map(|global| described(*global)).collect(),
            wasm_memory_size: snapshot.image.heap.bytes() as u64,
            stable_memory_size: snapshot.stable.bytes(),
            wasm_chunk_store: snapshot.chunks.keys().map(|hash| ChunkHash { hash: hash.to_vec() }).collect(),
            canister_version: snapshot.version,
            certified_data: snapshot.certified_data.clone(),
            global_timer: snapshot.timer.map(timer_of),
            on_low_wasm_memory_hook_status: snapshot.hook.map(Into::into),
        })
    }

    pub(in crate::management) fn read_canister_snapshot_data(&mut self, call: &mut Call<'_>) -> Reply {
        let args: ReadCanisterSnapshotDataArgs = call.decode()?;
        let canister = self.existing(args.canister_id)?;
        canister.shows_snapshots_to(call.caller)?;
        let snapshot = canister.snapshot(&args.snapshot_id)?;
        let chunk = snapshot.read(&args.kind)?;
        reply(&ReadCanisterSnapshotDataResult { chunk })
    }

    pub(in crate::management) fn upload_canister_snapshot_metadata(&mut self, call: &mut Call<'_>) -> Reply {
        let args: UploadCanisterSnapshotMetadataArgs = call.decode()?;
        let time = self.now();
        let limits = self.subnet.config.limits.clone();
        let canister = self.controlled(args.canister_id, call.caller)?;
        let limit = limits.stable_bytes;
        bounded("Wasm module size", args.wasm_module_size, limits.module_bytes as u64)?;
        whole_pages("Wasm memory size", args.wasm_memory_size, MAX_HEAP)?;
        whole_pages("Stable memory size", args.stable_memory_size, limit)?;
        bounded("Number of globals", args.globals.len() as u64, MAX_GLOBALS as u64)?;
        bounded("Certified data size", args.certified_data.len() as u64, MAX_CERTIFIED_DATA as u64)?;
        let globals: Option<Vec<_>> = args.globals.iter().map(global_value).collect();
        let globals = globals.ok_or_else(|| invalid("A global does not fit its type"))?;
        let mut stable = StableMemory::default();
        stable.grow(args.stable_memory_size / WASM_PAGE, limit);
        let snapshot = Snapshot {
            source: Source::Uploaded,
            taken_at: time,
            version: canister.version,
            module: vec![0; args.wasm_module_size as usize].into(),
            globals,
            image: Image { heap: Heap::zeros(args.wasm_memory_size as usize), ..Image::default() },
            stable,
            chunks: BTreeMap::new(),
            certified_data: args.certified_data,
            timer: args.global_timer.as_ref().map(deadline_of),
            hook: args.on_low_wasm_memory_hook_status.as_ref().map(Into::into),
        };
        let snapshot_id = canister.add_snapshot(args.replace_snapshot.as_deref(), snapshot)?;
        reply(&UploadCanisterSnapshotMetadataResult { snapshot_id })
    }

    pub(in crate::management) fn upload_canister_snapshot_data(&mut self, call: &mut Call<'_>) -> Reply {
        let args: UploadCanisterSnapshotDataArgs = call.decode()?;
        let canister = self.controlled(args.canister_id, call.caller)?;
        canister.snapshot(&args.snapshot_id)?;
        let Some(snapshot) = canister.snapshots.get_mut(&args.snapshot_id) else {
            return done();
        };
        snapshot.upload(&args.kind, args.chunk)?;
        done()
    }
}

impl Snapshot {
    fn read(&self, kind: &SnapshotDataKind) -> Result<Vec<u8>, Reject> {
        match kind {
            SnapshotDataKind::WasmModule { offset, size } => {
                let end = offset.saturating_add(slice_size(*size)? as u64);
                let part = self.module.get(*offset as usize..end as usize);
                part.map(<[u8]>::to_vec).ok_or_else(|| invalid_slice(*offset, *size))
            }
            SnapshotDataKind::WasmMemory { offset, size } => {
                let mut bytes = vec![0; slice_size(*size)?];
                self.image.heap.read(*offset, &mut bytes).then_some(bytes).ok_or_else(|| invalid_slice(*offset, *size))
            }
            SnapshotDataKind::StableMemory { offset, size } => {
                let mut bytes = vec![0; slice_size(*size)?];
                self.stable.read(*offset, &mut bytes).then_some(bytes).ok_or_else(|| invalid_slice(*offset, *size))
            }
            SnapshotDataKind::WasmChunk { hash } => {
                let found = <[u8; 32]>::try_from(hash.as_slice()).ok().and_then(|hash| self.chunks.get(&hash));
                found.map(|chunk| chunk.to_vec()).ok_or_else(|| store_error("the chunk is not in the snapshot"))
            }
        }
    }

    fn upload(&mut self, kind: &SnapshotDataOffset, chunk: Vec<u8>) -> Result<(), Reject> {
        if self.source != Source::Uploaded {
            let text = "Only canister snapshots created by metadata upload can be mutated.";
            return Err(Reject::system(409, text));
        }
        let size = chunk.len() as u64;
        slice_size(size)?;
        let (offset, fits) = match kind {
            SnapshotDataOffset::WasmModule { offset } => {
                let end = offset.saturating_add(size);
                let target = Arc::make_mut(&mut self.module).get_mut(*offset as usize..end as usize);
                (*offset, target.map(|target| target.copy_from_slice(&chunk)).is_some())
            }
            SnapshotDataOffset::WasmMemory { offset } => (*offset, self.image.heap.write(*offset, &chunk)),
            SnapshotDataOffset::StableMemory { offset } => (*offset, self.stable.write(*offset, &chunk).is_some()),
            SnapshotDataOffset::WasmChunk => return store_chunk(&mut self.chunks, chunk).map(|_| ()),
        };
        if fits { Ok(()) } else { Err(invalid_slice(offset, size)) }
    }
}

fn slice_size(size: u64) -> Result<usize, Reject> {
    if size > MAX_SLICE {
        return Err(Reject::system(408, format_args!("Requested slice too large: {size} > {MAX_SLICE}")));
    }
    Ok(size as usize)
}

fn invalid_slice(offset: u64, size: u64) -> Reject {
    Reject::system(
        408,
        format_args!("Invalid subslice into wasm module / main memory / stable memory: offset: {offset}, size: {size}"),
    )
}

fn bounded(what: &str, given: u64, limit: u64) -> Result<(), Reject> {
    if given > limit {
        return Err(invalid(format_args!("{what} {given} exceeds {limit}")));
    }
    Ok(())
}

fn whole_pages(what: &str, bytes: u64, limit: u64) -> Result<(), Reject> {
    bounded(what, bytes, limit)?;
    if bytes.is_multiple_of(WASM_PAGE) {
        return Ok(());
    }
    Err(invalid(format_args!("{what} {bytes} is not a multiple of the page size {WASM_PAGE}")))
}

fn invalid(reason: impl std::fmt::Display) -> Reject {
    Reject::canister_error(504, format_args!("Could not validate the settings: {reason}"))
}
