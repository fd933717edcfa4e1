//! The kernel's page map of this process (proc_pid_pagemap(5)).

use crate::page::PAGE;
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

/// The page is in memory.
const PRESENT: u64 = 1 << 63;
/// The page is in swap.
const SWAPPED: u64 = 1 << 62;
/// The page belongs to a file or to shared memory: nobody has written to it through a private mapping.
const FILE: u64 = 1 << 61;
/// Bytes of an entry.
const ENTRY: usize = 8;
/// Entries read at once.
const ENTRIES: usize = 8_192;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Adds the numbers of the pages, counted from `address`, of which this process has a copy of its own.
pub(super) fn private_pages(address: usize, pages: usize, found: &mut Vec<usize>) -> io::Result<()> {
    let file = open()?;
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(ENTRY * pages.min(ENTRIES), 0);
        for first in (0..pages).step_by(ENTRIES) {
            let count = (pages - first).min(ENTRIES);
            let buffer = buffer.get_mut(..ENTRY * count).unwrap_or_default();
            file.read_exact_at(buffer, ((address / PAGE + first) * ENTRY) as u64)?;
            for (number, entry) in (first..).zip(buffer.as_chunks().0) {
                let entry = u64::from_ne_bytes(*entry);
                if entry & (PRESENT | SWAPPED) != 0 && entry & FILE == 0 {
                    found.push(number);
                }
            }
        }
        Ok(())
    })
}

/// The page map, opened once; it stays that of the process that opened it, so that a fork of the
/// process opens its own.
fn open() -> io::Result<Arc<File>> {
    static OPEN: Mutex<Option<(u32, Arc<File>)>> = Mutex::new(None);
    let process = std::process::id();
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    match &*open {
        Some((opened_by, file)) if *opened_by == process => Ok(Arc::clone(file)),
        _ => {
            let file = Arc::new(File::open("/proc/self/pagemap")?);
            *open = Some((process, Arc::clone(&file)));
            Ok(file)
        }
    }
}
