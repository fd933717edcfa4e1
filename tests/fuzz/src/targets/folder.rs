//! Folders for what is read from files.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, thread};

/// A temporary folder, which goes when this goes.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> io::Result<Folder> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("cairn-fuzz-{}-{number}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }

    /// A path in it that is this thread's alone.
    pub fn own(&self) -> PathBuf {
        self.0.join(format!("{:?}", thread::current().id()).replace(['(', ')'], ""))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Should it stay, no harm is done.
        let _ = fs::remove_dir_all(&self.0);
    }
}
