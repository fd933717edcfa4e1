//! The canister itself: identity, balance, certified data, timer.

use super::heap::{Pointer, slice, write_u128};
use super::{Env, IC0, Import, blob, define_getter, define_u128, join, principal, violation};
use crate::costs::NODES;
use crate::entry::Entry;
use crate::execution::Violation;
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

const CERTIFYING: Entry =
    Entry::INIT.or(Entry::PRE_UPGRADE).or(Entry::UPDATE).or(Entry::REPLY).or(Entry::REJECT).or(Entry::TASK);
const BURNING: Entry = CERTIFYING.or(Entry::REPLICATED_QUERY).or(Entry::CLEANUP);
const TIMER: Entry = CERTIFYING.or(Entry::CLEANUP);
const CERTIFICATE: Entry = Entry::QUERY.or(Entry::COMPOSITE_QUERY);

/// Bytes of certified data at most ("Certified data").
const MAX_CERTIFIED_DATA: u64 = 32;

pub(super) fn define<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    blob::define::<P>(linker, ["canister_self_size", "canister_self_copy"], Entry::ALL, |e| {
        Ok(e.facts.canister.as_slice())
    })?;
    blob::define::<P>(linker, ["root_key_size", "root_key_copy"], BURNING, |e| Ok(&e.facts.root_key))?;
    blob::define::<P>(linker, ["subnet_self_size", "subnet_self_copy"], Entry::ALL, |e| Ok(e.facts.subnet.as_slice()))?;
    define_getter(linker, Import::new("subnet_self_node_count", Entry::ALL), |_| Ok(NODES))?;
    define_getter(linker, Import::new("canister_status", Entry::ALL), |e| Ok(e.facts.status))?;
    define_getter(linker, Import::new("canister_version", Entry::ALL), |e| Ok(e.facts.version))?;
    define_getter(linker, Import::new("time", Entry::ALL), |e| Ok(e.facts.time))?;
    define_getter(linker, Import::new("in_replicated_execution", Entry::ALL_AND_START), |e| {
        Ok(u32::from(e.facts.replicated))
    })?;
    define_certification::<P>(linker)?;
    define_cycles::<P>(linker)?;
    define_control::<P>(linker)
}

fn define_certification<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    blob::define::<P>(linker, ["data_certificate_size", "data_certificate_copy"], CERTIFICATE, |e| {
        if e.facts.nested {
            return Err(violation("there is no data certificate in a query called by a query"));
        }
        e.facts.certificate.as_deref().ok_or_else(|| wasmtime::Error::new(Violation::CertificateWanted))
    })?;
    define_getter(linker, Import::new("data_certificate_present", Entry::ALL), |e| {
        Ok(u32::from(e.facts.entry.is_in(CERTIFICATE) && !e.facts.nested))
    })?;
    let set = Import::new("certified_data_set", CERTIFYING);
    linker.func_wrap(IC0, set.name, move |mut env: Env<'_>, src: P, size: P| -> Result<()> {
        let (heap, execution) = set.enter_with_heap(&mut env, size.wide())?;
        let found = size.wide();
        if found > MAX_CERTIFIED_DATA {
            return Err(violation(format!(
                "ic0_certified_data_set failed because the passed data must be no larger than {MAX_CERTIFIED_DATA} bytes. Found {found} bytes"
            )));
        }
        let data = slice(heap, src, size)?.to_vec();
        execution.effects.certified_data = Some(data);
        Ok(())
    })?;
    Ok(())
}

fn define_cycles<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    define_u128::<P>(linker, Import::new("canister_cycle_balance128", Entry::ALL), |e| Ok(e.effects.balance))?;
    define_u128::<P>(linker, Import::new("canister_liquid_cycle_balance128", Entry::ALL), |e| Ok(e.liquid()))?;
    let burn = Import::new("cycles_burn128", BURNING);
    linker.func_wrap(IC0, burn.name, move |mut env: Env<'_>, high: u64, low: u64, dst: P| -> Result<()> {
        let (heap, execution) = burn.enter_with_heap(&mut env, 0)?;
        let burned = join(high, low).min(execution.liquid());
        execution.effects.balance -= burned;
        execution.effects.burned += burned;
        write_u128(heap, dst, burned)
    })?;
    // Not of the specification: only the cycles minting canister may call it, and this is no system
    // subnet.
    let mint = Import::new("mint_cycles128", super::calls::PAYING).costing(0);
    linker.func_wrap(IC0, mint.name, move |mut env: Env<'_>, _high: u64, _low: u64, _dst: P| -> Result<()> {
        let id = mint.enter(&mut env, 0)?.facts.canister;
        Err(violation(format!("ic0.mint_cycles128 cannot be executed on non Cycles Minting Canister: {id}")))
    })?;
    Ok(())
}

fn define_control<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    let timer = Import::new("global_timer_set", TIMER);
    linker.func_wrap(IC0, timer.name, move |mut env: Env<'_>, timestamp: u64| -> Result<u64> {
        let execution = timer.enter(&mut env, 0)?;
        Ok(std::mem::replace(&mut execution.effects.timer, timestamp))
    })?;
    let controller = Import::new("is_controller", Entry::ALL_AND_START).costing(1_000);
    linker.func_wrap(IC0, controller.name, move |mut env: Env<'_>, src: P, size: P| -> Result<u32> {
        let (heap, execution) = controller.enter_with_heap(&mut env, size.wide())?;
        let candidate = principal(slice(heap, src, size)?)?;
        Ok(u32::from(execution.facts.controllers.contains(&candidate)))
    })?;
    Ok(())
}
