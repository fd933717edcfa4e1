//! Counters and debugging aids ("Performance counter", "Debugging aids").

use super::heap::{Pointer, slice};
use super::{Env, IC0, Import, charge, violation};
use crate::entry::Entry;
use crate::execution::Violation;
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

const COUNTER: Import = Import::new("performance_counter", Entry::ALL_AND_START).costing(200);
const PRINT: Import = Import::new("debug_print", Entry::ALL_AND_START).costing(100);
const TRAP: Import = Import::new("trap", Entry::ALL_AND_START);

pub(super) fn define<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, COUNTER.name, performance_counter)?;
    linker.func_wrap(IC0, PRINT.name, |mut env: Env<'_>, src: P, size: P| -> Result<()> {
        let logging = logging_charge(&env, size.wide());
        let (heap, execution) = PRINT.enter_with_heap(&mut env, logging)?;
        // Out of bounds, it is still not worth a trap.
        let text = slice(heap, src, size).unwrap_or(b"(debug_print message out of memory bounds)");
        execution.effects.log.print(text);
        Ok(())
    })?;
    linker.func_wrap(IC0, TRAP.name, |mut env: Env<'_>, src: P, size: P| -> Result<()> {
        let logging = logging_charge(&env, size.wide());
        let (heap, _) = TRAP.enter_with_heap(&mut env, size.wide().saturating_add(logging))?;
        let text = slice(heap, src, size).unwrap_or(b"(trap message out of memory bounds)");
        let text = String::from_utf8_lossy(text).into_owned();
        Err(wasmtime::Error::new(Violation::Trap(text)))
    })?;
    Ok(())
}

/// What the log costs besides the call: what it takes in, twice, and what is carried to the network.
fn logging_charge(env: &Env<'_>, size: u64) -> u64 {
    let Some(execution) = &env.data().execution else {
        return 0;
    };
    let log = &execution.effects.log;
    let (taken, carried) = (size.min(log.capacity()), size.min(log.remaining()));
    2 * taken + super::message::CARRIED_BYTE * carried
}

/// 0: this execution; 1: all executions of the call context.
fn performance_counter(mut env: Env<'_>, counter: u32) -> Result<u64> {
    charge(&mut env, COUNTER.instructions)?;
    let executed = env.data().executed(env.get_fuel()?);
    let execution = COUNTER.costing(0).enter(&mut env, 0)?;
    match counter {
        0 => Ok(executed),
        1 => Ok(execution.facts.earlier_instructions.saturating_add(executed)),
        other => Err(violation(format!("Error getting performance counter type {other}"))),
    }
}
