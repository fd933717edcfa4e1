//! Functions of earlier versions of the System API that deployed canisters still import. Only modules
//! with 32-bit memories may.

use super::calls::{PAYING, add_cycles};
use super::message::{CYCLES, REFUND, accept, available};
use super::{Env, IC0, Import, define_getter, stable, violation};
use crate::entry::Entry;
use crate::execution::{Execution, Violation};
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

/// Pages that 32 bits can address.
const STABLE32_PAGES: u64 = 65_536;

const SIZE: Import = Import::new("stable_size", Entry::ALL_AND_START).costing(0);
const GROW: Import = Import::new("stable_grow", Entry::ALL_AND_START).costing(100);
const WRITE: Import = Import::new("stable_write", Entry::ALL_AND_START).costing(20);
const READ: Import = Import::new("stable_read", Entry::ALL_AND_START).costing(20);
const ACCEPT: Import = Import::new("msg_cycles_accept", CYCLES);
const ADD: Import = Import::new("call_cycles_add", PAYING);

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    define_stable(linker)?;
    define_getter(linker, Import::new("canister_cycle_balance", Entry::ALL), |e| in_64_bits(e.effects.balance))?;
    define_getter(linker, Import::new("msg_cycles_available", CYCLES), |e| in_64_bits(available(e)))?;
    define_getter(linker, Import::new("msg_cycles_refunded", REFUND), |e| in_64_bits(e.facts.cycles_refunded))?;
    linker.func_wrap(IC0, ACCEPT.name, |mut env: Env<'_>, amount: u64| -> Result<u64> {
        in_64_bits(accept(ACCEPT.enter(&mut env, 0)?, amount.into()))
    })?;
    linker.func_wrap(IC0, ADD.name, |mut env: Env<'_>, amount: u64| -> Result<()> {
        add_cycles(ADD.enter(&mut env, 0)?, ADD, amount.into())
    })?;
    Ok(())
}

fn define_stable(linker: &mut Linker<Host>) -> Result<()> {
    define_getter(linker, SIZE, |e| addressable(e).map(|pages| pages as u32))?;
    linker.func_wrap(IC0, GROW.name, |mut env: Env<'_>, pages: u32| -> Result<u32> {
        let execution = GROW.enter(&mut env, 0)?;
        if addressable(execution)? + u64::from(pages) > STABLE32_PAGES {
            return Ok(u32::MAX);
        }
        Ok(stable::grow(execution, pages.into())?.map_or(u32::MAX, |size| size as u32))
    })?;
    linker.func_wrap(IC0, WRITE.name, |mut env: Env<'_>, offset: u32, src: u32, size: u32| -> Result<()> {
        addressable(WRITE.costing(0).enter(&mut env, 0)?)?;
        stable::write(&mut env, WRITE, offset.into(), src.into(), size.into())
    })?;
    linker.func_wrap(IC0, READ.name, |mut env: Env<'_>, dst: u32, offset: u32, size: u32| -> Result<()> {
        addressable(READ.costing(0).enter(&mut env, 0)?)?;
        stable::read(&mut env, READ, dst.into(), offset.into(), size.into())
    })?;
    Ok(())
}

/// The size of the stable memory, if 32 bits can address it.
fn addressable(execution: &Execution) -> Result<u64> {
    let size = execution.effects.stable.size();
    if size > STABLE32_PAGES {
        let text = "32 bit stable memory api used on a memory larger than 4GB";
        return Err(wasmtime::Error::new(Violation::Memory(text)));
    }
    Ok(size)
}

fn in_64_bits(cycles: u128) -> Result<u64> {
    u64::try_from(cycles)
        .map_err(|_| violation(format!("the amount of cycles {cycles} does not fit 64 bits; use the 128-bit function")))
}
