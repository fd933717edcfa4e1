//! Bases: heaps in memory files, shared by all instances that began there.

use crate::page::{PAGE, Page};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::pwrite;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// A heap in a memory file. Pages that were never written hold zeros and take no memory.
pub(crate) struct Base {
    file: OwnedFd,
    contents: Contents,
    /// The process that made it: after a fork of the process both sides share the file.
    process: u32,
    _place: Place,
}

/// Bases of this process at most: each is an open file, and the embedder needs some too.
const MAX_BASES: u64 = 400;
static BASES: AtomicU64 = AtomicU64::new(0);

/// One of them.
struct Place;

impl Place {
    fn take() -> io::Result<Self> {
        let place = Self;
        if BASES.fetch_add(1, Ordering::Relaxed) < MAX_BASES {
            return Ok(place);
        }
        Err(io::ErrorKind::QuotaExceeded.into())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        BASES.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Base {
    /// A base of zeros, unless there are too many.
    pub(crate) fn new(bytes: usize) -> io::Result<Self> {
        let place = Place::take()?;
        let file = memfd_create("localnet-heap", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, bytes as u64)?;
        let contents = Contents::of(file.as_fd(), bytes)?;
        Ok(Self { file, contents, process: std::process::id(), _place: place })
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> usize {
        self.contents.bytes
    }

    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// A page within the base.
    pub(crate) fn page(&self, number: usize) -> Option<&Page> {
        self.contents.bytes().as_chunks().0.get(number)
    }

    /// Whether nobody else can see it change.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// Makes it larger.
    pub(crate) fn extend(&mut self, bytes: usize) -> io::Result<()> {
        if bytes > self.contents.bytes {
            ftruncate(&self.file, bytes as u64)?;
            self.contents = Contents::of(self.file.as_fd(), bytes)?;
        }
        Ok(())
    }

    /// Writes a page within the base.
    pub(crate) fn write(&mut self, number: usize, mut page: &[u8]) -> io::Result<()> {
        let mut offset = number * PAGE;
        while !page.is_empty() {
            let written = pwrite(&self.file, page, offset as u64)?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            offset += written;
            page = page.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

/// The file as this process reads it.
struct Contents {
    start: NonNull<u8>,
    bytes: usize,
}

impl Contents {
    #[allow(unsafe_code)]
    fn of(file: BorrowedFd<'_>, bytes: usize) -> io::Result<Self> {
        if bytes == 0 {
            return Ok(Self { start: NonNull::dangling(), bytes });
        }
        // SAFETY: the kernel chooses the place, so that nothing that exists is affected.
        let start = unsafe { mmap(std::ptr::null_mut(), bytes, ProtFlags::READ, MapFlags::SHARED, file, 0)? };
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, bytes })
    }

    #[allow(unsafe_code)]
    fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping lives as long as `self`, and the file is never made smaller. The file
        // changes only through `Base::write`, whose `&mut self` excludes this borrow.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }
}

impl Drop for Contents {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        if self.bytes > 0 {
            // SAFETY: the mapping is ours, and nothing borrows it any more.
            let _ = unsafe { munmap(self.start.as_ptr().cast(), self.bytes) };
        }
    }
}

// SAFETY: the mapping is plain memory that is only read; see `Contents::bytes`.
#[allow(unsafe_code)]
unsafe impl Send for Contents {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Contents {}
