//! The System API: what canisters import from `ic0`.
//!
//! Interface specification, "System API". Each function is defined once, for pointers of 32 and of 64
//! bits. It first pays for itself, then checks that the running entry point may call it; the sets are
//! those of "Overview of imports".

mod blob;
mod calls;
mod canister;
mod costs;
mod diagnostics;
mod environment;
mod heap;
mod legacy;
mod message;
mod stable;

pub(crate) use calls::drop_pending;

use crate::entry::Entry;
use crate::execution::{Execution, Violation};
use crate::sandbox::Host;
use candid::Principal;
use heap::Pointer;
use wasmtime::{Caller, Linker, Result, Trap, WasmTy};

pub(crate) type Env<'a> = Caller<'a, Host>;

/// The module all functions are imported from.
const IC0: &str = "ic0";

/// Defines the imports of modules with 32-bit memories, and of those without a memory.
pub(crate) fn define_32(linker: &mut Linker<Host>) -> Result<()> {
    define::<u32>(linker)?;
    legacy::define(linker)
}

/// Defines the imports of modules with 64-bit memories.
pub(crate) fn define_64(linker: &mut Linker<Host>) -> Result<()> {
    define::<u64>(linker)
}

fn define<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    message::define::<P>(linker)?;
    calls::define::<P>(linker)?;
    canister::define::<P>(linker)?;
    costs::define::<P>(linker)?;
    diagnostics::define::<P>(linker)?;
    environment::define::<P>(linker)?;
    stable::define(linker)
}

/// An imported function: its name, who may call it, what a call costs besides the bytes it moves.
#[derive(Clone, Copy)]
struct Import {
    name: &'static str,
    entries: Entry,
    instructions: u64,
}

impl Import {
    /// Most functions cost the same.
    const fn new(name: &'static str, entries: Entry) -> Self {
        Self { name, entries, instructions: 500 }
    }

    const fn costing(self, instructions: u64) -> Self {
        Self { instructions, ..self }
    }

    /// Pays for the call and for the bytes it moves; the running execution, if its entry point may
    /// call the function.
    fn enter<'a>(self, env: &'a mut Env<'_>, bytes: u64) -> Result<&'a mut Execution> {
        charge(env, self.instructions.saturating_add(bytes))?;
        self.permit(env.data_mut().execution.as_deref_mut())
    }

    /// As [`Import::enter`], with the heap; an instance without memory has an empty one.
    fn enter_with_heap<'a>(self, env: &'a mut Env<'_>, bytes: u64) -> Result<(&'a mut [u8], &'a mut Execution)> {
        charge(env, self.instructions.saturating_add(bytes))?;
        let (heap, host) = match env.data().memory {
            Some(memory) => memory.data_and_store_mut(env),
            None => (Default::default(), env.data_mut()),
        };
        let execution = self.permit(host.execution.as_deref_mut())?;
        Ok((heap, execution))
    }

    fn permit(self, execution: Option<&mut Execution>) -> Result<&mut Execution> {
        let name = self.name;
        match execution {
            Some(execution) if execution.facts.entry.is_in(self.entries) => Ok(execution),
            Some(execution) => {
                Err(violation(format!("\"{name}\" cannot be executed in {} mode", execution.facts.entry.name())))
            }
            // An instantiation runs no code that could get here.
            None => Err(violation(format!("\"{name}\" was called outside of an execution"))),
        }
    }
}

/// Takes instructions from the running execution, if system calls are metered.
fn charge(env: &mut Env<'_>, instructions: u64) -> Result<()> {
    if !env.data().system_calls_cost {
        return Ok(());
    }
    let left = env.get_fuel()?.checked_sub(instructions);
    env.set_fuel(left.unwrap_or(0))?;
    left.map(drop).ok_or_else(|| Trap::OutOfFuel.into())
}

fn violation(text: impl Into<String>) -> wasmtime::Error {
    wasmtime::Error::new(Violation::contract(text))
}

fn join(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

fn principal(bytes: &[u8]) -> Result<Principal> {
    Principal::try_from_slice(bytes).map_err(|error| violation(format!("invalid principal: {error}")))
}

/// Defines a function without parameters.
fn define_getter<R: WasmTy + 'static>(
    linker: &mut Linker<Host>,
    import: Import,
    get: fn(&mut Execution) -> Result<R>,
) -> Result<()> {
    linker.func_wrap(IC0, import.name, move |mut env: Env<'_>| -> Result<R> { get(import.enter(&mut env, 0)?) })?;
    Ok(())
}

/// Defines a function without parameters and without a result.
fn define_action(linker: &mut Linker<Host>, import: Import, act: fn(&mut Execution) -> Result<()>) -> Result<()> {
    linker.func_wrap(IC0, import.name, move |mut env: Env<'_>| -> Result<()> { act(import.enter(&mut env, 0)?) })?;
    Ok(())
}

/// Defines a function that writes 128 bits to the address it is given.
fn define_u128<P: Pointer>(
    linker: &mut Linker<Host>,
    import: Import,
    get: fn(&mut Execution) -> Result<u128>,
) -> Result<()> {
    linker.func_wrap(IC0, import.name, move |mut env: Env<'_>, dst: P| -> Result<()> {
        let (heap, execution) = import.enter_with_heap(&mut env, 0)?;
        let value = get(execution)?;
        heap::write_u128(heap, dst, value)
    })?;
    Ok(())
}
