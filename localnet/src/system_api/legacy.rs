//! Functions of earlier versions of the System API that deployed canisters still import.

use super::{Env, IC0, allowed, define_getter, message, stable, violation};
use crate::entry::Entry;
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

/// Pages that 32 bits can address.
const STABLE32_PAGES: u64 = 65_536;

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, "stable_size", |mut env: Env<'_>| -> Result<u32> {
        let execution = allowed(&mut env, Entry::ALL_AND_START, "stable_size")?;
        let size = execution.effects.stable.size();
        if size > STABLE32_PAGES {
            return Err(violation("32-bit stable memory calls cannot address more than 4 GiB"));
        }
        Ok(size as u32)
    })?;
    linker.func_wrap(IC0, "stable_grow", |mut env: Env<'_>, pages: u32| -> Result<u32> {
        let execution = allowed(&mut env, Entry::ALL_AND_START, "stable_grow")?;
        if execution.effects.stable.size() + u64::from(pages) > STABLE32_PAGES {
            return Ok(u32::MAX);
        }
        Ok(stable::grow(execution, pages.into()).map_or(u32::MAX, |size| size as u32))
    })?;
    linker.func_wrap(IC0, "stable_write", |mut env: Env<'_>, offset: u32, src: u32, size: u32| {
        stable::write(&mut env, offset.into(), src.into(), size.into())
    })?;
    linker.func_wrap(IC0, "stable_read", |mut env: Env<'_>, dst: u32, offset: u32, size: u32| {
        stable::read(&mut env, dst.into(), offset.into(), size.into())
    })?;
    define_getter(linker, "canister_cycle_balance", Entry::ALL, |e| in_64_bits(e.effects.balance))?;
    define_getter(linker, "msg_cycles_available", message::CYCLES, |e| in_64_bits(e.effects.cycles_available))?;
    define_getter(linker, "msg_cycles_refunded", Entry::REPLY.or(Entry::REJECT), |e| {
        in_64_bits(e.facts.cycles_refunded)
    })
}

fn in_64_bits(cycles: u128) -> Result<u64> {
    u64::try_from(cycles).map_err(|_| violation("the amount of cycles does not fit 64 bits"))
}
