//! Creation, settings, start and stop, deletion, cycles.

use super::{Call, done, history, reply};
use crate::call_context::Origin;
use crate::canister::{Canister, Status};
use crate::net::Net;
use crate::reject::Reject;
use crate::settings;
use candid::{Nat, Principal};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterSettings, ChangeDetails, ChangeOrigin, ControllersChangeRecord, CreateCanisterArgs,
    CreationRecord, ProvisionalCreateCanisterWithCyclesArgs, ProvisionalTopUpCanisterArgs, UpdateSettingsArgs,
};
use std::sync::Arc;

type Reply = Result<Option<Vec<u8>>, Reject>;

/// Balance of a provisional creation that names none.
const PROVISIONAL_CYCLES: u128 = 100_000_000_000_000;

impl Net {
    /// Creates a canister at once, for the network's owner.
    pub(crate) fn create(
        &mut self,
        controller: Principal,
        cycles: u128,
        specified_id: Option<Principal>,
    ) -> Result<Principal, Reject> {
        let origin = history::by_user(controller);
        let settings = CanisterSettings::default();
        self.create_with(origin, controller, cycles, settings, specified_id)
    }

    fn create_with(
        &mut self,
        origin: ChangeOrigin,
        creator: Principal,
        cycles: u128,
        settings: CanisterSettings,
        specified_id: Option<Principal>,
    ) -> Result<Principal, Reject> {
        let controllers = settings::controllers(&settings)?;
        let controllers = controllers.unwrap_or_else(|| Arc::from([creator]));
        let id = match specified_id {
            Some(id) if self.canisters.contains_key(&id) => {
                return Err(Reject::canister_error(402, format_args!("Canister {id} is already installed")));
            }
            Some(id) => id,
            None => self.allocate_canister_id()?,
        };
        let mut canister = Canister::new(id, Arc::clone(&controllers), cycles);
        canister.settings.update(settings);
        let record = CreationRecord { controllers: controllers.to_vec(), environment_variables_hash: None };
        canister.changed(self.now(), origin, ChangeDetails::Creation(record));
        self.canisters.insert(id, canister);
        Ok(id)
    }

    pub(super) fn create_canister_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CreateCanisterArgs = call.decode()?;
        if !call.is_from_canister() {
            return Err(Reject::canister_error(516, "create_canister can only be called by canisters"));
        }
        let fee = self.subnet.config.costs.creation;
        let Some(cycles) = call.cycles.checked_sub(fee) else {
            return Err(Reject::canister_error(
                402,
                format_args!(
                    "Creating a canister requires a fee of {fee} that is deducted from the canister's initial balance but only {} cycles were received with the create_canister request.",
                    call.cycles
                ),
            ));
        };
        let origin = call.change_origin(args.sender_canister_version);
        let settings = args.settings.unwrap_or_default();
        let canister_id = self.create_with(origin, call.caller, cycles, settings, None)?;
        call.cycles = 0;
        reply(&CanisterIdRecord { canister_id })
    }

    pub(super) fn provisional_create(&mut self, call: &mut Call<'_>) -> Reply {
        let args: ProvisionalCreateCanisterWithCyclesArgs = call.decode()?;
        let origin = call.change_origin(args.sender_canister_version);
        let cycles = args.amount.as_ref().map_or(PROVISIONAL_CYCLES, amount);
        let settings = args.settings.unwrap_or_default();
        let id = self.create_with(origin, call.caller, cycles, settings, args.specified_id)?;
        reply(&CanisterIdRecord { canister_id: id })
    }

    pub(super) fn provisional_top_up(&mut self, call: &mut Call<'_>) -> Reply {
        let args: ProvisionalTopUpCanisterArgs = call.decode()?;
        self.add_cycles(args.canister_id, amount(&args.amount))?;
        done()
    }

    pub(super) fn deposit_cycles(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        self.add_cycles(args.canister_id, call.cycles)?;
        call.cycles = 0;
        done()
    }

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
        canister.settings.update(settings);
        canister.version += 1;
        if let Some(controllers) = controllers {
            let record = ControllersChangeRecord { controllers: controllers.to_vec() };
            canister.controllers = controllers;
            canister.changed(time, origin, ChangeDetails::ControllersChange(record));
        }
        Ok(())
    }

    pub(super) fn start_canister_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        let id = args.canister_id;
        let canister = self.controlled(id, call.caller)?;
        let before = std::mem::replace(&mut canister.status, Status::Running);
        if before != Status::Running {
            canister.version += 1;
        }
        if let Status::Stopping(waiting) = before {
            for origin in waiting {
                let reject = Reject::canister_error(510, format_args!("Canister {id}'s stop request was cancelled."));
                self.respond(origin, Err(reject), 0);
            }
        }
        done()
    }

    /// Replies at once if nothing is open, else when the last open call has ended.
    pub(super) fn stop_canister_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        let origin: Origin = call.origin.clone();
        let canister = self.controlled(args.canister_id, call.caller)?;
        // A waiting caller gets its cycles back with the response; there are none to keep.
        match &mut canister.status {
            Status::Stopped => return done(),
            Status::Stopping(waiting) => waiting.push(origin),
            Status::Running => canister.status = Status::Stopping(vec![origin]),
        }
        self.check_stopped(args.canister_id);
        Ok(None)
    }

    pub(super) fn delete_canister(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        let canister = self.controlled(args.canister_id, call.caller)?;
        if canister.status != Status::Stopped {
            return Err(Reject::canister_error(
                510,
                format_args!("Canister {} must be stopped before it is deleted.", args.canister_id),
            ));
        }
        if args.canister_id == call.caller {
            return Err(Reject::canister_error(402, "A canister cannot delete itself"));
        }
        self.canisters.remove(&args.canister_id);
        done()
    }
}

fn amount(cycles: &Nat) -> u128 {
    u128::try_from(cycles.0.clone()).unwrap_or(u128::MAX)
}
