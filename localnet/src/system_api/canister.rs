//! The canister itself: identity, balance, certified data, timer, metering, diagnostics.

use super::{
    Env, IC0, allowed, define_blob, define_getter, define_u128, heap_and_execution, join, principal, slice, violation,
    write_u128,
};
use crate::entry::Entry;
use crate::execution::{Execution, Violation};
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

const CERTIFYING: Entry =
    Entry::INIT.or(Entry::PRE_UPGRADE).or(Entry::UPDATE).or(Entry::REPLY).or(Entry::REJECT).or(Entry::TASK);
const BURNING: Entry = CERTIFYING.or(Entry::REPLICATED_QUERY).or(Entry::CLEANUP);
const TIMER: Entry = CERTIFYING.or(Entry::CLEANUP);
const CERTIFICATE: Entry = Entry::QUERY.or(Entry::COMPOSITE_QUERY);

/// Bytes of certified data at most ("Certified data").
const MAX_CERTIFIED_DATA: u32 = 32;

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    define_blob(linker, "canister_self", Entry::ALL, |e| Ok(e.facts.canister.as_slice()))?;
    define_blob(linker, "root_key", BURNING, |e| Ok(&e.facts.root_key))?;
    define_blob(linker, "subnet_self", Entry::ALL, |e| Ok(e.facts.subnet.as_slice()))?;
    define_getter(linker, "subnet_self_node_count", Entry::ALL, |_| Ok(13_u32))?;
    define_getter(linker, "canister_status", Entry::ALL, |e| Ok(e.facts.status))?;
    define_getter(linker, "canister_version", Entry::ALL, |e| Ok(e.facts.version))?;
    define_getter(linker, "time", Entry::ALL, |e| Ok(e.facts.time))?;
    define_getter(linker, "in_replicated_execution", Entry::ALL_AND_START, |e| Ok(u32::from(e.facts.replicated)))?;
    define_u128(linker, "canister_cycle_balance128", Entry::ALL, |e| Ok(e.effects.balance))?;
    define_u128(linker, "canister_liquid_cycle_balance128", Entry::ALL, |e| Ok(super::calls::spendable(e)))?;
    define_certification(linker)?;
    define_control(linker)?;
    define_diagnostics(linker)
}

fn define_certification(linker: &mut Linker<Host>) -> Result<()> {
    define_blob(linker, "data_certificate", CERTIFICATE, |e| {
        if e.facts.nested {
            return Err(violation("there is no data certificate in a query called by a query"));
        }
        e.facts.certificate.as_deref().ok_or_else(|| wasmtime::Error::new(Violation::CertificateWanted))
    })?;
    define_getter(linker, "data_certificate_present", Entry::ALL, |e| {
        Ok(u32::from(e.facts.entry.is_in(CERTIFICATE) && !e.facts.nested))
    })?;
    linker.func_wrap(
        IC0,
        "certified_data_set",
        |mut env: Env<'_>, src: u32, size: u32| -> Result<()> {
            let (heap, execution) = heap_and_execution(&mut env, CERTIFYING, "certified_data_set")?;
            if size > MAX_CERTIFIED_DATA {
                return Err(violation(format!(
                    "ic0_certified_data_set failed because the passed data must be no larger than {MAX_CERTIFIED_DATA} bytes. Found {size} bytes"
                )));
            }
            let data = slice(heap, src.into(), size.into())?.to_vec();
            execution.effects.certified_data = Some(data);
            Ok(())
        },
    )?;
    Ok(())
}

fn define_control(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, "global_timer_set", |mut env: Env<'_>, timestamp: u64| -> Result<u64> {
        let execution = allowed(&mut env, TIMER, "global_timer_set")?;
        Ok(std::mem::replace(&mut execution.effects.timer, timestamp))
    })?;
    linker.func_wrap(IC0, "cycles_burn128", |mut env: Env<'_>, high: u64, low: u64, dst: u32| -> Result<()> {
        let (heap, execution) = heap_and_execution(&mut env, BURNING, "cycles_burn128")?;
        let burned = join(high, low).min(super::calls::spendable(execution));
        execution.effects.balance -= burned;
        write_u128(heap, dst, burned)
    })?;
    linker.func_wrap(IC0, "is_controller", |mut env: Env<'_>, src: u32, size: u32| -> Result<u32> {
        let (heap, execution) = heap_and_execution(&mut env, Entry::ALL_AND_START, "is_controller")?;
        let candidate = principal(slice(heap, src.into(), size.into())?)?;
        Ok(u32::from(execution.facts.controllers.contains(&candidate)))
    })?;
    Ok(())
}

fn define_diagnostics(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, "performance_counter", performance_counter)?;
    linker.func_wrap(IC0, "debug_print", |mut env: Env<'_>, src: u32, size: u32| -> Result<()> {
        let (heap, execution) = heap_and_execution(&mut env, Entry::ALL_AND_START, "debug_print")?;
        // A message that is out of bounds is not worth a trap.
        let text = slice(heap, src.into(), size.into()).unwrap_or_default();
        let line = String::from_utf8_lossy(text).into_owned();
        execution.effects.log.push(line);
        Ok(())
    })?;
    linker.func_wrap(IC0, "trap", |mut env: Env<'_>, src: u32, size: u32| -> Result<()> {
        let (heap, _) = heap_and_execution(&mut env, Entry::ALL_AND_START, "trap")?;
        let text = slice(heap, src.into(), size.into()).unwrap_or_default();
        let text = String::from_utf8_lossy(text).into_owned();
        Err(wasmtime::Error::new(Violation::Trap(text)))
    })?;
    Ok(())
}

/// 0: this execution; 1: all executions of the call context ("Performance counter").
fn performance_counter(mut env: Env<'_>, counter: u32) -> Result<u64> {
    let left = env.get_fuel()?;
    let executed = env.data().fuel.saturating_sub(left);
    let execution: &mut Execution = allowed(&mut env, Entry::ALL_AND_START, "performance_counter")?;
    match counter {
        0 => Ok(executed),
        1 => Ok(execution.facts.earlier_instructions.saturating_add(executed)),
        other => Err(violation(format!("ic0.performance_counter: there is no counter {other}"))),
    }
}
