//! What things will cost ("Cycle cost calculation").

use super::heap::{Pointer, slice, write_u128};
use super::{Env, IC0, Import, define_u128};
use crate::entry::Entry;
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

/// What the threshold signature price functions answer for a key that does not exist here.
const INVALID_KEY: u32 = 2;

pub(super) fn define<P: Pointer>(linker: &mut Linker<Host>) -> Result<()> {
    let call = Import::new("cost_call", Entry::ALL_AND_START);
    linker.func_wrap(IC0, call.name, move |mut env: Env<'_>, name: u64, payload: u64, dst: P| -> Result<()> {
        let (heap, e) = call.enter_with_heap(&mut env, 0)?;
        write_u128(heap, dst, e.facts.costs.call_price(name, payload))
    })?;
    define_u128::<P>(linker, Import::new("cost_create_canister", Entry::ALL_AND_START), |e| {
        Ok(e.facts.costs.creation)
    })?;
    // Calls that leave the network are not offered, so they have no price.
    let http = Import::new("cost_http_request", Entry::ALL_AND_START);
    linker.func_wrap(IC0, http.name, move |mut env: Env<'_>, _request: u64, _response: u64, dst: P| -> Result<()> {
        let (heap, _) = http.enter_with_heap(&mut env, 0)?;
        write_u128(heap, dst, 0)
    })?;
    let http = Import::new("cost_http_request_v2", Entry::ALL_AND_START).costing(10_000);
    linker.func_wrap(IC0, http.name, move |mut env: Env<'_>, _src: P, _size: P, dst: P| -> Result<()> {
        let (heap, _) = http.enter_with_heap(&mut env, 0)?;
        write_u128(heap, dst, 0)
    })?;
    for name in ["cost_sign_with_ecdsa", "cost_sign_with_schnorr", "cost_vetkd_derive_key"] {
        let import = Import::new(name, Entry::ALL_AND_START);
        linker.func_wrap(IC0, name, move |mut env: Env<'_>, src: P, size: P, _kind: u32, _dst: P| -> Result<u32> {
            let (heap, _) = import.enter_with_heap(&mut env, size.wide())?;
            slice(heap, src, size)?;
            Ok(INVALID_KEY)
        })?;
    }
    Ok(())
}
