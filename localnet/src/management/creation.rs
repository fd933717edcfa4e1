//! Creation of canisters, with cycles from a canister or from nowhere.

use super::{Call, Reply, done, history, reply};
use crate::canister::Canister;
use crate::net::Net;
use crate::reject::Reject;
use crate::settings;
use candid::{Nat, Principal};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterSettings, ChangeDetails, ChangeOrigin, CreateCanisterArgs, CreationRecord,
    EnvironmentVariable, ProvisionalCreateCanisterWithCyclesArgs, ProvisionalTopUpCanisterArgs,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

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
        let id = self.create_with(origin, controller, cycles, settings, specified_id)?;
        self.mint(cycles);
        Ok(id)
    }

    pub(crate) fn create_with(
        &mut self,
        origin: ChangeOrigin,
        creator: Principal,
        cycles: u128,
        settings: CanisterSettings,
        specified_id: Option<Principal>,
    ) -> Result<Principal, Reject> {
        let controllers = settings::controllers(&settings)?;
        let controllers = controllers.unwrap_or_else(|| Arc::from([creator]));
        let environment_variables_hash = settings.environment_variables.as_deref().map(hash_of_map);
        let settings = settings::Settings::default().with(settings)?;
        let id = match specified_id {
            Some(id) if self.canisters.contains_key(&id) => {
                return Err(Reject::system(
                    205,
                    format_args!("Unsuccessful canister creation: canister id {id} already exists."),
                ));
            }
            Some(id) => id,
            None => self.allocate_canister_id()?,
        };
        let mut canister = Canister::new(id, Arc::clone(&controllers), cycles);
        canister.settings = settings;
        canister.charged_until = self.now();
        let record = CreationRecord { controllers: controllers.to_vec(), environment_variables_hash };
        canister.changed(self.now(), origin, ChangeDetails::Creation(record));
        self.canisters.insert(id, canister);
        Ok(id)
    }

    pub(super) fn create_canister_method(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CreateCanisterArgs = call.decode()?;
        let fee = self.subnet.config.costs.creation;
        let Some(cycles) = call.cycles.checked_sub(fee) else {
            return Err(Reject::system(
                403,
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
        self.lost_cycles = self.lost_cycles.saturating_add(fee);
        reply(&CanisterIdRecord { canister_id })
    }

    pub(super) fn provisional_create(&mut self, call: &mut Call<'_>) -> Reply {
        let args: ProvisionalCreateCanisterWithCyclesArgs = call.decode()?;
        let origin = call.change_origin(args.sender_canister_version);
        let cycles = args.amount.as_ref().map_or(PROVISIONAL_CYCLES, amount);
        let settings = args.settings.unwrap_or_default();
        let id = self.create_with(origin, call.caller, cycles, settings, args.specified_id)?;
        self.mint(cycles);
        reply(&CanisterIdRecord { canister_id: id })
    }

    pub(super) fn provisional_top_up(&mut self, call: &mut Call<'_>) -> Reply {
        let args: ProvisionalTopUpCanisterArgs = call.decode()?;
        self.add_cycles(args.canister_id, amount(&args.amount))?;
        done()
    }

    pub(super) fn deposit_cycles(&mut self, call: &mut Call<'_>) -> Reply {
        let args: CanisterIdRecord = call.decode()?;
        self.deposit(args.canister_id, call.cycles)?;
        call.cycles = 0;
        done()
    }
}

fn amount(cycles: &Nat) -> u128 {
    u128::try_from(cycles.0.clone()).unwrap_or(u128::MAX)
}

/// "Representation-independent hashing of structured data", of texts.
fn hash_of_map(variables: &[EnvironmentVariable]) -> Vec<u8> {
    let mut pairs: Vec<[u8; 64]> = Vec::new();
    for variable in variables {
        let mut pair = [0; 64];
        let (name, value) = pair.split_at_mut(32);
        name.copy_from_slice(&Sha256::digest(&variable.name));
        value.copy_from_slice(&Sha256::digest(&variable.value));
        pairs.push(pair);
    }
    pairs.sort_unstable();
    Sha256::digest(pairs.concat()).to_vec()
}
