//! Prices and environment variables.

use super::{Env, IC0, copy_out, define_u128, heap_and_execution, size32, slice, violation, write_u128};
use crate::entry::Entry;
use crate::execution::Execution;
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

/// What the threshold signature price functions answer for a key that does not exist here.
const INVALID_KEY: u32 = 2;

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    define_costs(linker)?;
    define_variables(linker)?;
    define_variable_values(linker)
}

fn define_costs(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, "cost_call", |mut env: Env<'_>, name: u64, payload: u64, dst: u32| -> Result<()> {
        let (heap, e) = heap_and_execution(&mut env, Entry::ALL_AND_START, "cost_call")?;
        write_u128(heap, dst, e.facts.costs.call_price(name, payload))
    })?;
    define_u128(linker, "cost_create_canister", Entry::ALL_AND_START, |e| Ok(e.facts.costs.creation))?;
    // Calls that leave the network are not offered, so they have no price.
    linker.func_wrap(
        IC0,
        "cost_http_request",
        |mut env: Env<'_>, _request: u64, _response: u64, dst: u32| -> Result<()> {
            let (heap, _) = heap_and_execution(&mut env, Entry::ALL_AND_START, "cost_http_request")?;
            write_u128(heap, dst, 0)
        },
    )?;
    linker.func_wrap(
        IC0,
        "cost_http_request_v2",
        |mut env: Env<'_>, _src: u32, _size: u32, dst: u32| -> Result<()> {
            let (heap, _) = heap_and_execution(&mut env, Entry::ALL_AND_START, "cost_http_request_v2")?;
            write_u128(heap, dst, 0)
        },
    )?;
    for name in ["cost_sign_with_ecdsa", "cost_sign_with_schnorr", "cost_vetkd_derive_key"] {
        linker
            .func_wrap(IC0, name, |_: Env<'_>, _src: u32, _size: u32, _kind: u32, _dst: u32| -> u32 { INVALID_KEY })?;
    }
    Ok(())
}

fn define_variables(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, "env_var_count", |mut env: Env<'_>| -> Result<u32> {
        let (_, e) = heap_and_execution(&mut env, Entry::ALL, "env_var_count")?;
        Ok(u32::try_from(e.facts.environment.len()).unwrap_or(u32::MAX))
    })?;
    linker.func_wrap(IC0, "env_var_name_size", |mut env: Env<'_>, index: u32| -> Result<u32> {
        let (_, e) = heap_and_execution(&mut env, Entry::ALL, "env_var_name_size")?;
        Ok(size32(name_at(e, index)?.as_bytes()))
    })?;
    linker.func_wrap(
        IC0,
        "env_var_name_copy",
        |mut env: Env<'_>, index: u32, dst: u32, offset: u32, size: u32| -> Result<()> {
            let (heap, e) = heap_and_execution(&mut env, Entry::ALL, "env_var_name_copy")?;
            copy_out(heap, dst, offset, size, name_at(e, index)?.as_bytes())
        },
    )?;
    Ok(())
}

fn define_variable_values(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, "env_var_name_exists", |mut env: Env<'_>, src: u32, size: u32| -> Result<u32> {
        let (heap, e) = heap_and_execution(&mut env, Entry::ALL, "env_var_name_exists")?;
        let name = slice(heap, src.into(), size.into())?;
        Ok(u32::from(value_of(e, name).is_some()))
    })?;
    linker.func_wrap(IC0, "env_var_value_size", |mut env: Env<'_>, src: u32, size: u32| -> Result<u32> {
        let (heap, e) = heap_and_execution(&mut env, Entry::ALL, "env_var_value_size")?;
        let name = slice(heap, src.into(), size.into())?;
        Ok(size32(value_of(e, name).ok_or_else(no_such_variable)?.as_bytes()))
    })?;
    linker.func_wrap(
        IC0,
        "env_var_value_copy",
        |mut env: Env<'_>, src: u32, len: u32, dst: u32, offset: u32, size: u32| -> Result<()> {
            let (heap, e) = heap_and_execution(&mut env, Entry::ALL, "env_var_value_copy")?;
            let name = slice(heap, src.into(), len.into())?;
            let value = value_of(e, name).ok_or_else(no_such_variable)?;
            copy_out(heap, dst, offset, size, value.as_bytes())
        },
    )?;
    Ok(())
}

fn name_at(execution: &Execution, index: u32) -> Result<&str> {
    let variable = execution.facts.environment.get(index as usize);
    variable.map(|(name, _)| name.as_str()).ok_or_else(no_such_variable)
}

fn value_of<'a>(execution: &'a Execution, name: &[u8]) -> Option<&'a str> {
    let variable = execution.facts.environment.iter().find(|(n, _)| n.as_bytes() == name);
    variable.map(|(_, value)| value.as_str())
}

fn no_such_variable() -> wasmtime::Error {
    violation("there is no such environment variable")
}
