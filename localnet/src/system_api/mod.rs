//! The System API: what canisters import from `ic0`.
//!
//! Interface specification, "System API". Each function first checks that the running entry point may
//! call it; the sets are those of "Overview of imports".

mod calls;
mod canister;
mod environment;
mod legacy;
mod message;
mod stable;

pub(crate) use calls::drop_pending;

use crate::entry::Entry;
use crate::execution::{Execution, Violation};
use crate::sandbox::Host;
use candid::Principal;
use wasmtime::{Caller, Linker, Result};

pub(crate) type Env<'a> = Caller<'a, Host>;

/// The module all functions are imported from.
const IC0: &str = "ic0";

/// Defines all imports.
pub(crate) fn define(linker: &mut Linker<Host>) -> Result<()> {
    message::define(linker)?;
    calls::define(linker)?;
    canister::define(linker)?;
    environment::define(linker)?;
    stable::define(linker)?;
    legacy::define(linker)
}

/// The running execution, if its entry point may call the function.
fn allowed<'a>(env: &'a mut Env<'_>, entries: Entry, function: &str) -> Result<&'a mut Execution> {
    let execution = env.data_mut().execution.as_deref_mut();
    permit(execution, entries, function)
}

fn permit<'a>(execution: Option<&'a mut Execution>, entries: Entry, function: &str) -> Result<&'a mut Execution> {
    match execution {
        Some(execution) if execution.facts.entry.is_in(entries) => Ok(execution),
        Some(execution) => {
            Err(violation(format!("\"{function}\" cannot be executed in {} mode", execution.facts.entry.name())))
        }
        // An instantiation runs no code that could get here.
        None => Err(violation(format!("\"{function}\" was called outside of an execution"))),
    }
}

fn violation(text: impl Into<String>) -> wasmtime::Error {
    wasmtime::Error::new(Violation::contract(text))
}

/// Heap and execution at once; an instance without memory has an empty heap.
fn heap_and_execution<'a>(
    env: &'a mut Env<'_>,
    entries: Entry,
    function: &str,
) -> Result<(&'a mut [u8], &'a mut Execution)> {
    let (heap, host) = match env.data().memory {
        Some(memory) => memory.data_and_store_mut(env),
        None => (Default::default(), env.data_mut()),
    };
    let execution = permit(host.execution.as_deref_mut(), entries, function)?;
    Ok((heap, execution))
}

fn out_of_bounds() -> wasmtime::Error {
    wasmtime::Error::new(Violation::Memory("heap out of bounds"))
}

fn slice(heap: &[u8], start: u64, size: u64) -> Result<&[u8]> {
    range(start, size).and_then(|range| heap.get(range)).ok_or_else(out_of_bounds)
}

fn slice_mut(heap: &mut [u8], start: u64, size: u64) -> Result<&mut [u8]> {
    range(start, size).and_then(|range| heap.get_mut(range)).ok_or_else(out_of_bounds)
}

fn range(start: u64, size: u64) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(start).ok()?;
    let size = usize::try_from(size).ok()?;
    Some(start..start.checked_add(size)?)
}

/// Copies a part of `source` to the heap; the part must lie within it.
fn copy_out(heap: &mut [u8], dst: u32, offset: u32, size: u32, source: &[u8]) -> Result<()> {
    let part = range(offset.into(), size.into())
        .and_then(|range| source.get(range))
        .ok_or_else(|| violation("the copied range lies outside of the data"))?;
    slice_mut(heap, dst.into(), size.into())?.copy_from_slice(part);
    Ok(())
}

fn write_u128(heap: &mut [u8], dst: u32, value: u128) -> Result<()> {
    slice_mut(heap, dst.into(), 16)?.copy_from_slice(&value.to_le_bytes());
    Ok(())
}

fn join(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

fn principal(bytes: &[u8]) -> Result<Principal> {
    Principal::try_from_slice(bytes).map_err(|error| violation(format!("invalid principal: {error}")))
}

fn size32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Defines the pair `NAME_size` and `NAME_copy`.
fn define_blob(
    linker: &mut Linker<Host>,
    name: &'static str,
    entries: Entry,
    get: fn(&Execution) -> Result<&[u8]>,
) -> Result<()> {
    let size = format!("{name}_size");
    linker.func_wrap(IC0, &size.clone(), move |mut env: Env<'_>| -> Result<u32> {
        Ok(size32(get(allowed(&mut env, entries, &size)?)?))
    })?;
    let copy = format!("{name}_copy");
    linker.func_wrap(IC0, &copy.clone(), move |mut env: Env<'_>, dst: u32, offset: u32, size: u32| -> Result<()> {
        let (heap, execution) = heap_and_execution(&mut env, entries, &copy)?;
        copy_out(heap, dst, offset, size, get(execution)?)
    })?;
    Ok(())
}

/// Defines a function without parameters.
fn define_getter<R: wasmtime::WasmTy + 'static>(
    linker: &mut Linker<Host>,
    name: &'static str,
    entries: Entry,
    get: fn(&mut Execution) -> Result<R>,
) -> Result<()> {
    linker.func_wrap(IC0, name, move |mut env: Env<'_>| -> Result<R> { get(allowed(&mut env, entries, name)?) })?;
    Ok(())
}

/// Defines a function that writes 128 bits to the address it is given.
fn define_u128(
    linker: &mut Linker<Host>,
    name: &'static str,
    entries: Entry,
    get: fn(&mut Execution) -> Result<u128>,
) -> Result<()> {
    linker.func_wrap(IC0, name, move |mut env: Env<'_>, dst: u32| -> Result<()> {
        let (heap, execution) = heap_and_execution(&mut env, entries, name)?;
        let value = get(execution)?;
        write_u128(heap, dst, value)
    })?;
    Ok(())
}

/// Defines a function without parameters and without a result.
fn define_action(
    linker: &mut Linker<Host>,
    name: &'static str,
    entries: Entry,
    act: fn(&mut Execution) -> Result<()>,
) -> Result<()> {
    linker.func_wrap(IC0, name, move |mut env: Env<'_>| -> Result<()> { act(allowed(&mut env, entries, name)?) })?;
    Ok(())
}
