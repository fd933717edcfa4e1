//! System canisters that command-line tools ask to create canisters: the registry, the cycles
//! minting canister, the cycles ledger. Here they answer from the state of the one subnet; cycles
//! are free.

use candid::{CandidType, Nat, Principal};
use localnet::management_types::CanisterSettings;
use localnet::{NativeCanister, Net, Reject, RejectCode, View, payload};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

const REGISTRY: Principal = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
const CYCLES_MINTING: Principal = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 4, 1, 1]);
const CYCLES_LEDGER: Principal = Principal::from_slice(&[0, 0, 0, 0, 2, 16, 0, 2, 1, 1]);

/// Puts the system canisters at their ids.
pub(crate) fn provide(net: &mut Net) {
    net.provide(REGISTRY, Arc::new(Registry));
    net.provide(CYCLES_MINTING, Arc::new(CyclesMinting));
    net.provide(CYCLES_LEDGER, Arc::new(CyclesLedger));
}

/// Knows on which subnet a canister is.
struct Registry;

#[derive(CandidType, Deserialize)]
struct SubnetForCanister {
    principal: Option<Principal>,
}

#[derive(CandidType)]
struct SubnetOfCanister {
    subnet_id: Option<Principal>,
}

impl NativeCanister for Registry {
    fn update(&self, net: &mut Net, caller: Principal, method: &str, arg: &[u8]) -> Result<Vec<u8>, Reject> {
        self.query(&net.view(), caller, method, arg)
    }

    fn query(&self, view: &View, _: Principal, method: &str, arg: &[u8]) -> Result<Vec<u8>, Reject> {
        match method {
            "get_subnet_for_canister" => {
                let asked: SubnetForCanister = decode(arg)?;
                let found = match asked.principal {
                    Some(id) if view.has_canister(id) => Ok(SubnetOfCanister { subnet_id: Some(view.subnet_id()) }),
                    Some(id) => Err(format!("canister {id} is not assigned to any subnet")),
                    None => Err("no canister was named".to_owned()),
                };
                encode(&found)
            }
            _ => Err(Reject::method_not_found(REGISTRY, "query", method)),
        }
    }
}

/// Knows the subnets on which canisters can be created.
struct CyclesMinting;

impl NativeCanister for CyclesMinting {
    fn update(&self, net: &mut Net, caller: Principal, method: &str, arg: &[u8]) -> Result<Vec<u8>, Reject> {
        self.query(&net.view(), caller, method, arg)
    }

    fn query(&self, view: &View, _: Principal, method: &str, _: &[u8]) -> Result<Vec<u8>, Reject> {
        match method {
            "get_default_subnets" => encode(&vec![view.subnet_id()]),
            _ => Err(Reject::method_not_found(CYCLES_MINTING, "query", method)),
        }
    }
}

/// Creates canisters with as many cycles as are asked for.
struct CyclesLedger;

#[derive(CandidType, Deserialize)]
struct CreateCanister {
    amount: Nat,
    creation_args: Option<CreationArgs>,
}

#[derive(CandidType, Deserialize)]
struct CreationArgs {
    settings: Option<CanisterSettings>,
}

#[derive(CandidType)]
struct Created {
    block_id: Nat,
    canister_id: Principal,
}

#[derive(CandidType)]
enum CreationError {
    FailedToCreate { fee_block: Option<Nat>, refund_block: Option<Nat>, error: String },
}

impl NativeCanister for CyclesLedger {
    fn update(&self, net: &mut Net, caller: Principal, method: &str, arg: &[u8]) -> Result<Vec<u8>, Reject> {
        if method != "create_canister" {
            return self.query(&net.view(), caller, method, arg);
        }
        let asked: CreateCanister = decode(arg)?;
        let cycles = u128::try_from(asked.amount.0).map_err(|_| malformed("more cycles than there can be"))?;
        let settings = asked.creation_args.and_then(|args| args.settings).unwrap_or_default();
        let created = net.create_canister_with(caller, cycles, settings);
        let created = created.map(|canister_id| Created { block_id: Nat::from(0_u8), canister_id });
        encode(&created.map_err(|reject| CreationError::FailedToCreate {
            fee_block: None,
            refund_block: None,
            error: reject.message,
        }))
    }

    fn query(&self, _: &View, _: Principal, method: &str, _: &[u8]) -> Result<Vec<u8>, Reject> {
        Err(Reject::method_not_found(CYCLES_LEDGER, "query", method))
    }
}

fn decode<T: CandidType + DeserializeOwned>(arg: &[u8]) -> Result<T, Reject> {
    payload::decode(arg).map_err(|error| malformed(&error.to_string()))
}

fn encode(value: &impl CandidType) -> Result<Vec<u8>, Reject> {
    candid::encode_one(value).map_err(|error| malformed(&error.to_string()))
}

fn malformed(text: &str) -> Reject {
    Reject::new(RejectCode::CanisterError, format!("IC0503: {text}"))
}
