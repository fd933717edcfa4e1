//! Access to the heap of the running canister, with pointers of either width.

use crate::execution::Violation;
use std::ops::Range;
use wasmtime::{Result, WasmTy};

/// A pointer or a size: `I` of the interface specification, 32 or 64 bits by the module's memory.
pub(super) trait Pointer: WasmTy + Copy + 'static {
    /// As a number of 64 bits.
    fn wide(self) -> u64;
    /// The size of something on the host; the largest number if it does not fit.
    fn of_size(size: usize) -> Self;
}

impl Pointer for u32 {
    fn wide(self) -> u64 {
        self.into()
    }

    fn of_size(size: usize) -> Self {
        Self::try_from(size).unwrap_or(Self::MAX)
    }
}

impl Pointer for u64 {
    fn wide(self) -> u64 {
        self
    }

    fn of_size(size: usize) -> Self {
        Self::try_from(size).unwrap_or(Self::MAX)
    }
}

pub(super) fn slice<P: Pointer>(heap: &[u8], start: P, size: P) -> Result<&[u8]> {
    range(start, size).and_then(|range| heap.get(range)).ok_or_else(out_of_bounds)
}

pub(super) fn slice_mut<P: Pointer>(heap: &mut [u8], start: P, size: P) -> Result<&mut [u8]> {
    range(start, size).and_then(|range| heap.get_mut(range)).ok_or_else(out_of_bounds)
}

/// Copies a part of `source` to the heap; the part must lie within it.
pub(super) fn copy_out<P: Pointer>(heap: &mut [u8], dst: P, offset: P, size: P, source: &[u8]) -> Result<()> {
    let part = range(offset, size)
        .and_then(|range| source.get(range))
        .ok_or_else(|| super::violation("the copied range lies outside of the data"))?;
    slice_mut(heap, dst, size)?.copy_from_slice(part);
    Ok(())
}

pub(super) fn write_u128<P: Pointer>(heap: &mut [u8], dst: P, value: u128) -> Result<()> {
    let bytes = value.to_le_bytes();
    slice_mut(heap, dst, P::of_size(bytes.len()))?.copy_from_slice(&bytes);
    Ok(())
}

fn range<P: Pointer>(start: P, size: P) -> Option<Range<usize>> {
    let start = usize::try_from(start.wide()).ok()?;
    let size = usize::try_from(size.wide()).ok()?;
    Some(start..start.checked_add(size)?)
}

fn out_of_bounds() -> wasmtime::Error {
    wasmtime::Error::new(Violation::Memory("heap out of bounds"))
}
