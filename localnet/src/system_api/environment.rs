//! Environment variables ("Environment Variables").

use super::heap::{Pointer, copy_out, slice};
use super::{Env, IC0, Import, define_getter, violation};
use crate::entry::Entry;
use crate::execution::Execution;
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

/// Bytes of a variable's name at most.
const MAX_NAME: usize = 128;

pub(super) fn define<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    define_getter(linker, Import::new("env_var_count", Entry::ALL), |e| Ok(P::of_size(e.facts.environment.len())))?;
    let size = Import::new("env_var_name_size", Entry::ALL);
    linker.func_wrap(IC0, size.name, move |mut env: Env<'_>, index: P| -> Result<P> {
        let e = size.enter(&mut env, 0)?;
        Ok(P::of_size(name_at(e, index.wide())?.len()))
    })?;
    let copy = Import::new("env_var_name_copy", Entry::ALL);
    linker.func_wrap(IC0, copy.name, move |mut env: Env<'_>, index: P, dst: P, offset: P, size: P| -> Result<()> {
        let (heap, e) = copy.enter_with_heap(&mut env, size.wide())?;
        copy_out(heap, dst, offset, size, name_at(e, index.wide())?.as_bytes())
    })?;
    define_values::<P>(linker)
}

fn define_values<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    let exists = Import::new("env_var_name_exists", Entry::ALL);
    linker.func_wrap(IC0, exists.name, move |mut env: Env<'_>, src: P, size: P| -> Result<u32> {
        let (heap, e) = exists.enter_with_heap(&mut env, 0)?;
        let name = slice(heap, src, size)?;
        Ok(u32::from(lookup(e, name)?.is_some()))
    })?;
    let value_size = Import::new("env_var_value_size", Entry::ALL);
    linker.func_wrap(IC0, value_size.name, move |mut env: Env<'_>, src: P, size: P| -> Result<P> {
        let (heap, e) = value_size.enter_with_heap(&mut env, 0)?;
        let name = slice(heap, src, size)?;
        Ok(P::of_size(value_of(e, name)?.len()))
    })?;
    let copy = Import::new("env_var_value_copy", Entry::ALL);
    linker.func_wrap(
        IC0,
        copy.name,
        move |mut env: Env<'_>, src: P, len: P, dst: P, offset: P, size: P| -> Result<()> {
            let (heap, e) = copy.enter_with_heap(&mut env, size.wide())?;
            let name = slice(heap, src, len)?;
            let value = value_of(e, name)?;
            copy_out(heap, dst, offset, size, value.as_bytes())
        },
    )?;
    Ok(())
}

fn name_at(execution: &Execution, index: u64) -> Result<&str> {
    let variables = &execution.facts.environment;
    let variable = usize::try_from(index).ok().and_then(|index| variables.get(index));
    variable
        .map(|(name, _)| name.as_str())
        .ok_or_else(|| violation(format!("There is no environment variable {index}; there are {}.", variables.len())))
}

fn lookup<'a>(execution: &'a Execution, name: &[u8]) -> Result<Option<&'a str>> {
    if name.len() > MAX_NAME {
        return Err(violation(format!("Variable name of {} bytes exceeds {MAX_NAME} bytes.", name.len())));
    }
    let name = std::str::from_utf8(name).map_err(|_| violation("Variable name is not a valid UTF-8 string."))?;
    let variable = execution.facts.environment.iter().find(|(known, _)| known == name);
    Ok(variable.map(|(_, value)| value.as_str()))
}

fn value_of<'a>(execution: &'a Execution, name: &[u8]) -> Result<&'a str> {
    lookup(execution, name)?
        .ok_or_else(|| violation(format!("Environment variable {} not found.", String::from_utf8_lossy(name))))
}
