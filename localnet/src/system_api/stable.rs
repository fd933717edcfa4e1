//! Stable memory ("Stable memory").

use super::{Env, IC0, allowed, heap_and_execution, slice, slice_mut};
use crate::entry::Entry;
use crate::execution::{Execution, Violation};
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, "stable64_size", |mut env: Env<'_>| -> Result<u64> {
        Ok(allowed(&mut env, Entry::ALL_AND_START, "stable64_size")?.effects.stable.size())
    })?;
    linker.func_wrap(IC0, "stable64_grow", |mut env: Env<'_>, pages: u64| -> Result<u64> {
        Ok(grow(allowed(&mut env, Entry::ALL_AND_START, "stable64_grow")?, pages).unwrap_or(u64::MAX))
    })?;
    linker.func_wrap(IC0, "stable64_write", |mut env: Env<'_>, offset: u64, src: u64, size: u64| {
        write(&mut env, offset, src, size)
    })?;
    linker.func_wrap(IC0, "stable64_read", |mut env: Env<'_>, dst: u64, offset: u64, size: u64| {
        read(&mut env, dst, offset, size)
    })?;
    Ok(())
}

pub(super) fn grow(execution: &mut Execution, pages: u64) -> Option<u64> {
    if execution.facts.growth_refused {
        return None;
    }
    let limit = execution.facts.limits.stable_bytes;
    execution.effects.stable.grow(pages, limit)
}

pub(super) fn write(env: &mut Env<'_>, offset: u64, src: u64, size: u64) -> Result<()> {
    let (heap, execution) = heap_and_execution(env, Entry::ALL_AND_START, "stable64_write")?;
    let source = slice(heap, src, size)?;
    in_bounds(execution.effects.stable.write(offset, source))
}

pub(super) fn read(env: &mut Env<'_>, dst: u64, offset: u64, size: u64) -> Result<()> {
    let (heap, execution) = heap_and_execution(env, Entry::ALL_AND_START, "stable64_read")?;
    let target = slice_mut(heap, dst, size)?;
    in_bounds(execution.effects.stable.read(offset, target))
}

fn in_bounds(done: bool) -> Result<()> {
    if done { Ok(()) } else { Err(wasmtime::Error::new(Violation::Memory("stable memory out of bounds"))) }
}
