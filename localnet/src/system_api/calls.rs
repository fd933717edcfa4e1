//! Inter-canister calls ("Inter-canister method calls").

use super::{Env, IC0, allowed, define_getter, heap_and_execution, join, principal, slice, violation};
use crate::entry::Entry;
use crate::execution::{Closure, Execution, OutgoingCall, Violation};
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

const PAYING: Entry = Entry::UPDATE.or(Entry::REPLY).or(Entry::REJECT).or(Entry::TASK);

/// A best-effort response is waited for at most this long.
const MAX_TIMEOUT_SECONDS: u32 = 300;

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, "call_new", call_new)?;
    linker.func_wrap(IC0, "call_on_cleanup", |mut env: Env<'_>, fun: u32, closure_env: u32| -> Result<()> {
        let execution = allowed(&mut env, Entry::CALLING, "call_on_cleanup")?;
        let call = pending(execution, "call_on_cleanup")?;
        if call.cleanup.is_some() {
            return Err(violation("ic0.call_on_cleanup: already called for this call"));
        }
        call.cleanup = Some(Closure { fun, env: closure_env });
        Ok(())
    })?;
    linker.func_wrap(IC0, "call_data_append", call_data_append)?;
    linker.func_wrap(IC0, "call_with_best_effort_response", |mut env: Env<'_>, seconds: u32| -> Result<()> {
        let execution = allowed(&mut env, Entry::CALLING, "call_with_best_effort_response")?;
        let call = pending(execution, "call_with_best_effort_response")?;
        if call.timeout_seconds.is_some() {
            return Err(violation("ic0.call_with_best_effort_response: already called"));
        }
        call.timeout_seconds = Some(seconds.min(MAX_TIMEOUT_SECONDS));
        Ok(())
    })?;
    linker.func_wrap(IC0, "call_cycles_add128", |mut env: Env<'_>, high: u64, low: u64| -> Result<()> {
        add_cycles(allowed(&mut env, PAYING, "call_cycles_add128")?, join(high, low))
    })?;
    linker.func_wrap(IC0, "call_cycles_add", |mut env: Env<'_>, amount: u64| -> Result<()> {
        add_cycles(allowed(&mut env, PAYING, "call_cycles_add")?, amount.into())
    })?;
    define_getter(linker, "call_perform", Entry::CALLING, perform)
}

#[allow(clippy::too_many_arguments)] // the signature of the import
fn call_new(
    mut env: Env<'_>,
    callee_src: u32,
    callee_size: u32,
    name_src: u32,
    name_size: u32,
    reply_fun: u32,
    reply_env: u32,
    reject_fun: u32,
    reject_env: u32,
) -> Result<()> {
    let (heap, execution) = heap_and_execution(&mut env, Entry::CALLING, "call_new")?;
    drop_pending(execution);
    let callee = principal(slice(heap, callee_src.into(), callee_size.into())?)?;
    let method = slice(heap, name_src.into(), name_size.into())?;
    let method = String::from_utf8(method.to_vec())
        .map_err(|_| violation("ic0.call_new: the method name is not valid UTF-8"))?;
    execution.effects.pending_call = Some(OutgoingCall {
        callee,
        method,
        arg: Vec::new(),
        cycles: 0,
        reply: Closure { fun: reply_fun, env: reply_env },
        reject: Closure { fun: reject_fun, env: reject_env },
        cleanup: None,
        timeout_seconds: None,
    });
    Ok(())
}

fn call_data_append(mut env: Env<'_>, src: u32, size: u32) -> Result<()> {
    let (heap, execution) = heap_and_execution(&mut env, Entry::CALLING, "call_data_append")?;
    let bytes = slice(heap, src.into(), size.into())?;
    let limit = execution.facts.limits.request_bytes;
    let call = pending(execution, "call_data_append")?;
    if call.arg.len() + bytes.len() > limit {
        return Err(violation(format!(
            "ic0.call_data_append: the payload of {} bytes is larger than {limit}",
            call.arg.len() + bytes.len()
        )));
    }
    call.arg.extend_from_slice(bytes);
    Ok(())
}

fn pending<'a>(execution: &'a mut Execution, function: &str) -> Result<&'a mut OutgoingCall> {
    execution
        .effects
        .pending_call
        .as_mut()
        .ok_or_else(|| violation(format!("ic0.{function} called when no call is under construction")))
}

/// A call that is not performed gives back the cycles attached to it.
pub(crate) fn drop_pending(execution: &mut Execution) {
    if let Some(call) = execution.effects.pending_call.take() {
        execution.effects.balance = execution.effects.balance.saturating_add(call.cycles);
    }
}

fn add_cycles(execution: &mut Execution, amount: u128) -> Result<()> {
    let held = spendable(execution);
    let call = pending(execution, "call_cycles_add")?;
    if amount > held {
        return Err(wasmtime::Error::new(Violation::OutOfCycles { needed: amount, held }));
    }
    call.cycles = call.cycles.saturating_add(amount);
    execution.effects.balance -= amount;
    Ok(())
}

/// What can be spent without falling below the freezing balance ("Liquid cycles balance").
pub(super) fn spendable(execution: &Execution) -> u128 {
    let frozen = execution.facts.costs.freezing_balance;
    execution.effects.balance.saturating_sub(frozen)
}

/// Queues the call; a number other than zero is a reject code, and the call is not made.
fn perform(execution: &mut Execution) -> Result<u32> {
    const SYS_TRANSIENT: u32 = 2;
    pending(execution, "call_perform")?;
    let held = spendable(execution);
    let Some(call) = execution.effects.pending_call.take() else {
        return Ok(SYS_TRANSIENT);
    };
    let price = if execution.facts.replicated {
        execution.facts.costs.call_price(call.method.len() as u64, call.arg.len() as u64)
    } else {
        0
    };
    let effects = &mut execution.effects;
    effects.performed += 1;
    let refused = execution.facts.refused_call == Some(effects.performed);
    let outstanding = effects.outstanding.entry(call.callee).or_default();
    if refused || *outstanding >= execution.facts.limits.queue_messages || price > held {
        effects.balance = effects.balance.saturating_add(call.cycles);
        return Ok(SYS_TRANSIENT);
    }
    *outstanding += 1;
    effects.balance -= price;
    effects.calls.push(call);
    Ok(0)
}
