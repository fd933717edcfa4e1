//! The methods of the canister: they authenticate, ask the core, make the calls it wants, reply.
//!
//! Anonymous callers change nothing. In quarantine nothing is answered but what the factory asks.

mod claims;
mod owner;
mod reads;

use crate::campaign::{Answer, Campaign};
use crate::transfer::driver::{self, fee};
use crate::{lifecycle, state};
use cairn_events::{Principal, Timestamp};
use cairn_kit::access::Caller;
use cairn_kit::api::distribution::DistributionRequestError as Request;

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
