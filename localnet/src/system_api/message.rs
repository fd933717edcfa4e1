//! The message being executed: argument, caller, answer, cycles, inspection.

use super::heap::{Pointer, slice, write_u128};
use super::{Env, IC0, Import, blob, define_action, define_getter, define_u128, join, violation};
use crate::entry::Entry;
use crate::execution::Execution;
use crate::reject::{Reject, RejectCode};
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

const ARGUMENT: Entry = Entry::INIT
    .or(Entry::UPDATE)
    .or(Entry::REPLICATED_QUERY)
    .or(Entry::QUERY)
    .or(Entry::TRANSFORM)
    .or(Entry::COMPOSITE_QUERY)
    .or(Entry::REPLY)
    .or(Entry::COMPOSITE_REPLY)
    .or(Entry::INSPECT);
const CALLER_INFO: Entry = Entry::UPDATE
    .or(Entry::REPLICATED_QUERY)
    .or(Entry::QUERY)
    .or(Entry::COMPOSITE_QUERY)
    .or(Entry::REPLY)
    .or(Entry::REJECT)
    .or(Entry::COMPOSITE_REPLY)
    .or(Entry::COMPOSITE_REJECT)
    .or(Entry::CLEANUP)
    .or(Entry::COMPOSITE_CLEANUP)
    .or(Entry::INSPECT);
const REJECTION: Entry = Entry::REJECT.or(Entry::COMPOSITE_REJECT);
const CODE: Entry = REJECTION.or(Entry::REPLY).or(Entry::COMPOSITE_REPLY).or(Entry::CLEANUP);
pub(super) const CYCLES: Entry = Entry::UPDATE.or(Entry::REPLICATED_QUERY).or(Entry::REPLY).or(Entry::REJECT);
pub(super) const REFUND: Entry = Entry::REPLY.or(Entry::REJECT);

/// What a byte of an answer or of a call's argument costs: it is carried from the canister to the
/// network.
pub(super) const CARRIED_BYTE: u64 = 50;

pub(super) fn define<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    blob::define::<P>(linker, ["msg_arg_data_size", "msg_arg_data_copy"], ARGUMENT, |e| Ok(&e.facts.arg))?;
    blob::define::<P>(linker, ["msg_caller_size", "msg_caller_copy"], Entry::ALL, |e| Ok(e.facts.caller.as_slice()))?;
    // Signed attributes of the sender: this network has no issuers of them.
    let info = ["msg_caller_info_data_size", "msg_caller_info_data_copy"];
    blob::define::<P>(linker, info, CALLER_INFO, |_| Ok(&[]))?;
    let signer = ["msg_caller_info_signer_size", "msg_caller_info_signer_copy"];
    blob::define::<P>(linker, signer, CALLER_INFO, |_| Ok(&[]))?;
    blob::define::<P>(linker, ["msg_reject_msg_size", "msg_reject_msg_copy"], REJECTION, |e| {
        let message = e.facts.reject.as_ref().map(|reject| reject.message.as_bytes());
        Ok(message.unwrap_or_default())
    })?;
    let method = ["msg_method_name_size", "msg_method_name_copy"];
    blob::define::<P>(linker, method, Entry::INSPECT, |e| Ok(e.facts.method.as_bytes()))?;
    define_getter(linker, Import::new("msg_reject_code", CODE), |e| {
        Ok(e.facts.reject.as_ref().map_or(0, |reject| reject.code.number()))
    })?;
    define_getter(linker, Import::new("msg_deadline", Entry::ANSWERING), |e| Ok(e.facts.deadline))?;
    define_action(linker, Import::new("accept_message", Entry::INSPECT), accept_message)?;
    define_answer::<P>(linker)?;
    define_cycles::<P>(linker)
}

fn define_answer<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    let append = Import::new("msg_reply_data_append", Entry::ANSWERING);
    linker.func_wrap(IC0, append.name, move |mut env: Env<'_>, src: P, size: P| -> Result<()> {
        let (heap, execution) = append.enter_with_heap(&mut env, size.wide().saturating_mul(CARRIED_BYTE))?;
        append_reply(execution, slice(heap, src, size)?)
    })?;
    let reject = Import::new("msg_reject", Entry::ANSWERING);
    linker.func_wrap(IC0, reject.name, move |mut env: Env<'_>, src: P, size: P| -> Result<()> {
        let (heap, execution) = reject.enter_with_heap(&mut env, size.wide().saturating_mul(CARRIED_BYTE))?;
        reject_call(execution, slice(heap, src, size)?)
    })?;
    define_action(linker, Import::new("msg_reply", Entry::ANSWERING), reply)
}

fn append_reply(execution: &mut Execution, bytes: &[u8]) -> Result<()> {
    unanswered(execution)?;
    let limit = execution.facts.reply_limit;
    let data = &mut execution.effects.reply_data;
    let size = data.len() + bytes.len();
    if size > limit {
        return Err(violation(format!(
            "ic0.msg_reply_data_append: application payload size ({size}) cannot be larger than {limit}"
        )));
    }
    data.extend_from_slice(bytes);
    Ok(())
}

fn reject_call(execution: &mut Execution, message: &[u8]) -> Result<()> {
    unanswered(execution)?;
    if message.len() > execution.facts.reply_limit {
        return Err(violation("ic0.msg_reject: the message is too large"));
    }
    let message =
        String::from_utf8(message.to_vec()).map_err(|_| violation("ic0.msg_reject: the message is not valid UTF-8"))?;
    execution.effects.response = Some(Err(Reject::new(RejectCode::CanisterReject, message)));
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

fn define_cycles<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    define_u128::<P>(linker, Import::new("msg_cycles_available128", CYCLES), |e| Ok(available(e)))?;
    define_u128::<P>(linker, Import::new("msg_cycles_refunded128", REFUND), |e| Ok(e.facts.cycles_refunded))?;
    let import = Import::new("msg_cycles_accept128", CYCLES);
    linker.func_wrap(IC0, import.name, move |mut env: Env<'_>, high: u64, low: u64, dst: P| -> Result<()> {
        let (heap, execution) = import.enter_with_heap(&mut env, 0)?;
        let accepted = accept(execution, join(high, low));
        write_u128(heap, dst, accepted)
    })?;
    Ok(())
}

/// Cycles of the call that can still be accepted: once it is answered, they are on their way back.
pub(super) fn available(execution: &Execution) -> u128 {
    if execution.effects.response.is_some() { 0 } else { execution.effects.cycles_available }
}

/// Moves cycles from the call to the canister, at most those that are left.
pub(super) fn accept(execution: &mut Execution, amount: u128) -> u128 {
    let accepted = amount.min(available(execution));
    let effects = &mut execution.effects;
    effects.cycles_available -= accepted;
    effects.cycles_accepted += accepted;
    effects.balance = effects.balance.saturating_add(accepted);
    accepted
}
