//! Where the kernel does not help, there are no bases and no regions.

use crate::page::Page;
use std::io;
use std::sync::Arc;

/// There is none.
pub(crate) enum Base {}

/// There is none.
pub(crate) enum Region {}

/// There is none.
pub(crate) enum Creator {}

/// It does not work here.
pub(crate) fn works() -> bool {
    false
}

impl Base {
    pub(crate) fn new(_: usize) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn bytes(&self) -> usize {
        match *self {}
    }

    pub(crate) fn page(&self, _: usize) -> Option<&Page> {
        match *self {}
    }

    pub(crate) fn is_ours(&self) -> bool {
        match *self {}
    }

    pub(crate) fn extend(&mut self, _: usize) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn write(&mut self, _: usize, _: &[u8]) -> io::Result<()> {
        match *self {}
    }
}

impl Region {
    pub(crate) fn resize(&self, _: usize) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn map(&self, _: Option<&Base>) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn forget(&self, _: usize, _: usize) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn private_pages(&self, _: &mut Vec<usize>) -> io::Result<()> {
        match *self {}
    }
}

impl Creator {
    pub(crate) fn created(_: *mut u8) -> Option<Arc<Region>> {
        None
    }
}
