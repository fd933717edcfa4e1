//! Regions: address space that holds one linear memory.

use super::{Base, page_map};
use crate::page::PAGE;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, munmap};
use std::cell::RefCell;
use std::ffi::c_void;
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// Bytes of address space kept for a 64-bit memory: more than the network lets it grow to ("Limits").
const MEMORY64_RESERVATION: usize = 6 << 30;

/// Address space, readable and writable at its start, without access beyond. The start may be a
/// private mapping of a base.
pub(crate) struct Region {
    start: NonNull<u8>,
    reserved: usize,
    bytes: AtomicUsize,
}

impl Region {
    /// Address space of so many bytes; no memory yet.
    #[allow(unsafe_code)]
    pub(super) fn reserve(bytes: usize) -> io::Result<Self> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: the kernel chooses the place, so that nothing that exists is affected.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), bytes, ProtFlags::empty(), flags)? };
        without_huge_pages(start, bytes);
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, reserved: bytes, bytes: AtomicUsize::new(0) })
    }

    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The place of a range, if it lies within the region.
    fn place(&self, offset: usize, bytes: usize) -> io::Result<*mut c_void> {
        let end = offset.checked_add(bytes);
        if !offset.is_multiple_of(PAGE) || end.is_none_or(|end| end > self.reserved) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(self.start.as_ptr().wrapping_add(offset).cast())
    }

    /// Makes memory larger, with zeros, or smaller. Whoever keeps its size elsewhere must be told.
    #[allow(unsafe_code)]
    pub(crate) fn resize(&self, bytes: usize) -> io::Result<()> {
        let now = self.bytes();
        if bytes > now {
            let place = self.place(now, bytes - now)?;
            // SAFETY: the range lies in our own address space, where there was no access before.
            unsafe { mprotect(place, bytes - now, MprotectFlags::READ | MprotectFlags::WRITE)? };
        } else if bytes < now {
            self.replace(bytes, now - bytes, ProtFlags::empty())?;
        }
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Fresh zeros in place of what was there.
    #[allow(unsafe_code)]
    fn replace(&self, offset: usize, bytes: usize, access: ProtFlags) -> io::Result<()> {
        if bytes > 0 {
            let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
            let place = self.place(offset, bytes)?;
            // SAFETY: the range lies in our own address space. Nobody borrows its contents: a live
            // memory is changed only by its sandbox, between executions.
            let start = unsafe { mmap_anonymous(place, bytes, access, flags)? };
            without_huge_pages(start, bytes);
        }
        Ok(())
    }

    /// Puts a base in place of all contents, and zeros after it.
    #[allow(unsafe_code)]
    pub(crate) fn map(&self, base: Option<&Base>) -> io::Result<()> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let mapped = base.map_or(0, |base| base.bytes().min(self.bytes()));
        if let (Some(base), 1..) = (base, mapped) {
            let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
            let place = self.place(0, mapped)?;
            // SAFETY: the range lies in our own address space, and nobody borrows its contents.
            unsafe { mmap(place, mapped, access, flags, base.file(), 0)? };
        }
        self.replace(mapped, self.bytes() - mapped, access)
    }

    /// Drops this region's own copies of pages: they show the base again, or zeros.
    #[allow(unsafe_code)]
    pub(crate) fn forget(&self, first: usize, pages: usize) -> io::Result<()> {
        let place = self.place(first * PAGE, pages * PAGE)?;
        // SAFETY: the range lies in our own address space, and nobody borrows its contents.
        unsafe { madvise(place, pages * PAGE, Advice::LinuxDontNeed)? };
        Ok(())
    }

    /// Adds the numbers of the pages that are this region's own copies: all it has written to, and
    /// perhaps some more.
    pub(crate) fn private_pages(&self, found: &mut Vec<usize>) -> io::Result<()> {
        page_map::private_pages(self.start.as_ptr().addr(), self.bytes() / PAGE, found)
    }

    /// Reads a byte, for [`super::works`].
    #[allow(unsafe_code)]
    pub(super) fn read_byte(&self, offset: usize) -> Option<u8> {
        // SAFETY: within the accessible part.
        (offset < self.bytes()).then(|| unsafe { self.start.as_ptr().add(offset).read_volatile() })
    }

    /// Writes a byte, for [`super::works`].
    #[allow(unsafe_code)]
    pub(super) fn write_byte(&self, offset: usize, byte: u8) {
        if offset < self.bytes() {
            // SAFETY: within the accessible part, which nobody else knows of.
            unsafe { self.start.as_ptr().add(offset).write_volatile(byte) };
        }
    }
}

/// Of a huge page all would count as written to when one byte was. Advice may be refused.
#[allow(unsafe_code)]
fn without_huge_pages(start: *mut c_void, bytes: usize) {
    // SAFETY: the caller has just mapped the range; advice does not change its contents.
    let _ = unsafe { madvise(start, bytes, Advice::LinuxNoHugepage) };
}

impl Drop for Region {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the address space is ours; the memory that used it is gone.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.reserved) };
    }
}

// SAFETY: a region is plain memory. Its contents are reached only through the wasmtime store that
// owns the linear memory; what is done here beside that store is done by the sandbox that holds it.
#[allow(unsafe_code)]
unsafe impl Send for Region {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Region {}

/// A region as wasmtime's linear memory.
struct Memory {
    region: Arc<Region>,
    /// The region without its guard.
    capacity: usize,
}

// SAFETY: the region is page aligned and never moves; beyond its size there is no access, up to the
// end of the reservation, which includes the guard.
#[allow(unsafe_code)]
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.region.bytes()
    }

    fn byte_capacity(&self) -> usize {
        self.capacity
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        if new_size > self.capacity {
            return Err(wasmtime::Error::msg("the memory is larger than its address space"));
        }
        Ok(self.region.resize(new_size)?)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.region.start.as_ptr()
    }
}

/// Gives instances their regions.
pub(crate) struct Creator;

thread_local! {
    static CREATED: RefCell<Option<Arc<Region>>> = const { RefCell::new(None) };
}

impl Creator {
    /// The region that begins here, if this thread has just created it.
    pub(crate) fn created(start: *mut u8) -> Option<Arc<Region>> {
        CREATED.take().filter(|region| region.start.as_ptr() == start)
    }
}

// SAFETY: every memory has the reservation and the guard it was asked for.
#[allow(unsafe_code)]
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        ty: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let wanted = match ty.is_64() {
            true => maximum.unwrap_or(usize::MAX).min(MEMORY64_RESERVATION),
            false => 0,
        };
        let capacity = reserved.unwrap_or(0).max(wanted).max(minimum);
        let create = || {
            let region = Arc::new(Region::reserve(capacity.checked_add(guard).ok_or(io::ErrorKind::OutOfMemory)?)?);
            region.resize(minimum)?;
            io::Result::Ok(region)
        };
        let region = create().map_err(|error| format!("no address space for a memory: {error}"))?;
        CREATED.set(Some(Arc::clone(&region)));
        Ok(Box::new(Memory { region, capacity }))
    }
}
