//! A heap that forgets: private content must be erasable, and what was freed or returned from is still there otherwise.
//!
//! A canister that handles openings makes [`WIPING`] its global allocator, and calls [`wipe_stack`] at the end of a
//! message in which it held one. Node operators could read the memory while it is in use; afterwards there is nothing.

use std::alloc::System;
use zeroizing_alloc::ZeroAlloc;

/// The allocator that overwrites with zeros what is freed.
pub type Wiping = ZeroAlloc<System>;

/// For `#[global_allocator]`.
pub const WIPING: Wiping = ZeroAlloc(System);

/// Bytes of the stack that are overwritten: more than our deepest calls need, less than the stack has.
const STACK: usize = 256 * 1024;

/// Overwrites what calls that have returned left behind on the stack. The caller's own frame stays as it is: what is to
/// be forgotten must have happened in a call, not inlined.
#[inline(never)]
pub fn wipe_stack() {
    let mut stack = [0_u8; STACK];
    std::hint::black_box(&mut stack);
}
