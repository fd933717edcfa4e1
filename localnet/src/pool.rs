//! Live instances between executions.
//!
//! An instance belongs to no canister: any of the same module may take it, since to bring it from one
//! state to another costs the pages in which they differ. So forks and views use the instances of the
//! network they came from, and canisters that rest hold none.

use crate::compiled::Compiled;
use crate::image::Image;
use crate::sandbox::Sandbox;
use candid::Principal;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Idle instances kept, of all modules together.
const IDLE: usize = 64;

/// The idle instances of a network, its forks and its views; those used last are at the end.
#[derive(Default)]
pub(crate) struct Pool(Mutex<VecDeque<Box<Sandbox>>>);

impl Pool {
    /// An instance in the given state.
    pub(crate) fn take(
        &self,
        compiled: &Arc<Compiled>,
        canister: Principal,
        state: &Image,
    ) -> wasmtime::Result<Box<Sandbox>> {
        if let Some(mut idle) = self.find(compiled, canister, state) {
            idle.canister = canister;
            if idle.enter(state) {
                return Ok(idle);
            }
        }
        let mut new = Box::new(Sandbox::new(compiled, canister)?);
        if new.enter(state) { Ok(new) } else { Err(wasmtime::Error::msg("the heap does not fit the module")) }
    }

    /// The idle instance that is likely to be nearest; none if a new one is better.
    fn find(&self, compiled: &Arc<Compiled>, canister: Principal, state: &Image) -> Option<Box<Sandbox>> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = idle.len() >= IDLE;
        let mut of_canister = None;
        let mut of_module = None;
        for (index, sandbox) in idle.iter().enumerate().rev() {
            if !sandbox.runs(compiled) {
                continue;
            }
            if sandbox.is_in(state) {
                return idle.remove(index);
            }
            if sandbox.canister == canister {
                of_canister = of_canister.or(Some(index));
            }
            // The one of the others that rested longest.
            of_module = Some(index);
        }
        let index = of_canister.or(of_module.filter(|_| full))?;
        idle.remove(index)
    }

    /// Takes an instance back.
    pub(crate) fn put(&self, sandbox: Box<Sandbox>) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if idle.len() >= IDLE { idle.pop_front() } else { None };
        idle.push_back(sandbox);
        drop(idle);
        drop(oldest);
    }
}
