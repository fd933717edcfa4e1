//! What things will cost ("Cycle cost calculation").

use super::heap::{Pointer, slice, write_u128};
use super::{Env, IC0, Import, define_u128, violation};
use crate::costs::MeteredOutcall;
use crate::entry::Entry;
use crate::payload;
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

/// What the threshold signature price functions answer for a curve or algorithm that does not exist.
const INVALID_KIND: u32 = 1;
/// What they answer for a key that does not exist; here there are none.
const INVALID_KEY: u32 = 2;

pub(super) fn define<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    let call = Import::new("cost_call", Entry::ALL_AND_START);
    linker.func_wrap(IC0, call.name, move |mut env: Env<'_>, name: u64, payload: u64, dst: P| -> Result<()> {
        let (heap, e) = call.enter_with_heap(&mut env, 0)?;
        let price = e.facts.costs.call(name.saturating_add(payload), &e.facts.limits, e.facts.memory64);
        write_u128(heap, dst, price.total())
    })?;
    define_u128::<P>(linker, Import::new("cost_create_canister", Entry::ALL_AND_START), |e| {
        Ok(e.facts.costs.creation)
    })?;
    define_outcalls::<P>(linker)?;
    define_signatures::<P>(linker)
}

fn define_outcalls<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    let http = Import::new("cost_http_request", Entry::ALL_AND_START);
    linker.func_wrap(IC0, http.name, move |mut env: Env<'_>, request: u64, response: u64, dst: P| -> Result<()> {
        let (heap, e) = http.enter_with_heap(&mut env, 0)?;
        write_u128(heap, dst, e.facts.costs.outcall(request, response))
    })?;
    let http = Import::new("cost_http_request_v2", Entry::ALL_AND_START).costing(10_000);
    linker.func_wrap(IC0, http.name, move |mut env: Env<'_>, src: P, size: P, dst: P| -> Result<()> {
        let (heap, e) = http.enter_with_heap(&mut env, 0)?;
        let outcall: MeteredOutcall = payload::decode(slice(heap, src, size)?)
            .map_err(|error| violation(format!("Failed to decode HttpRequestV2CostParams from Candid: {error}")))?;
        write_u128(heap, dst, e.facts.costs.metered_outcall(&outcall))
    })?;
    Ok(())
}

fn define_signatures<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    // The curves or algorithms of each scheme are numbered from 0.
    for (name, kinds) in [("cost_sign_with_ecdsa", 1), ("cost_sign_with_schnorr", 2), ("cost_vetkd_derive_key", 1)] {
        let import = Import::new(name, Entry::ALL_AND_START);
        linker.func_wrap(IC0, name, move |mut env: Env<'_>, src: P, size: P, kind: u32, _dst: P| -> Result<u32> {
            let (heap, _) = import.enter_with_heap(&mut env, size.wide())?;
            slice(heap, src, size)?;
            Ok(if kind < kinds { INVALID_KEY } else { INVALID_KIND })
        })?;
    }
    Ok(())
}
