//! Taking a snapshot ("IC method take_canister_snapshot").

use super::listed;
use crate::canister::Canister;
use crate::management::{Call, Reply, reply};
use crate::net::Net;
use crate::reject::Reject;
use crate::snapshot::{Snapshot, Source};
use ic_management_canister_types::TakeCanisterSnapshotArgs;
use std::sync::Arc;

impl Net {
    pub(in crate::management) fn take_canister_snapshot(&mut self, call: &mut Call<'_>) -> Reply {
        let args: TakeCanisterSnapshotArgs = call.decode()?;
        let time = self.now();
        let canister = self.controlled(args.canister_id, call.caller)?;
        let snapshot = canister.take_snapshot(time)?;
        let id = canister.add_snapshot(args.replace_snapshot.as_deref(), snapshot.clone())?;
        if args.uninstall_code == Some(true) {
            let origin = call.change_origin(args.sender_canister_version);
            self.uninstall(args.canister_id, origin)?;
        }
        reply(&listed(&id, &snapshot))
    }
}

impl Canister {
    fn take_snapshot(&self, time: u64) -> Result<Snapshot, Reject> {
        let code = self.code.as_ref().ok_or_else(|| {
            Reject::system(406, format_args!("Failed to create snapshot for empty canister {}:", self.id))
        })?;
        Ok(Snapshot {
            source: Source::Taken,
            taken_at: time,
            version: self.version,
            module: Arc::clone(&code.compiled.uploaded),
            globals: code.compiled.info.describe_globals(code.image.globals.values()),
            image: code.image.clone(),
            stable: self.stable.clone(),
            chunks: self.chunks.clone(),
            certified_data: self.certified_data.clone(),
            timer: Some(self.timer),
            hook: Some(self.hook),
        })
    }
}
