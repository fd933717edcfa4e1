//! The methods of the canister: they authenticate, ask the core, make the calls it wants, reply.
//!
//! Anonymous callers change nothing. In quarantine nothing is answered but what the factory asks. Arguments that can be
//! long are decoded within bounds of ours; for those of a fixed size the development kit's are enough.

mod claims;
mod owner;
mod reads;

use crate::campaign::{Answer, Campaign};
use crate::transfer::driver::{self, fee};
use crate::{lifecycle, state};
use cairn_events::{Principal, Timestamp};
use cairn_kit::access::Caller;
use cairn_kit::api::distribution::DistributionRequestError as Request;
use cairn_kit::arguments::decode_or_trap;
use candid::utils::ArgumentDecoder;
use candid::{CandidType, Deserialize};

cairn_kit::contract_endpoints! {
    outbox: state::outbox,
    resume: driver::resume,
    can_upgrade: lifecycle::can_upgrade,
    examine: examine,
}

fn examine() -> Result<(), String> {
    state::read(Campaign::sound)
}

/// The caller of an update, who has an identity. Whoever calls, the timers are set again: the network forgets them in a
/// trap.
fn caller() -> Answer<Principal> {
    match Caller::authenticate(ic_cdk::api::msg_caller()) {
        Ok(caller) => {
            cairn_kit::runtime::revive();
            Ok(caller.principal())
        }
        Err(_) => Err(Request::Anonymous.into()),
    }
}

fn now() -> Timestamp {
    driver::now()
}

/// Bytes of the largest request of a person: the NFTs of a registration, or a proof.
const MAX_REQUEST: usize = 8_000;
/// Bytes of the longest list of an owner: recipients, each with a note.
const MAX_LIST: usize = 100_000;

/// The arguments of a request; traps if they are too long or too much work, which rejects the call.
fn arguments<T: for<'a> ArgumentDecoder<'a>>(bytes: Vec<u8>) -> T {
    decode_or_trap(&bytes, MAX_REQUEST)
}

/// The same, if there is one.
fn argument<A: for<'a> Deserialize<'a> + CandidType>(bytes: Vec<u8>) -> A {
    let (argument,) = arguments(bytes);
    argument
}

/// The arguments of a method that takes a list, as [`arguments`].
fn long_arguments<T: for<'a> ArgumentDecoder<'a>>(bytes: Vec<u8>) -> T {
    decode_or_trap(&bytes, MAX_LIST)
}

/// The same, if there is one.
fn long_argument<A: for<'a> Deserialize<'a> + CandidType>(bytes: Vec<u8>) -> A {
    let (argument,) = long_arguments(bytes);
    argument
}

#[cfg(test)]
mod tests;
