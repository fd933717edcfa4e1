//! Settings, start and stop, deletion.

use super::{Call, Reply, done, history};
use crate::call_context::StopRequest;
use crate::canister::Status;
use crate::net::Net;
use crate::reject::Reject;
use crate::settings;
use candid::Principal;
use ic_management_canister_types::{
    CanisterIdRecord, CanisterSettings, ChangeDetails, ChangeOrigin, ControllersChangeRecord, UpdateSettingsArgs,
};

impl Net {
    pub(super) fn update_settings_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: UpdateSettingsArgs = call.decode()?;
        let origin = call.change_origin(args.sender_canister_version);
        self.apply_settings(origin, call.caller, args.canister_id, args.settings)?;
        done()
    }

    pub(crate) fn change_settings(
        &mut self,
        caller: Principal,
        id: Principal,
        settings: CanisterSettings,
    ) -> Result<(), Reject> {
        self.apply_settings(history::by_user(caller), caller, id, settings)
    }

    fn apply_settings(
        &mut self,
        origin: ChangeOrigin,
        caller: Principal,
        id: Principal,
        settings: CanisterSettings,
    ) -> Result<(), Reject> {
        let time = self.now();
        let canister = self.controlled(id, caller)?;
        let controllers = settings::controllers(&settings)?;
        canister.settings = canister.settings.with(settings)?;
        canister.log.shrink(canister.settings.log_capacity());
        canister.version += 1;
        if let Some(controllers) = controllers {
            let record = ControllersChangeRecord { controllers: controllers.to_vec() };
            canister.controllers = controllers;
            canister.changed(time, origin, ChangeDetails::ControllersChange(record));
        }
        self.note_tasks(id);
        Ok(())
    }

    pub(super) fn start_canister_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        let id = args.canister_id;
        let canister = self.controlled(id, call.caller)?;
        let before = std::mem::replace(&mut canister.status, Status::Running);
        canister.version += 1;
        if let Status::Stopping(waiting) = before {
            self.answer_stops(id, waiting, &Err(Reject::stop_cancelled(id)));
        }
        self.note_tasks(id);
        done()
    }

    /// Replies at once if nothing is open, else when the last open call has ended.
    pub(super) fn stop_canister_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        let id = args.canister_id;
        let time = self.now();
        let canister = self.controlled(id, call.caller)?;
        canister.version += 1;
        // A waiting caller gets its cycles back with the response.
        let request = StopRequest { origin: call.origin.clone(), cycles: call.cycles, time };
        let waits = request.clone();
        match &mut canister.status {
            Status::Stopped => return done(),
            Status::Stopping(waiting) => waiting.push(request),
            Status::Running => canister.status = Status::Stopping(vec![request]),
        }
        self.wait_for_stop(id, &waits);
        self.check_stopped(id);
        self.note_tasks(id);
        Ok(None)
    }

    pub(super) fn delete_canister(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        let id = args.canister_id;
        if id == call.caller {
            return Err(Reject::canister_error(512, format_args!("Canister {id} cannot delete itself.")));
        }
        if self.controlled(id, call.caller)?.status != Status::Stopped {
            return Err(Reject::canister_error(
                510,
                format_args!("Canister {id} must be stopped before it is deleted."),
            ));
        }
        if self.has_messages_to(id) {
            return Err(Reject::system(
                203,
                format_args!(
                    "Canister {id} has messages in its queues and cannot be deleted now. Please retry after some time."
                ),
            ));
        }
        if let Some(canister) = self.canisters.remove(&id) {
            self.lost_cycles = self.lost_cycles.saturating_add(canister.cycles).saturating_add(canister.burned);
        }
        self.note_tasks(id);
        done()
    }
}
