//! The history of a canister ("Canister history").

use super::Call;
use crate::canister::Canister;
use candid::Principal;
use ic_management_canister_types::{Change, ChangeDetails, ChangeOrigin, FromCanisterRecord, FromUserRecord};

/// Changes that are kept.
const KEPT: usize = 20;

impl Call<'_> {
    /// Who makes the change.
    pub(super) fn change_origin(&self, sender_canister_version: Option<u64>) -> ChangeOrigin {
        if self.is_from_canister() {
            ChangeOrigin::FromCanister(FromCanisterRecord {
                canister_id: self.caller,
                canister_version: sender_canister_version,
            })
        } else {
            by_user(self.caller)
        }
    }
}

pub(crate) fn by_user(user_id: Principal) -> ChangeOrigin {
    ChangeOrigin::FromUser(FromUserRecord { user_id })
}

impl Canister {
    /// Records a change, after it was made.
    pub(super) fn changed(&mut self, time: u64, origin: ChangeOrigin, details: ChangeDetails) {
        if self.history.len() >= KEPT {
            self.history.remove(0);
        }
        self.changes += 1;
        self.history.push(Change {
            timestamp_nanos: time,
            canister_version: self.version,
            origin,
            details: Some(details),
        });
    }
}
