//! The Internet Computer.

mod calls;
mod tickets;
pub mod timers;

use super::{CallFailure, Request, Runtime, Task};
use crate::stable::Memory;
use cairn_events::Principal;
use ic_cdk::api::CanisterStatusCode;
use std::time::Duration;

/// The network itself.
#[derive(Clone, Copy, Debug)]
pub struct Ic;

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

    fn take_up(&self, memory: Memory) {
        let running = ic_cdk::api::canister_status() != CanisterStatusCode::Stopped;
        if let Err(error) = tickets::take_up(memory, calls::places(), running, self.now()) {
            ic_cdk::trap(error.to_string());
        }
    }

    fn after(&self, delay: Duration, task: Task<()>) {
        timers::after(delay, task);
    }

    fn every(&self, interval: Duration, task: Box<dyn FnMut() -> Task<()>>) {
        timers::every(interval, task);
    }

    fn revive(&self) {
        timers::revive();
    }

    fn certify(&self, data: [u8; 32]) {
        ic_cdk::api::certified_data_set(data);
    }

    fn data_certificate(&self) -> Option<Vec<u8>> {
        ic_cdk::api::data_certificate()
    }

    fn send(&self, request: Request) -> Task<Result<Vec<u8>, CallFailure>> {
        timers::revive();
        self.ask(request)
    }

    fn ask(&self, request: Request) -> Task<Result<Vec<u8>, CallFailure>> {
        Box::pin(calls::Call::new(request))
    }
}
