//! Snapshots of canisters: who may read them, their list, their deletion.

mod load;
mod take;
mod transfer;

use super::{Call, Reply, done, reply};
use crate::canister::Canister;
use crate::net::Net;
use crate::reject::Reject;
use crate::snapshot::Snapshot;
use candid::Principal;
use ic_management_canister_types::{
    CanisterIdRecord, DeleteCanisterSnapshotArgs, Snapshot as Listed, SnapshotVisibility,
};

/// Snapshots a canister may have.
const MAX_SNAPSHOTS: usize = 10;

impl Net {
    pub(super) fn list_canister_snapshots(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        let canister = self.existing(args.canister_id)?;
        canister.shows_snapshots_to(call.caller)?;
        let listed = canister.snapshots.iter().map(|(id, snapshot)| listed(id, snapshot));
        reply(&listed.collect::<Vec<_>>())
    }

    pub(super) fn delete_canister_snapshot(&mut self, call: &mut Call<'_>) -> Reply {
        let args: DeleteCanisterSnapshotArgs = call.decode()?;
        let canister = self.controlled(args.canister_id, call.caller)?;
        canister.snapshot(&args.snapshot_id)?;
        canister.snapshots.remove(&args.snapshot_id);
        done()
    }
}

fn listed(id: &[u8], snapshot: &Snapshot) -> Listed {
    Listed { id: id.to_vec(), taken_at_timestamp: snapshot.taken_at, total_size: snapshot.bytes() }
}

/// The id of a canister's n-th snapshot: the number, then the canister.
fn snapshot_id(number: u64, canister: Principal) -> Vec<u8> {
    [&number.to_be_bytes(), canister.as_slice()].concat()
}

/// The canister a snapshot belongs to, if the id is one.
fn owner_of(id: &[u8]) -> Result<Principal, Reject> {
    let (_, canister) = id
        .split_first_chunk::<8>()
        .ok_or_else(|| Reject::invalid_payload(format_args!("Invalid snapshot ID of {} bytes", id.len())))?;
    Principal::try_from_slice(canister).map_err(Reject::invalid_payload)
}

impl Canister {
    /// Whether a caller may read the snapshots ("snapshot_visibility").
    pub(super) fn shows_snapshots_to(&self, caller: Principal) -> Result<(), Reject> {
        let visible = match &self.settings.snapshot_visibility {
            SnapshotVisibility::Controllers => false,
            SnapshotVisibility::Public => true,
            SnapshotVisibility::AllowedViewers(viewers) => viewers.contains(&caller),
        };
        if visible || self.controllers.contains(&caller) {
            Ok(())
        } else {
            Err(Reject::invalid_controller(self.id, &self.controllers, caller))
        }
    }

    fn snapshot(&self, id: &[u8]) -> Result<&Snapshot, Reject> {
        if owner_of(id)? != self.id {
            let text = format_args!("The snapshot {} does not belong to canister {}.", hex(id), self.id).to_string();
            return Err(Reject::system(406, text));
        }
        self.snapshots.get(id).ok_or_else(|| self.no_such_snapshot(id))
    }

    fn no_such_snapshot(&self, id: &[u8]) -> Reject {
        let text = format!("Could not find the snapshot ID {} for canister {}.", hex(id), self.id);
        Reject::system(305, text)
    }

    /// Adds a snapshot, in the place of another one if that is given.
    fn add_snapshot(&mut self, replaced: Option<&[u8]>, snapshot: Snapshot) -> Result<Vec<u8>, Reject> {
        match replaced {
            Some(id) => {
                self.snapshot(id)?;
                self.snapshots.remove(id);
            }
            None if self.snapshots.len() >= MAX_SNAPSHOTS => {
                return Err(Reject::system(
                    406,
                    format_args!(
                        "Canister {} has reached the maximum number of snapshots allowed: {MAX_SNAPSHOTS}.",
                        self.id
                    ),
                ));
            }
            None => {}
        }
        let id = snapshot_id(self.snapshots_made, self.id);
        self.snapshots_made += 1;
        self.snapshots.insert(id.clone(), snapshot);
        Ok(id)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
