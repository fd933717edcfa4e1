//! Stable memory ("Stable memory").

use super::heap::{slice, slice_mut};
use super::{Env, IC0, Import, charge, define_getter};
use crate::entry::Entry;
use crate::execution::{Execution, Violation};
use crate::metering::DIRTY_PAGE;
use crate::sandbox::Host;
use crate::stable::WASM_PAGE;
use wasmtime::{Linker, Result};

const SIZE: Import = Import::new("stable64_size", Entry::ALL_AND_START).costing(0);
const GROW: Import = Import::new("stable64_grow", Entry::ALL_AND_START).costing(100);
const WRITE: Import = Import::new("stable64_write", Entry::ALL_AND_START).costing(20);
const READ: Import = Import::new("stable64_read", Entry::ALL_AND_START).costing(20);

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    define_getter(linker, SIZE, |e| Ok(e.effects.stable.size()))?;
    linker.func_wrap(IC0, GROW.name, |mut env: Env<'_>, pages: u64| -> Result<u64> {
        Ok(grow(GROW.enter(&mut env, 0)?, pages)?.unwrap_or(u64::MAX))
    })?;
    linker.func_wrap(IC0, WRITE.name, |mut env: Env<'_>, offset: u64, src: u64, size: u64| {
        write(&mut env, WRITE, offset, src, size)
    })?;
    linker.func_wrap(IC0, READ.name, |mut env: Env<'_>, dst: u64, offset: u64, size: u64| {
        read(&mut env, READ, dst, offset, size)
    })?;
    Ok(())
}

/// The old size in pages, if there is room.
pub(super) fn grow(execution: &mut Execution, pages: u64) -> Result<Option<u64>> {
    if execution.facts.growth_refused {
        return Ok(None);
    }
    let limit = execution.facts.limits.stable_bytes;
    let old = execution.effects.stable.grow(pages, limit);
    if old.is_some() {
        execution.grow_memory(pages.saturating_mul(WASM_PAGE)).map_err(wasmtime::Error::new)?;
    }
    Ok(old)
}

pub(super) fn write(env: &mut Env<'_>, import: Import, offset: u64, src: u64, size: u64) -> Result<()> {
    let (heap, execution) = import.enter_with_heap(env, size)?;
    let source = slice(heap, src, size)?;
    let dirtied = execution.effects.stable.write(offset, source).ok_or_else(out_of_bounds)?;
    charge(env, DIRTY_PAGE.saturating_mul(dirtied))
}

pub(super) fn read(env: &mut Env<'_>, import: Import, dst: u64, offset: u64, size: u64) -> Result<()> {
    let (heap, execution) = import.enter_with_heap(env, size)?;
    let target = slice_mut(heap, dst, size)?;
    if execution.effects.stable.read(offset, target) { Ok(()) } else { Err(out_of_bounds()) }
}

fn out_of_bounds() -> wasmtime::Error {
    wasmtime::Error::new(Violation::Memory("stable memory out of bounds"))
}
