//! The message being executed: argument, caller, answer, cycles, inspection.

use super::{
    Env, IC0, allowed, define_action, define_blob, define_getter, define_u128, heap_and_execution, join, slice,
    violation, write_u128,
};
use crate::entry::Entry;
use crate::execution::Execution;
use crate::reject::{Reject, RejectCode};
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

const ARGUMENT: Entry = Entry::INIT
    .or(Entry::UPDATE)
    .or(Entry::REPLICATED_QUERY)
    .or(Entry::QUERY)
    .or(Entry::COMPOSITE_QUERY)
    .or(Entry::REPLY)
    .or(Entry::COMPOSITE_REPLY)
    .or(Entry::INSPECT);
const REJECTION: Entry = Entry::REJECT.or(Entry::COMPOSITE_REJECT);
const CODE: Entry =
    REJECTION.or(Entry::REPLY).or(Entry::COMPOSITE_REPLY).or(Entry::CLEANUP).or(Entry::COMPOSITE_CLEANUP);
pub(super) const CYCLES: Entry = Entry::UPDATE.or(Entry::REPLICATED_QUERY).or(Entry::REPLY).or(Entry::REJECT);
const REFUND: Entry = Entry::REPLY.or(Entry::REJECT);

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    define_blob(linker, "msg_arg_data", ARGUMENT, |e| Ok(&e.facts.arg))?;
    define_blob(linker, "msg_caller", Entry::ALL, |e| Ok(e.facts.caller.as_slice()))?;
    // Signed attributes of the sender: this network has no issuers of them.
    define_blob(linker, "msg_caller_info_data", Entry::ALL, |_| Ok(&[]))?;
    define_blob(linker, "msg_caller_info_signer", Entry::ALL, |_| Ok(&[]))?;
    define_blob(linker, "msg_reject_msg", REJECTION, |e| {
        let message = e.facts.reject.as_ref().map(|reject| reject.message.as_bytes());
        Ok(message.unwrap_or_default())
    })?;
    define_blob(linker, "msg_method_name", Entry::INSPECT, |e| Ok(e.facts.method.as_bytes()))?;
    define_getter(linker, "msg_reject_code", CODE, |e| {
        Ok(e.facts.reject.as_ref().map_or(0, |reject| reject.code.number()))
    })?;
    define_getter(linker, "msg_deadline", Entry::ANSWERING, |e| Ok(e.facts.deadline))?;
    define_action(linker, "msg_reply", Entry::ANSWERING, reply)?;
    define_action(linker, "accept_message", Entry::INSPECT, accept_message)?;
    define_u128(linker, "msg_cycles_available128", CYCLES, |e| Ok(e.effects.cycles_available))?;
    define_u128(linker, "msg_cycles_refunded128", REFUND, |e| Ok(e.facts.cycles_refunded))?;
    define_answer(linker)?;
    define_acceptance(linker)
}

fn define_answer(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, "msg_reply_data_append", |mut env: Env<'_>, src: u32, size: u32| -> Result<()> {
        let (heap, execution) = heap_and_execution(&mut env, Entry::ANSWERING, "msg_reply_data_append")?;
        let bytes = slice(heap, src.into(), size.into())?;
        unanswered(execution)?;
        let limit = execution.facts.reply_limit;
        let data = &mut execution.effects.reply_data;
        if data.len() + bytes.len() > limit {
            return Err(violation(format!(
                "ic0.msg_reply_data_append: application payload size ({}) cannot be larger than {limit}",
                data.len() + bytes.len()
            )));
        }
        data.extend_from_slice(bytes);
        Ok(())
    })?;
    linker.func_wrap(IC0, "msg_reject", |mut env: Env<'_>, src: u32, size: u32| -> Result<()> {
        let (heap, execution) = heap_and_execution(&mut env, Entry::ANSWERING, "msg_reject")?;
        let message = slice(heap, src.into(), size.into())?;
        unanswered(execution)?;
        if message.len() > execution.facts.reply_limit {
            return Err(violation("ic0.msg_reject: the message is too large"));
        }
        let message = String::from_utf8(message.to_vec())
            .map_err(|_| violation("ic0.msg_reject: the message is not valid UTF-8"))?;
        execution.effects.response = Some(Err(Reject::new(RejectCode::CanisterReject, message)));
        Ok(())
    })?;
    Ok(())
}

fn reply(execution: &mut Execution) -> Result<()> {
    unanswered(execution)?;
    let data = std::mem::take(&mut execution.effects.reply_data);
    execution.effects.response = Some(Ok(data));
    Ok(())
}

fn unanswered(execution: &Execution) -> Result<()> {
    if execution.facts.answered || execution.effects.response.is_some() {
        return Err(violation("the call is already replied"));
    }
    Ok(())
}

fn accept_message(execution: &mut Execution) -> Result<()> {
    if execution.effects.accepted_message {
        return Err(violation("ic0.accept_message: the function was already called"));
    }
    execution.effects.accepted_message = true;
    Ok(())
}

fn define_acceptance(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(IC0, "msg_cycles_accept128", |mut env: Env<'_>, high: u64, low: u64, dst: u32| -> Result<()> {
        let (heap, execution) = heap_and_execution(&mut env, CYCLES, "msg_cycles_accept128")?;
        let accepted = accept(execution, join(high, low));
        write_u128(heap, dst, accepted)
    })?;
    linker.func_wrap(IC0, "msg_cycles_accept", |mut env: Env<'_>, amount: u64| -> Result<u64> {
        let execution = allowed(&mut env, CYCLES, "msg_cycles_accept")?;
        Ok(accept(execution, amount.into()) as u64)
    })?;
    Ok(())
}

/// Moves cycles from the call to the canister, at most those that are left.
fn accept(execution: &mut Execution, amount: u128) -> u128 {
    let effects = &mut execution.effects;
    let accepted = amount.min(effects.cycles_available);
    effects.cycles_available -= accepted;
    effects.cycles_accepted += accepted;
    effects.balance = effects.balance.saturating_add(accepted);
    accepted
}
