//! Inter-canister calls ("Inter-canister method calls").

use super::heap::{Pointer, slice};
use super::message::CARRIED_BYTE;
use super::{Env, IC0, Import, define_getter, join, principal, violation};
use crate::costs::CallPrice;
use crate::entry::Entry;
use crate::execution::{Closure, Execution, Facts, OutgoingCall, Violation};
use crate::management::check_sender_version;
use crate::sandbox::Host;
use candid::Principal;
use wasmtime::{Linker, Result};

pub(super) const PAYING: Entry = Entry::UPDATE.or(Entry::REPLY).or(Entry::REJECT).or(Entry::TASK);

/// A best-effort response is waited for at most this long.
const MAX_TIMEOUT_SECONDS: u32 = 300;
/// Bytes of a method name at most.
const MAX_METHOD_NAME: u64 = 20_000;

const NEW: Import = Import::new("call_new", Entry::CALLING).costing(1_500);
const ON_CLEANUP: Import = Import::new("call_on_cleanup", Entry::CALLING);
const DATA_APPEND: Import = Import::new("call_data_append", Entry::CALLING);
const BEST_EFFORT: Import = Import::new("call_with_best_effort_response", Entry::CALLING);
const CYCLES_ADD: Import = Import::new("call_cycles_add128", PAYING);
const PERFORM: Import = Import::new("call_perform", Entry::CALLING).costing(5_000);

pub(super) fn define<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, NEW.name, call_new::<P>)?;
    linker.func_wrap(IC0, ON_CLEANUP.name, |mut env: Env<'_>, fun: P, closure_env: P| -> Result<()> {
        let execution = ON_CLEANUP.enter(&mut env, 0)?;
        let call = pending(execution, ON_CLEANUP)?;
        if call.cleanup.is_some() {
            return Err(violation(
                "ic0.call_on_cleanup can be called only once between `ic0.call_new` and `ic0.call_perform`",
            ));
        }
        call.cleanup = Some(closure(fun, closure_env));
        Ok(())
    })?;
    linker.func_wrap(IC0, DATA_APPEND.name, |mut env: Env<'_>, src: P, size: P| -> Result<()> {
        let bytes = size.wide().saturating_mul(CARRIED_BYTE);
        let (heap, execution) = DATA_APPEND.enter_with_heap(&mut env, bytes)?;
        append(execution, slice(heap, src, size)?)
    })?;
    linker.func_wrap(IC0, BEST_EFFORT.name, |mut env: Env<'_>, seconds: u32| -> Result<()> {
        let execution = BEST_EFFORT.enter(&mut env, 0)?;
        let call = pending(execution, BEST_EFFORT)?;
        if call.timeout_seconds.is_some() {
            return Err(violation("ic0.call_with_best_effort_response: a timeout is already set for a call"));
        }
        call.timeout_seconds = Some(seconds.min(MAX_TIMEOUT_SECONDS));
        Ok(())
    })?;
    linker.func_wrap(IC0, CYCLES_ADD.name, |mut env: Env<'_>, high: u64, low: u64| -> Result<()> {
        add_cycles(CYCLES_ADD.enter(&mut env, 0)?, CYCLES_ADD, join(high, low))
    })?;
    define_getter(linker, PERFORM, perform)
}

fn closure<P: Pointer>(fun: P, env: P) -> Closure {
    // An index beyond 32 bits is in no table, like the last one.
    Closure { fun: u32::try_from(fun.wide()).unwrap_or(u32::MAX), env: env.wide() }
}

#[allow(clippy::too_many_arguments)] // the signature of the import
fn call_new<P: Pointer>(
    mut env: Env<'_>,
    callee_src: P,
    callee_size: P,
    name_src: P,
    name_size: P,
    reply_fun: P,
    reply_env: P,
    reject_fun: P,
    reject_env: P,
) -> Result<()> {
    let bytes = callee_size.wide().saturating_add(name_size.wide());
    let (heap, execution) = NEW.enter_with_heap(&mut env, bytes)?;
    drop_pending(execution);
    let callee = principal(slice(heap, callee_src, callee_size)?)?;
    if name_size.wide() > MAX_METHOD_NAME {
        let size = name_size.wide();
        return Err(violation(format!("ic0.call_new: method name of {size} bytes exceeds {MAX_METHOD_NAME} bytes")));
    }
    let method = slice(heap, name_src, name_size)?;
    let method = String::from_utf8(method.to_vec())
        .map_err(|_| violation("ic0.call_new: the method name is not valid UTF-8"))?;
    execution.effects.pending_call = Some(OutgoingCall {
        callee,
        method,
        arg: Vec::new(),
        cycles: 0,
        price: CallPrice::default(),
        reply: closure(reply_fun, reply_env),
        reject: closure(reject_fun, reject_env),
        cleanup: None,
        timeout_seconds: None,
    });
    Ok(())
}

fn append(execution: &mut Execution, bytes: &[u8]) -> Result<()> {
    let limit = execution.facts.limits.request_bytes;
    let call = pending(execution, DATA_APPEND)?;
    if call.arg.len() + bytes.len() > limit {
        return Err(violation(format!(
            "ic0.call_data_append: the payload of {} bytes is larger than {limit}",
            call.arg.len() + bytes.len()
        )));
    }
    call.arg.extend_from_slice(bytes);
    Ok(())
}

fn pending(execution: &mut Execution, import: Import) -> Result<&mut OutgoingCall> {
    let name = import.name;
    let call = execution.effects.pending_call.as_mut();
    call.ok_or_else(|| violation(format!("ic0.{name} called when no call is under construction.")))
}

/// A call that is not performed gives back the cycles attached to it.
pub(crate) fn drop_pending(execution: &mut Execution) {
    if let Some(call) = execution.effects.pending_call.take() {
        execution.effects.balance = execution.effects.balance.saturating_add(call.cycles);
    }
}

pub(super) fn add_cycles(execution: &mut Execution, import: Import, amount: u128) -> Result<()> {
    let held = execution.liquid();
    let call = pending(execution, import)?;
    if amount > held {
        return Err(wasmtime::Error::new(Violation::OutOfCycles { needed: amount, held }));
    }
    call.cycles = call.cycles.saturating_add(amount);
    execution.effects.balance -= amount;
    Ok(())
}

/// Queues the call; a number other than zero is a reject code, and the call is not made.
fn perform(execution: &mut Execution) -> Result<u32> {
    const SYS_TRANSIENT: u32 = 2;
    pending(execution, PERFORM)?;
    let held = execution.liquid();
    let Some(mut call) = execution.effects.pending_call.take() else {
        return Ok(SYS_TRANSIENT);
    };
    if call.callee == Principal::management_canister() {
        check_sender_version(&call.method, &call.arg, execution.facts.version).map_err(violation)?;
    }
    let Facts { costs, limits, memory64, replicated, .. } = &execution.facts;
    if *replicated {
        call.price = costs.call((call.method.len() + call.arg.len()) as u64, limits, *memory64);
    }
    let effects = &mut execution.effects;
    effects.performed += 1;
    let refused = execution.facts.refused_call == Some(effects.performed);
    let outstanding = effects.outstanding.entry(call.callee).or_default();
    if refused || *outstanding >= execution.facts.limits.queue_messages || call.price.total() > held {
        effects.balance = effects.balance.saturating_add(call.cycles);
        return Ok(SYS_TRANSIENT);
    }
    *outstanding += 1;
    effects.balance -= call.price.total();
    effects.burned += call.price.request;
    effects.calls.push(call);
    Ok(0)
}
