//! Heaps that the kernel helps with: bases in memory files, mapped copy-on-write, and the kernel's
//! page map, which says what an instance has written to.
//!
//! Only Linux has both, and not in every sandbox: [`works`] tries it once. Elsewhere heaps have no base
//! and instances are compared as a whole.

#[cfg(not(target_os = "linux"))]
mod absent;
#[cfg(target_os = "linux")]
mod base;
#[cfg(target_os = "linux")]
mod page_map;
#[cfg(target_os = "linux")]
mod region;

#[cfg(not(target_os = "linux"))]
pub(crate) use absent::{Base, Creator, Region, works};
#[cfg(target_os = "linux")]
pub(crate) use base::Base;
#[cfg(target_os = "linux")]
pub(crate) use region::{Creator, Region};

/// Whether private copies of mapped pages can be told from the page map here.
#[cfg(target_os = "linux")]
pub(crate) fn works() -> bool {
    static WORKS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *WORKS.get_or_init(|| rustix::param::page_size() == crate::page::PAGE && attempt().unwrap_or(false))
}

/// A base of three pages; one is read, one written, one left alone; one page beyond it is written.
#[cfg(target_os = "linux")]
fn attempt() -> std::io::Result<bool> {
    use crate::page::PAGE;
    let mut base = Base::new(3 * PAGE)?;
    base.write(0, &[7; PAGE])?;
    let region = Region::reserve(8 * PAGE)?;
    region.resize(5 * PAGE)?;
    region.map(Some(&base))?;
    let read = region.read_byte(0) == Some(7);
    region.write_byte(PAGE, 1);
    region.write_byte(4 * PAGE, 1);
    let mut private = Vec::new();
    region.private_pages(&mut private)?;
    Ok(read && private == [1, 4] && base.page(1) == Some(&crate::page::ZERO))
}
