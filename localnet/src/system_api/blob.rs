//! Pairs of functions that hand a string of bytes to the canister ("Blob-typed arguments and results").

use super::heap::{Pointer, copy_out};
use super::{Env, IC0, Import};
use crate::entry::Entry;
use crate::execution::Execution;
use crate::sandbox::Host;
use wasmtime::{Linker, Result};

/// Defines the functions `NAME_size` and `NAME_copy`, given by these names.
pub(super) fn define<P: Pointer>(
    linker: &mut Linker<Host>,
    [size, copy]: [&'static str; 2],
    entries: Entry,
    get: fn(&Execution) -> Result<&[u8]>,
) -> Result<()> {
    let (size, copy) = (Import::new(size, entries), Import::new(copy, entries));
    linker.func_wrap(IC0, size.name, move |mut env: Env<'_>| -> Result<P> {
        let blob = get(size.enter(&mut env, 0)?)?;
        Ok(P::of_size(blob.len()))
    })?;
    linker.func_wrap(IC0, copy.name, move |mut env: Env<'_>, dst: P, offset: P, len: P| -> Result<()> {
        let (heap, execution) = copy.enter_with_heap(&mut env, len.wide())?;
        copy_out(heap, dst, offset, len, get(execution)?)
    })?;
    Ok(())
}
