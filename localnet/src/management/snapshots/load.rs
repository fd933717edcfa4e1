//! Loading a snapshot ("IC method load_canister_snapshot").

use super::owner_of;
use crate::canister::{Canister, HookStatus};
use crate::compiled::{Compiled, compile};
use crate::image::Image;
use crate::management::{Call, Reply, done};
use crate::net::Net;
use crate::reject::Reject;
use crate::snapshot::{Snapshot, Source};
use ic_management_canister_types::{ChangeDetails, LoadCanisterSnapshotArgs, LoadSnapshotRecord};

impl Net {
    /// Puts module, heap, stable memory, chunks and certified data in place. Open calls stay, and so do
    /// the callbacks that wait: they are found in the table of the module that is loaded, as after an
    /// upgrade. Timer and hook are those of the canister, unless an upload says otherwise.
    pub(in crate::management) fn load_canister_snapshot(&mut self, call: &mut Call<'_>) -> Reply {
        let args: LoadCanisterSnapshotArgs = call.decode()?;
        let (id, time) = (args.canister_id, self.now());
        self.controlled(id, call.caller)?;
        let owner = owner_of(&args.snapshot_id)?;
        let Some(holder) = self.canisters.get(&owner) else {
            return Err(self.existing(id)?.no_such_snapshot(&args.snapshot_id));
        };
        let snapshot = holder.snapshot(&args.snapshot_id)?.clone();
        self.controlled(owner, call.caller)?;
        let compiled = compile(&snapshot.module, &self.subnet.config).map_err(|error| {
            Reject::error_from(id, 505, format_args!("Canister's Wasm module is not valid: {error}"))
        })?;
        let record = LoadSnapshotRecord {
            from_canister_id: (owner != id).then_some(owner),
            snapshot_id: args.snapshot_id.clone(),
            canister_version: snapshot.version,
            taken_at_timestamp: snapshot.taken_at,
            source: snapshot.source.into(),
        };
        let image = snapshot.state(&compiled).ok_or_else(Reject::inconsistent_snapshot)?;
        let subnet = self.subnet.clone();
        let canister = self.existing(id)?;
        canister.agrees_with_hook(&snapshot)?;
        canister.resume(&subnet, &compiled, &image)?;
        canister.put_snapshot(snapshot);
        canister.changed(time, call.change_origin(args.sender_canister_version), ChangeDetails::LoadSnapshot(record));
        self.note_tasks(id);
        done()
    }
}

impl Snapshot {
    /// Heap and mutable globals, if the described ones are those of the module.
    fn state(&self, compiled: &Compiled) -> Option<Image> {
        if self.source == Source::Taken {
            return Some(self.image.clone());
        }
        let globals = compiled.info.mutable_globals(&self.globals)?;
        Some(Image { heap: self.image.heap.clone(), globals: globals.into() })
    }
}

impl Canister {
    /// What an upload says of the hook must be what its heap makes of it under the canister's settings.
    fn agrees_with_hook(&self, snapshot: &Snapshot) -> Result<(), Reject> {
        let Some(hook) = snapshot.hook.filter(|_| snapshot.source == Source::Uploaded) else {
            return Ok(());
        };
        let low = self.settings.is_low_on_memory(snapshot.image.heap.bytes() as u64);
        if low == (hook != HookStatus::ConditionNotSatisfied) {
            return Ok(());
        }
        Err(Reject::system(
            408,
            format_args!("Hook status {hook:?} of uploaded snapshot is inconsistent with the state of the canister."),
        ))
    }

    /// Everything but code and heap.
    fn put_snapshot(&mut self, snapshot: Snapshot) {
        self.stable = snapshot.stable;
        self.chunks = snapshot.chunks;
        self.certified_data = snapshot.certified_data;
        if snapshot.source == Source::Uploaded {
            self.timer = snapshot.timer.unwrap_or(self.timer);
            self.hook = snapshot.hook.unwrap_or(self.hook);
        }
        self.version += 1;
    }
}
