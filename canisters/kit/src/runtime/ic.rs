//! The Internet Computer.

use super::{CallFailure, Request, Runtime, Task, Wait};
use cairn_events::Principal;
use ic_cdk::call::{Call, CallFailed};
use std::time::Duration;

/// The network itself.
#[derive(Clone, Copy, Debug)]
pub struct Ic;

/// Sees to it that the network's one timer is set. The network forgets it when it fires, also if that message traps;
/// the trap undoes what the library of timers has noted, and so it would wait for ever.
fn revive_timer() {
    const AT_ONCE: u64 = 1;
    let set_before = ic_cdk::api::global_timer_set(AT_ONCE);
    if set_before != 0 {
        ic_cdk::api::global_timer_set(set_before);
    }
}

/// Bytes of a wasm page.
const PAGE: u64 = 65_536;

impl Runtime for Ic {
    fn now(&self) -> u64 {
        ic_cdk::api::time()
    }

    fn id(&self) -> Principal {
        ic_cdk::api::canister_self()
    }

    fn is_controller(&self, principal: Principal) -> bool {
        ic_cdk::api::is_controller(&principal)
    }

    fn cycles(&self) -> u128 {
        ic_cdk::api::canister_cycle_balance()
    }

    fn stable_bytes(&self) -> u64 {
        ic_cdk::api::stable_size() * PAGE
    }

    fn instructions(&self) -> u64 {
        ic_cdk::api::instruction_counter()
    }

    fn after(&self, delay: Duration, task: Task<()>) {
        ic_cdk_timers::set_timer(delay, task);
        revive_timer();
    }

    fn every(&self, interval: Duration, task: Box<dyn FnMut() -> Task<()>>) {
        ic_cdk_timers::set_timer_interval(interval, task);
        revive_timer();
    }

    fn revive(&self) {
        revive_timer();
    }

    fn certify(&self, data: [u8; 32]) {
        ic_cdk::api::certified_data_set(data);
    }

    fn data_certificate(&self) -> Option<Vec<u8>> {
        ic_cdk::api::data_certificate()
    }

    fn send(&self, request: Request) -> Task<Result<Vec<u8>, CallFailure>> {
        revive_timer();
        Box::pin(async move {
            let call = match request.wait {
                Wait::Unbounded => Call::unbounded_wait(request.to, request.method),
                Wait::Bounded(seconds) => Call::bounded_wait(request.to, request.method).change_timeout(seconds),
            };
            match call.take_raw_args(request.args).with_cycles(request.cycles).await {
                Ok(reply) => Ok(reply.into_bytes()),
                Err(CallFailed::CallRejected(rejected)) => {
                    Err(CallFailure::rejected(rejected.raw_reject_code(), rejected.reject_message()))
                }
                Err(unsent) => Err(CallFailure::unsent(&unsent.to_string())),
            }
        })
    }
}
